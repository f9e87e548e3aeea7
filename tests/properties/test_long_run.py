"""A long life: after ten thousand checks the process is as it was after the first ones."""

import asyncio
import gc
import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.demo.lab.world import parse
from bot.settings import Settings
from bot.wiring import open_services
from commands.command import Services
from tests.properties import farm
from tests.properties.peers import bench, check

CHECKS, WARM, AT_ONCE = 10_000, 2_000, 64
MIB = 1024 * 1024
POOL = min(32, (os.cpu_count() or 1) + 4)
"""Threads that asyncio keeps at most for what blocks (files are read there): they come with time and stay."""


@pytest.fixture
def ports() -> Iterator[dict[str, int]]:
    """The farm's ports."""
    with subprocess.Popen([sys.executable, farm.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.kill()


def state() -> dict[str, int]:
    """What may not grow. Bytes of resident memory come from the kernel."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return {
        "rss": pages * 4096,
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "tasks": len(asyncio.all_tasks()),
        "threads": threading.active_count(),
    }


async def many(services: Services, numbers: Iterator[int], amount: int) -> None:
    """So many checks of new names, AT_ONCE in flight."""
    wanted = itertools.islice(numbers, amount)

    async def worker() -> None:
        for number in wanted:
            result, _ = await check(services, f"h{number}.farm.lab.test")
            assert result.verdict == "healthy", result.summary

    await asyncio.gather(*(worker() for _ in range(AT_ONCE)))


@pytest.mark.timeout(300)
async def test_ten_thousand_checks_leave_nothing_behind(ports: dict[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    # what is kept on purpose is bounded; with small bounds the run is long past them when it is first measured
    monkeypatch.setattr("diagnostics.single_flight.MOST", 256)
    monkeypatch.setattr("commands.result_cache.MAX_RESULTS", 256)
    settings = Settings(
        dns=(f"127.0.0.1:{ports['dns']}",),
        smtp_port=ports["smtp"],
        allow_private=True,
        control_host="",
        ehlo_name="probe.lab.test",
    )
    numbers = itertools.count()
    async with open_services(settings) as services:
        await many(services, numbers, WARM)
        before = state()
        await many(services, numbers, (CHECKS - WARM) // 2)
        middle = state()
        await many(services, numbers, (CHECKS - WARM) // 2)
        after = state()
    assert next(numbers) == CHECKS
    assert after["descriptors"] == before["descriptors"], (before, after)
    assert after["threads"] <= before["threads"] + POOL, (before, after)
    assert after["tasks"] <= before["tasks"] + 2, (before, after)
    # a leak of 1 KiB a check would be 8 MiB; the second half alone must not grow like the first
    assert after["rss"] - before["rss"] < 6 * MIB, (before, middle, after)
    assert after["rss"] - middle["rss"] < 3 * MIB, (before, middle, after)


async def test_checks_over_tls_leave_no_descriptor_and_no_task(tmp_path: Path) -> None:
    world = parse({"dns": {"*.lab.test": ["A 127.0.45.1"]}, "mail": {"127.0.45.1": {}}})
    async with bench(world, tmp_path) as (services, _):
        await check(services, "first.lab.test")
        before = state()
        for number in range(150):
            result, _ = await check(services, f"h{number}.lab.test")
            assert result.paths[0].certificate
        after = state()
    assert after["descriptors"] <= before["descriptors"] + 2
    assert after["tasks"] <= before["tasks"] + 2
    assert after["threads"] <= before["threads"] + POOL


async def test_fifty_slow_servers_do_not_stop_the_loop(tmp_path: Path) -> None:
    """Each sends a byte every 100 ms until the deadline; the loop stays free for others (Slack wants its ack in 3 s)."""
    addresses = {f"d{number}.lab.test": f"127.0.46.{number}" for number in range(1, 51)}
    world = parse(
        {
            "dns": {name: [f"A {address}"] for name, address in addresses.items()},
            "mail": {address: {"behaviour": "banner-drip"} for address in addresses.values()},
        }
    )
    lags: list[float] = []

    async def watch() -> None:
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - due)

    async with bench(world, tmp_path, deadline=2.0) as (services, _):
        watching = asyncio.create_task(watch())
        done = await asyncio.gather(*(check(services, name) for name in addresses))
        watching.cancel()
    assert {str(result.reason) for result, _ in done} == {"smtp-timeout"}
    assert max(seconds for _, seconds in done) < 4
    assert sorted(lags)[int(len(lags) * 0.99)] < 0.5


async def test_never_more_than_two_connections_at_once_to_an_address(tmp_path: Path) -> None:
    """Thirty names of one address, asked for by as many at the same time."""
    world = parse({"dns": {"*.lab.test": ["A 127.0.47.1"]}, "mail": {"127.0.47.1": {"behaviour": "tarpit", "delay": 0.02}}})
    async with bench(world, tmp_path) as (services, lab):
        done = await asyncio.gather(*(check(services, f"h{number}.lab.test") for number in range(30)))
    mail = lab.mail["127.0.47.1"]
    assert {result.verdict for result, _ in done} == {"healthy"}
    assert len(mail.sessions) == 30
    assert mail.most_open == 2


async def test_fifty_who_ask_the_same_share_one_connection(tmp_path: Path) -> None:
    world = parse({"dns": {"one.lab.test": ["A 127.0.47.2"]}, "mail": {"127.0.47.2": {}}})
    async with bench(world, tmp_path) as (services, lab):
        await asyncio.gather(*(check(services, "one.lab.test") for _ in range(50)))
        await check(services, "one.lab.test")
    assert len(lab.mail["127.0.47.2"].sessions) == 1
