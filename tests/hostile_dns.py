"""DNS messages of up to 64 KiB that are costly to read: many records, names that point into each other, everything at once."""

import asyncio
import gc
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from bot.demo.lab.nameserver import _bound_pair

MOST = 65535
HERE = b"\xc0\x0c"  # the question's name
A, NS, CNAME, MX, TXT, AAAA, OPT, TLSA, PRIVATE = 1, 2, 5, 15, 16, 28, 41, 52, 65280


def record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack("!2HIH", kind, 1, 60, len(data)) + data


def pointer(offset: int) -> bytes:
    return struct.pack("!H", 0xC000 | offset)


def filled(query: bytes, first: bytes, more: Callable[[int], bytes]) -> bytes:
    """A reply to `query`: `first`, then as many of `more(0)`, `more(1)`, … as a message holds. The section's end is that of the
    question, found by its length: the queries of these tests have one OPT record of 11 bytes at most."""
    end = 12 + query[12:].index(b"\0") + 5
    out, count = bytearray(query[:end] + first), int(bool(first))
    while len(out) + len(row := more(count)) <= MOST:
        out += row
        count += 1
    out[2:12] = struct.pack("!5H", 0x8180, 1, count, 0, 0)
    return bytes(out)


def two_letters(number: int) -> bytes:
    return bytes([2, 97 + number % 26, 97 + number // 26 % 26])


def _pointers_into(blob: bytes, step: int) -> Callable[[bytes, int], bytes]:
    """Every owner and every name in the data is a pointer to another place of `blob`."""

    def make(query: bytes, kind: int) -> bytes:
        first = record(HERE, PRIVATE, blob)
        start = 12 + query[12:].index(b"\0") + 5 + 12

        def more(number: int) -> bytes:
            target = pointer(start + number * step % (len(blob) - 300))
            return record(target, kind, struct.pack("!H", number) + target if kind == MX else bytes(4))

        return filled(query, first, more)

    return make


def _long_name(query: bytes, kind: int, *, of_owner: bool) -> bytes:
    """One name of 120 labels, and records with one label of their own before it."""
    first = record(HERE, MX, b"\0\1" + b"\1a" * 120 + b"\0")
    target = pointer(12 + query[12:].index(b"\0") + 5 + 14)

    def more(number: int) -> bytes:
        name = two_letters(number) + target
        return record(name, kind, bytes(4)) if of_owner else record(HERE, MX, struct.pack("!H", number) + name)

    return filled(query, first, more)


def _chain(query: bytes, _: int) -> bytes:
    """A chain of 8,000 pointers; each record enters it at another place."""
    start = 12 + query[12:].index(b"\0") + 5 + 12
    blob, last = bytearray(b"\1a\0"), start
    while start + len(blob) < 0x3FF0:
        blob += pointer(last)
        last = start + len(blob) - 2
    return filled(query, record(HERE, PRIVATE, bytes(blob)), lambda n: record(pointer(last - 2 * (n % 4000)), A, bytes(4)))


Costly = Callable[[bytes, int], bytes]
"""Query and type → the reply."""

COSTLY: dict[str, Costly] = {
    "addresses": lambda query, _: filled(query, b"", lambda n: record(HERE, A, struct.pack("!I", n))),
    "addresses of IPv6": lambda query, _: filled(query, b"", lambda n: record(HERE, AAAA, struct.pack("!2Q", 1, n))),
    "mail hosts": lambda query, _: filled(query, b"", lambda n: record(HERE, MX, struct.pack("!H", n) + two_letters(n) + b"\0")),
    "empty records": lambda query, _: filled(query, b"", lambda n: record(b"\0", PRIVATE, b"")),
    "aliases": lambda query, _: filled(query, b"", lambda n: record(HERE, CNAME, two_letters(n) + b"\0")),
    "empty strings": lambda query, _: filled(query, record(HERE, TXT, bytes(60000)), lambda n: record(HERE, TXT, b"\0")),
    "TLSA": lambda query, _: filled(query, b"", lambda n: record(HERE, TLSA, b"\3\1\1" + struct.pack("!I", n))),
    "whole names": lambda query, kind: filled(
        query, b"", lambda n: record(two_letters(n) + b"\1b" * 125 + b"\0", kind, bytes(4))
    ),
    "hosts of a long name": lambda query, kind: _long_name(query, kind, of_owner=False),
    "owners of a long name": lambda query, kind: _long_name(query, kind, of_owner=True),
    "pointers into short labels": _pointers_into(b"\1a" * 120 + b"\0" + (b"\1\1" * 120 + b"\0\0\0") * 60, 3),
    "pointers into long labels": _pointers_into((b"\x3f" * 189 + b"\0") * 80, 3),
    "pointers to pointers": _chain,
    "errors": lambda query, _: filled(query, record(b"\0", OPT, b"\0\x0f\0\2\0\1" * 10000), lambda n: record(b"\0", OPT, b"")),
}


@contextmanager
def uncollected() -> Iterator[None]:
    """Without garbage collection: in a process full of tests it takes 0.1 s whenever it comes, which would be measured."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def longest_callback(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """The most CPU, in seconds of this thread, that one callback of the loop took: the list's only element."""
    longest = [0.0]
    run = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        started = time.thread_time()
        run(handle)
        longest[0] = max(longest[0], time.thread_time() - started)

    with uncollected(), monkeypatch.context() as patched:
        patched.setattr(asyncio.Handle, "_run", timed)
        yield longest


class Server(asyncio.DatagramProtocol):
    """A resolver on 127.0.0.1 that answers as `udp` (query, client → messages) and `tcp` say; `drips`: one byte after another."""

    def __init__(self, udp: Callable[[bytes, Any], Any], tcp: Callable[[bytes], bytes] | None, *, drips: bool) -> None:
        self._udp, self._tcp, self._drips = udp, tcp, drips
        self.clients: list[tuple[str, int]] = []
        self.port = 0

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, query: bytes, client: tuple[str, int]) -> None:
        self.clients.append(client)
        for answer in self._udp(query, client) or ():
            self.transport.sendto(answer, client)

    def error_received(self, _: Exception) -> None:
        """The client has closed its socket."""

    def connection_lost(self, _: Exception | None) -> None:
        pass

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            (size,) = struct.unpack("!H", await reader.readexactly(2))
            query = await reader.readexactly(size)
            answer = self._tcp(query) if self._tcp else b""
            wire = struct.pack("!H", len(answer)) + answer
            for start in range(0, len(wire), 1 if self._drips else len(wire)):
                writer.write(wire[start : start + 1] if self._drips else wire)
                await writer.drain()
                await asyncio.sleep(0.02 if self._drips else 0)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(
    udp: Callable[[bytes, Any], Any], tcp: Callable[[bytes], bytes] | None = None, *, drips: bool = False
) -> AsyncIterator[Server]:
    server = Server(udp, tcp, drips=drips)
    datagrams, streams = _bound_pair()
    server.port = datagrams.getsockname()[1]
    listener = await asyncio.start_server(server.stream, sock=streams)
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: server, sock=datagrams)
    try:
        yield server
    finally:
        transport.close()
        listener.close()


def reply(query: bytes, *records: bytes, flags: int = 0x8180) -> bytes:
    """An honest reply with these records."""
    end = 12 + query[12:].index(b"\0") + 5
    return query[:2] + struct.pack("!5H", flags, 1, len(records), 0, 0) + query[12:end] + b"".join(records)


def address(text: str) -> bytes:
    return record(HERE, A, socket.inet_aton(text))
