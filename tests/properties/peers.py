"""Peers that send given bytes, and checks of them by the real command."""

import asyncio
import contextlib
import socket
import struct
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import World, parse
from bot.wiring import open_services
from commands.command import Services
from commands.reply import Reply
from commands.request import Request
from commands.run import run
from diagnostics.model import Diagnosis, Result
from tests.scenario import OWNER, settings_for


class Peer:
    """One listener at 127.0.0.1 that sends `chunks` to each connection; everything that it hears is kept."""

    def __init__(self) -> None:
        self.heard: list[bytearray] = []
        self.open = self.most_open = 0
        self.chunks: Sequence[bytes] = ()
        self.ends = "close"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The chunks, one a segment (TCP_NODELAY); then a close, a reset or silence."""
        heard = bytearray()
        self.heard.append(heard)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        listening = asyncio.ensure_future(self._listen(reader, heard))
        try:
            with contextlib.suppress(OSError):
                for chunk in self.chunks:
                    writer.write(chunk)
                    await writer.drain()
                    await asyncio.sleep(0)
                if self.ends == "close":
                    writer.write_eof()
                if self.ends == "reset":
                    sock = writer.get_extra_info("socket")
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    return
                await listening
        finally:
            listening.cancel()
            self.open -= 1
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, heard: bytearray) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                heard += data


@asynccontextmanager
async def peer() -> AsyncIterator[tuple[Peer, int]]:
    """A Peer and its port."""
    one = Peer()
    server = await asyncio.start_server(one.serve, "127.0.0.1", 0)
    try:
        yield one, server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def bench(world: World, folder: Path, **changes: Any) -> AsyncIterator[tuple[Services, Lab]]:
    """A lab, and services whose settings point at it."""
    async with Lab(world, folder) as lab, open_services(settings_for(lab, **changes)) as services:
        yield services, lab


def empty() -> World:
    return parse({})


async def check(services: Services, *words: str) -> tuple[Result, float]:
    """The result of one target, and how long it took."""
    started = time.monotonic()
    reply: Reply = await run(Request(("check", *words), OWNER), services, lambda _: None)
    assert isinstance(reply.document, Diagnosis), reply.headline
    return reply.document.results[0], time.monotonic() - started
