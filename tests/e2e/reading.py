"""What stands in a channel of local-slack, read as a person would."""

import asyncio
from typing import Any

from bot.demo.local_slack import LocalSlack, eventually

Bot = asyncio.Task[None]
Message = dict[str, Any]


async def final_parent(slack: LocalSlack, channel: str) -> Message:
    """The one message of the bot's that is no reply, once it has a verdict."""

    async def found() -> list[Message]:
        own = [m for m in await slack.messages(channel) if m.get("user") == "U0BOT" and not m.get("thread_ts")]
        return [m for m in own if not m["text"].startswith("⏳") and m.get("subtype") != "ephemeral"]

    (parent,) = await eventually(found, seconds=30)
    return parent


async def running_parents(slack: LocalSlack, channel: str) -> list[Message]:
    """Those that have no verdict yet."""
    return [m for m in await slack.messages(channel) if m["text"].startswith("⏳")]


async def thread_of(slack: LocalSlack, parent: Message) -> list[Message]:
    """The replies below it, oldest first."""
    return [m for m in await slack.messages(parent["channel"]) if m.get("thread_ts") == parent["ts"]]
