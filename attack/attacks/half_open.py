"""5. Connections that never become requests, and bodies that nobody signed: on the port that Slack asks, and on the ops port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from attack.report import Case, Figures
from attack.stage import Stage, opened
from attack.watcher import Watcher, watching

IDLE, NOFILE = 300, 256
BODIES, BODY_BYTES = 400, 1024 * 1024
LOG_BYTES = 256 * 1024
"""More than this in the time of one attack, and a disk is full in a day."""

HALVES = (
    b"",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\n",
    b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n",
)


def attack(transport: str, *, short: bool) -> list[Case]:
    """Under Socket Mode there is the ops port alone."""
    seconds = 8.0 if short else 40.0
    cases: list[Case] = [partial(_half_open, transport, seconds)]
    if transport == "http":
        cases.append(partial(_bodies, transport, seconds))
    return cases


async def _half_open(transport: str, seconds: float) -> Figures:
    async with opened(transport, nofile=NOFILE) as stage:
        address = _address(stage) if transport == "http" else stage.serve.ops
        async with watching(stage, f"5 {IDLE} half-open, nofile {NOFILE}") as watcher:
            await asyncio.sleep(1)
            async with _logged(stage, watcher), _connections(address, IDLE):
                await asyncio.sleep(seconds)
        return watcher.figures


async def _bodies(transport: str, seconds: float) -> Figures:
    """Each as long as is read at most, all at once, none of them signed."""
    async with opened(transport) as stage:
        async with watching(stage, f"5 {BODIES} unsigned bodies of 1 MiB") as watcher:
            await asyncio.sleep(1)
            async with _logged(stage, watcher), asyncio.timeout(seconds * 3):
                await asyncio.gather(*(_post(_address(stage)) for _ in range(BODIES)))
        return watcher.figures


def _address(stage: Stage) -> str:
    return stage.proxy.target.removeprefix("http://").partition("/")[0]


@asynccontextmanager
async def _logged(stage: Stage, watcher: Watcher) -> AsyncIterator[None]:
    before = stage.serve.log.stat().st_size
    yield
    written = stage.serve.log.stat().st_size - before
    watcher.figures.notes.append(f"{written / 1024:.0f} KiB of log")
    if written > LOG_BYTES:
        watcher.figures.wrong.append(f"{written / 1024:.0f} KiB of log within one attack")


@asynccontextmanager
async def _connections(address: str, count: int) -> AsyncIterator[None]:
    """Kept open, and opened again when they are closed: a third says nothing, a third half a head, a third no body."""
    tasks = [asyncio.create_task(_keep(address, HALVES[n % len(HALVES)])) for n in range(count)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _keep(address: str, first: bytes) -> None:
    host, _, port = address.rpartition(":")
    while True:
        with contextlib.suppress(OSError):
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                writer.write(first)
                await reader.read()
            finally:
                writer.close()
        await asyncio.sleep(0.5)


async def _post(address: str) -> None:
    host, _, port = address.rpartition(":")
    head = f"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: {BODY_BYTES}\r\n\r\n"
    with contextlib.suppress(OSError):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            writer.write(head.encode())
            # never the last piece, so that all of them are held at once
            for _ in range(15):
                writer.write(bytes(BODY_BYTES // 16))
                await writer.drain()
            await reader.read()
        finally:
            writer.close()
