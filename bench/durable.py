"""Figures of durable jobs: what the engine costs, what jobs that wait cost. Each in a process of its own, on SQLite."""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from diagnostics.durable import Due, Job
from diagnostics.store.opening import open_store

WAITING = 500
WARM, WATCHED = 6.0, 20.0  # seconds: after its start the engine looks around more often


def measure() -> None:
    """Prints a row a figure."""
    idle, waiting = _process(0), _process(WAITING)
    _row("durable jobs: memory of the idle engine beside the store", f"{idle['opened'] - idle['before']:.0f} MiB")
    _row("  its processor time", f"{idle['busy']:.1f} % of a core")
    more, busier = waiting["opened"] - idle["opened"], waiting["busy"] - idle["busy"]
    _row(f"  {WAITING} jobs that wait (< 40 MiB, < 2 %)", f"{more:+.1f} MiB, {busier:+.1f} % of a core")
    _row("  to start one", f"{waiting['start']:.1f} ms")


def _process(jobs: int) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="mailflow-bench-") as folder:
        command = [sys.executable, "-m", "bench.durable", f"sqlite:///{folder}/mailflow.sqlite3", str(jobs)]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)  # noqa: S603
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


async def _watched(url: str, jobs: int) -> dict[str, float]:
    async def never(_: Due) -> Sequence[datetime]:
        raise AssertionError("nothing is due")

    async with open_store(url):
        before = _rss()
        from diagnostics.durable.open_engine import open_durable  # noqa: PLC0415 - what it loads is to be measured

        async with open_durable(url, handlers={"bench": never}) as durable:
            due = datetime.now(UTC) + timedelta(hours=1)
            started = time.perf_counter()
            for number in range(jobs):
                await durable.start(Job(f"job-{number}", "bench", "key", (due, due + timedelta(minutes=30))))
            start = (time.perf_counter() - started) / max(jobs, 1)
            await asyncio.sleep(WARM)
            cpu, since = time.process_time(), time.perf_counter()
            await asyncio.sleep(WATCHED)
            busy = (time.process_time() - cpu) / (time.perf_counter() - since)
            return {"before": before, "opened": _rss(), "busy": 100 * busy, "start": 1000 * start}


def _rss() -> float:
    """Resident memory in MiB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _row(what: str, figure: str) -> None:
    print(f"{what:<62} {figure}", flush=True)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_watched(sys.argv[1], int(sys.argv[2])))))
