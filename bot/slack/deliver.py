"""One answer on its way into Slack: parent, progress, thread, end. It is never lost, and always ends.

Where the bot may not post, the asker gets the whole answer through response_url.
"""

import asyncio
import logging
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack import blocks
from bot.slack.blocks import Message
from bot.slack.client import FAILURES, Slack, error_code, retry_after
from commands.reply import Progress, Reply

log = logging.getLogger("mailflow.slack")

QUIET = 3.0  # no progress before: most answers are there by then
PACE = 1.0  # seconds between two edits of one message
_PATIENCE = 4.0  # for one progress edit
_LONGEST = 120.0  # for one message that must arrive, waiting out 429 included
_NOT_A_MEMBER = ("channel_not_found", "not_in_channel")  # Slack says the first of private channels


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question came from. `line` is what was typed, `bot` the name to invite."""

    channel: str
    user: str
    line: str
    bot: str
    response_url: str = field(repr=False)


class _Posted(NamedTuple):
    """A message of ours. A timestamp stays a string: as a float it would lose digits."""

    channel: str
    ts: str

    def __bool__(self) -> bool:
        return bool(self.ts)


_NOWHERE = _Posted("", "")


class Delivery:
    """`begin`, any number of `tell`, then `finish`, or `give_up` when there is no answer."""

    def __init__(self, slack: Slack, place: Place) -> None:
        self._slack = slack
        self._place = place
        self._aside = _Aside(slack, place.response_url)
        self._parent = _NOWHERE
        self._hint = ""
        self._latest: Progress | None = None
        self._over = asyncio.Event()
        self._editor: asyncio.Task[None] | None = None
        self._in_doubt = False

    async def begin(self) -> None:
        """Post the parent. Where that is not to be had, tell the asker at once that the answer comes to them alone."""
        message = blocks.working(self._place.line)
        try:
            self._parent = await self._post(message)
        except FAILURES as error:
            self._hint = self._why_private(error)
            await self._aside.send(blocks.sentence(f"{message.text}\n{self._hint}"))
            return
        self._editor = asyncio.create_task(self._edit_progress(), name="progress")

    def tell(self, progress: Progress) -> None:
        """The newest state; what has not been shown before it is dropped."""
        self._latest = progress

    async def finish(self, reply: Reply) -> None:
        """The answer: thread first, then the parent, so that whoever reads the verdict finds its reasons below."""
        self._over.set()
        if reply.audience == "asker":
            await self._withdraw()
            await self._privately(reply)
            return
        if not self._parent and not self._hint:
            await self.begin()
            self._over.set()
        if self._parent:
            await self._publicly(reply)
        if self._hint:
            await self._privately(reply)

    async def give_up(self, sentence: str) -> None:
        """Instead of an answer. Never raises: it is what is done when all else failed."""
        self._over.set()
        message = blocks.sentence(sentence)
        try:
            async with asyncio.timeout(2 * _PATIENCE):
                await self._editor_ended()
                if self._parent:
                    await self._edit(self._slack.once, message)
                    return
        except FAILURES as error:
            log.warning("the parent could not be closed: %s", _named(error))
        await self._aside.send(message)

    async def _publicly(self, reply: Reply) -> None:
        """Thread and parent. Each is tried whatever became of the other; `_hint` says that something is missing."""
        try:
            for message in blocks.thread(reply):
                await self._post(message, self._parent.ts)
        except FAILURES as error:
            self._hint = self._why_private(error)
        try:
            await self._conclude(blocks.parent(reply, self._place.line, self._place.user))
        except FAILURES as error:
            self._hint = self._why_private(error)

    # ---- the parent

    async def _edit_progress(self) -> None:
        """At most an edit a second, the newest state only. A refused or lost edit is skipped: the next says more."""
        shown, wait = None, QUIET
        while not await _within(self._over, wait):
            wait = PACE
            if (latest := self._latest) is shown:
                continue
            try:
                async with asyncio.timeout(_PATIENCE):
                    message = blocks.working(self._place.line, latest)
                    await self._edit(self._slack.once, message)
                shown = latest
            except FAILURES as error:
                wait = max(PACE, retry_after(error))
                self._in_doubt = self._in_doubt or not error_code(error)

    async def _editor_ended(self) -> None:
        """No progress may arrive after the end."""
        self._over.set()
        if self._editor is not None:
            await asyncio.wait({self._editor})

    async def _conclude(self, message: Message) -> None:
        await self._editor_ended()
        try:
            await self._edit(self._slack.sure, message)
            if self._in_doubt:
                # an edit that we stopped waiting for may still be applied by Slack, over the verdict
                await asyncio.sleep(_PATIENCE)
                await self._edit(self._slack.sure, message)
        except FAILURES as error:
            # deleted, too old to edit: a verdict that stands apart from its thread is better than none
            log.warning("the parent could not be edited: %s", _named(error))
            await self._post(message)

    async def _withdraw(self) -> None:
        """Take the parent back: the answer is for the asker alone."""
        await self._editor_ended()
        if not self._parent:
            return
        try:
            async with asyncio.timeout(_LONGEST):
                await self._slack.sure.chat_delete(channel=self._parent.channel, ts=self._parent.ts)
        except FAILURES as error:
            log.warning("the parent could not be deleted: %s", _named(error))

    # ---- single messages

    async def _post(self, message: Message, thread_ts: str | None = None) -> "_Posted":
        async with asyncio.timeout(_LONGEST):
            posted = await self._slack.sure.chat_postMessage(
                channel=self._parent.channel or self._place.channel,
                thread_ts=thread_ts,
                unfurl_links=False,
                unfurl_media=False,
                **_arguments(message),
            )
        return _Posted(str(posted["channel"]), str(posted["ts"]))

    async def _edit(self, client: AsyncWebClient, message: Message) -> None:
        async with asyncio.timeout(_LONGEST):
            await client.chat_update(channel=self._parent.channel, ts=self._parent.ts, **_arguments(message))

    async def _privately(self, reply: Reply) -> None:
        """For the asker's eyes alone."""
        if not await self._aside.send(*blocks.private(reply, self._aside.left, self._hint)):
            log.error("an answer could not be delivered in any way")

    def _why_private(self, error: Exception) -> str:
        code = error_code(error)
        log.info("posting failed, answering the asker alone: %s", _named(error))
        if code in _NOT_A_MEMBER and not self._place.channel.startswith("D"):
            invite = f"/invite @{self._place.bot}"
            return f"I am not a member of this channel, so only you see this. To have it in a thread: {invite}"
        return f"Slack did not let me post here ({code or 'no answer'}), so only you see this."


class _Aside:
    """A response_url: five uses in 30 minutes (docs.slack.dev/interactivity/handling-user-interaction)."""

    def __init__(self, slack: Slack, url: str) -> None:
        self._webhook = slack.webhook(url)
        self.left = 5 if url else 0

    async def send(self, *messages: Message) -> bool:
        """All of them, for the asker alone; whether Slack took them."""
        for message in messages:
            if self.left < 1:
                return False
            self.left -= 1
            try:
                async with asyncio.timeout(_LONGEST):
                    # response_type is always said: what is left out here cannot be mended by a later use
                    answer = await self._webhook.send(
                        response_type="ephemeral",
                        replace_original=False,
                        unfurl_links=False,
                        unfurl_media=False,
                        **_arguments(message),
                    )
            except FAILURES as error:
                log.warning("response_url failed: %s", _named(error))
                return False
            if answer.status_code != 200:
                log.warning("response_url failed: HTTP %d", answer.status_code)
                return False
        return bool(messages)


def _arguments(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def _named(error: Exception) -> str:
    return error_code(error) or type(error).__name__


async def _within(event: asyncio.Event, seconds: float) -> bool:
    """Whether it was set in that time."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
