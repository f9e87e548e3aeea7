"""kill -9 at every named point of a write. Another process ends what was begun, and nothing takes effect twice."""

import asyncio
import itertools
from pathlib import Path

import pytest

from bot.demo.lab import Lab
from diagnostics.fix import ledger
from tests.fix import crash_worker
from tests.fix.office import AFTER, BEFORE, POINTS, SAY, on_both
from tests.fix.processes import Program
from tests.fix.stage import Stage, staged
from tests.store.conftest import NewUrl

CASES = list(itertools.product(("do", "undo"), POINTS, (0, 1)))
AT_ONCE = 6


@on_both
@pytest.mark.timeout(240)
async def test_killed_at_every_point(programs: Program, new_url: NewUrl, lab: Lab, tmp_path: Path) -> None:
    """Of the first and of the second step, of doing and of taking back."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int, verb: str, point: str, step: int) -> None:
        async with gate:
            await killed(programs, stage.at(number), verb, point, step)

    async with staged(lab, tmp_path, new_url(), connectors=len(CASES)) as stage, asyncio.TaskGroup() as group:
        for number, case in enumerate(CASES):
            group.create_task(one(number, *case))


async def killed(programs: Program, stage: Stage, verb: str, point: str, step: int) -> None:
    case = f"{verb}, killed {point} of step {step + 1}"
    words: tuple[str, ...] = ("fix", stage.connector, "--yes", "--gone-for-good", "--json")
    if verb == "undo":
        done = await programs.start(*words, env=stage.env).said()
        assert done.get("state") == "done", (case, done)
        words = ("undo", done["id"], "--yes", "--json")
    dead = programs.start(*words, env=stage.env, at=(point, step, "kill"))
    assert await dead.code() == -9, (case, await dead.said())
    row = await stage.store.owned_fix(stage.guids[1])
    assert row, case
    assert row.lease_until
    assert row.state == "running", case
    await asyncio.sleep((row.lease_until - stage.now() + crash_worker.GRACE).total_seconds() + 0.1)
    assert ledger.seen(row, stage.now(), SAY).state == "unknown", case
    # what was being done is finished or taken back, by turns; what was being taken back is, whatever is said
    then = "resume" if (POINTS.index(point) + step) % 2 else "undo"
    process = programs.start(then, row.id, "--yes", "--json", env=stage.env)
    said = await process.said()
    back = "undo" in (verb, then)
    assert (said.get("state"), await process.code()) == ("undone" if back else "done", 0), (case, then, said)
    assert stage.truth == (BEFORE if back else AFTER), (case, then)
    assert max(stage.effective) <= (2 if back else 1), (case, then)
    end = await stage.store.fix(row.id)
    assert end
    assert (end.state, end.owner) == (said["state"], None), (case, then)
    assert (await stage.store.audit(row.id))[-1].event == said["state"], (case, then)
