"""The message of ours that says "Running" and becomes the verdict: posted, edited while the work runs, concluded or deleted."""

import asyncio
from collections.abc import Callable

from bot.slack.blockkit import messages
from bot.slack.blockkit.blocks import Message
from bot.slack.conversation_ref import ConversationRef
from bot.slack.outbound import chat_api
from bot.slack.outbound.chat_api import Posted
from bot.slack.outbound.rate_limit import RateLimit
from bot.slack.transport.client import FAILURES, Slack, error_code, may_pass, retry_after
from commands.reply import Progress

QUIET = 3.0  # seconds before the first progress: most answers are there by then
EVERY = 1.0  # seconds between two edits of one message
PATIENCE = 4.0  # seconds for one progress edit


class Parent:
    """False until it is posted. Edits share the workspace's rate limit; progress goes without when that is used up."""

    def __init__(self, slack: Slack, place: ConversationRef, rate_limit: RateLimit) -> None:
        self._slack = slack
        self._place = place
        self._rate_limit = rate_limit
        self.message = Posted(place.channel, place.parent)
        self._latest: Progress | None = None
        self._over = asyncio.Event()
        self._editor: asyncio.Task[None] | None = None
        self._in_doubt = False

    def __bool__(self) -> bool:
        return bool(self.message)

    async def post(self, message: Message, over: Callable[[], bool] = lambda: False) -> None:
        """Nothing is posted if the work is `over` when it is this message's turn in its channel. Raises one of FAILURES."""
        async with self._rate_limit.turn(self._place.channel):
            if not over():
                self.message = await chat_api.post(self._slack, self._place.channel, message, self._place.thread)

    def tell(self, progress: Progress) -> None:
        """The newest progress; what has not been shown before it is dropped."""
        self._latest = progress

    def show_progress(self) -> None:
        """From now on, until `ended`."""
        self._editor = asyncio.create_task(self._edit_progress(), name="progress")

    def end(self) -> None:
        """No progress is begun any more."""
        self._over.set()

    async def ended(self) -> None:
        """No progress may arrive after the end."""
        self.end()
        if self._editor is not None:
            await asyncio.wait({self._editor})

    async def conclude(self, message: Message) -> None:
        """The last edit. Raises one of FAILURES."""
        await self.ended()
        await self.final_edit(message)
        if self._in_doubt:
            # an edit that we stopped waiting for may still be applied by Slack, over the verdict
            await asyncio.sleep(PATIENCE)
            await self.final_edit(message)

    async def final_edit(self, message: Message) -> None:
        """Waits for its turn under the rate limit. Raises one of FAILURES."""
        await self._rate_limit.final()
        try:
            await chat_api.edit(self._slack.retrying, self.message, message)
        except FAILURES as error:
            if may_pass(error):
                self._rate_limit.failed()
            raise

    async def edit_at_once(self, message: Message) -> None:
        """One try, which waits for no rate limit. Raises one of FAILURES."""
        await chat_api.edit(self._slack.no_retry, self.message, message)

    async def delete(self) -> None:
        """Raises one of FAILURES."""
        await chat_api.delete(self._slack, self.message)

    async def _edit_progress(self) -> None:
        """At most an edit a second, the newest state only. A refused or lost edit is skipped: the next says more."""
        shown, wait = None, QUIET
        while not await _within(self._over, wait):
            wait = EVERY
            if (latest := self._latest) is shown or not self._rate_limit.may_show_progress():
                continue
            try:
                async with asyncio.timeout(PATIENCE):
                    await self.edit_at_once(messages.working(self._place.line, latest))
                shown = latest
            except FAILURES as error:
                wait = max(EVERY, retry_after(error))
                self._in_doubt = self._in_doubt or not error_code(error)


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set in that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
