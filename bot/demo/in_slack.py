"""The demo in Slack: local-slack, the bot connected to it, and a first `/mailflow check` to look at."""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from pydantic import SecretStr

from bot.demo.local_slack import Json, LocalSlack, eventually
from bot.demo.verdicts import Row
from bot.settings import Settings
from bot.slack.app import serve
from commands.command import Services

BOT, USER, APPROVER, CHANNEL, CHANNEL_NAME = "U0MAILFLOW", "U0DANA", "U0LEE", "C0INCIDENTS", "mail-incidents"
BOT_TOKEN, APP_TOKEN = "xoxb-demo", "xapp-demo"  # local-slack takes any

SEED: dict[str, Any] = {
    "workspace": {"name": "Contoso", "domain": "contoso-lab", "teamId": "T0CONTOSO"},
    "app": {
        "appId": "A0MAILFLOW",
        "botUserId": BOT,
        "botName": "mailflow",
        "botToken": BOT_TOKEN,
        "appToken": APP_TOKEN,
        "signingSecret": "unused",
        "mode": "socket",
    },
    "users": [
        {"id": USER, "name": "dana", "real_name": "Dana Reyes", "email": "dana@contoso.lab.test"},
        {"id": APPROVER, "name": "lee", "real_name": "Lee Park", "email": "lee@contoso.lab.test"},
    ],
    "channels": [
        {"id": CHANNEL, "name": CHANNEL_NAME, "topic": "Mail is late? Say /mailflow check", "members": [USER, APPROVER, BOT]},
    ],
}

READY_SECONDS = 30.0
FINAL_SECONDS = 60.0
LOOK_SECONDS = 0.2


@asynccontextmanager
async def bot_in(slack: LocalSlack, settings: Settings, services: Services) -> AsyncIterator["asyncio.Task[None]"]:
    """The bot, connected; stopped at the end. Raises what it raises when it cannot connect."""
    stop, ready = asyncio.Event(), asyncio.Event()
    tokens = {"slack_bot_token": SecretStr(BOT_TOKEN), "slack_app_token": SecretStr(APP_TOKEN), "slack_api_url": slack.api}
    bot = asyncio.create_task(serve(settings.model_copy(update=tokens), services, stop=stop, ready=ready))
    try:
        await _ready(bot, ready)
        yield bot
    finally:
        stop.set()
        await asyncio.wait({bot})
    await bot


async def _ready(bot: "asyncio.Task[None]", ready: asyncio.Event) -> None:
    waiting = asyncio.create_task(ready.wait())
    try:
        await asyncio.wait({bot, waiting}, timeout=READY_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if bot.done():
            await bot
        if not ready.is_set():
            raise TimeoutError(f"the bot did not connect within {READY_SECONDS:.0f} s")
    finally:
        waiting.cancel()


async def ask(slack: LocalSlack) -> None:
    """Type `/mailflow check` as the demo's user."""
    await slack.command(CHANNEL, USER, "check")


async def shortcomings(slack: LocalSlack, headline: str, rows: Collection[Row]) -> list[str]:
    """Wait until the thread is final, and say what it lacks: the verdict above, each failing target with its code below."""
    wanted = [row for row in rows if row.code != "-"]
    lacks: list[str] = []

    async def complete() -> bool:
        nonlocal lacks
        lacks = _lacks(await slack.messages(CHANNEL), headline, wanted)
        return not lacks

    try:
        await eventually(complete, seconds=FINAL_SECONDS, every=LOOK_SECONDS)
    except TimeoutError:
        return [f"The Slack thread is not final after {FINAL_SECONDS:.0f} s: {lack}." for lack in lacks]
    return []


def _lacks(messages: list[Json], headline: str, wanted: Collection[Row]) -> list[str]:
    parents = [m for m in messages if m.get("user") == BOT and m.get("thread_ts", m["ts"]) == m["ts"]]
    if not parents:
        return ["the bot has said nothing"]
    parent = parents[0]
    if headline not in parent["text"]:
        return [f"the bot's message says {parent['text']!r}, not {headline!r}"]
    thread = [m["text"] for m in messages if m.get("thread_ts") == parent["ts"] and m["ts"] != parent["ts"]]
    return [
        f"no reply names {row.target} and {row.code}"
        for row in wanted
        if not any(row.target in text and row.code in text for text in thread)
    ]
