"""The processes of an attack: `mailflow serve` with a clock on its loop, and the peers. Each is ended by its own id."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from bot.demo.local_slack import eventually

ROOT = Path(__file__).parents[1]
START, END = 60.0, 30.0
PEER_PORTS = range(20_000, 32_000)

Json = dict[str, Any]


@asynccontextmanager
async def peer(module: str, *arguments: str) -> AsyncIterator[Json]:
    """A process of `attack.peers`, which lives as long as its standard input; what it printed first."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *arguments), cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None  # noqa: S101 - they are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        async with asyncio.timeout(START):
            line = await process.stdout.readline()
        if not line:
            raise RuntimeError(f"{module} ended at once")
        yield json.loads(line)
    finally:
        process.stdin.close()
        await _ended(process)


class Serve:
    """`mailflow serve`, which can be killed and started again on the same store."""

    def __init__(self, folder: Path, flags: tuple[str, ...], variables: Mapping[str, str], *, nofile: int = 0) -> None:
        self._folder = folder
        self.flags = flags
        self._nofile = nofile
        self.ops = f"127.0.0.1:{free_port()}"
        self.log = folder / "serve.log"
        self._lag = folder / "lag.jsonl"
        self.variables = {**variables, "MAILFLOW_OPS_ADDRESS": self.ops, "MFTEST_LAG_FILE": str(self._lag)}
        self._process: asyncio.subprocess.Process | None = None
        self.ready = False
        self._starts: list[tuple[float, float]] = []
        self._peak = 0.0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Returns once it takes commands. Raises RuntimeError when it ends instead."""
        began = time.monotonic()
        variables = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(self._folder), **self.variables}
        if self._nofile:
            variables["MFTEST_NOFILE"] = str(self._nofile)
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "attack.measured", "serve", *self.flags),
                cwd=self._folder,
                env=variables,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http:
            await eventually(lambda: self._ready(http), seconds=START)
        self._starts.append((began, time.monotonic()))
        self.ready = True

    async def _ready(self, http: aiohttp.ClientSession) -> bool:
        if not self.running:
            raise RuntimeError(f"mailflow serve ended: {self.said()}")
        try:
            async with http.get(f"http://{self.ops}/readyz") as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Its exit code; after END it is killed whatever `number` said."""
        self.peak()
        self.ready = False
        if self._process is None:
            return 0
        if self._process.returncode is None:
            self._process.send_signal(number)
            await _ended(self._process)
        return self._process.returncode or 0

    def peak(self) -> float:
        """The most memory that it ever had, in MiB, of all its lives."""
        if self.running and self._process is not None:
            try:
                lines = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii").splitlines()
            except OSError:
                return self._peak
            now = next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)
            self._peak = max(self._peak, now)
        return self._peak

    def longest_callback(self, since: float) -> tuple[float, str]:
        """Seconds of CPU of the longest one that ended later than `since`, and what it was. Starting up does not count."""
        rows = [json.loads(line) for line in self._lag.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
        rows = [row for row in rows if row["at"] >= since and not any(a < row["at"] < b for a, b in self._starts)]
        found = max(rows, key=lambda row: row["seconds"], default=None)
        return (found["seconds"], found["what"]) if found else (0.0, "")

    def said(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-600:]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Killed when it does not end in time."""
    try:
        async with asyncio.timeout(END):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
