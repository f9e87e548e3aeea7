"""Watches of real servers: one that heals, and processes that die."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import World, parse
from bot.news import owed
from bot.wiring import open_services
from commands.memory import Memory
from commands.reply import Action
from diagnostics.store import LEASE, Store
from diagnostics.store.opening import open_store
from tests.conftest import ROOT
from tests.scenario import settings_for
from tests.schedule.conftest import Clock, Told, quiet, until, watched
from tests.store.factories import DAY, MINUTE, watch

HOST = "mail.contoso.lab.test"
HEALED = f"Works again: {HOST} (Contoso) — "


def world(*, heals: bool) -> World:
    up: dict[str, Any] = {"127.0.41.1": {}}
    return parse(
        {
            "title": "A server that is down, and up again",
            "dns": {HOST: ["A 127.0.41.1"]},
            "mail": up if heals else {},
            "connectors": [{"Name": "Contoso", "SmartHosts": [HOST]}],
        }
    )


async def look(world: World, folder: Path, store: Store, clock: Clock, told: Told) -> str:
    """One run of the bot in that world, over a look at the watch; the verdict that was put down."""
    seen = []

    class Noting(Memory):
        async def keep(self, result: Any) -> None:
            seen.append(result.verdict)
            await super().keep(result)

    async with Lab(world, folder) as lab, open_services(settings_for(lab)) as opened:
        opened.tools.instruments.now = clock
        async with watched(replace(opened, store=store, memory=Noting(store)), told):
            await until(lambda: seen, 10)
            await quiet(0.05)
    return str(seen[-1])


async def test_a_server_that_heals(store: Store, clock: Clock, told: Told, tmp_path: Path) -> None:
    await store.add_watch(watch(word=HOST), now=clock())
    clock.forward(5 * MINUTE)
    assert await look(world(heals=False), tmp_path, store, clock, told) == "failing"
    assert told.said == []
    clock.forward(5 * MINUTE)
    assert await look(world(heals=True), tmp_path, store, clock, told) == "healthy"
    ((place, reply),) = told.said
    assert place == watch().place
    assert reply.headline.startswith(HEALED)
    assert reply.sections
    again = next(action for action in reply.actions if action.verb == "check-again")
    assert await store.result(again.id)
    assert await store.take_due_watches("later", now=clock() + DAY) == []


async def died(lab: Lab, url: str, clock: Clock, point: str) -> str:
    """What a process that dies there said before."""
    env = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "MAILFLOW_DNS": lab.dns,
        "MAILFLOW_SMTP_PORT": str(lab.smtp_port),
        "MAILFLOW_CA_FILE": str(lab.ca_file),
        "MAILFLOW_CONNECTORS": str(lab.connectors_file),
        "MAILFLOW_ALLOW_PRIVATE": "1",
        "MAILFLOW_CONTROL_HOST": "",
        "MAILFLOW_EHLO_NAME": "probe.lab.test",
    }
    argv = (sys.executable, "-m", "tests.schedule.crash_worker", url, clock().isoformat(), point)
    child = await asyncio.create_subprocess_exec(*argv, cwd=ROOT, env=env, stdout=asyncio.subprocess.PIPE)
    async with asyncio.timeout(30):
        said, _ = await child.communicate()
    assert child.returncode == -signal.SIGKILL
    return said.decode().strip()


@pytest.mark.parametrize("point", ["check", "tell", "told"])
async def test_a_process_that_dies(point: str, *, url: str, clock: Clock, told: Told, tmp_path: Path) -> None:
    """Another one tells: by the watch while it has not ended, else by what is owed."""
    async with open_store(url) as store:
        await store.add_watch(watch(word=HOST), now=clock())
        clock.forward(5 * MINUTE)
        async with Lab(world(heals=True), tmp_path) as lab:
            said = await died(lab, url, clock, point)
        assert said.startswith(f"{watch().place} {HEALED}" if point == "told" else "")
        assert await store.take_due_watches("too early", now=clock() + LEASE / 2) == []
        assert await store.take_unfinished("too early", now=clock() + LEASE / 2) == []
        clock.forward(LEASE)
        if point == "check":
            assert await look(world(heals=True), tmp_path, store, clock, told) == "healthy"
            assert len(told.said) == 1
            return
        (left,) = await store.take_unfinished("another", now=clock())
        reply = owed(left)
        assert reply is not None
        assert reply.headline.startswith(HEALED)
        assert not left.spent
        assert Action("check-again", reply.actions[0].id) in reply.actions
        assert await store.result(reply.actions[0].id)
        assert await store.take_due_watches("another", now=clock() + DAY) == []
