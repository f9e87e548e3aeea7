"""Signed HTTP: Slack's requests to /slack/events. Nothing is parsed before its signature is found right."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.ports import listening
from bot.slack.client import noted_as
from commands.command import CommandError

log = logging.getLogger("mailflow.slack")

PATH = "/slack/events"
MOST = 1024 * 1024
_READ = 3.0  # seconds; Slack itself waits no longer for the answer
_CLOSE = 5.0


class Http:
    """A server that takes requests for as long as it is open."""

    async def watch(self, stop: asyncio.Event, ready: asyncio.Event) -> None:
        """Until `stop`."""
        ready.set()
        await stop.wait()


@asynccontextmanager
async def http(app: AsyncApp, secret: str, address: str) -> AsyncIterator[Http]:
    """Listening. Raises CommandError for an address that is none or that is taken."""
    host, port = _host_and_port(address)
    door = _Door(app, SignatureVerifier(secret))
    server = web.Application(client_max_size=MOST)
    server.router.add_post(PATH, door.request)
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=_CLOSE)
    await runner.setup()
    try:
        await listening(
            lambda: web.TCPSite(runner, host, port).start(), f"MAILFLOW_HTTP_ADDRESS: cannot listen on {address[:80]}"
        )
        yield Http()
    finally:
        await runner.cleanup()


class _Door:
    def __init__(self, app: AsyncApp, verifier: SignatureVerifier) -> None:
        self._app = app
        self._verifier = verifier

    async def request(self, request: web.Request) -> web.Response:
        """One request of Slack's. A second copy of it is acknowledged too, and then found done by its id."""
        try:
            async with asyncio.timeout(_READ):
                raw = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        headers = dict(request.headers)
        if not self._is_signed(raw, headers):
            noted_as("http", "bad_signature")
            log.info("a request was refused: its signature or its time is wrong")
            return web.json_response({"error": "invalid request"}, status=401)
        try:
            answer = await self._app.async_dispatch(
                AsyncBoltRequest(body=raw.decode(), query=request.query_string, headers={k: [v] for k, v in headers.items()})
            )
        except Exception as error:
            # Bolt reads into a body that it has not looked at; who signed such a one is told, and that is all
            log.warning("a signed request could not be read: %s", type(error).__name__)
            return web.json_response({"error": "invalid request"}, status=400)
        kinds = answer.headers.get("content-type", ["text/plain"])
        return web.Response(status=answer.status, body=(answer.body or "").encode(), headers={"Content-Type": kinds[0]})

    def _is_signed(self, raw: bytes, headers: dict[str, str]) -> bool:
        try:
            return self._verifier.is_valid_request(raw, headers)
        except (ValueError, TypeError):
            # a time that is no number, bytes that are no text
            return False


def _host_and_port(address: str) -> tuple[str, int]:
    """Raises CommandError."""
    host, colon, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise CommandError(
            f"MAILFLOW_HTTP_ADDRESS: {address[:80]!r} is no host:port. In HTTP mode Slack's requests come in there, "
            "for example 127.0.0.1:3000 behind your reverse proxy."
        )
    return host, int(port)
