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


async def thread_of(slack: LocalSlack, parent: Message, count: int = 1) -> list[Message]:
    """The bot's replies below it, oldest first, as soon as there are `count`."""

    async def found() -> list[Message]:
        messages = await slack.messages(parent["channel"])
        below = [m for m in messages if m.get("thread_ts") == parent["ts"] != m["ts"] and m.get("user") == "U0BOT"]
        return below if len(below) >= count else []

    return await eventually(found, seconds=30)


async def done_reply(slack: LocalSlack, parent: Message, *words: str, after: int = 1) -> Message:
    """The first of the bot's replies behind the first `after` that has all the words and does not wait any more."""

    async def found() -> list[Message]:
        later = (await thread_of(slack, parent, after))[after:]
        return [m for m in later if not m["text"].startswith("⏳") and all(word in m["text"] for word in words)]

    return (await eventually(found, seconds=30))[0]
