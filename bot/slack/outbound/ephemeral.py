"""Answers for the asker alone: through response_url, else as an ephemeral message, else as a direct message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from bot.slack.blockkit.blocks import Message
from bot.slack.conversation_ref import ConversationRef
from bot.slack.outbound.chat_api import LONGEST, arguments, named
from bot.slack.transport.client import FAILURES, Slack, may_pass, noted
from bot.slack.transport.web_api import PAUSE, Got

log = logging.getLogger("mailflow.slack")

_USES = 5  # of a response_url, in 30 minutes (docs.slack.dev/interactivity/handling-user-interaction)
_MESSAGES = 20  # where Slack sets no limit

Sent = Callable[[Message], Awaitable[None]]


class Refused(Exception):
    """This way is not open."""


class Ephemeral:
    """The ways to one person, the least obtrusive first; what one way did not take, the next gets.

    `passing`: of what was sent last, a way failed that may be open again later.
    """

    def __init__(self, slack: Slack, place: ConversationRef) -> None:
        self._slack = slack
        self._place = place
        self._uses = _USES if place.response_url else 0
        self.passing = False

    @property
    def left(self) -> int:
        """How many messages there is room for."""
        return self._uses or _MESSAGES

    async def send(self, *messages: Message) -> bool:
        """All of them; whether Slack took them."""
        self.passing = False
        rest: Sequence[Message] = messages
        for way in (self._by_url, self._by_ephemeral, self._by_direct_message):
            rest = await self._as_far_as(way, rest)
            if not rest:
                return bool(messages)
        if not self.passing:
            log.error("an answer could not be delivered in any way")
        return False

    async def _as_far_as(self, way: Sent, messages: Sequence[Message]) -> Sequence[Message]:
        """What is still to be sent."""
        for number, message in enumerate(messages):
            try:
                async with asyncio.timeout(LONGEST):
                    await way(message)
            except Refused:
                return messages[number:]
            except FAILURES as error:
                self.passing |= may_pass(error)
                log.warning("%s failed: %s", way.__name__.strip("_"), named(error))
                return messages[number:]
        return ()

    async def _by_url(self, message: Message) -> None:
        """Each try is a use of it, the second one after a failure too."""
        # response_type is always said: what is left out here cannot be corrected by a later use
        body = {
            **{"response_type": "ephemeral", "replace_original": False, "unfurl_links": False, "unfurl_media": False},
            **arguments(message),
        }
        for last in (False, True):
            if self._uses < 1:
                raise Refused
            self._uses -= 1
            got = await self._slack.respond(self._place.response_url, body)
            if _taken(got):
                return
            log.warning("response_url failed: HTTP %d", got.status)
            if not _passing(got):
                self._uses = 0
                raise Refused
            self.passing = True
            if not last:
                await asyncio.sleep(PAUSE)
        raise Refused

    async def _by_ephemeral(self, message: Message) -> None:
        if self._place.direct:
            raise Refused
        try:
            await self._slack.retrying.chat_postEphemeral(
                channel=self._place.channel,
                user=self._place.user,
                thread_ts=self._place.thread or None,
                **arguments(message),
            )
        except FAILURES as error:
            noted("chat.postEphemeral", error)
            raise

    async def _by_direct_message(self, message: Message) -> None:
        try:
            # a person's id opens the direct message with them; where they wrote themselves, it is that one
            await self._slack.retrying.chat_postMessage(
                channel=self._place.user, unfurl_links=False, unfurl_media=False, **arguments(message)
            )
        except FAILURES as error:
            noted("chat.postMessage", error)
            raise


def _taken(got: Got) -> bool:
    """Slack says `ok`, or an object that does, and stand-ins say nothing; a proxy's page with status 200 is none of these."""
    return got.status == 200 and (got.raw.strip() in (b"ok", b"") or bool(got.body.get("ok")))


def _passing(got: Got) -> bool:
    """404 and 410 are Slack's words for a response_url that was used up."""
    return got.passing if got.body.get("error") else got.status in (200, 408, 429) or got.status >= 500
