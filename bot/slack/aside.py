"""Answers for the asker alone: through response_url, else as an ephemeral message, else as a direct message."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from bot.slack.client import FAILURES, Slack, error_code, noted
from bot.slack.pieces import Message
from bot.slack.place import Place

log = logging.getLogger("mailflow.slack")

LONGEST = 120.0  # for one message that must arrive, waiting out 429 included
_USES = 5  # of a response_url, in 30 minutes (docs.slack.dev/interactivity/handling-user-interaction)
_MESSAGES = 20  # where Slack sets no limit

Sent = Callable[[Message], Awaitable[None]]


class Refused(Exception):
    """This way is not open."""


class Aside:
    """The ways to one person, the least obtrusive first; what one way did not take, the next gets."""

    def __init__(self, slack: Slack, place: Place) -> None:
        self._slack = slack
        self._place = place
        self._webhook = slack.webhook(place.response_url)
        self._uses = _USES if place.response_url else 0

    @property
    def left(self) -> int:
        """How many messages there is room for."""
        return self._uses or _MESSAGES

    async def send(self, *messages: Message) -> bool:
        """All of them; whether Slack took them."""
        rest: Sequence[Message] = messages
        for way in (self._by_url, self._by_ephemeral, self._by_direct_message):
            rest = await self._as_far_as(way, rest)
            if not rest:
                return bool(messages)
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
                log.warning("%s failed: %s", way.__name__.strip("_"), named(error))
                return messages[number:]
        return ()

    async def _by_url(self, message: Message) -> None:
        if self._uses < 1:
            raise Refused
        self._uses -= 1
        # response_type is always said: what is left out here cannot be mended by a later use
        answer = await self._webhook.send(
            response_type="ephemeral",
            replace_original=False,
            unfurl_links=False,
            unfurl_media=False,
            **arguments(message),
        )
        if answer.status_code != 200:
            log.warning("response_url failed: HTTP %d", answer.status_code)
            self._uses = 0
            raise Refused

    async def _by_ephemeral(self, message: Message) -> None:
        if self._place.direct:
            raise Refused
        try:
            await self._slack.sure.chat_postEphemeral(
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
            await self._slack.sure.chat_postMessage(
                channel=self._place.user, unfurl_links=False, unfurl_media=False, **arguments(message)
            )
        except FAILURES as error:
            noted("chat.postMessage", error)
            raise


def arguments(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


def named(error: Exception) -> str:
    return error_code(error) or type(error).__name__
