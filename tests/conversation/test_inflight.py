"""One process's side of the store: leases held, given up, taken over; and what a failing store costs."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.conversation import inflight as module
from bot.conversation.inflight import Inflight
from diagnostics.store import Answer, Store, StoreUnavailable
from diagnostics.store.opening import open_store
from diagnostics.store.sql_store import Records
from tests.conversation.memory import NAME, Room

PLACE = Room("alice")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{path}") as opened:
        yield opened


def let_leases_end(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("update mailflow_answers set lease_until = started where finished is null")


async def keeping(inflight: Inflight, seconds: float) -> list[str]:
    """What it takes over in that time."""
    taken: list[Answer] = []
    task = asyncio.create_task(inflight.keep(taken.append))
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait({task})
    await asyncio.sleep(0.1)  # a transaction that was under way ends behind it
    return [answer.id for answer in taken]


async def test_a_question_is_begun_once_over_all_replicas(store: Store) -> None:
    one, two = Inflight(store, NAME), Inflight(store, NAME)
    assert [await one.begin("t-1", PLACE, "{}"), await two.begin("t-1", PLACE, "{}"), await one.begin("t-1", PLACE, "{}")] == [
        True,
        False,
        False,
    ]
    await one.finished("t-1")
    assert not await Inflight(store, NAME).begin("t-1", PLACE, "{}"), "also after its end"


async def test_without_a_store_once_in_this_process() -> None:
    inflight = Inflight(None, NAME)
    assert [await inflight.begin("t-1", PLACE, "{}") for _ in range(2)] == [True, False]
    assert [await inflight.claim("trigger", "t-2") for _ in range(2)] == [True, False]
    assert not inflight.survives("t-1")


async def test_a_claim_is_made_once(store: Store) -> None:
    assert await Inflight(store, NAME).claim("trigger", "t-1")
    assert not await Inflight(store, NAME).claim("trigger", "t-1")


async def test_what_runs_is_not_taken_over(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW", 0.05)
    one, two = Inflight(store, NAME), Inflight(store, NAME)
    assert await one.begin("t-1", PLACE, "{}")
    assert await keeping(two, 0.2) == []
    let_leases_end(path)
    assert await keeping(one, 0.2) == [], "its own, which it still works on"
    assert await keeping(two, 0.2) == [], "and that was renewed"
    await one.release()
    assert await keeping(two, 0.2) == ["t-1"]


async def test_who_was_away_too_long_stops(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW", 0.05)
    one, two = Inflight(store, NAME), Inflight(store, NAME)

    async def work() -> None:
        await one.begin("t-1", PLACE, "{}")
        await asyncio.sleep(60)

    working = asyncio.create_task(work())
    await asyncio.sleep(0.2)
    let_leases_end(path)
    assert await keeping(two, 0.2) == ["t-1"]
    await keeping(one, 0.2)
    await asyncio.wait({working}, timeout=2)
    assert working.cancelled()
    assert one.survives("t-1"), "so that nothing is said about it"


async def test_what_nobody_works_on_any_more_is_taken_up_again(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW", 0.05)
    one = Inflight(store, NAME)
    await asyncio.create_task(_begin_and_fail(one))
    assert await keeping(one, 0.2) == []
    let_leases_end(path)
    assert await keeping(one, 0.2) == ["t-1"]


async def _begin_and_fail(inflight: Inflight) -> None:
    await inflight.begin("t-1", PLACE, "{}")


async def test_nothing_is_taken_over_before_this_process_is_ready(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW", 0.05)
    one, two = Inflight(store, NAME), Inflight(store, NAME)
    assert await one.begin("t-1", PLACE, "{}")
    await one.release()
    taken: list[str] = []
    ready = asyncio.Event()
    task = asyncio.create_task(two.keep(lambda answer: taken.append(answer.id), ready))
    await asyncio.sleep(0.2)
    assert taken == []
    ready.set()
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.wait({task})
    assert taken == ["t-1"]


async def test_answers_are_resumed_one_by_one_and_counted_when_their_turn_comes(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RENEW", 0.05)
    gone, inflight = Inflight(store, NAME), Inflight(store, NAME)
    for number in range(4):
        await gone.begin(f"t-{number}", PLACE, "{}")
    await gone.release()
    taken: list[str] = []
    ends = asyncio.Event()

    def again(answer: Answer) -> asyncio.Task[None]:
        async def work() -> None:
            inflight.took(answer.id)
            taken.append(answer.id)
            await ends.wait()
            await inflight.finished(answer.id)

        return asyncio.create_task(work())

    task = asyncio.create_task(inflight.keep(again))
    await asyncio.sleep(0.3)
    assert taken == ["t-0"]
    with sqlite3.connect(path) as database:
        assert database.execute("select attempts from mailflow_answers order by id").fetchall() == [(2,), (1,), (1,), (1,)]
    ends.set()
    await asyncio.sleep(0.3)
    task.cancel()
    await asyncio.wait({task})
    assert taken == ["t-0", "t-1", "t-2", "t-3"]


async def test_an_end_that_could_not_be_stored_is_stored_later(store: Store, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RENEW", 0.05)
    inflight = Inflight(store, NAME)
    assert await inflight.begin("t-1", PLACE, "{}")
    with monkeypatch.context() as patch:

        async def away(*args: object, **more: object) -> None:
            raise StoreUnavailable("locked")

        patch.setattr(Records, "finish_answer", away)
        await inflight.finished("t-1")
    let_leases_end(path)
    assert await keeping(inflight, 0.3) == []
    let_leases_end(path)
    assert await keeping(Inflight(store, NAME), 0.2) == []


async def test_a_store_that_hangs_costs_a_form_a_second(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(*args: object, **more: object) -> bool:
        await asyncio.sleep(60)
        return True

    monkeypatch.setattr(module, "_CLAIM", 0.05)
    monkeypatch.setattr(Records, "claim", slow)
    assert await asyncio.wait_for(Inflight(store, NAME).claim("trigger", "t-1"), 1)
