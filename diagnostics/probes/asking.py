"""One DNS question on its way to servers: UDP from a port of its own, TCP for what was cut short.

Every question has a new socket: a forger must guess the port as well as the id (RFC 5452 section 9.2). It is connected, so the
kernel drops what comes from elsewhere. Resends go out of it again, so a late answer to an earlier try counts.
"""

import asyncio
import errno
import secrets
import socket
import struct
from dataclasses import replace
from typing import Literal

from diagnostics.probes.message import Nonsense, Question, Reply, read

Server = tuple[str, int]

Why = Literal["truncated", "other-answers"]
"""What of a server's UDP makes TCP necessary."""

_NEAR_MISSES = 16
"""Datagrams from the right address and port that answer something else: more are a guesser's, and TCP is asked instead."""


_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN})


class Cut(Exception):
    """The answer over TCP did not come whole within `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


Heard = Reply | Nonsense | Cut | OSError


class Asking:
    """One question to any number of servers; `heard` has what came back, from whom, and whether EDNS was used. Close it."""

    def __init__(self, question: Question, tcp_timeout: float) -> None:
        self._question, self._tcp_timeout = question, tcp_timeout
        self._channels: dict[tuple[Server, bool], _Channel] = {}
        self._streams: dict[Server, asyncio.Task[None]] = {}
        self.heard: asyncio.Queue[tuple[Server, Heard, bool]] = asyncio.Queue()

    def send(self, server: Server, *, edns: bool) -> None:
        """Ask, or ask again. Raises OSError where this machine cannot send."""
        if server in self._streams:
            return
        channel = self._channels.get((server, edns))
        if channel is None:
            channel = self._channels[server, edns] = _Channel(server, replace(self._question, edns=edns), self)
        channel.send()

    def over_tcp(self, server: Server, question: Question, why: Why) -> None:
        for edns in (True, False):
            if channel := self._channels.pop((server, edns), None):
                channel.close()
        self._streams[server] = asyncio.create_task(self._stream(server, question, why))

    async def _stream(self, server: Server, question: Question, why: Why) -> None:
        heard: Heard
        try:
            async with asyncio.timeout(self._tcp_timeout):
                heard = await _over_tcp(server, question, why)
        except TimeoutError:
            heard = Cut(self._tcp_timeout)
        except (Nonsense, OSError) as error:
            heard = error
        del self._streams[server]
        self.heard.put_nowait((server, heard, question.edns))

    def close(self) -> None:
        for channel in self._channels.values():
            channel.close()
        for task in self._streams.values():
            task.cancel()


class _Channel:
    """A connected UDP socket to one server, with a port and an id that only this question has."""

    def __init__(self, server: Server, question: Question, asking: Asking) -> None:
        self._server, self._asking, self._misses = server, asking, 0
        self._question = replace(question, number=secrets.randbits(16))
        self._loop = asyncio.get_running_loop()
        self._socket = socket.socket(_family(server), socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect(server)  # binds it to a port that the kernel draws
        except BaseException:
            self._socket.close()
            raise
        self._loop.add_reader(self._socket, self._readable)

    def send(self) -> None:
        self._socket.send(self._question.to_wire())

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _readable(self) -> None:
        heard: Heard | None
        try:
            heard = read(self._socket.recv(65535), self._question)
        except (BlockingIOError, InterruptedError):
            return
        except (Nonsense, OSError) as error:
            heard = error
        if isinstance(heard, Reply) and heard.truncated:
            self._asking.over_tcp(self._server, self._question, "truncated")
        elif heard is not None:
            self._asking.heard.put_nowait((self._server, heard, self._question.edns))
        elif self._misses < _NEAR_MISSES:
            self._misses += 1
        else:
            self._asking.over_tcp(self._server, self._question, "other-answers")


async def _over_tcp(server: Server, question: Question, why: Why) -> Reply:
    """Raises Nonsense for what the server does, OSError for what this machine cannot do."""
    loop = asyncio.get_running_loop()
    with socket.socket(_family(server), socket.SOCK_STREAM) as stream:
        stream.setblocking(False)
        try:
            await loop.sock_connect(stream, server)
        except OSError as error:
            if is_exhausted(error, server):
                raise
            raise Nonsense(f"{why}-tcp-refused", error=error.strerror or str(error)) from None
        try:
            wire = question.to_wire()
            await loop.sock_sendall(stream, struct.pack("!H", len(wire)) + wire)
            (size,) = struct.unpack("!H", await _exactly(stream, 2))
            reply = read(await _exactly(stream, size), question)
        except OSError:
            raise Nonsense(f"{why}-tcp-closed") from None
    if reply is None or reply.truncated:
        raise Nonsense(f"{why}-tcp-not-whole")
    return reply


async def _exactly(stream: socket.socket, size: int) -> bytes:
    """So many bytes. Raises ConnectionResetError if the other side ends before."""
    found = bytearray()
    while len(found) < size:
        more = await asyncio.get_running_loop().sock_recv(stream, size - len(found))
        if not more:
            raise ConnectionResetError
        found += more
    return bytes(found)


def is_exhausted(error: OSError, server: Server) -> bool:
    """Whether this machine has no descriptor, memory or port left. Over IPv6, EADDRNOTAVAIL means that it has no address."""
    no_port = error.errno == errno.EADDRNOTAVAIL and _family(server) == socket.AF_INET
    return error.errno in _EXHAUSTED or no_port


def _family(server: Server) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in server[0] else socket.AF_INET
