"""One answer on its way into Slack: parent, progress, thread, end.

Where the bot may not post, or others read along, the asker gets the whole answer alone.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from bot.slack.access import not_a_member
from bot.slack.blockkit import messages
from bot.slack.blockkit.blocks import Message
from bot.slack.conversation_ref import ConversationRef
from bot.slack.outbound import chat_api
from bot.slack.outbound.chat_api import named
from bot.slack.outbound.ephemeral import Ephemeral
from bot.slack.outbound.parent import PATIENCE, Parent
from bot.slack.outbound.rate_limit import RateLimit
from bot.slack.transport.client import FAILURES, Slack, error_code, may_pass, noted
from commands.reply import Progress, Reply

log = logging.getLogger("mailflow.slack")

_NOT_A_MEMBER = ("channel_not_found", "not_in_channel")  # Slack says the first of private channels
_APART = "The answer is in a message of its own: Slack did not let me edit this one."

OnPosted = Callable[[str], Awaitable[None]]


class _NotYet(Exception):
    """Slack still fails at the first thing that is asked of it."""


async def _ignored(_ts: str) -> None:
    pass


class Delivery:
    """`begin`, any number of `tell`, then `finish`, or `give_up` when there is no answer: one attempt each.

    `alone` says why the answer is for the asker alone; `on_posted` gets the parent's timestamp. What Slack took is not sent
    again: a `finish` that is called again continues from there (bot/slack/outbound/redelivery.py).
    """

    def __init__(
        self,
        slack: Slack,
        place: ConversationRef,
        rate_limit: RateLimit,
        *,
        alone: str = "",
        buttons: bool = True,
        on_posted: OnPosted = _ignored,
    ) -> None:
        self._slack = slack
        self._place = place
        self._rate_limit = rate_limit
        self._ephemeral = Ephemeral(slack, place)
        self._parent = Parent(slack, place, rate_limit)
        self._buttons = buttons
        self._on_posted = on_posted
        self._alone = self._hint = alone
        self._begun = False
        self._shown = False  # the verdict is shown, or the first message of an answer among others
        self._replies = 0  # messages below it that are shown
        self._delivered = False
        self._again = False
        self._passing = False
        self._left: Callable[[], Awaitable[None]] | None = None  # what concludes a parent that still says "Running"

    @property
    def unfinished(self) -> bool:
        """Slack has not taken the answer, and may later: it failed, but did not refuse."""
        return self._passing and not self._delivered

    @property
    def left_running(self) -> bool:
        """The answer is out, and its parent still says that it is under way: `end_parent` may work later."""
        return self._delivered and self._left is not None

    def address(self, *, asked: bool) -> str:
        """The thread of this answer as a stored place, for what comes back later; "" where nothing could come back to.

        `asked`: this person asks for what comes then, so it names what they typed.
        """
        place = self._place if asked else replace(self._place, line="")
        return "" if self._hint else place.lasting(self._parent.message.ts)

    async def begin(self, over: Callable[[], bool] = lambda: False) -> None:
        """Post the parent. Where that is refused, tell the asker at once that the answer comes to them alone.

        Nothing is posted if, when it is this answer's turn in a crowded channel, the work is `over`.
        """
        if self._begun:
            return
        self._begun = True
        message = messages.working(self._place.line)
        if not self._parent and not self._hint:
            await self._post_parent(message, over)
        if self._hint:
            await self._ephemeral.send(messages.sentence(f"{message.text}\n{self._hint}"))
        elif self._parent:
            self._parent.show_progress()

    def tell(self, progress: Progress) -> None:
        """The newest progress; what has not been shown before it is dropped."""
        self._parent.tell(progress)

    async def finish(self, reply: Reply, *, again: bool = False) -> bool:
        """Deliver the whole answer. Returns whether Slack took it in some way. `again`: only as far as the first failure."""
        self._parent.end()
        self._attempt(again=again)
        try:
            self._left = None
            self._delivered = await self._deliver(reply)
        except _NotYet:
            pass
        return self._delivered

    async def give_up(self, sentence: str, *, again: bool = False) -> bool:
        """A sentence instead of an answer. Returns whether Slack took it. Never raises except when cancelled."""
        self._attempt(again=again)
        message = messages.sentence(sentence)
        try:
            async with asyncio.timeout(2 * PATIENCE):
                await self._parent.ended()
                if self._parent:
                    await self._parent.edit_at_once(message)
                    self._delivered, self._left = True, None
                    return True
        except FAILURES as error:
            log.warning("the parent could not be closed: %s", named(error))
            if may_pass(error):
                self._passing, self._left = True, lambda: self._parent.final_edit(message)
        if not (again and self._passing):
            self._delivered = await self._ephemeral.send(message)
            self._passing |= self._ephemeral.passing
        return self._delivered

    async def end_parent(self) -> None:
        """Once more what Slack failed at. Never raises except when cancelled."""
        if self._left is not None:
            try:
                await self._left()
            except FAILURES as error:
                if may_pass(error):
                    return
            self._left = None

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

    # ---- posted for everybody

    async def _in_a_thread(self, reply: Reply) -> None:
        """Thread and parent. Each is tried even if the other failed; `_hint` says that something is missing.

        A waiting parent is concluded last, so that a person who reads the verdict finds its reasons below.
        """
        verdict = messages.parent(reply, self._place.line, self._place.user)
        if not self._parent:
            await self._post_parent(verdict)
            if not self._parent:
                return
            self._shown = True
        await self._below(messages.thread(reply), self._parent.message.ts)
        if not self._shown:
            await self._conclude(verdict)

    async def _inline(self, reply: Reply) -> None:
        """In somebody's thread, or in a direct message, one after the other; the first replaces the waiting parent."""
        first, *rest = messages.inline(reply, self._place.line, "" if self._place.direct else self._place.user)
        if not self._shown:
            if self._parent:
                await self._conclude(first)
            else:
                await self._post_parent(first)
                self._shown = bool(self._parent)
        if not self._hint:
            await self._below(rest, self._place.thread)

    async def _below(self, replies: Sequence[Message], thread: str) -> None:
        """What an earlier attempt posted is not posted again."""
        try:
            for message in replies[self._replies :]:
                await self._post(message, thread)
                self._replies += 1
        except FAILURES as error:
            self._hint = self._why_private(error)

    async def _post_parent(self, message: Message, over: Callable[[], bool] = lambda: False) -> None:
        try:
            await self._parent.post(message, over)
        except FAILURES as error:
            self._hint = self._why_private(error)
            return
        if self._parent:
            await self._on_posted(self._parent.message.ts)

    async def _conclude(self, message: Message) -> None:
        """The parent's last edit; where Slack refuses it, a separate message is better than none."""
        try:
            try:
                await self._parent.conclude(message)
            except FAILURES as error:
                # deleted, too old to edit, or Slack fails
                log.warning("the parent could not be edited: %s", named(error))
                if self._failed(error):
                    self._left = lambda: self._parent.final_edit(message)
                await self._post(message, self._place.thread)
                if self._left is not None:
                    self._left = lambda: self._parent.final_edit(messages.sentence(_APART))
            self._shown = True
        except FAILURES as error:
            self._hint = self._why_private(error)

    async def _withdraw(self) -> None:
        """Delete the parent: the answer is for the asker alone."""
        await self._parent.ended()
        if not self._parent:
            return
        try:
            await self._parent.delete()
        except FAILURES as error:
            noted("chat.delete", error)
            log.warning("the parent could not be deleted: %s", named(error))
            if may_pass(error):
                self._passing, self._left = True, self._parent.delete

    async def _post(self, message: Message, thread: str = "") -> None:
        async with self._rate_limit.turn(self._place.channel):
            await chat_api.post(self._slack, self._parent.message.channel or self._place.channel, message, thread)

    # ---- for the asker alone

    async def _privately(self, reply: Reply) -> bool:
        parts = messages.private(reply, self._ephemeral.left, self._hint, buttons=self._buttons)
        sent = await self._ephemeral.send(*parts)
        self._passing |= self._ephemeral.passing
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
