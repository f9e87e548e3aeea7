"""`make bench`: prints a table of figures. Loopback only, bounded in count and time; see FIGURES.md for what they were."""

import asyncio
import json
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bench import durable, explain, floor, parse, slack
from bench.server import HEALTHY, HOLES
from bot.settings import Settings
from bot.wiring import open_services
from commands.request import Actor, Request
from commands.run import run

ROUNDS = 5
CHECKS = 400
OWNER = Actor("bench", frozenset({"reader", "owner"}))
TIMEOUT = 2.0


def main() -> None:
    with subprocess.Popen([sys.executable, "-m", "bench.server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdout is not None  # noqa: S101
        lab = json.loads(server.stdout.readline())
        try:
            asyncio.run(_measure(lab))
        finally:
            server.communicate()
    _start_up(lab)
    parse.measure()
    explain.measure()
    durable.measure()
    slack.measure()


async def _measure(lab: dict[str, Any]) -> None:
    context = ssl.create_default_context(cafile=lab["ca_file"])
    ours, floors = [], []
    for _ in range(ROUNDS):  # in turn: what disturbs one disturbs the other
        floors.append(await _per_second(lambda n: floor.check(context, f"127.0.60.{n}", lab["smtp_port"], f"mx{n}.bench.test")))
        ours.append(await _checks_per_second(lab))
    _row("floor: a plain asyncio client, no DNS", f"{statistics.median(floors):.0f} checks/s")
    _row("mailflow check, healthy servers", f"{statistics.median(ours):.0f} checks/s")
    _row("  of the floor", f"{statistics.median(a / b for a, b in zip(ours, floors, strict=True)):.2f}")
    wall = await _with_holes(lab)
    _row(
        f"{HEALTHY} healthy and {HOLES} silent servers, timeout {TIMEOUT:g} s",
        f"{wall:.2f} s, {wall / TIMEOUT:.2f} of the timeout",
    )


async def _per_second(one: Callable[[int], Awaitable[None]]) -> float:
    gate = asyncio.Semaphore(32)

    async def gated(number: int) -> None:
        async with gate:
            await one(number % HEALTHY + 1)

    started = time.perf_counter()
    await asyncio.gather(*(gated(number) for number in range(CHECKS)))
    return CHECKS / (time.perf_counter() - started)


async def _checks_per_second(lab: dict[str, Any]) -> float:
    """Fresh services each time, so that no answer of a round before counts."""
    rounds = CHECKS // HEALTHY
    words = tuple(f"mx{n}.bench.test" for n in range(1, HEALTHY + 1))
    spent = 0.0
    for _ in range(rounds):
        async with open_services(_settings(lab)) as services:
            started = time.perf_counter()
            reply = await run(Request(("check", *words), OWNER), services, lambda _: None)
            spent += time.perf_counter() - started
        assert reply.exit_code == 0, reply.headline  # noqa: S101
    return CHECKS / spent


async def _with_holes(lab: dict[str, Any]) -> float:
    words = [f"mx{n}.bench.test" for n in range(1, HEALTHY + 1)] + [f"hole{n}.bench.test" for n in range(1, HOLES + 1)]
    async with open_services(_settings(lab)) as services:
        started = time.perf_counter()
        await run(Request(("check", *words), OWNER), services, lambda _: None)
        return time.perf_counter() - started


def _settings(lab: dict[str, Any]) -> Settings:
    return Settings(
        dns=(lab["dns"],),
        smtp_port=lab["smtp_port"],
        ca_file=Path(lab["ca_file"]),
        allow_private=True,
        control_host="",
        timeout=TIMEOUT,
        deadline=8,
        ehlo_name="bench.test",
    )


def _start_up(lab: dict[str, Any]) -> None:
    """Cold starts, against what cannot be had cheaper in Python."""
    python = [sys.executable, "-c"]
    bare = _wall([*python, "pass"])
    imports = _wall([*python, "import asyncio, ssl, dns.message, cryptography.x509, pydantic"])
    helped = _wall([sys.executable, "-m", "bot", "--help"])
    flags = ["--dns", "127.0.0.1:9", "--control-host", "", "--allow-private", "--smtp-port", str(lab["smtp_port"])]
    cold = _wall([sys.executable, "-m", "bot", "check", "127.0.60.1", *flags])
    _row("cold mailflow --help", f"{helped * 1000:.0f} ms, {helped / bare:.1f} of python -c pass")
    _row("cold mailflow check of one refused address", f"{cold * 1000:.0f} ms, {cold / imports:.1f} of importing its libraries")


def _wall(command: list[str]) -> float:
    times = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=False)  # noqa: S603
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def _row(what: str, figure: str) -> None:
    print(f"{what:<62} {figure}", flush=True)


if __name__ == "__main__":
    main()
