"""1. A domain whose mail servers cost the client seconds of CPU a handshake; and a kill in the middle of it."""

import asyncio
import time
from functools import partial

from attack.attacks.common import ATTACKER
from attack.peers.hostile import FORGED, KINDS, MOST, address
from attack.report import Case, Figures
from attack.stage import Names, opened
from attack.watcher import watching

PER_HOST = 16
SETTLE = 90.0
TOOK_OVER = 30.0


def _names(addresses: int) -> Names:
    """A domain a kind, with 16 addresses a mail host: more of one are not tried."""
    names: dict[str, list[str]] = {}
    for kind in KINDS:
        hosts = range((addresses + PER_HOST - 1) // PER_HOST)
        names[f"{kind}.test"] = [f"MX {n} mx{n}.{kind}.test." for n in hosts]
        names |= {f"mx{n}.{kind}.test": [f"A {address(kind, n * PER_HOST + i)}" for i in range(PER_HOST)] for n in hosts}
    return names


def attack(transport: str, *, short: bool) -> list[Case]:
    """Each kind of handshake by itself, then the worst ones with a kill -9."""
    addresses = 64 if short else MOST
    kinds = [partial(_checked, transport, kind, addresses) for kind in (("anonymous-dh",) if short else KINDS)]
    return [*kinds, partial(_killed, transport, 64 if short else 160)]


async def _checked(transport: str, kind: str, addresses: int) -> Figures:
    async with opened(transport, names=_names(addresses), hostile=True) as stage:
        async with watching(stage, f"1 {kind}, {addresses} addresses", late=SETTLE) as watcher:
            await asyncio.sleep(1)
            await stage.all_answered(SETTLE, [stage.ask(ATTACKER, f"check domain:{kind}.test")])
        return watcher.figures


async def _killed(transport: str, addresses: int) -> Figures:
    """The same question twice: its process dies, the next one takes it up, once it is ready, beside everybody else's."""
    async with opened(transport, names=_names(addresses), hostile=True) as stage:
        async with watching(stage, "1 killed in the middle", late=SETTLE) as watcher:
            questions = [stage.ask(n, f"check domain:{kind}.test") for n, kind in enumerate(FORGED)]
            await asyncio.sleep(3)
            await watcher.hush()
            await stage.serve.kill()
            began = time.monotonic()
            stage.let_leases_end()
            await stage.serve.start()
            watcher.hushed = False
            ready = time.monotonic() - began
            watcher.figures.notes.append(f"ready {ready:.1f} s after the kill")
            if ready > TOOK_OVER:
                watcher.figures.wrong.append(f"it took {ready:.0f} s to be ready again")
            await stage.all_answered(SETTLE, questions)
        return watcher.figures
