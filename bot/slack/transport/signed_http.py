"""Signed HTTP: Slack's requests to /slack/events. Nothing is read that cannot be signed, and nothing parsed before its
signature is found right.
"""

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import http_exceptions, web
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_sdk.signature import SignatureVerifier

from bot.host_port import host_port
from bot.listener import Limits, listening, trusted
from bot.ports import when_free
from bot.slack.transport.client import noted_as
from commands.command import CommandError

log = logging.getLogger("mailflow.slack")

PATH = "/slack/events"
MOST = 256 * 1024
"""Bytes of a body. The largest is a click with the message that it was made on: of 50 blocks, and about 13,000 characters."""

CONNECTIONS = 64
"""At once, each with one request: more than a burst of Slack's, whose bodies may come after their heads. Measured:
400 senders at once cost 72 MiB (bodies of 255 KiB) or 88 MiB (1 MiB)."""

_READ = 3.0  # seconds; Slack itself waits no longer for the answer
_LASTS = 10.0
_GRACE = 0.1  # seconds that a burst of Slack's own has to get its requests through when connections are short
_CLOSE = 5.0
_LOG_EVERY = 1.0  # seconds
_AGE = 300  # seconds (docs.slack.dev/authentication/verifying-requests-from-slack)
_SIGNATURE, _TIME = "X-Slack-Signature", "X-Slack-Request-Timestamp"


class Http:
    """A server that takes requests for as long as it is open."""

    async def watch(self, stop: asyncio.Event, ready: asyncio.Event) -> None:
        """Until `stop`."""
        ready.set()
        await stop.wait()


@asynccontextmanager
async def http(app: AsyncApp, secret: str, address: str) -> AsyncIterator[Http]:
    """Listening. Raises CommandError for an address that is none or that is taken."""
    host, port = _host_port(address)
    door = _Door(app, SignatureVerifier(secret))
    limits = Limits(CONNECTIONS, head=_READ, lasts=_LASTS, grace=_GRACE)
    async with AsyncExitStack() as stack:

        async def listen() -> None:
            server = web.Application(client_max_size=MOST)
            server.router.add_post(PATH, door.request)
            await stack.enter_async_context(listening(server, host, port, limits, end=_CLOSE))

        await when_free(listen, f"MAILFLOW_HTTP_ADDRESS: cannot listen on {address[:80]}")
        yield Http()


class _Door:
    def __init__(self, app: AsyncApp, verifier: SignatureVerifier) -> None:
        self._app = app
        self._verifier = verifier
        self._logged = -_LOG_EVERY

    async def request(self, request: web.Request) -> web.Response:
        """One request of Slack's. A second copy of it is acknowledged too, and then found done by its id."""
        if not _may_be_signed(request.headers):
            return self._refused()
        if (request.content_length or 0) > MOST:
            return web.Response(status=413)
        try:
            async with asyncio.timeout(_READ):
                raw = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        except (OSError, RuntimeError, ValueError, http_exceptions.HttpProcessingError, web.RequestPayloadError):
            # it has gone, was given up for a newer one, or is no HTTP: no reason for a traceback in the log
            return web.Response(status=400)
        headers = dict(request.headers)
        if not self._is_signed(raw, headers):
            return self._refused()
        trusted(request)
        try:
            answer = await self._app.async_dispatch(
                AsyncBoltRequest(body=raw.decode(), query=request.query_string, headers={k: [v] for k, v in headers.items()})
            )
        except Exception as error:
            # Bolt reads fields of a body that it has not validated: its sender gets an error, and nothing else happens
            log.warning("a signed request could not be read: %s", type(error).__name__)
            return web.json_response({"error": "invalid request"}, status=400)
        kinds = answer.headers.get("content-type", ["text/plain"])
        return web.Response(status=answer.status, body=(answer.body or "").encode(), headers={"Content-Type": kinds[0]})

    def _refused(self) -> web.Response:
        noted_as("http", "bad_signature")
        if time.monotonic() - self._logged >= _LOG_EVERY:
            self._logged = time.monotonic()
            log.info("a request was refused: its signature or its time is wrong (mailflow_slack_errors counts them)")
        return web.json_response({"error": "invalid request"}, status=401)

    def _is_signed(self, raw: bytes, headers: dict[str, str]) -> bool:
        try:
            return self._verifier.is_valid_request(raw, headers)
        except (ValueError, TypeError):
            # a time that is no number, bytes that are no text
            return False


def _may_be_signed(headers: Mapping[str, str]) -> bool:
    """Signature and time are there, and the time is now: else no body need be read."""
    stamp = headers.get(_TIME, "")
    if not re.fullmatch("[0-9]{1,12}", stamp) or not re.fullmatch("v0=[0-9a-f]{64}", headers.get(_SIGNATURE, "")):
        return False
    return abs(time.time() - int(stamp)) <= _AGE


def _host_port(address: str) -> tuple[str, int]:
    """Slack has to find it, so a port that the system chooses is none. Raises CommandError."""
    try:
        host, port = host_port(address)
    except ValueError:
        port = 0
    if not port:
        raise CommandError(
            f"MAILFLOW_HTTP_ADDRESS: {address[:80]!r} is no host:port. In HTTP mode Slack's requests come in there, "
            "for example 127.0.0.1:3000 behind your reverse proxy."
        )
    return host, port
