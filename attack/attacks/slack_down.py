"""2. Slack, or a proxy before it, answers with what is not Slack's; then it is well again, and every answer has to be there."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial

from attack.attacks.common import ATTACKER
from attack.peers.sound import SILENT, healthy
from attack.proxy import Outage, Trouble
from attack.report import Case, Figures
from attack.stage import Stage, opened
from attack.watcher import watching

TROUBLES = (
    Trouble(500, b"Internal Server Error", "text/plain"),
    Trouble(502, b"<html><body>Bad Gateway</body></html>", "text/html"),
    Trouble(503, b'["service", "unavailable"]', "application/json"),
    Trouble(504, b"", "application/octet-stream"),
    Trouble(200, b"upstream connect error", "text/plain"),
    Trouble(503, b'{"ok": false, "error": "service_unavailable"}', "application/json"),
    Trouble(200, b'{"ok": false, "error": "internal_error"}', "application/json"),
)
SPARED = ("auth.test", "apps.connections.open")
RECOVERY = 150.0
QUESTIONS = 8


def attack(transport: str, *, short: bool) -> list[Case]:
    """Each call fails once; then all calls fail for a while."""
    away = partial(_under, transport, "2 Slack: away, all kinds", _all, 6 if short else 20)
    once = [partial(_under, transport, f"2 Slack: once {_named(one)}", partial(_each_once, one), 6) for one in TROUBLES]
    return [away] if short else [*once, away]


async def _under(transport: str, title: str, outage: Callable[[], Outage], seconds: float) -> Figures:
    async with opened(transport, names={"silent.test": [f"A {SILENT.format(0, 9)}"]}) as stage:
        # others get nothing either while Slack is away: what counts is that all is there afterwards
        async with watching(stage, title, others=False) as watcher:
            before = [
                stage.ask(ATTACKER + n, f"check {'silent.test' if n % 2 else healthy(n)[0]}") for n in range(QUESTIONS // 2)
            ]
            await asyncio.sleep(1.5)
            stage.proxy.trouble = outage()
            for n in range(len(before), QUESTIONS):
                stage.ask(ATTACKER + n, f"check {'silent.test' if n % 2 else healthy(n)[0]}")
                await asyncio.sleep(seconds / QUESTIONS)
            await asyncio.sleep(seconds / 2)
            stage.proxy.trouble = None
            await stage.all_answered(RECOVERY)
            await _none_runs(stage, watcher.figures)
            if not stage.proxy.troubled:
                watcher.figures.wrong.append("no call of the bot's met the outage")
        return watcher.figures


async def _none_runs(stage: Stage, figures: Figures) -> None:
    """Edits are 48 a minute at most, so that the last ones may take their time."""
    for _ in range(60):
        if not await stage.still_running():
            return
        await asyncio.sleep(1)
    for question in await stage.still_running():
        figures.wrong.append(f"{question.text!r} still says that it runs, a minute after Slack is back")


def _named(trouble: Trouble) -> str:
    return f"{trouble.status} {trouble.content_type.partition('/')[2]}{'' if trouble.body else ', empty'}"


def _each_once(trouble: Trouble) -> Outage:
    seen: set[bytes] = set()

    def outage(method: str, body: bytes) -> Trouble | None:
        call = hashlib.sha256(method.encode() + body).digest()
        if method in SPARED or call in seen or _is_fine(method, trouble):
            return None
        seen.add(call)
        return trouble

    return outage


def _all() -> Outage:
    count = iter(range(1_000_000))

    def outage(method: str, _: bytes) -> Trouble | None:
        trouble = TROUBLES[next(count) % len(TROUBLES)]
        return None if method in SPARED or _is_fine(method, trouble) else trouble

    return outage


def _is_fine(method: str, trouble: Trouble) -> bool:
    """A response_url answers with a text anyway."""
    return method == "response_url" and trouble.status == 200
