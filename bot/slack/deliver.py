"""One answer on its way into Slack: parent, progress, thread, end. It is never lost, and always ends.

Where the bot may not post, or others read along, the asker gets the whole answer alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import blocks
from bot.slack.aside import LONGEST, Aside, arguments, named
from bot.slack.client import FAILURES, Slack, error_code, noted, retry_after
from bot.slack.identity import not_a_member
from bot.slack.pace import Pace
from bot.slack.pieces import Message
from bot.slack.place import Place, load
from commands.reply import Progress, Reply

log = logging.getLogger("mailflow.slack")

QUIET = 3.0  # no progress before: most answers are there by then
EVERY = 1.0  # seconds between two edits of one message
_PATIENCE = 4.0  # for one progress edit
_NOT_A_MEMBER = ("channel_not_found", "not_in_channel")  # Slack says the first of private channels

Posted = Callable[[str], Awaitable[None]]


class Undelivered(Exception):
    """Nobody was told."""


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

    `alone` says why the answer is for the asker alone, `posted` is told the parent's timestamp.
    """

    def __init__(
        self, slack: Slack, place: Place, pace: Pace, *, alone: str = "", buttons: bool = True, posted: Posted = _nobody
    ) -> None:
        self._slack = slack
        self._place = place
        self._pace = pace
        self._aside = Aside(slack, place)
        self._buttons = buttons
        self._posted = posted
        self._parent = _Message(place.channel, place.parent)
        self._hint = alone
        self._begun = False
        self._latest: Progress | None = None
        self._over = asyncio.Event()
        self._editor: asyncio.Task[None] | None = None
        self._in_doubt = False

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
        message = blocks.working(self._place.line)
        if not self._parent and not self._hint:
            await self._post_parent(message, over)
        if self._hint:
            await self._aside.send(blocks.sentence(f"{message.text}\n{self._hint}"))
        elif self._parent:
            self._editor = asyncio.create_task(self._edit_progress(), name="progress")

    def tell(self, progress: Progress) -> None:
        """The newest state; what has not been shown before it is dropped."""
        self._latest = progress

    async def finish(self, reply: Reply) -> bool:
        """The answer, whole; whether Slack took it in one way or another."""
        self._over.set()
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

    async def give_up(self, sentence: str) -> None:
        """Instead of an answer. Never raises: it is what is done when all else failed."""
        message = blocks.sentence(sentence)
        try:
            async with asyncio.timeout(2 * _PATIENCE):
                await self._editor_ended()
                if self._parent:
                    await self._edit(self._slack.once, message)
                    return
        except FAILURES as error:
            log.warning("the parent could not be closed: %s", named(error))
        await self._aside.send(message)

    # ---- in the open

    async def _in_a_thread(self, reply: Reply) -> None:
        """Thread and parent. Each is tried whatever became of the other; `_hint` says that something is missing.

        A parent that waits is concluded last, so that whoever reads the verdict finds its reasons below.
        """
        verdict = blocks.parent(reply, self._place.line, self._place.user)
        waiting = bool(self._parent)
        if not waiting:
            await self._post_parent(verdict)
            if not self._parent:
                return
        try:
            for message in blocks.thread(reply):
                await self._post(message, self._parent.ts)
        except FAILURES as error:
            self._hint = self._why_private(error)
        if waiting:
            await self._concluded(verdict)

    async def _inline(self, reply: Reply) -> None:
        """In somebody's thread, or in a direct message, one after the other; the first takes the place of what waited."""
        first, *rest = blocks.inline(reply, self._place.line, "" if self._place.direct else self._place.user)
        if self._parent:
            await self._concluded(first)
        else:
            await self._post_parent(first)
        try:
            for message in rest if not self._hint else ():
                await self._post(message, self._place.thread)
        except FAILURES as error:
            self._hint = self._why_private(error)

    # ---- the parent

    async def _post_parent(self, message: Message, over: Callable[[], bool] = lambda: False) -> None:
        try:
            async with self._pace.turn(self._place.channel):
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
            if (latest := self._latest) is shown or not self._pace.may_show_progress():
                continue
            try:
                async with asyncio.timeout(_PATIENCE):
                    message = blocks.working(self._place.line, latest)
                    await self._edit(self._slack.once, message)
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
                # deleted, too old to edit
                log.warning("the parent could not be edited: %s", named(error))
                await self._post(message, self._place.thread)
        except FAILURES as error:
            self._hint = self._why_private(error)

    async def _withdraw(self) -> None:
        """Take the parent back: the answer is for the asker alone."""
        await self._editor_ended()
        if not self._parent:
            return
        try:
            async with asyncio.timeout(LONGEST):
                await self._slack.sure.chat_delete(channel=self._parent.channel, ts=self._parent.ts)
        except FAILURES as error:
            noted("chat.delete", error)
            log.warning("the parent could not be deleted: %s", named(error))

    # ---- single messages

    async def _post(self, message: Message, thread: str = "") -> _Message:
        async with self._pace.turn(self._place.channel):
            return await post(self._slack, self._parent.channel or self._place.channel, message, thread)

    async def _final_edit(self, message: Message) -> None:
        await self._pace.final()
        await self._edit(self._slack.sure, message)

    async def _edit(self, client: AsyncWebClient, message: Message) -> None:
        try:
            async with asyncio.timeout(LONGEST):
                await client.chat_update(channel=self._parent.channel, ts=self._parent.ts, **arguments(message))
        except FAILURES as error:
            noted("chat.update", error)
            raise

    async def _privately(self, reply: Reply) -> bool:
        """For the asker's eyes alone."""
        return await self._aside.send(*blocks.private(reply, self._aside.left, self._hint, buttons=self._buttons))

    def _why_private(self, error: Exception) -> str:
        code = error_code(error)
        log.info("posting failed, answering the asker alone: %s", named(error))
        if code in _NOT_A_MEMBER and not self._place.direct:
            return not_a_member(self._slack)
        return f"Slack did not let me post here ({code or 'no answer'}), so only you see this."


async def post(slack: Slack, channel: str, message: Message, thread: str = "") -> _Message:
    """One message that must arrive. Raises one of FAILURES."""
    try:
        async with asyncio.timeout(LONGEST):
            posted = await slack.sure.chat_postMessage(
                channel=channel, thread_ts=thread or None, unfurl_links=False, unfurl_media=False, **arguments(message)
            )
    except FAILURES as error:
        noted("chat.postMessage", error)
        raise
    return _Message(str(posted["channel"]), str(posted["ts"]))


async def replace_message(slack: Slack, pace: Pace, channel: str, ts: str, message: Message) -> None:
    """A message of ours as it is from now on; what cannot be edited stays. Never raises but when cancelled."""
    await pace.final()
    try:
        async with asyncio.timeout(LONGEST):
            await slack.sure.chat_update(channel=channel, ts=ts, **arguments(message))
    except FAILURES as error:
        noted("chat.update", error)
        log.warning("used buttons could not be taken away: %s", named(error))


async def tell_place(slack: Slack, pace: Pace, place: str, reply: Reply, *, alone: str = "") -> None:
    """Later news for a place that `Delivery.address` gave: into its thread, else to the asker alone.

    Raises Undelivered, and ValueError for a place that is none.
    """
    if not await Delivery(slack, load(place), pace, alone=alone, buttons=not alone).finish(reply):
        raise Undelivered("Slack took a message in no way")


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set in that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
