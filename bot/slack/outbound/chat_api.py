"""Single messages through the Web API's chat.* methods, each within a time limit and with its failures counted."""

import asyncio
import logging
from typing import Any, NamedTuple

from slack_sdk.web.async_client import AsyncWebClient

from bot.slack.blockkit.blocks import Message
from bot.slack.outbound.rate_limit import RateLimit
from bot.slack.transport.client import FAILURES, Slack, error_code, noted, part

log = logging.getLogger("mailflow.slack")

LONGEST = 120.0
"""Seconds for one message that must arrive, waiting out HTTP 429 included."""


class Posted(NamedTuple):
    """A message of ours. A timestamp stays a string: as a float it would lose digits."""

    channel: str
    ts: str

    def __bool__(self) -> bool:
        return bool(self.ts)


async def post(slack: Slack, channel: str, message: Message, thread: str = "") -> Posted:
    """chat.postMessage for a message that must arrive. Raises one of FAILURES."""
    try:
        async with asyncio.timeout(LONGEST):
            posted = await slack.retrying.chat_postMessage(
                channel=channel, thread_ts=thread or None, unfurl_links=False, unfurl_media=False, **arguments(message)
            )
        return Posted(part(posted, "channel", str), part(posted, "ts", str))
    except FAILURES as error:
        noted("chat.postMessage", error)
        raise


async def edit(client: AsyncWebClient, posted: Posted, message: Message) -> None:
    """chat.update. Raises one of FAILURES."""
    try:
        async with asyncio.timeout(LONGEST):
            await client.chat_update(channel=posted.channel, ts=posted.ts, **arguments(message))
    except FAILURES as error:
        noted("chat.update", error)
        raise


async def delete(slack: Slack, posted: Posted) -> None:
    """chat.delete. Raises one of FAILURES."""
    async with asyncio.timeout(LONGEST):
        await slack.retrying.chat_delete(channel=posted.channel, ts=posted.ts)


async def replace_message(slack: Slack, rate_limit: RateLimit, posted: Posted, message: Message) -> None:
    """A message of ours as it is from now on; what cannot be edited stays. Never raises except when cancelled."""
    await rate_limit.final()
    try:
        await edit(slack.retrying, posted, message)
    except FAILURES as error:
        log.warning("used buttons could not be taken away: %s", named(error))


def arguments(message: Message) -> dict[str, Any]:
    """The arguments of a chat.* method that say what the message shows."""
    return {"text": message.text, "blocks": list(message.blocks)}


def named(error: Exception) -> str:
    """Slack's code of an error, or the error's class: for logs and metrics."""
    return error_code(error) or type(error).__name__
