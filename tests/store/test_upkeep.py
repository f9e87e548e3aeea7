"""What is deleted, what stays, and that nobody waits for it."""

import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.store import Retention, Store
from diagnostics.store.opening import open_store
from diagnostics.store.records import Records
from diagnostics.store.tables import results
from tests.store.factories import DAY, MINUTE, NOW, answer, entry, fix, result, watch


async def kept(store: Store, *ids: str) -> list[str]:
    return [id for id in ids if await store.result(id)]


async def test_the_last_success_and_the_last_failure_stay(store: Store) -> None:
    old = NOW - 40 * DAY
    verdicts = {"a": "healthy", "b": "failing", "c": "healthy", "d": "degraded", "e": "unknown", "f": "failing"}
    for n, (id, verdict) in enumerate(verdicts.items()):
        await store.keep_result(result(id, verdict=verdict, at=old + n * MINUTE))
        await store.keep_result(result(f"other-{id}", word="another", verdict=verdict, at=old + n * MINUTE))
    pruned = await store.prune(NOW, slice=3)
    assert await kept(store, *verdicts) == ["c", "f"]
    assert await kept(store, *(f"other-{id}" for id in verdicts)) == ["other-c", "other-f"]
    assert pruned == {"results": 8, "seen": 0, "answers": 0, "plans": 0, "reports": 0, "watches": 0}


async def test_newer_ones_replace_them(store: Store) -> None:
    await store.keep_result(result("old", at=NOW - 40 * DAY))
    await store.keep_result(result("new", at=NOW))
    await store.prune(NOW)
    assert await kept(store, "old", "new") == ["new"]


async def test_not_for_ever(store: Store) -> None:
    await store.keep_result(result("old", at=NOW - 401 * DAY))
    await store.prune(NOW)
    assert await kept(store, "old") == []


async def test_two_of_one_moment(store: Store) -> None:
    for id in "abc":
        await store.keep_result(result(id, at=NOW - 40 * DAY))
    await store.prune(NOW, slice=1)
    assert await kept(store, *"abc") == ["c"]


async def test_ids_answers_and_watches_go(store: Store) -> None:
    await store.claim("event", "old", at=NOW - 3 * DAY)
    await store.claim("event", "new", at=NOW - DAY)
    await store.begin_answer(answer("old", NOW - 3 * DAY), owner="one", now=NOW)
    await store.begin_answer(answer("new", NOW - DAY), owner="one", now=NOW)
    for id in ("old", "new", "live"):
        await store.add_watch(watch(id, word=id), now=NOW - 30 * DAY)
    await store.end_watch("old", told=True, now=NOW - 8 * DAY)
    await store.end_watch("new", told=True, now=NOW - 6 * DAY)
    assert await store.prune(NOW, slice=1) == {"results": 0, "seen": 1, "answers": 1, "plans": 0, "reports": 0, "watches": 1}
    assert not await store.claim("event", "new", at=NOW)
    assert await store.claim("event", "old", at=NOW)
    assert [w.id for w in await store.take_due_watches("one", now=NOW)] == ["live"]


async def many(store: Records, count: int) -> None:
    """Results of 100 words, a minute between them, the last one now."""
    rows = [
        {
            "id": f"r{n:06}",
            "word": f"word {n % 100}",
            "verdict": "failing",
            "outcome": "failure",
            "transcript": "",
            "at": NOW - n * MINUTE,
        }
        for n in range(count)
    ]

    async def work(connection: AsyncConnection) -> None:
        await connection.execute(insert(results), rows)

    await store._database.run(work)


async def test_20000_in_slices(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_store(url) as store:
        assert isinstance(store, Records)
        monkeypatch.setattr(store._database, "_patience", 60)
        await many(store, 20_000)
        slices: list[tuple[int, float]] = []
        whole = store._database.changes

        async def changes(statement: Any) -> int:
            started = time.monotonic()
            slices.append((await whole(statement), time.monotonic() - started))
            return slices[-1][0]

        monkeypatch.setattr(store._database, "changes", changes)
        pruned = await store.prune(NOW, Retention(results=timedelta(minutes=5000)), slice=500)
        assert pruned["results"] == 20_000 - 5001
        assert max(rows for rows, _ in slices) == 500
        assert sorted(seconds for _, seconds in slices)[len(slices) // 2] < 0.2


async def test_pages_are_found_by_index(tmp_path: Path) -> None:
    """SQLite says how it would look for them: nowhere through the whole table."""
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        assert isinstance(store, Records)
        asked: list[str] = []

        @event.listens_for(store._database._engine.sync_engine, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, sql: str, _values: Any, _context: Any, _many: bool) -> None:
            asked.append(sql)

        await many(store, 10)
        asked.clear()
        await store.prune(NOW, Retention(results=timedelta()))
        event.remove(store._database._engine.sync_engine, "before_cursor_execute", note)
        plans: list[str] = []

        async def plan(connection: AsyncConnection) -> None:
            for sql in asked:
                if not sql.startswith("BEGIN"):
                    found = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", (NOW.isoformat(),) * sql.count("?"))
                    plans.extend(row.detail for row in found)

        await store._database.run(plan, reads=True)
        assert any("mailflow_results_age" in line for line in plans)
        assert any("mailflow_results_last" in line for line in plans)
        assert [line for line in plans if line.startswith("SCAN") and "chosen" not in line] == []


async def test_plans_that_nobody_asked_for_go(store: Store) -> None:
    old = NOW - 2 * DAY
    for state in ("planned", "blocked", "expired", "rejected"):
        await store.add_fix(fix(f"f-{state}", state=state, created=old))
        await store.add_fix(fix(f"f-{state}-asked", state=state, created=old), entry("planned", f"f-{state}-asked"))
        await store.add_fix(fix(f"f-{state}-line", state=state, created=old), entry("planned", f"f-{state}-line"))
        held = await store.take_fix(f"f-{state}-asked", owner="o", states=[state], now=NOW, lease=MINUTE, grace=MINUTE)
        assert held
        done = {"owner": "o", "fence": held.fence, "state": state, "document": "{}", "now": NOW, "lease": None}
        assert await store.save_fix(held.id, **done, entry=entry("asked", held.id))  # type: ignore[arg-type]
    for state in ("awaiting-approval", "running", "done", "half-done", "failed", "unknown", "undone"):
        await store.add_fix(fix(f"f-{state}", state=state, created=old))
    await store.add_fix(fix("f-new", state="planned", created=NOW - MINUTE))
    assert (await store.prune(NOW, slice=3))["plans"] == 8
    left = {row.id for row in await store.fixes()}
    assert {"f-planned-asked", "f-blocked-asked", "f-expired-asked", "f-rejected-asked", "f-done", "f-running", "f-new"} <= left
    assert not {"f-planned", "f-blocked", "f-expired", "f-rejected", "f-planned-line"} & left
    assert len(left) == 12
    assert len(await store.audit()) == 12, "no line of the audit is ever deleted"
