"""Several processes at one connector, one that sleeps through its lease, a ledger that goes away: one write a step."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.lab import Lab
from diagnostics.store import StoredFix
from tests.fix import crash_worker
from tests.fix.office import AFTER, BEFORE, CONNECTOR, Office, on_both
from tests.fix.processes import Process, Program, program
from tests.fix.stage import Stage, staged
from tests.store.conftest import NewUrl
from tests.store.server import Server

FIX = ("fix", CONNECTOR, "--yes", "--gone-for-good", "--json")


@pytest.fixture
async def stage(lab: Lab, tmp_path: Path, new_url: NewUrl) -> AsyncIterator[Stage]:
    async with staged(lab, tmp_path, new_url()) as opened:
        yield opened


async def said(*processes: Process) -> list[str]:
    """The states that they printed, sorted."""
    return sorted([(await process.said()).get("state", "none") for process in processes])


async def only_fix(stage: Stage) -> StoredFix:
    (row,) = await stage.store.fixes()
    return row


async def lease_over(stage: Stage) -> None:
    held = next(row for row in await stage.store.fixes() if row.owner)
    assert held.lease_until
    await asyncio.sleep((held.lease_until - stage.now() + crash_worker.GRACE).total_seconds() + 0.1)


# ---- at the same time


@on_both
async def test_two_of_one_connector(programs: Program, stage: Stage) -> None:
    """One does it. The other says that it is under way, or that there is nothing to do any more."""
    processes = [programs.start(*FIX, env=stage.env) for _ in range(3)]
    assert await said(*processes) == ["blocked", "blocked", "done"]
    assert sorted([await process.code() for process in processes]) == [0, 1, 1]
    assert (stage.sent, stage.effective, stage.truth) == ((1, 1), (1, 1), AFTER)
    id = next(row.id for row in await stage.store.fixes() if row.state == "done")
    undos = [programs.start("undo", id, "--yes", "--json", env=stage.env) for _ in range(3)]
    assert {"undone"} <= set(await said(*undos)) <= {"undone", "running"}
    assert (stage.sent, stage.effective, stage.truth) == ((2, 2), (2, 2), BEFORE)


# ---- asleep


@pytest.mark.parametrize("point", ["before-intent", "after-intent", "after-send", "after-read-back"])
async def test_asleep_for_longer_than_its_lease(programs: Program, stage: Stage, point: str) -> None:
    """Another process goes on and ends it. The sleeper wakes up, and is told so by the fence."""
    sleeper = programs.start(*FIX, env=stage.env, at=(point, 0, "stop"))
    await sleeper.sleeps()
    await lease_over(stage)
    other = programs.start("resume", (await only_fix(stage)).id, "--yes", "--json", env=stage.env)
    assert (await said(other), stage.truth, stage.effective) == (["done"], AFTER, (1, 1))
    sent = stage.sent
    await sleeper.send(signal.SIGCONT)
    late = await sleeper.said()
    assert (late["state"], late["said"][:31]) == ("done", "Another process has taken this ")
    assert (stage.sent, stage.effective, stage.truth) == (sent, (1, 1), AFTER)
    assert (await only_fix(stage)).state == "done"


@on_both
async def test_asleep_while_it_is_taken_back(programs: Program, stage: Stage) -> None:
    """It had said that it would write, and then somebody took the fix back: it does not write any more."""
    sleeper = programs.start(*FIX, env=stage.env, at=("after-intent", 1, "stop"))
    await sleeper.sleeps()
    await lease_over(stage)
    other = programs.start("undo", (await only_fix(stage)).id, "--yes", "--json", env=stage.env)
    assert (await said(other), stage.truth) == (["undone"], BEFORE)
    await sleeper.send(signal.SIGCONT)
    assert await said(sleeper) == ["undone"]
    assert stage.truth == BEFORE


# ---- the ledger goes away

on_postgresql = pytest.mark.parametrize(
    "new_url", [pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))], indirect=True
)


@on_postgresql
@pytest.mark.parametrize("point", ["before-intent", "after-intent", "after-send"])
async def test_the_server_is_restarted(programs: Program, stage: Stage, server: Server, point: str) -> None:
    process = programs.start(*FIX, env=stage.env, at=(point, 0, "stop"))
    await process.sleeps()
    server.kill()
    await process.send(signal.SIGCONT)
    await asyncio.to_thread(server.start)
    assert (await said(process), stage.truth, stage.effective) == (["done"], AFTER, (1, 1))


@on_postgresql
@pytest.mark.parametrize(("point", "left"), [("before-intent", (0, ["failed"])), ("after-send", (1, ["unknown"]))])
async def test_the_server_is_gone(
    programs: Program, stage: Stage, server: Server, point: str, left: tuple[int, list[str]]
) -> None:
    """Nothing more is written; what was sent is not called failed. Once the server is back, it is finished."""
    process = programs.start(*FIX, env=stage.env, at=(point, 0, "stop"))
    await process.sleeps()
    server.kill()
    await process.send(signal.SIGCONT)
    assert (stage.sent[0], await said(process), await process.code()) == (*left, 1)
    await asyncio.to_thread(server.start)
    await lease_over(stage)
    other = programs.start("resume", (await only_fix(stage)).id, "--yes", "--json", env=stage.env)
    assert (await said(other), stage.truth, stage.effective) == (["done"], AFTER, (1, 1))


@on_postgresql
async def test_gone_before_it_begins(office: Office, server: Server) -> None:
    server.kill()
    fix = await office.do()
    assert (fix.state, office.sent) == ("failed", (0, 0))
    assert "without it nothing is written" in fix.said
    server.start()
    assert (await office.do()).state == "done"


@on_postgresql
async def test_gone_when_the_program_starts(programs: Program, stage: Stage, server: Server) -> None:
    server.kill()
    process = programs.start(*FIX, env=stage.env)
    assert await process.code() == 2
    assert "start the server" in (await process.said())["errors"]
    assert not stage.tenant.requests
    server.start()


@pytest.mark.needs("namespaces")
async def test_the_disk_is_full(stage: Stage, tmp_path: Path) -> None:
    """Just before it would write. In a mount namespace of its own, with the ledger on a disk of a megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    script = 'mount -t tmpfs -o size=1m tmpfs "$0" && exec "$@"'
    env = {**stage.env, "XDG_DATA_HOME": str(disk), "MAILFLOW_DATABASE_URL": f"sqlite:///{disk}/ledger.db"}
    with program(tmp_path, ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, str(disk)]) as inside:
        process = inside.start(*FIX, env=env, at=("before-intent", 0, "fill"))
        fix = await process.said()
        assert (fix["state"], await process.code(), stage.sent) == ("failed", 1, (0, 0))
        assert "the disk is full" in fix["said"]
        after = inside.start("fixes", "--json", env=env)
        assert [one["state"] for one in (await after.said())["fixes"]] in (["running"], ["unknown"])
