"""For whoever runs `serve`: /healthz, /readyz, /metrics on an address of their own, and nothing else.

It must answer while all else is in trouble: a connection lives for seconds, and too many push out the oldest.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from aiohttp import web

from bot import metrics
from bot.host_port import host_port
from bot.listener import Limits, listening
from bot.ports import when_free
from commands.command import CommandError
from diagnostics.single_flight import SingleFlight
from diagnostics.store import Store, StoreUnavailable, StoreUnwritable

log = logging.getLogger("mailflow.ops")

Ready = Callable[[], Awaitable[str | None]]
"""None when questions can be answered, else why not, in a word or two."""

READY_WITHIN = 0.8  # seconds: probes of container platforms give up after 1
KEPT = 1.0  # seconds that an answer of the store's is good for: each one is a write to the disk
MAX_CONNECTIONS = 32
LONGEST = 10.0  # seconds that a connection may last


@asynccontextmanager
async def ops(address: str, ready: Ready) -> AsyncIterator[tuple[str, int] | None]:
    """The server, as long as the context lasts; the place where it listens, or None where `address` is "off".

    Raises CommandError when it cannot listen there.
    """
    if address in ("", "off"):
        yield None
        return
    host, port = _host_port(address)
    metrics.start()
    limits = Limits(MAX_CONNECTIONS, head=LONGEST, lasts=LONGEST)
    async with AsyncExitStack() as stack:

        async def listen() -> tuple[str, int]:
            return await stack.enter_async_context(listening(_app(ready), host, port, limits, end=1))

        yield await when_free(listen, f"MAILFLOW_OPS_ADDRESS: {address[:80]}", "Write another HOST:PORT, or off.")


def readiness(connected: Callable[[], bool], store: Store | None, token: Callable[[], str] = lambda: "") -> Ready:
    """Ready is who can be heard by Slack, may answer there and remembers what was asked.

    `token` says why Slack does not take the bot token, "" while it does.
    """
    stored: SingleFlight[None] = SingleFlight(KEPT, failures=KEPT)  # however often somebody asks, it costs no more

    async def ready() -> str | None:
        if not connected():
            return "slack not connected"
        if why := token():
            return why
        try:
            if store is not None:
                await stored.get("store", store.ping)
        except StoreUnwritable as error:
            return f"store not writable: {error}"
        except StoreUnavailable:
            return "store unreachable"
        return None

    return ready


def _host_port(address: str) -> tuple[str, int]:
    try:
        return host_port(address)
    except ValueError:
        said = f"MAILFLOW_OPS_ADDRESS: {address[:80]!r} is no HOST:PORT, for example 127.0.0.1:9464 or [::1]:9464."
        raise CommandError(said) from None


def _app(ready: Ready) -> web.Application:
    async def healthz(_request: web.Request) -> web.Response:
        return _answer(200, "ok")

    async def readyz(_request: web.Request) -> web.Response:
        why = await _why_not(ready)
        return _answer(503 if why else 200, why or "ok")

    async def metrics_page(request: web.Request) -> web.Response:
        body, content_type = metrics.page(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def fresh(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Cache-Control"] = "no-store"

    app = web.Application(client_max_size=1)
    app.add_routes([web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics_page)])
    app.on_response_prepare.append(fresh)
    return app


async def _why_not(ready: Ready) -> str | None:
    try:
        async with asyncio.timeout(READY_WITHIN):
            return await ready()
    except TimeoutError:
        return "no answer in time"
    except Exception:
        log.exception("whether mailflow is ready could not be found out")
        return "unknown"


def _answer(status: int, text: str) -> web.Response:
    return web.Response(status=status, text=f"{text}\n")
