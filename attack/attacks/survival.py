"""What held must hold: kill -9 under load, replays, SIGTERM. Everything is answered, and once."""

import asyncio
import signal
from functools import partial

import aiohttp

from attack.peers.sound import healthy
from attack.report import Case, Figures
from attack.stage import BOT, Stage, opened
from attack.watcher import watching

STOPS_WITHIN = 45.0
"""TimeoutStopSec= of deploy/mailflow.service."""

RECOVERY = 120.0


def attack(transport: str, *, short: bool) -> list[Case]:
    """A kill and a stop, each under the load of as many people."""
    people = 8 if short else 24
    ends = [partial(_ended, transport, people, number) for number in (signal.SIGKILL, signal.SIGTERM)]
    return [*ends, partial(_replayed, transport, people)]


async def _ended(transport: str, people: int, number: signal.Signals) -> Figures:
    """Those that are acknowledged when the process ends are answered by the next one, at the latest."""
    async with opened(transport, names={"slow.test": ["A 127.72.0.1"]}) as stage:
        async with watching(stage, f"{number.name} under load", others=False) as watcher:
            for n in range(people):
                stage.ask(n, f"check {'slow.test' if n % 2 else healthy(n)[0]}")
            await asyncio.sleep(2)
            began = asyncio.get_running_loop().time()
            code = await stage.serve.kill(number)
            took = asyncio.get_running_loop().time() - began
            if number == signal.SIGTERM and (code != 0 or took > STOPS_WITHIN):
                watcher.figures.wrong.append(f"SIGTERM: exit code {code} after {took:.0f} s")
            stage.let_leases_end()
            await stage.serve.start()
            await stage.all_answered(RECOVERY)
            await _once(stage, watcher.figures)
        return watcher.figures


async def _replayed(transport: str, people: int) -> Figures:
    """Slack sends again what it heard no acknowledgement of; here everything, three times."""
    async with opened(transport) as stage:
        async with watching(stage, "replays", others=False) as watcher:
            for n in range(people):
                stage.ask(n, f"check {healthy(n)[0]}")
            await asyncio.sleep(1)
            for _ in range(3):
                await _again(stage)
            await stage.all_answered(RECOVERY)
            await asyncio.sleep(2)
            await _once(stage, watcher.figures)
        return watcher.figures


async def _again(stage: Stage) -> None:
    for envelope in list(stage.proxy.envelopes):
        await stage.proxy.send_envelope(envelope)
    async with aiohttp.ClientSession() as http:
        for body, headers in list(stage.proxy.requests):
            async with http.post(stage.proxy.target, data=body, headers=headers) as answer:
                await answer.read()


async def _once(stage: Stage, figures: Figures) -> None:
    for question in stage.questions:
        parents = [m for m in await stage.slack.messages(question.room) if m.get("user") == BOT and not m.get("thread_ts")]
        if len(parents) > 1:
            figures.wrong.append(f"{question.text!r} was answered {len(parents)} times")
