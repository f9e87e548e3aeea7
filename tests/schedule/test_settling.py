"""Fixes whose process died are told of, and looked at again, once: over a real store and real jobs."""

import asyncio
import contextlib
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.later import Later, settling
from commands.command import Services
from commands.reply import Action, Reply
from diagnostics.durable import Due
from diagnostics.durable.open_engine import open_durable
from diagnostics.fix import ledger
from diagnostics.fix.record import Fix, State
from diagnostics.model import ConnectorRef
from diagnostics.store import Store
from tests.schedule.conftest import Clock, Told, quiet, until

PLACE = '{"channel": "C1"}'
FIX = Fix(id="f-1", state="planned", connector=ConnectorRef(name="Contoso", guid="c5102fff-33e8-5d87-a057-21e07cfe583d"))
BEGUN: tuple[State, ...] = ("planned",)
LEFT: tuple[State, ...] = ("running",)
DEAD = ledger.LEASE + ledger.GRACE + timedelta(seconds=1)


async def left_running(store: Store, clock: Clock) -> None:
    """A process has begun with it, and is gone."""
    fix = FIX.model_copy(update={"place": PLACE, "created": clock()})
    await ledger.add(store, fix, actor="U1", event="planned", now=clock())
    held = await ledger.take(store, fix.id, BEGUN, actor="U1", now=clock)
    assert held
    await held.save(held.fix, "begun")


async def test_what_a_dead_process_left_is_told_once(
    services: Services, store: Store, url: str, clock: Clock, told: Told
) -> None:
    await left_running(store, clock)
    later, stop = Later(), asyncio.Event()
    async with open_durable(url, handlers=later.handlers) as jobs:
        services = replace(services, jobs=jobs)
        later.begin(services, told)
        both = [asyncio.create_task(settling(services, stop, every=timedelta(seconds=0.05))) for _ in range(2)]
        await quiet()
        assert await store.fixes()
        assert told.said == [], "it may be at work still"
        clock.forward(DEAD)
        await until(lambda: told.said, 20)
        await quiet(1)
        stop.set()
        await asyncio.gather(*both)
    ((place, reply),) = told.said
    assert place == PLACE
    assert "could not be told: was it done?" in reply.headline
    assert reply.actions == (Action("resume", "f-1"), Action("undo", "f-1"))


async def test_what_was_gone_on_with_meanwhile_is_not_told(services: Services, store: Store, clock: Clock, told: Told) -> None:
    await left_running(store, clock)
    clock.forward(DEAD)
    held = await ledger.take(store, "f-1", LEFT, actor="U2", now=clock)
    assert held
    later = Later()
    later.begin(services, told)
    assert await later.handlers["interrupted"](Due("interrupted-f-1-1", "interrupted", "f-1", 0, clock(), ())) == ()
    assert told.said == []


@pytest.mark.parametrize("dies", [False, True])
async def test_who_was_told_is_not_told_again(services: Services, store: Store, clock: Clock, told: Told, dies: bool) -> None:
    """A job is called once more when its process died before that was recorded; if it could not be told, it is told then."""
    await left_running(store, clock)
    clock.forward(DEAD)
    later = Later()

    async def tell(place: str, reply: Reply) -> None:
        if dies:
            raise ConnectionError
        await told(place, reply)

    later.begin(services, tell)
    due = Due("interrupted-f-1-1", "interrupted", "f-1", 0, clock(), ())
    with contextlib.suppress(ConnectionError):
        await later.handlers["interrupted"](due)
    assert len(told.said) == (not dies)
    later.begin(services, told)
    await later.handlers["interrupted"](due)
    assert len(told.said) == 1


async def test_newer_plans_hide_nothing(services: Services, store: Store, url: str, clock: Clock, told: Told) -> None:
    await left_running(store, clock)
    clock.forward(DEAD)
    for number in range(120):
        plan = FIX.model_copy(update={"id": f"f-plan-{number}", "created": clock()})
        await ledger.add(store, plan, actor="U1", event="", now=clock())
    assert await store.audit("f-plan-0") == [], "a plan that was only looked at leaves no line for ever"
    later, stop = Later(), asyncio.Event()
    async with open_durable(url, handlers=later.handlers) as jobs:
        services = replace(services, jobs=jobs)
        later.begin(services, told)
        work = asyncio.create_task(settling(services, stop, every=timedelta(seconds=0.05)))
        await until(lambda: told.said, 20)
        stop.set()
        await work
    assert [place for place, _ in told.said] == [PLACE]
