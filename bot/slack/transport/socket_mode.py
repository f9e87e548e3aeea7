"""Socket Mode: requests through a connection that we open, so nothing of ours need be reached from outside."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.slack.transport.client import FAILURES, Slack, accepted, is_loopback, part, sdk_log
from commands.command import CommandError

CONNECT = 30.0
LOST = 120.0  # without a socket: end, and let the supervisor start a new process


class Socket:
    """A connection that Slack sends requests through; the SDK makes it anew when it breaks."""

    def __init__(self, handler: AsyncSocketModeHandler) -> None:
        self._handler = handler

    async def watch(self, stop: asyncio.Event, ready: asyncio.Event) -> None:
        """Until `stop`. The SDK reconnects by itself, but may stay with an address that Slack no longer knows."""
        alive = time.monotonic()
        while not stop.is_set():
            if await self._handler.client.is_connected():
                alive = time.monotonic()
                ready.set()
            elif time.monotonic() - alive > LOST:
                raise CommandError(f"The connection to Slack has been lost for {LOST:.0f} s.", exit_code=1)
            else:
                ready.clear()
            try:
                async with asyncio.timeout(1):
                    await stop.wait()
            except TimeoutError:
                continue


@asynccontextmanager
async def socket(app: AsyncApp, slack: Slack, app_token: str) -> AsyncIterator[Socket]:
    """Connected. Raises CommandError when the token is refused or Slack cannot be reached."""
    # asked here first: the SDK would go on trying with a token that Slack refuses
    address = _address(await accepted(slack.retrying.apps_connections_open(app_token=app_token), "SLACK_APP_TOKEN"))
    handler = AsyncSocketModeHandler(app, app_token, logger=sdk_log, web_client=slack.retrying)
    handler.client.wss_uri = address
    if is_loopback(address):
        handler.client.proxy = None
    try:
        try:
            async with asyncio.timeout(CONNECT):
                await handler.connect_async()  # type: ignore[no-untyped-call]
        except TimeoutError:
            raise CommandError(f"Slack's socket did not open within {CONNECT:.0f} s.", exit_code=1, passing=True) from None
        yield Socket(handler)
    finally:
        await _closed(handler)


def _address(opened: AsyncSlackResponse) -> str:
    """Raises CommandError where Slack gave no address, or one that would send everything unencrypted over a network."""
    try:
        url = part(opened, "url", str)
    except FAILURES:
        url = ""
    if url.startswith("wss://") or (url.startswith("ws://") and is_loopback(url)):
        return url
    raise CommandError("Slack gave no address for Socket Mode (SLACK_API_URL). Try again later.", exit_code=1)


async def _closed(handler: AsyncSocketModeHandler) -> None:
    """Close, and wait for the SDK's own tasks: it cancels them and leaves."""
    client = handler.client
    await handler.close_async()  # type: ignore[no-untyped-call]
    running = [t for t in (client.message_processor, client.current_session_monitor, client.message_receiver) if t]
    await asyncio.gather(*running, return_exceptions=True)
