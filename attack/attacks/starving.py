"""4. One person asks for far too much: everybody else must hardly notice."""

import asyncio
from collections.abc import Sequence
from functools import partial

from attack.attacks.common import ATTACKER, connector, silent
from attack.report import Case, Figures
from attack.stage import opened
from attack.watcher import FIRST_OTHER, watching

NAMES, HOSTS, PER_HOST = 59, 10, 16
FILE_BYTES = 5 * 1024 * 1024
FILES, SHORT_FILES = 12, 4
BOUNCE = b"Server at mx0.sound.test returned '450 4.4.316 Connection refused'"
CONNECTORS = 500
PIECES = (
    b"Server at x returned '450 4.4.316 y' ",
    b'<a href="x">[Message=450 4.4.317 [{LED=',
    b"Diagnostic-Code: smtp;550 5.4.316 x\n",
    b"From: <a@b>\nContent-Type: multipart/mixed; boundary=x\n\n--x\n",
)


def attack(transport: str, *, short: bool) -> list[Case]:
    """Silent addresses, files and connectors, each by one person alone."""
    if short:
        return [partial(_silent_names, transport, 20, 4), partial(_files, transport, 4)]
    return [partial(_silent_names, transport, NAMES, HOSTS), partial(_files, transport, FILES), partial(_connectors, transport)]


async def _silent_names(transport: str, count: int, hosts: int) -> Figures:
    """A line of names, each a domain of several mail hosts with 16 silent addresses."""
    names: dict[str, Sequence[str]] = {}
    number = iter(range(count * hosts * PER_HOST))
    for n in range(count):
        names[f"silent{n}.test"] = [f"MX 10 mx{h}.silent{n}.test." for h in range(hosts)]
        names |= {f"mx{h}.silent{n}.test": [f"A {silent(next(number))}" for _ in range(PER_HOST)] for h in range(hosts)}
    async with opened(transport, names=names) as stage:
        title = f"4 {count} names, {count * hosts * PER_HOST} silent addresses"
        async with watching(stage, title) as watcher:
            await asyncio.sleep(1)
            question = stage.ask(ATTACKER, "check " + " ".join(f"silent{n}.test" for n in range(count)))
            await stage.all_answered(300, [question])
        return watcher.figures


async def _files(transport: str, count: int) -> Figures:
    """Files of 5 MiB that are hard to read, by one person at once; somebody else has a short one explained meanwhile."""
    async with opened(transport) as stage:
        async with watching(stage, f"4 {count} files of 5 MiB to explain") as watcher:
            await asyncio.sleep(1)
            contents = [PIECES[n % len(PIECES)] * (FILE_BYTES // len(PIECES[n % len(PIECES)])) for n in range(count)]
            names = [f"bounce{n}.{('txt', 'eml', 'csv')[n % 3]}" for n in range(count)]
            asked = await asyncio.gather(*(stage.upload(ATTACKER, *file) for file in zip(names, contents, strict=True)))
            for _ in range(SHORT_FILES):
                watcher.others.append(await stage.upload(FIRST_OTHER, "bounce.txt", BOUNCE, "4.4.316"))
                await asyncio.sleep(1)
            await stage.all_answered(180, asked)
        return watcher.figures


async def _connectors(transport: str) -> Figures:
    """All of one's own connectors are silent: no fault of anybody's, and no reason for others to wait."""
    rows = [connector(f"Silent {n}", f"only{n}.test") for n in range(CONNECTORS)]
    names = {f"only{n}.test": [f"A {silent(n)}"] for n in range(CONNECTORS)}
    async with opened(transport, names=names, connectors=rows) as stage:
        async with watching(stage, f"4 {CONNECTORS} silent connectors") as watcher:
            await asyncio.sleep(1)
            await stage.all_answered(120, [stage.ask(ATTACKER, "check")])
        return watcher.figures
