"""`mailflow serve`: commands in through Socket Mode, each acknowledged at once and worked on in a task of its own.

slack_bolt 1.30 loses the acknowledgement when its listener raises soon after it, so a listener does two things only: it
hands the work over and acknowledges. `_answer` is the one place where errors end.
"""

import asyncio
import importlib
import logging
import secrets
import time
from collections.abc import Awaitable
from typing import Any

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.settings import Settings
from bot.slack import intake
from bot.slack.client import FAILURES, Slack, error_code, is_loopback, open_slack, sdk_log
from bot.slack.deliver import Delivery, Place
from bot.slack.tasks import Tasks
from commands import run, words
from commands.command import CommandError, Services
from commands.registry import COMMANDS
from commands.reply import Reply
from commands.request import Actor, Request

log = logging.getLogger("mailflow.slack")

COMMAND = "/mailflow"
GRACE = 0.25  # an answer that is there by then (help, a mistyped word) needs no parent
DRAIN = 20.0  # for running answers, once told to stop
CONNECT = 30.0
LOST = 120.0  # without a socket: end, and let the supervisor start a new process


async def serve(settings: Settings, services: Services, *, stop: asyncio.Event, ready: asyncio.Event) -> None:
    """Answer Slack until `stop` is set, then finish what runs. `ready` is set once commands are taken.

    Raises CommandError when a token is missing or refused, or when Slack cannot be reached.
    """
    bot_token, app_token = _tokens(settings)
    _load_commands()
    async with open_slack(settings.slack_api_url, bot_token) as slack:
        me = await _accepted(slack.sure.auth_test(), "SLACK_BOT_TOKEN")
        tasks = Tasks()
        app = _app(slack, services, tasks, me)
        handler = await _connected(app, slack, app_token)
        try:
            log.info("connected to Slack as @%s", me.get("user"))
            ready.set()
            await _watch(handler, stop)
        finally:
            await _closed(handler)
            await tasks.drain(DRAIN)


def _tokens(settings: Settings) -> tuple[str, str]:
    if settings.slack_bot_token is None:
        raise CommandError("SLACK_BOT_TOKEN is not set: the bot token of the Slack app (xoxb-…).")
    if settings.slack_app_token is None:
        raise CommandError(
            "SLACK_APP_TOKEN is not set: the app-level token (xapp-…, scope connections:write). "
            "Socket Mode needs it; signed HTTP is not built yet."
        )
    return settings.slack_bot_token.get_secret_value(), settings.slack_app_token.get_secret_value()


def _load_commands() -> None:
    """Imports hold up the whole loop; an acknowledgement, which has 3 seconds, must not wait for them."""
    for command in COMMANDS:
        if command.run and command.front == "everywhere":
            importlib.import_module(command.run.partition(":")[0])


def _app(slack: Slack, services: Services, tasks: Tasks, me: AsyncSlackResponse) -> AsyncApp:
    known = AuthorizeResult.from_auth_test_response(auth_test_response=me, bot_token=slack.sure.token)

    async def authorize() -> AuthorizeResult:
        # Bolt's own way asks auth.test before the first acknowledgement
        return known

    tokenless = AsyncWebClient(base_url=slack.sure.base_url, session=slack.session, logger=sdk_log)
    level = sdk_log.level
    sdk_log.setLevel(logging.ERROR)  # Bolt warns that it will not use SLACK_BOT_TOKEN, which it read without being asked
    app = AsyncApp(client=tokenless, authorize=authorize, logger=sdk_log, name="mailflow")
    sdk_log.setLevel(level)

    @app.command(COMMAND)
    async def command(ack: AsyncAck, command: dict[str, Any]) -> None:
        text = intake.plain(str(command.get("text") or ""))
        place = Place(
            channel=str(command.get("channel_id")),
            user=str(command.get("user_id")),
            line=f"{COMMAND} {text}",
            bot=str(me.get("user")),
            response_url=str(command.get("response_url") or ""),
        )
        try:
            tasks.spawn(_answer(slack, services, place, text), "answer")
        except RuntimeError:
            await ack(response_type="ephemeral", text="mailflow is stopping. Ask again in a minute.")
        else:
            await ack()

    return app


async def _answer(slack: Slack, services: Services, place: Place, text: str) -> None:
    """One question from its words to its end in Slack. Whatever happens, the person is told."""
    delivery = Delivery(slack, place)
    try:
        work = asyncio.ensure_future(_reply(services, place, text, delivery))
        try:
            await asyncio.wait({work}, timeout=GRACE)
            if not work.done():
                await delivery.begin()
            await delivery.finish(await work)
        finally:
            work.cancel()
            await asyncio.wait({work})
    except asyncio.CancelledError:
        await delivery.give_up("mailflow was stopped before this was answered. Ask again in a minute.")
        raise
    except Exception:
        number = "e-" + secrets.token_hex(3)
        log.exception("internal error %s while answering", number)
        await delivery.give_up(f"mailflow failed while answering, so nothing is said about your mail: error {number}.")


async def _reply(services: Services, place: Place, text: str, delivery: Delivery) -> Reply:
    try:
        line = words.split(text)
    except CommandError as error:
        return run.mistake(str(error), error.exit_code)
    actor = Actor(place.user, frozenset({"reader"}))
    return await run.run(Request(line, actor, f"slack:{place.channel}"), services, delivery.tell, prefix=COMMAND)


# ---- the connection


async def _accepted(call: Awaitable[AsyncSlackResponse], variable: str) -> AsyncSlackResponse:
    """Slack's answer to a call that stands or falls with the token in `variable`."""
    try:
        async with asyncio.timeout(CONNECT):
            return await call
    except FAILURES as error:
        if code := error_code(error):
            raise CommandError(f"Slack does not accept {variable}: {code}.") from None
        raise CommandError(f"Slack cannot be reached (SLACK_API_URL): {type(error).__name__}.", exit_code=1) from None


async def _connected(app: AsyncApp, slack: Slack, app_token: str) -> AsyncSocketModeHandler:
    # asked here first: the SDK would go on trying with a token that Slack refuses
    opened = await _accepted(slack.sure.apps_connections_open(app_token=app_token), "SLACK_APP_TOKEN")
    handler = AsyncSocketModeHandler(app, app_token, logger=sdk_log, web_client=slack.sure)
    handler.client.wss_uri = str(opened["url"])
    if is_loopback(handler.client.wss_uri):
        handler.client.proxy = None
    try:
        async with asyncio.timeout(CONNECT):
            await handler.connect_async()  # type: ignore[no-untyped-call]
    except TimeoutError:
        await _closed(handler)
        raise CommandError(f"Slack's socket did not open within {CONNECT:.0f} s.", exit_code=1) from None
    return handler


async def _watch(handler: AsyncSocketModeHandler, stop: asyncio.Event) -> None:
    """Until `stop`. The SDK reconnects by itself, but may stay with an address that Slack no longer knows."""
    alive = time.monotonic()
    while not stop.is_set():
        if await handler.client.is_connected():
            alive = time.monotonic()
        elif time.monotonic() - alive > LOST:
            raise CommandError(f"The connection to Slack has been lost for {LOST:.0f} s.", exit_code=1)
        try:
            async with asyncio.timeout(1):
                await stop.wait()
        except TimeoutError:
            continue


async def _closed(handler: AsyncSocketModeHandler) -> None:
    """Close, and wait for the SDK's own tasks: it cancels them and leaves."""
    client = handler.client
    await handler.close_async()  # type: ignore[no-untyped-call]
    running = [t for t in (client.message_processor, client.current_session_monitor, client.message_receiver) if t]
    await asyncio.gather(*running, return_exceptions=True)
