"""An answer is never lost, and never in two hands."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select

from diagnostics.store import LEASE, MAX_ATTEMPTS, MAX_PLACE, MAX_REQUEST, DoesNotFit, Store
from diagnostics.store.opening import open_store
from diagnostics.store.records import Records
from diagnostics.store.tables import answers
from tests.store.factories import DAY, NOW, SECOND, answer

LATER = NOW + LEASE


async def test_a_running_one_is_not_taken(store: Store) -> None:
    assert await store.begin_answer(answer(), owner="one", now=NOW)
    assert await store.take_unfinished("two", now=LATER - SECOND) == []


async def test_a_dead_ones_is_taken_once(store: Store) -> None:
    await store.begin_answer(answer(), owner="one", now=NOW)
    assert await store.take_unfinished("two", now=LATER) == [replace(answer(), attempts=2)]
    assert await store.take_unfinished("three", now=LATER) == []
    assert not await store.finish_answer("a-1", owner="one", now=LATER)
    assert not await store.move_answer("a-1", owner="one", place="elsewhere")
    assert await store.finish_answer("a-1", owner="two", now=LATER)
    assert not await store.finish_answer("a-1", owner="two", now=LATER)


async def test_a_finished_one_is_not_taken(store: Store) -> None:
    await store.begin_answer(answer(), owner="one", now=NOW)
    assert await store.finish_answer("a-1", owner="one", now=NOW)
    assert await store.take_unfinished("two", now=LATER + DAY) == []


async def test_it_is_begun_once(store: Store) -> None:
    assert await store.begin_answer(answer(), owner="one", now=NOW)
    assert not await store.begin_answer(answer(), owner="two", now=NOW)
    await store.finish_answer("a-1", owner="one", now=NOW)
    assert not await store.begin_answer(answer(), owner="two", now=NOW)


async def test_it_goes_on_where_it_was(store: Store) -> None:
    await store.begin_answer(answer(), owner="one", now=NOW)
    assert await store.move_answer("a-1", owner="one", place="slack:C1:2:thread")
    (taken,) = await store.take_unfinished("two", now=LATER)
    assert taken.place == "slack:C1:2:thread"


async def test_renewing_keeps_it(store: Store) -> None:
    await store.begin_answer(answer(), owner="one", now=NOW)
    await store.begin_answer(answer("a-2"), owner="two", now=NOW)
    assert await store.renew("one", ["a-1", "a-2", "a-3"], now=LATER - SECOND) == {"a-1"}
    assert await store.renew("one", [], now=LATER) == frozenset()
    assert [a.id for a in await store.take_unfinished("three", now=LATER)] == ["a-2"]
    assert [a.id for a in await store.take_unfinished("three", now=LATER + LEASE - SECOND)] == ["a-1"]
    assert await store.renew("one", ["a-1"], now=LATER + LEASE) == frozenset()


async def test_a_process_that_ends_gives_back(store: Store) -> None:
    await store.begin_answer(answer(), owner="one", now=NOW)
    await store.begin_answer(answer("a-2"), owner="two", now=NOW)
    await store.release("one", now=NOW + SECOND)
    assert [a.id for a in await store.take_unfinished("three", now=NOW + SECOND)] == ["a-1"]
    assert await store.renew("one", ["a-1"], now=NOW + SECOND) == frozenset()


async def test_the_oldest_first(store: Store) -> None:
    for n in (3, 1, 2):
        await store.begin_answer(answer(f"a-{n}", NOW + n * SECOND), owner="one", now=NOW)
    assert [a.id for a in await store.take_unfinished("two", now=LATER, limit=2)] == ["a-1", "a-2"]
    assert [a.id for a in await store.take_unfinished("two", now=LATER, limit=2)] == ["a-3"]


async def test_one_that_kills_whoever_runs_it_is_given_up(store: Store) -> None:
    await store.begin_answer(answer(), owner="0", now=NOW)
    spent = []
    for n in range(1, 10):
        spent += [a.spent for a in await store.take_unfinished(str(n), now=NOW + n * LEASE)]
    assert spent == [False] * (MAX_ATTEMPTS - 1) + [True, True]


async def test_it_outlives_a_restart(url: str) -> None:
    async with open_store(url) as store:
        await store.begin_answer(answer(), owner="one", now=NOW)
    async with open_store(url) as store:
        assert await store.take_unfinished("two", now=LATER) == [replace(answer(), attempts=2)]


async def test_what_is_finished_is_nobodys_business(store: Store) -> None:
    await store.begin_answer(answer(), owner="one", now=NOW)
    await store.finish_answer("a-1", owner="one", now=NOW)
    assert isinstance(store, Records)
    c = answers.c
    (row,) = await store._database.rows(select(c.place, c.request, c.actor, c.owner), reads=True)
    assert dict(row) == {"place": "", "request": "", "actor": "", "owner": None}


async def test_what_does_not_fit(store: Store) -> None:
    await store.begin_answer(replace(answer(), request="x" * MAX_REQUEST), owner="one", now=NOW)
    for wrong in ({"request": "x" * (MAX_REQUEST + 1)}, {"place": "x" * (MAX_PLACE + 1)}, {"id": ""}):
        with pytest.raises(DoesNotFit):
            await store.begin_answer(replace(answer("a-2"), **wrong), owner="one", now=NOW)  # type: ignore[arg-type]


async def test_200_at_once(store: Store) -> None:
    ids = [f"a-{n}" for n in range(200)]
    assert all(await asyncio.gather(*(store.begin_answer(answer(id), owner="one", now=NOW) for id in ids)))
    assert await store.renew("one", ids, now=NOW) == set(ids)
    assert all(await asyncio.gather(*(store.finish_answer(id, owner="one", now=NOW) for id in ids)))
