"""Watches over a real store: told once, whatever happens."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot import metrics, schedule
from bot.news import owed
from commands.command import Services
from commands.memory import Memory
from commands.reply import Reply
from diagnostics.model import Diagnosis
from diagnostics.store import LEASE, Store, StoreUnavailable, Watch
from diagnostics.store.opening import open_store
from diagnostics.store.records import Records
from tests.schedule.conftest import FAILING, HEALTHY, Checks, Clock, Told, ids, quiet, until, watched
from tests.store.factories import DAY, MINUTE, NOW, SECOND, result, watch

DUE = 5 * MINUTE
WORD = watch().word


@pytest.fixture
async def due(store: Store, clock: Clock) -> Watch:
    await store.add_watch(watch(), now=clock())
    clock.forward(DUE)
    return watch()


async def owed_later(store: Store, clock: Clock) -> list[Reply]:
    """What somebody else would have to tell once all leases are over."""
    return [reply for a in await store.take_unfinished("later", now=clock() + LEASE) if (reply := owed(a))]


async def test_it_is_told_once_when_it_works_again(
    *, services: Services, store: Store, clock: Clock, checks: Checks, told: Told, due: Watch
) -> None:
    async with watched(services, told):
        await until(lambda: checks.requests)
        await quiet()
        assert told.said == []
        checks.replies[WORD] = HEALTHY
        clock.forward(DUE)
        await until(lambda: told.said)
        clock.forward(DUE)
        await quiet()
    assert told.said == [(due.place, Reply("Works again: mail.contoso.com — mail can be delivered", "good"))]
    assert len(checks.requests) == 2
    assert await store.take_due_watches("later", now=clock() + DAY) == []
    assert await owed_later(store, clock) == []


async def test_not_before_its_time(services: Services, clock: Clock, checks: Checks, told: Told, due: Watch) -> None:
    async with watched(services, told):
        await until(lambda: checks.requests)
        clock.forward(DUE - SECOND)
        await quiet()
        assert len(checks.requests) == 1
        clock.forward(SECOND)
        await until(lambda: len(checks.requests) == 2)


async def test_it_asks_as_nobody_and_spends_from_nobody(
    services: Services, checks: Checks, told: Told, due: Watch, store: Store
) -> None:
    async with watched(services, told):
        await until(lambda: checks.requests)
    (request,) = checks.requests
    assert request.words == ("check", "--", WORD)
    assert request.actor.id == "watch:w-1"
    assert request.actor.roles == {"reader"}


async def test_the_time_is_over(
    *, services: Services, store: Store, clock: Clock, checks: Checks, told: Told, due: Watch
) -> None:
    clock.forward(DAY)
    async with watched(services, told):
        await until(lambda: told.said)
        await quiet()
    assert told.headlines == [f"Not working yet after 24 hours, so I no longer look. {FAILING.headline}"]
    assert await store.take_due_watches("later", now=clock() + DAY) == []


async def test_a_bot_that_was_away_tells_what_it_sees_now(
    services: Services, clock: Clock, checks: Checks, told: Told, due: Watch
) -> None:
    checks.replies[WORD] = HEALTHY
    clock.forward(3 * DAY)
    async with watched(services, told):
        await until(lambda: told.said)
    assert told.headlines[0].startswith("Works again: ")


async def test_two_over_one_store(services: Services, url: str, store: Store, clock: Clock, checks: Checks) -> None:
    words = [f"mail{n}.contoso.com" for n in range(60)]
    for n, word in enumerate(words):
        await store.add_watch(watch(f"w-{n}", word, f"place {n}"), now=clock())
        checks.replies[word] = replace(HEALTHY, headline=f"Healthy: {word}")
    clock.forward(DUE)
    one, two = Told(), Told()
    async with open_store(url) as other:
        replica = replace(services, store=other, memory=Memory(other))
        async with watched(services, one), watched(replica, two):
            await until(lambda: len(one.said) + len(two.said) >= len(words), 20)
            await quiet()
    assert sorted(place for place, _ in one.said + two.said) == sorted(f"place {n}" for n in range(60))
    assert await owed_later(store, clock) == []


async def test_a_replica_that_was_faster(
    *, services: Services, store: Store, clock: Clock, checks: Checks, told: Told, due: Watch
) -> None:
    """The lease was lost while it checked: what another has told is not told again."""

    async def meanwhile() -> None:
        clock.forward(2 * LEASE)
        (taken,) = await store.take_due_watches("other", now=clock())
        assert await store.end_watch(taken.id, told=True, now=clock(), owner="other")

    checks.before = meanwhile
    checks.replies[WORD] = HEALTHY
    async with watched(services, told):
        await until(lambda: checks.requests)
        await quiet()
    assert told.said == []


async def test_leases_are_renewed_while_a_check_runs(
    *, services: Services, store: Store, clock: Clock, checks: Checks, told: Told, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "RENEW", timedelta(seconds=0.02))
    go_on = asyncio.Event()
    checks.before = go_on.wait
    async with watched(services, told, tick=60):  # its own next look would take it again
        await until(lambda: checks.requests)
        for _ in range(4):
            clock.forward(LEASE - 5 * SECOND)
            await quiet(0.08)
            assert await store.take_due_watches("other", now=clock()) == []
        go_on.set()
    assert len(checks.requests) == 1


async def test_leases_are_renewed_while_it_is_told(
    *, services: Services, store: Store, clock: Clock, checks: Checks, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "RENEW", timedelta(seconds=0.02))
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def tell(_place: str, _reply: Reply) -> None:
        begun.set()
        await go_on.wait()

    checks.replies[WORD] = HEALTHY
    async with watched(services, tell):
        await begun.wait()
        for _ in range(3):
            clock.forward(LEASE - 5 * SECOND)
            await quiet(0.08)
            assert await store.take_unfinished("other", now=clock()) == []
        go_on.set()
    assert await owed_later(store, clock) == []


async def test_without_renewal_it_is_lost(
    *, services: Services, store: Store, clock: Clock, checks: Checks, told: Told, due: Watch
) -> None:
    """The counter-proof of the test above."""
    go_on = asyncio.Event()
    checks.before = go_on.wait
    async with watched(services, told):
        await until(lambda: checks.requests)
        clock.forward(LEASE)
        assert ids(await store.take_due_watches("other", now=clock())) == [due.id]
        go_on.set()


async def test_a_place_that_cannot_be_reached(
    *, services: Services, store: Store, clock: Clock, checks: Checks, due: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    tried = []

    async def fail(place: str, reply: Reply) -> None:
        tried.append(place)
        raise ConnectionError("Slack is away")

    checks.replies[WORD] = HEALTHY
    async with watched(services, fail):
        await until(lambda: tried)
        await quiet()
    assert len(tried) == 1
    assert "Slack is away" in caplog.text
    (reply,) = await owed_later(store, clock)
    assert reply.headline.startswith("Works again: ")


async def test_stopped_in_the_middle_it_gives_back(
    *, services: Services, store: Store, clock: Clock, checks: Checks, told: Told, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "DRAIN", 0.05)
    checks.before = asyncio.Event().wait
    async with watched(services, told):
        await until(lambda: checks.requests)
    assert ids(await store.take_due_watches("other", now=clock())) == [due.id]


async def test_told_to_stop_it_ends_what_runs(
    *, services: Services, store: Store, clock: Clock, checks: Checks, told: Told, due: Watch
) -> None:
    async def slow() -> None:
        await asyncio.sleep(0.3)

    checks.before, checks.replies[WORD] = slow, HEALTHY
    async with watched(services, told):
        await until(lambda: checks.requests)
    assert told.headlines == ["Works again: mail.contoso.com — mail can be delivered"]
    assert await owed_later(store, clock) == []


async def test_no_more_at_once_than_it_says(services: Services, store: Store, clock: Clock, checks: Checks, told: Told) -> None:
    for n in range(50):
        await store.add_watch(watch(f"w-{n}", f"mail{n}.contoso.com"), now=clock())
    clock.forward(DUE)
    running, most = 0, 0

    async def slow() -> None:
        nonlocal running, most
        running, most = running + 1, max(most, running + 1)
        await asyncio.sleep(0.05)
        running -= 1

    checks.before = slow
    async with watched(services, told, tick=60):  # a free place is taken at once, not at the next tick
        await until(lambda: len(checks.requests) == 50)
    assert most == schedule.AT_ONCE


async def test_one_that_fails_does_not_end_the_others(
    *, services: Services, store: Store, clock: Clock, checks: Checks, told: Told, due: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    await store.add_watch(watch("w-2", "bad.contoso.com"), now=NOW)
    checks.replies["bad.contoso.com"] = None  # type: ignore[assignment]
    async with watched(services, told):
        await until(lambda: len(checks.requests) == 2)
        await quiet()
        checks.replies[WORD] = HEALTHY
        clock.forward(DUE)
        await until(lambda: told.said)
    assert "a watch failed" in caplog.text


# ---- what is kept


async def test_only_news_is_kept(
    *, services: Services, store: Store, clock: Clock, told: Told, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[str] = []
    said = iter(["failing", "failing", "degraded", "degraded", "healthy"])
    severity = {"failing": "bad", "degraded": "mixed", "healthy": "good"}

    async def check(_request: object, services: Services, _tell: object) -> Reply:
        verdict = next(said)
        kept.append(f"r-{len(kept)}")
        await services.memory.keep(result(kept[-1], verdict=verdict))
        return Reply(verdict, severity[verdict], verdict=verdict)  # type: ignore[arg-type]

    monkeypatch.setattr(schedule, "run", check)
    assert due.last == ""
    async with watched(services, told):
        for looks in range(1, 6):
            await until(lambda looks=looks: len(kept) == looks)  # type: ignore[misc]
            await quiet(0.05)
            clock.forward(DUE)
    assert [id for id in kept if await store.result(id)] == ["r-0", "r-2", "r-4"]


async def test_the_last_result_is_kept_although_it_is_no_news(
    *, services: Services, store: Store, clock: Clock, told: Told, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter(range(9))

    async def check(_request: object, services: Services, _tell: object) -> Reply:
        await services.memory.keep(result(f"r-{next(numbers)}"))
        return FAILING

    monkeypatch.setattr(schedule, "run", check)
    async with watched(services, told):
        await quiet()
        clock.forward(DAY)
        await until(lambda: told.said)
    assert await store.result("r-0")
    assert await store.result("r-1")


async def test_results_that_are_told_of_can_be_asked_for(
    *, services: Services, store: Store, clock: Clock, told: Told, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def check(_request: object, services: Services, _tell: object) -> Reply:
        await services.memory.keep(result("r-9", verdict="healthy"))
        return HEALTHY

    async def tell(place: str, reply: Reply) -> None:
        assert await store.result("r-9")
        await told(place, reply)

    monkeypatch.setattr(schedule, "run", check)
    async with watched(services, tell):
        await until(lambda: told.said)


# ---- a store that is away


class Shaky(Records):
    """A store that can be out of reach, before a call or after it was done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.away = ""
        self.calls: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_") or name in ("away", "calls"):
            return super().__getattribute__(name)
        return self._shaken(name)

    def _shaken(self, name: str) -> Callable[..., Coroutine[Any, Any, Any]]:
        async def call(*args: Any, **named: Any) -> Any:
            self.calls.append(name)
            if self.away == "all":
                raise StoreUnavailable("no connection to the database server")
            done = await getattr(self._store, name)(*args, **named)
            if self.away == name:
                self.away = ""
                raise StoreUnavailable("no answer from the database within 5 s")
            return done

        return call


@pytest.fixture
def shaky(services: Services, store: Store) -> tuple[Services, Shaky]:
    made = Shaky(store)
    return replace(services, store=made, memory=Memory(made)), made


async def test_a_store_that_is_away_and_comes_back(
    *, shaky: tuple[Services, Shaky], clock: Clock, checks: Checks, told: Told, due: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    services, store = shaky
    store.away = "all"
    checks.replies[WORD] = HEALTHY
    with caplog.at_level(logging.WARNING, "mailflow.schedule"):
        async with watched(services, told):
            await until(lambda: store.calls.count("take_due_watches") > 3)
            assert told.said == []
            store.away = ""
            await until(lambda: told.said)
    said = [record.getMessage() for record in caplog.records]
    assert said == [
        "the store cannot be reached, so watches wait: no connection to the database server",
        "the store is reached again",
    ]


@pytest.mark.parametrize("lost", ["take_due_watches", "put_off", "end_watch", "finish_answer"])
async def test_an_answer_of_the_store_that_got_lost(
    lost: str, *, shaky: tuple[Services, Shaky], clock: Clock, checks: Checks, told: Told, due: Watch
) -> None:
    """It was done, and nobody knows: still the place is told, by this process or by whoever takes over."""
    services, store = shaky
    store.away = lost
    checks.replies[WORD] = FAILING if lost == "put_off" else HEALTHY
    async with watched(services, told):
        await until(lambda: store.away == "")
        checks.replies[WORD] = HEALTHY
        await quiet()
        clock.forward(DUE)
        await quiet()
    later = await owed_later(store, clock)
    assert [*told.headlines, *(reply.headline for reply in later)] == ["Works again: mail.contoso.com — mail can be delivered"]


async def test_what_was_told_and_could_not_be_ticked_off(
    shaky: tuple[Services, Shaky], clock: Clock, checks: Checks, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, store = shaky
    checks.replies[WORD] = HEALTHY
    monkeypatch.setattr(schedule, "FINISH", (0.1, 0.1))
    told: list[str] = []

    async def tell(place: str, _reply: Reply) -> None:
        told.append(place)
        store.away = "all"

    async with watched(services, tell):
        await until(lambda: store.calls.count("finish_answer") == 2)
        store.away = ""
    assert len(told) == 1
    assert await owed_later(store, clock) == []


async def test_told_twice_rather_than_never(
    shaky: tuple[Services, Shaky], clock: Clock, checks: Checks, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, store = shaky
    checks.replies[WORD] = HEALTHY
    monkeypatch.setattr(schedule, "FINISH", (0.01,))

    async def tell(_place: str, _reply: Reply) -> None:
        store.away = "all"

    async with watched(services, tell):
        await until(lambda: store.calls.count("finish_answer") == 2)
    store.away = ""
    assert len(await owed_later(store, clock)) == 1


async def test_without_a_store_it_waits(services: Services, told: Told) -> None:
    async with watched(replace(services, store=None), told) as task:
        await quiet(0.05)
        assert not task.done()


# ---- retention


async def test_once_an_hour_over_all_replicas(
    *, services: Services, url: str, store: Store, clock: Clock, checks: Checks, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "RETAIN", timedelta(seconds=0.02))
    pruned: list[datetime] = []
    real = Records.prune

    async def prune(self: Records, now: datetime, *args: Any, **named: Any) -> Any:
        pruned.append(now)
        return await real(self, now, *args, **named)

    monkeypatch.setattr(Records, "prune", prune)
    await store.keep_result(result("r-old", verdict="unknown", at=NOW - 40 * DAY))
    async with open_store(url) as other:
        replica = replace(services, store=other, memory=Memory(other))
        async with watched(services, told), watched(replica, told):
            await until(lambda: pruned)
            await quiet()
            assert len(pruned) == 1
            clock.forward(timedelta(hours=1))
            await until(lambda: len(pruned) == 2)
    assert await store.result("r-old") is None


async def test_watches_are_counted(
    *, services: Services, clock: Clock, checks: Checks, told: Told, due: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "_meters", None)
    metrics.start()
    checks.replies[WORD] = replace(HEALTHY, document=Diagnosis(started=NOW, seconds=0.5, results=()))
    async with watched(services, told):
        await until(lambda: told.said)
    page = metrics.page()[0].decode()
    assert 'mailflow_watches_ended_total{outcome="works"} 1.0' in page
    assert 'mailflow_check_seconds_count{by="watch"} 1.0' in page
