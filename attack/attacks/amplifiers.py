"""6. Few words of one person that cost much: plans of fixes, watches, JSON of everything."""

import asyncio
import sqlite3
import tempfile
from functools import partial
from pathlib import Path

from attack.attacks.common import ATTACKER, connector, silent
from attack.report import Case, Figures
from attack.stage import Question, Stage, opened
from attack.watcher import watching
from bot.demo.lab.tenant import LabTenant
from commands.registry import find

PLANS, MOST_REQUESTS = 60, 200
WATCHES, MOST_WATCHES = 100, 20
CONNECTORS, MOST_MESSAGES = 500, 10
REFUSED = "AAAA ::1"
"""All of 127.0.0.0/8 is answered or silent here, so that only IPv6 refuses."""


def attack(transport: str, *, short: bool) -> list[Case]:
    """In the short form fewer connectors."""
    json = partial(_json, transport, 100 if short else CONNECTORS)
    watches = partial(_watches, transport, 40 if short else WATCHES)
    return [json, watches] if short else [json, watches, partial(_plans, transport)]


async def _plans(transport: str) -> Figures:
    """Requests to the tenant, for plans that nobody asks to be approved."""
    rows = [{"Name": f"Gone {n}", "SmartHosts": [f"gone{n}.test"], "RecipientDomains": [f"d{n}.test"]} for n in range(PLANS)]
    domains = [{"DomainName": f"d{n}.test", "DomainType": "InternalRelay"} for n in range(PLANS)]
    with tempfile.TemporaryDirectory(prefix="mailflow-attack-") as folder:
        async with LabTenant(Path(folder), connectors=rows, accepted_domains=domains) as tenant:
            variables = {**tenant.variables, "MAILFLOW_FIX_APPROVERS": "U0PERSON39"}
            names = {f"gone{n}.test": [REFUSED] for n in range(PLANS)}
            async with opened(transport, names=names, variables=variables) as stage:
                async with watching(stage, f"6 {PLANS} plans of fixes") as watcher:
                    await asyncio.sleep(1)
                    before = len(tenant.requests)
                    asked = [stage.ask(ATTACKER, f'fix "Gone {n}"') for n in range(PLANS)]
                    await stage.all_answered(180, asked)
                    _at_most(watcher.figures, len(tenant.requests) - before, MOST_REQUESTS, "requests to the tenant")
                return watcher.figures


async def _watches(transport: str, count: int) -> Figures:
    """One word, one person, many places."""
    async with opened(transport, names={"silent.test": [f"A {silent(1)}"]}) as stage:
        async with watching(stage, f"6 {count} watches of one word") as watcher:
            await stage.all_answered(30, [stage.ask(ATTACKER, "check silent.test")])
            (id,) = _rows(stage, "select id from mailflow_results where word like '%silent.test' limit 1")[0]
            command = find("watch")
            words = "watch --until-healthy" if command and "--until-healthy" in str(command.options) else "watch"
            asked = [stage.ask(ATTACKER, f"{words} {id}") for _ in range(count)]
            await stage.all_answered(120, asked)
            ((kept,),) = _rows(stage, "select count(*) from mailflow_watches where ended is null")
            _at_most(watcher.figures, int(str(kept)), MOST_WATCHES, "watches kept")
            if not kept:
                watcher.figures.wrong.append("not a single watch was made: the attack does not attack")
        return watcher.figures


async def _json(transport: str, count: int) -> Figures:
    """The JSON of all connectors, none of which is healthy."""
    rows = [connector(f"Refused {n} {'x' * 60}", f"refused{n}.test") for n in range(count)]
    names = {f"refused{n}.test": [REFUSED] for n in range(count)}
    async with opened(transport, names=names, connectors=rows) as stage:
        async with watching(stage, f"6 JSON of {count} connectors") as watcher:
            await asyncio.sleep(1)
            question = stage.ask(ATTACKER, "check --json")
            await stage.all_answered(60, [question])
            _at_most(watcher.figures, await _written(stage, question), MOST_MESSAGES, "messages")
        return watcher.figures


async def _written(stage: Stage, question: Question) -> int:
    """How many messages, once no more come."""
    seen = -1
    for _ in range(60):
        now = len(await stage.said(question))
        if now == seen:
            break
        seen = now
        await asyncio.sleep(4)
    return seen


def _at_most(figures: Figures, found: int, most: int, what: str) -> None:
    (figures.wrong if found > most else figures.notes).append(f"{found} {what}, at most {most}")


def _rows(stage: Stage, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(stage.folder / "mailflow.sqlite3") as database:
        return database.execute(statement).fetchall()
