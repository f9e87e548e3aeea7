"""A watch is looked at by one process at a time, and told once."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from diagnostics.store import LEASE, DoesNotFit, Store, TooManyWatches
from diagnostics.store.opening import open_store
from tests.store.factories import DAY, MINUTE, NOW, SECOND, answer, watch

DUE = NOW + 5 * MINUTE


async def test_it_is_due_after_its_interval(store: Store) -> None:
    assert await store.add_watch(watch(), now=NOW)
    assert await store.take_due_watches("one", now=DUE - SECOND) == []
    assert await store.take_due_watches("one", now=DUE) == [watch()]
    assert await store.take_due_watches("two", now=DUE) == []


async def test_once_for_a_word_and_a_place(store: Store) -> None:
    assert await store.add_watch(watch(), now=NOW)
    assert not await store.add_watch(watch("w-2"), now=NOW)
    assert await store.add_watch(watch("w-3", word="another"), now=NOW)
    assert await store.add_watch(watch("w-4", place="another"), now=NOW)
    assert await store.end_watch("w-1", told=True, now=NOW)
    assert await store.add_watch(watch("w-2"), now=NOW)
    assert not await store.add_watch(watch("w-1", word="a third"), now=NOW)


async def test_putting_off_remembers_what_was_seen(store: Store) -> None:
    await store.add_watch(watch(), now=NOW)
    await store.take_due_watches("one", now=DUE)
    assert await store.put_off("w-1", owner="one", due=DUE + 5 * MINUTE, last="failing")
    assert not await store.put_off("w-1", owner="one", due=DUE, last="healthy")
    assert await store.take_due_watches("two", now=DUE + 4 * MINUTE) == []
    assert await store.take_due_watches("two", now=DUE + 5 * MINUTE) == [replace(watch(), last="failing")]


async def test_a_dead_ones_is_taken(store: Store) -> None:
    await store.add_watch(watch(), now=NOW)
    await store.take_due_watches("one", now=DUE)
    assert await store.renew("one", ["w-1"], now=DUE + 20 * SECOND) == {"w-1"}
    assert await store.take_due_watches("two", now=DUE + LEASE) == []
    assert await store.take_due_watches("two", now=DUE + LEASE + 20 * SECOND) == [watch()]
    assert not await store.put_off("w-1", owner="one", due=NOW, last="")
    assert await store.renew("one", ["w-1"], now=NOW) == frozenset()


async def test_one_that_waits_is_not_renewed(store: Store) -> None:
    await store.add_watch(watch(), now=NOW)
    await store.take_due_watches("one", now=DUE)
    await store.put_off("w-1", owner="one", due=DUE + MINUTE, last="")
    assert await store.renew("one", ["w-1"], now=DUE + DAY) == frozenset()
    assert await store.take_due_watches("one", now=DUE + MINUTE) == [watch()]


async def test_a_process_that_ends_gives_back(store: Store) -> None:
    await store.add_watch(watch(), now=NOW)
    await store.take_due_watches("one", now=DUE)
    await store.release("one", now=DUE + SECOND)
    assert await store.take_due_watches("two", now=DUE + SECOND) == [watch()]


async def test_missed_slots_are_one(store: Store) -> None:
    await store.add_watch(watch(), now=NOW)
    assert await store.take_due_watches("one", now=NOW + 3 * DAY) == [watch()]
    assert await store.take_due_watches("one", now=NOW + 3 * DAY) == []


async def test_it_ends_once(store: Store) -> None:
    await store.add_watch(watch(), now=NOW)
    assert await store.end_watch("w-1", told=False, now=NOW)
    assert not await store.end_watch("w-1", told=True, now=NOW)
    assert not await store.end_watch("w-2", told=True, now=NOW)
    assert await store.take_due_watches("one", now=NOW + DAY) == []


async def test_what_is_to_be_told_is_not_lost(store: Store) -> None:
    await store.add_watch(watch(), now=NOW)
    assert await store.end_watch("w-1", told=True, now=NOW, answer=answer(), owner="one")
    assert not await store.end_watch("w-1", told=True, now=NOW, answer=answer("a-2"), owner="two")
    assert [a.id for a in await store.take_unfinished("three", now=NOW + LEASE)] == ["a-1"]


async def test_the_longest_due_first(store: Store) -> None:
    for n in (2, 3, 1):
        await store.add_watch(replace(watch(f"w-{n}", word=f"word {n}"), every=timedelta(minutes=n)), now=NOW)
    assert [w.id for w in await store.take_due_watches("one", now=NOW + DAY, limit=1)] == ["w-1"]
    assert [w.id for w in await store.take_due_watches("one", now=NOW + DAY)] == ["w-2", "w-3"]


async def test_it_outlives_a_restart(url: str) -> None:
    async with open_store(url) as store:
        await store.add_watch(watch(), now=NOW)
    async with open_store(url) as store:
        assert not await store.add_watch(watch("w-2"), now=NOW)
        assert await store.take_due_watches("one", now=DUE) == [watch()]


async def test_what_does_not_fit(store: Store) -> None:
    for wrong in ({"place": ""}, {"word": "x" * 401}, {"id": ""}):
        with pytest.raises(DoesNotFit):
            await store.add_watch(replace(watch(), **wrong), now=NOW)  # type: ignore[arg-type]


async def test_as_many_of_a_word_and_of_a_person_as_are_allowed(store: Store) -> None:
    limits = {"most_of_word": 3, "most_of_actor": 5}

    async def add(n: int, word: str, actor: str = "U1") -> bool | str:
        try:
            new = replace(watch(f"w-{word}-{n}-{actor}", word, f"slack:C1:{n}"), actor=actor)
            return await store.add_watch(new, now=NOW, **limits)
        except TooManyWatches as error:
            return str(error)

    many = await asyncio.gather(*(add(n, "a") for n in range(20)))
    assert sorted(map(str, many)).count("True") == 3
    assert {one for one in many if one is not True} == {"3 watches of this target are running"}
    assert [await add(n, "b") for n in range(3)] == [True, True, "5 watches of yours are running"]
    assert await add(29, "a", "U2") == "3 watches of this target are running"
    assert await add(9, "b", "U2") is True
    await store.end_watch(f"w-a-{many.index(True)}-U1", told=True, now=NOW)
    assert await add(30, "a") is True
