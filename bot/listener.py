"""A port that stays of use while strangers hold connections to it: shared by Slack's requests and the ops address.

aiohttp waits without end for a request to begin. asyncio accepts without a limit, and where no descriptor is left it reports that
once for each place in the backlog and starts as many timers to try again. So connections are accepted here, one by one.
"""

import asyncio
import contextlib
import errno
import logging
import resource
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

log = logging.getLogger("mailflow.listener")

_BACKLOG = 128
_SHARE = 8  # of all descriptors, one in so many
_FEW = 8
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_BACK_OFF = 0.1  # seconds
_LOG_EVERY = 60.0  # seconds
_BUFFER = 16 * 1024  # bytes of a body that wait to be read, for each connection
_LINGER = 1.0  # seconds in which the rest of a refused request is read, so that its sender sees the answer

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Limits:
    """`connections` at once, fewer where descriptors are few. One carries one request; seconds for its head, and for all of it.

    When there are too many, the oldest that did not prove itself goes (see `trusted`), if it is older than `grace` seconds.
    """

    connections: int
    head: float
    lasts: float
    grace: float = 0.0

    @property
    def allowed(self) -> int:
        """Sockets that wait for strangers must leave descriptors for the store, for Slack and for probes."""
        return max(_FEW, min(self.connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // _SHARE))


def trusted(request: web.Request) -> None:
    """This request is known to be whose it says: its connection is not given up for newer ones."""
    request.app[_LISTENER].trusted.add(request.protocol)


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int, limits: Limits, *, end: float) -> AsyncIterator[tuple[str, int]]:
    """Where it listens: (address, port). At the end requests under way have `end` seconds. Raises OSError where it cannot."""
    listener = _Listener(limits)
    app[_LISTENER] = listener
    app.middlewares.append(listener.note_begin)
    app.on_response_prepare.append(_closing)
    # a body is signed as it was sent, and what is small on the wire must not become large here
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_http_log,
        handle_signals=False,
        shutdown_timeout=end,
        lingering_time=_LINGER,
        auto_decompress=False,
        read_bufsize=_BUFFER,
    )
    await runner.setup()
    assert runner.server is not None  # noqa: S101 - set up just now
    listener.server = runner.server
    tasks: list[asyncio.Task[None]] = []
    try:
        async with contextlib.AsyncExitStack() as stack:
            sockets = [stack.enter_context(sock) for sock in await _bound(host, port)]
            tasks = [asyncio.create_task(listener.accept(sock), name="accept") for sock in sockets]
            tasks.append(asyncio.create_task(listener.sweep(), name="drop connections"))
            try:
                found = sockets[0].getsockname()
                yield str(found[0]), int(found[1])
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        await runner.cleanup()


class _Listener:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._born: dict[asyncio.BaseProtocol, float] = {}
        self._begun: set[asyncio.BaseProtocol] = set()
        self.trusted: set[asyncio.BaseProtocol] = set()
        self._logged = -_LOG_EVERY
        self.server: web.Server

    @web.middleware
    async def note_begin(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._begun.add(request.protocol)
        return await handler(request)

    async def accept(self, listening: socket.socket) -> None:
        """Until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await self._room()
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as error:
                await self._not_accepted(error)
                continue
            try:
                await loop.connect_accepted_socket(self._protocol, connection)
            except Exception:
                connection.close()
                log.exception("a connection could not be taken")

    async def sweep(self) -> None:
        """Until cancelled: end what takes too long."""
        while True:
            await asyncio.sleep(min(0.5, self._limits.head / 4))
            self._forget()
            now = time.monotonic()
            for connection, born in self._born.items():
                if now - born > (self._limits.lasts if connection in self._begun else self._limits.head):
                    _drop(connection)

    async def _room(self) -> None:
        """Until one more connection may be held."""
        while len(self.server.connections) >= self._limits.allowed:
            if not self._drop_oldest():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0)

    def _drop_oldest(self) -> bool:
        latest = time.monotonic() - self._limits.grace
        for connection in self.server.connections:
            if connection not in self.trusted and self._born.get(connection, 0.0) <= latest and _drop(connection):
                return True
        return False

    def _forget(self) -> None:
        """What has ended holds its body and buffers for as long as it is known here."""
        live = self.server.connections
        self._born = {connection: self._born[connection] for connection in live if connection in self._born}
        self._begun.intersection_update(live)
        self.trusted.intersection_update(live)

    def _protocol(self) -> asyncio.BaseProtocol:
        self._forget()
        connection = self.server()
        self._born[connection] = time.monotonic()
        return connection

    async def _not_accepted(self, error: OSError) -> None:
        if error.errno not in _NO_DESCRIPTORS:
            return  # the other side has gone already
        if time.monotonic() - self._logged >= _LOG_EVERY:
            self._logged = time.monotonic()
            log.warning("connections wait, since descriptors or memory are used up: %s", error.strerror)
        self._drop_oldest()
        await asyncio.sleep(_BACK_OFF)


def _now_and_then(_record: logging.LogRecord) -> bool:
    """aiohttp logs a traceback for each request that is none: a stranger could fill the disk with them."""
    global _told  # noqa: PLW0603 - of a logger, which is global too
    if time.monotonic() - _told < _TELL_EVERY:
        return False
    _told = time.monotonic()
    return True


_TELL_EVERY = 1.0  # seconds
_told = -_TELL_EVERY
_http_log = logging.getLogger("mailflow.listener.http")
_http_log.addFilter(_now_and_then)

_LISTENER = web.AppKey("listener", _Listener)


def _drop(connection: asyncio.BaseProtocol) -> bool:
    transport = getattr(connection, "transport", None)
    if transport is None or transport.is_closing():
        return False
    transport.abort()
    return True


async def _closing(_request: web.Request, response: web.StreamResponse) -> None:
    """One request a connection: whoever keeps it could send the next just when it is given up."""
    # aiohttp has written its own headers by now, so force_close alone would close without saying so
    response.headers.update({"Server": "mailflow", "Connection": "close"})
    response.force_close()


async def _bound(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen on each of the host's addresses. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    with contextlib.ExitStack() as stack:
        sockets = []
        for family, kind, protocol, _, address in dict.fromkeys(found):
            sock = stack.enter_context(socket.socket(family, kind, protocol))
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(address)
            sock.listen(_BACKLOG)
            sockets.append(sock)
        stack.pop_all()
    return sockets
