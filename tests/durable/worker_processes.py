"""Processes of job_worker.py: what they are told, and what they say."""

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.durable import job_worker

ROOT = Path(__file__).parents[2]
AT_ONCE = 8.0
"""Seconds within which a job that is due begins: a second of DBOS's own, and what a busy machine needs."""
TAKEN_OVER = job_worker.PACE.lease + job_worker.PACE.grace + job_worker.PACE.heartbeat + AT_ONCE


class Worker:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said: list[str] = []
        self._news = asyncio.Condition()
        self._reading = asyncio.create_task(self._read())

    async def hear(self, line: str, seconds: float = AT_ONCE) -> float:
        """Waits until it has said this; the time when that was first seen."""
        async with asyncio.timeout(seconds), self._news:
            await self._news.wait_for(lambda: line in self.said)
        return time.monotonic()

    def tell(self, *words: object) -> None:
        assert self.process.stdin
        self.process.stdin.write(" ".join(map(str, words)).encode() + b"\n")

    async def start(self, id: str, kind: str, key: object, *seconds: float) -> None:
        self.tell("start", id, kind, key, *seconds)
        await self.hear(f"started {id} True")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self, seconds: float = 10) -> int:
        """Its exit code."""
        async with asyncio.timeout(seconds):
            await self._reading
            return await self.process.wait()

    async def _read(self) -> None:
        assert self.process.stdout
        while line := (await self.process.stdout.readline()).decode().strip():
            async with self._news:
                self.said.append(line)
                self._news.notify_all()


@asynccontextmanager
async def working(url: str, *, lease: float = job_worker.PACE.lease) -> AsyncIterator[Worker]:
    """Killed at the end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", job_worker.__name__, url, str(lease)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    made = Worker(process)
    try:
        await made.hear("ready", 20)
        yield made
    finally:
        if process.returncode is None:
            process.kill()
        await made.ended()
