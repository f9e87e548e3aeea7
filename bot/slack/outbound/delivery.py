"""One answer on its way into Slack: parent, progress, thread, end. It is never lost, and always ends.

Where the bot may not post, or others read along, the asker gets the whole answer alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.access import not_a_member
from bot.slack.blockkit import messages
from bot.slack.blockkit.blocks import Message
from bot.slack.conversation_ref import ConversationRef, load
from bot.slack.outbound.ephemeral import LONGEST, Aside, arguments, named
from bot.slack.outbound.rate_limit import RateLimit
from bot.slack.transport.client import FAILURES, Slack, error_code, may_pass, noted, part, retry_after
from commands.reply import Progress, Reply

log = logging.getLogger("mailflow.slack")

QUIET = 3.0  # no progress before: most answers are there by then
EVERY = 1.0  # seconds between two edits of one message
_PATIENCE = 4.0  # for one progress edit
_NOT_A_MEMBER = ("channel_not_found", "not_in_channel")  # Slack says the first of private channels
_APART = "The answer is in a message of its own: Slack did not let me edit this one."

Posted = Callable[[str], Awaitable[None]]


class Undelivered(Exception):
    """Nobody was told."""


class _NotYet(Exception):
    """Slack still fails at the first thing that is asked of it."""


class _Message(NamedTuple):
    """A message of ours. A timestamp stays a string: as a float it would lose digits."""

    channel: str
    ts: str

    def __bool__(self) -> bool:
        return bool(self.ts)


async def _nobody(_parent: str) -> None:
    pass


class Delivery:
    """`begin`, any number of `tell`, then `finish`, or `give_up` when there is no answer.

    `alone` says why the answer is for the asker alone, `posted` is told the parent's timestamp. What Slack took stays: a
    `finish` that is called again goes on from there (bot/slack/outage.py).
    """

    def __init__(
        self,
        slack: Slack,
        place: ConversationRef,
        rate_limit: RateLimit,
        *,
        alone: str = "",
        buttons: bool = True,
        posted: Posted = _nobody,
    ) -> None:
        self._slack = slack
        self._place = place
        self._rate_limit = rate_limit
        self._aside = Aside(slack, place)
        self._buttons = buttons
        self._posted = posted
        self._parent = _Message(place.channel, place.parent)
        self._alone = self._hint = alone
        self._begun = False
        self._latest: Progress | None = None
        self._over = asyncio.Event()
        self._editor: asyncio.Task[None] | None = None
        self._in_doubt = False
        self._shown = False  # the verdict stands, or the first message of an answer among others
        self._replies = 0  # messages below it that stand
        self._delivered = False
        self._again = False
        self._passing = False
        self._left: Callable[[], Awaitable[None]] | None = None  # what brings a parent to its end that still says "Running"

    @property
    def unfinished(self) -> bool:
        """Slack has not taken the answer, and may later: it failed, but did not refuse."""
        return self._passing and not self._delivered

    @property
    def left_running(self) -> bool:
        """The answer is out, and its parent still says that it is under way: `end_parent` may work later."""
        return self._delivered and self._left is not None

    def address(self, *, asked: bool) -> str:
        """Where this answer stands, for what comes back later; "" where nothing could come back to.

        `asked`: this person asks for what comes then, so it says so under it.
        """
        place = self._place if asked else replace(self._place, line="")
        return "" if self._hint else place.lasting(self._parent.ts)

    async def begin(self, over: Callable[[], bool] = lambda: False) -> None:
        """Post the parent. Where that is not to be had, tell the asker at once that the answer comes to them alone.

        Nothing is posted if, when it is this answer's turn in a crowded channel, the work is `over`.
        """
        if self._begun:
            return
        self._begun = True
        message = messages.working(self._place.line)
        if not self._parent and not self._hint:
            await self._post_parent(message, over)
        if self._hint:
            await self._aside.send(messages.sentence(f"{message.text}\n{self._hint}"))
        elif self._parent:
            self._editor = asyncio.create_task(self._edit_progress(), name="progress")

    def tell(self, progress: Progress) -> None:
        """The newest state; what has not been shown before it is dropped."""
        self._latest = progress

    async def finish(self, reply: Reply, *, again: bool = False) -> bool:
        """The answer, whole; whether Slack took it in one way or another. `again`: only as far as the first failure."""
        self._over.set()
        self._attempt(again=again)
        try:
            self._left = None
            self._delivered = await self._deliver(reply)
        except _NotYet:
            pass
        return self._delivered

    async def give_up(self, sentence: str, *, again: bool = False) -> bool:
        """Instead of an answer; whether Slack took it. Never raises: it is what is done when all else failed."""
        self._attempt(again=again)
        message = messages.sentence(sentence)
        try:
            async with asyncio.timeout(2 * _PATIENCE):
                await self._editor_ended()
                if self._parent:
                    await self._edit(self._slack.no_retry, message)
                    self._delivered, self._left = True, None
                    return True
        except FAILURES as error:
            log.warning("the parent could not be closed: %s", named(error))
            if may_pass(error):
                self._passing, self._left = True, lambda: self._final_edit(message)
        if not (again and self._passing):
            self._delivered = await self._aside.send(message)
            self._passing |= self._aside.passing
        return self._delivered

    def _attempt(self, *, again: bool) -> None:
        self._again, self._passing = again, False
        if again:
            self._hint = self._alone

    async def _deliver(self, reply: Reply) -> bool:
        if reply.audience == "nobody":
            await self._withdraw()
            return True
        if reply.audience == "asker" and not (self._place.direct and not self._hint):
            await self._withdraw()
            return await self._privately(reply)
        if self._hint:
            await self._withdraw()
        else:
            await (self._inline(reply) if self._place.inline else self._in_a_thread(reply))
        return await self._privately(reply) if self._hint else True

    async def end_parent(self) -> None:
        """Once more what Slack failed at. Never raises but when cancelled."""
        if self._left is not None:
            try:
                await self._left()
            except FAILURES as error:
                if may_pass(error):
                    return
            self._left = None

    # ---- in the open

    async def _in_a_thread(self, reply: Reply) -> None:
        """Thread and parent. Each is tried whatever became of the other; `_hint` says that something is missing.

        A parent that waits is concluded last, so that whoever reads the verdict finds its reasons below.
        """
        verdict = messages.parent(reply, self._place.line, self._place.user)
        if not self._parent:
            await self._post_parent(verdict)
            if not self._parent:
                return
            self._shown = True
        await self._below(messages.thread(reply), self._parent.ts)
        if not self._shown:
            await self._concluded(verdict)

    async def _inline(self, reply: Reply) -> None:
        """In somebody's thread, or in a direct message, one after the other; the first takes the place of what waited."""
        first, *rest = messages.inline(reply, self._place.line, "" if self._place.direct else self._place.user)
        if not self._shown:
            if self._parent:
                await self._concluded(first)
            else:
                await self._post_parent(first)
                self._shown = bool(self._parent)
        if not self._hint:
            await self._below(rest, self._place.thread)

    async def _below(self, messages: Sequence[Message], thread: str) -> None:
        """What stands already is not posted again."""
        try:
            for message in messages[self._replies :]:
                await self._post(message, thread)
                self._replies += 1
        except FAILURES as error:
            self._hint = self._why_private(error)

    # ---- the parent

    async def _post_parent(self, message: Message, over: Callable[[], bool] = lambda: False) -> None:
        try:
            async with self._rate_limit.turn(self._place.channel):
                if over():
                    return
                self._parent = await post(self._slack, self._place.channel, message, self._place.thread)
        except FAILURES as error:
            self._hint = self._why_private(error)
        else:
            await self._posted(self._parent.ts)

    async def _edit_progress(self) -> None:
        """At most an edit a second, the newest state only. A refused or lost edit is skipped: the next says more."""
        shown, wait = None, QUIET
        while not await _within(self._over, wait):
            wait = EVERY
            if (latest := self._latest) is shown or not self._rate_limit.may_show_progress():
                continue
            try:
                async with asyncio.timeout(_PATIENCE):
                    message = messages.working(self._place.line, latest)
                    await self._edit(self._slack.no_retry, message)
                shown = latest
            except FAILURES as error:
                wait = max(EVERY, retry_after(error))
                self._in_doubt = self._in_doubt or not error_code(error)

    async def _editor_ended(self) -> None:
        """No progress may arrive after the end."""
        self._over.set()
        if self._editor is not None:
            await asyncio.wait({self._editor})

    async def _concluded(self, message: Message) -> None:
        """The parent's last edit; a message that stands apart is better than none."""
        await self._editor_ended()
        try:
            try:
                await self._final_edit(message)
                if self._in_doubt:
                    # an edit that we stopped waiting for may still be applied by Slack, over the verdict
                    await asyncio.sleep(_PATIENCE)
                    await self._final_edit(message)
            except FAILURES as error:
                # deleted, too old to edit, or Slack fails
                log.warning("the parent could not be edited: %s", named(error))
                if self._failed(error):
                    self._left = lambda: self._final_edit(message)
                await self._post(message, self._place.thread)
                if self._left is not None:
                    self._left = lambda: self._final_edit(messages.sentence(_APART))
            self._shown = True
        except FAILURES as error:
            self._hint = self._why_private(error)

    async def _withdraw(self) -> None:
        """Take the parent back: the answer is for the asker alone."""
        await self._editor_ended()
        if not self._parent:
            return
        try:
            await self._delete_parent()
        except FAILURES as error:
            noted("chat.delete", error)
            log.warning("the parent could not be deleted: %s", named(error))
            if may_pass(error):
                self._passing, self._left = True, self._delete_parent

    async def _delete_parent(self) -> None:
        async with asyncio.timeout(LONGEST):
            await self._slack.retrying.chat_delete(channel=self._parent.channel, ts=self._parent.ts)

    # ---- single messages

    async def _post(self, message: Message, thread: str = "") -> _Message:
        async with self._rate_limit.turn(self._place.channel):
            return await post(self._slack, self._parent.channel or self._place.channel, message, thread)

    async def _final_edit(self, message: Message) -> None:
        await self._rate_limit.final()
        try:
            await self._edit(self._slack.retrying, message)
        except FAILURES as error:
            if may_pass(error):
                self._rate_limit.failed()
            raise

    async def _edit(self, client: AsyncWebClient, message: Message) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                await client.chat_update(channel=self._parent.channel, ts=self._parent.ts, **arguments(message))
        except FAILURES as error:
            noted("chat.update", error)
            raise

    async def _privately(self, reply: Reply) -> bool:
        """For the asker's eyes alone."""
        sent = await self._aside.send(*messages.private(reply, self._aside.left, self._hint, buttons=self._buttons))
        self._passing |= self._aside.passing
        return sent

    def _failed(self, error: Exception) -> bool:
        """Whether it may pass. Raises _NotYet where the answer is offered once more, and Slack fails still."""
        if not may_pass(error):
            return False
        self._passing = True
        if self._again:
            raise _NotYet
        return True

    def _why_private(self, error: Exception) -> str:
        self._failed(error)
        code = error_code(error)
        log.info("posting failed, answering the asker alone: %s", named(error))
        if code in _NOT_A_MEMBER and not self._place.direct:
            return not_a_member(self._slack)
        return f"Slack did not let me post here ({code or 'no answer'}), so only you see this."


async def post(slack: Slack, channel: str, message: Message, thread: str = "") -> _Message:
    """One message that must arrive. Raises one of FAILURES."""
    try:
        async with asyncio.timeout(LONGEST):
            posted = await slack.retrying.chat_postMessage(
                channel=channel, thread_ts=thread or None, unfurl_links=False, unfurl_media=False, **arguments(message)
            )
        return _Message(part(posted, "channel", str), part(posted, "ts", str))
    except FAILURES as error:
        noted("chat.postMessage", error)
        raise


async def replace_message(slack: Slack, rate_limit: RateLimit, channel: str, ts: str, message: Message) -> None:
    """A message of ours as it is from now on; what cannot be edited stays. Never raises but when cancelled."""
    await rate_limit.final()
    try:
        async with asyncio.timeout(LONGEST):
            await slack.retrying.chat_update(channel=channel, ts=ts, **arguments(message))
    except FAILURES as error:
        noted("chat.update", error)
        log.warning("used buttons could not be taken away: %s", named(error))


def news_for(slack: Slack, rate_limit: RateLimit, place: str, *, alone: str = "") -> Delivery:
    """For later news of a place that `Delivery.address` gave: into its thread, else to the asker alone.

    Raises ValueError for a place that is none.
    """
    return Delivery(slack, load(place), rate_limit, alone=alone, buttons=not alone)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set in that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
