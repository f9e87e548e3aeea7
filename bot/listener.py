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
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

log = logging.getLogger("mailflow.listener")

_BACKLOG = 1024
"""Connections that wait to be accepted. Beyond it Linux drops the first packet, which comes again a second later, then three."""

_SHARE = 8  # of all descriptors, one in so many
_FEW = 8
_NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_BACK_OFF = 0.1  # seconds
_LOG_EVERY = 60.0  # seconds
_BUFFER = 16 * 1024  # bytes of a body that wait to be read, for each connection
_ANSWERED = 0.02  # seconds after which an answer is on the wire
_HEAD = 16 * 1024  # bytes of a request before its body
_LINGER = 0.5  # seconds in which the rest of a refused request is read, so that its sender sees the answer

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
                await listener.close()
    finally:
        await runner.cleanup()


@dataclass(slots=True, eq=False)
class _Visitor:
    """A connection whose request has not begun, and what came of its head."""

    connection: socket.socket
    born: float
    head: bytearray = field(default_factory=bytearray)


class _Opening(asyncio.Protocol):
    """Gives a request to its protocol: the head that was read already, and all that follows it."""

    def __init__(self, request: asyncio.Protocol, head: bytes) -> None:
        self._request, self._head = request, head

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.set_protocol(self._request)
        self._request.connection_made(transport)
        self._request.data_received(self._head)


class _Listener:
    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._born: dict[asyncio.BaseProtocol, float] = {}
        self._answered: dict[asyncio.BaseProtocol, float] = {}
        self._begun: set[asyncio.BaseProtocol] = set()
        self.trusted: set[asyncio.BaseProtocol] = set()
        self._door = asyncio.Lock()
        self._visitors: dict[_Visitor, None] = {}
        self._handing: OrderedDict[_Visitor, asyncio.Task[None]] = OrderedDict()
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
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError as error:
                await self._not_accepted(error)
                continue
            self._arrived(connection)
            await asyncio.sleep(0)

    def _arrived(self, connection: socket.socket) -> None:
        """A connection holds a socket alone until the head of its request is there, which a sound client sends at once."""
        connection.setblocking(False)
        visitor = _Visitor(connection, time.monotonic())
        if self._has_more(visitor):
            self._visitors[visitor] = None
            asyncio.get_running_loop().add_reader(connection, self._readable, visitor)
        while len(self._visitors) > self._limits.allowed:
            self._send_away(next(iter(self._visitors)))

    def _readable(self, visitor: "_Visitor") -> None:
        if not self._has_more(visitor):
            asyncio.get_running_loop().remove_reader(visitor.connection)
            del self._visitors[visitor]

    def _has_more(self, visitor: "_Visitor") -> bool:
        """Read what came of the head. False once there is no more to wait for: it is handed on, or has ended."""
        try:
            data = visitor.connection.recv(_HEAD - len(visitor.head))
        except (BlockingIOError, InterruptedError):
            return True
        except OSError:
            data = b""
        visitor.head += data
        if not data:
            visitor.connection.close()
            return False
        if b"\r\n\r\n" not in visitor.head and len(visitor.head) < _HEAD:
            return True
        self._handing[visitor] = asyncio.create_task(self._hand_on(visitor), name="request")
        while len(self._handing) > _BACKLOG:
            self._handing.popitem(last=False)[1].cancel()
        return False

    async def _hand_on(self, visitor: "_Visitor") -> None:
        loop = asyncio.get_running_loop()
        try:
            async with self._door:  # or all that wait would drop a connection each for one place
                await self._room()
                await loop.connect_accepted_socket(lambda: _Opening(self._protocol(), bytes(visitor.head)), visitor.connection)
        except asyncio.CancelledError:
            visitor.connection.close()
            raise
        except Exception:
            visitor.connection.close()
            log.exception("a connection could not be taken")
        finally:
            self._handing.pop(visitor, None)

    def _send_away(self, visitor: "_Visitor") -> None:
        del self._visitors[visitor]
        asyncio.get_running_loop().remove_reader(visitor.connection)
        visitor.connection.close()

    async def close(self) -> None:
        """What has no request yet ends."""
        for visitor in list(self._visitors):
            self._send_away(visitor)
        tasks = list(self._handing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def sweep(self) -> None:
        """Until cancelled: end what takes too long."""
        while True:
            await asyncio.sleep(min(0.5, self._limits.head / 4))
            self._forget()
            now = time.monotonic()
            for visitor in [each for each in self._visitors if now - each.born > self._limits.head]:
                self._send_away(visitor)
            for connection, born in self._born.items():
                if now - born > (self._limits.lasts if connection in self._begun else self._limits.head):
                    _drop(connection)

    async def _room(self) -> None:
        """Until one more connection may be held."""
        while sum(map(_is_open, self.server.connections)) >= self._limits.allowed:
            if not self._drop_oldest():
                await asyncio.sleep(0.01)
            await asyncio.sleep(0)

    def _drop_oldest(self) -> bool:
        """One that was refused and lingers, else the oldest that did not prove itself."""
        now = time.monotonic()
        strange = [connection for connection in self.server.connections if connection not in self.trusted]
        answered = [each for each in strange if now - self._answered.get(each, now) > _ANSWERED]
        old = [each for each in strange if now - self._born.get(each, 0.0) >= self._limits.grace]
        return any(_drop(connection) for connection in (*answered, *old))

    def note_answer(self, request: web.Request) -> None:
        self._answered[request.protocol] = time.monotonic()

    def _forget(self) -> None:
        """What has ended holds its body and buffers for as long as it is known here."""
        live = self.server.connections
        self._born = {connection: self._born[connection] for connection in live if connection in self._born}
        self._answered = {connection: self._answered[connection] for connection in live if connection in self._answered}
        self._begun.intersection_update(live)
        self.trusted.intersection_update(live)

    def _protocol(self) -> asyncio.Protocol:
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
        if self._visitors:
            self._send_away(next(iter(self._visitors)))
        else:
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


def _is_open(connection: asyncio.BaseProtocol) -> bool:
    """aiohttp counts a connection until its handler has ended, which may read on for a while after its socket is gone."""
    transport = getattr(connection, "transport", None)
    return transport is not None and not transport.is_closing()


def _drop(connection: asyncio.BaseProtocol) -> bool:
    if not _is_open(connection):
        return False
    connection.transport.abort()  # type: ignore[attr-defined]
    return True


async def _closing(request: web.Request, response: web.StreamResponse) -> None:
    """One request a connection: whoever keeps it could send the next just when it is given up."""
    # aiohttp has written its own headers by now, so force_close alone would close without saying so
    request.app[_LISTENER].note_answer(request)
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
