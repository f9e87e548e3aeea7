"""Fixes of one connector are done, taken back and finished in any order, while everything goes wrong: a simple model holds."""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar, get_args

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from bot.demo.lab.tenant import LabTenant, Trouble
from bot.demo.lab.tenant.service import Asked
from bot.demo.lab.tenant.state import SOMEBODY, Effect
from diagnostics.fix import execute, ledger
from diagnostics.fix.execute import Desk
from diagnostics.fix.record import Fix, State
from diagnostics.fix.write_step import Patience
from diagnostics.store import Store
from diagnostics.store.opening import open_store
from tests.fix.office import (
    CONNECTOR,
    DOMAIN,
    GET_CONNECTOR,
    GET_DOMAIN,
    SAY,
    SET_CONNECTOR,
    SET_DOMAIN,
    Action,
    Clock,
    DiedError,
    Flaky,
    Points,
    appear,
    apps,
    on_both,
    planned,
)
from tests.store.conftest import NewUrl

T = TypeVar("T")

POINTS = st.sampled_from(["before-intent", "after-intent", "after-send", "after-read-back", "after-record"])
ENDS = st.sampled_from(["", "", "died", "cancelled", "failed"])
WRITES, READS = st.sampled_from([SET_DOMAIN, SET_CONNECTOR]), st.sampled_from([GET_DOMAIN, GET_CONNECTOR])
NOT_TAKEN = ("refused", "forbidden", "busy", "expired", "failing", "cut", "errors", "ineffective", "html")
PUT_RIGHT = (("accepted-domain", DOMAIN, "DomainType", "InternalRelay"), ("connector", CONNECTOR, "Enabled", True))
FOREIGN = (
    *PUT_RIGHT,
    *(("accepted-domain", DOMAIN, "DomainType", kind) for kind in ("Authoritative", "ExternalRelay")),
    ("connector", CONNECTOR, "Enabled", False),
)
Happening = tuple[Any, ...]
HAPPENINGS: st.SearchStrategy[Happening] = st.one_of(
    st.tuples(st.just("trouble"), WRITES, st.sampled_from([*NOT_TAKEN, "cut-after", "errors-after"]), st.integers(1, 7)),
    st.tuples(st.just("trouble"), READS, st.sampled_from(NOT_TAKEN), st.integers(1, 7)),
    st.tuples(st.just("lag"), st.sampled_from([0, 3600]), st.integers(0, 3)),
    st.tuples(st.just("the_ledger_fails"), st.integers(0, 4), st.integers(0, 2)),
    st.tuples(st.just("time_passes"), st.sampled_from([1, 25, 61, 61])),
    st.tuples(st.just("all_is_well")),
    st.sampled_from(FOREIGN).map(lambda change: ("change", *change)),
)
UNSETTLED = ("running", "unknown", "half-done")
QUICK = Patience(lag=0.05, shortest=0.005, longest=0.02, busy=0.1)


def fail() -> None:
    raise ZeroDivisionError


class Watched(LabTenant):
    """Looks into the ledger, on a connection of its own, whenever a write comes in: its intent must stand there."""

    ledger: Store
    unintended: tuple[Asked, ...] = ()

    async def _note(self, request: Asked) -> None:
        if request.what in (SET_DOMAIN, SET_CONNECTOR):
            value = request.parameters.get("DomainType", request.parameters.get("Enabled"))
            fixes = [ledger.load(row) for row in await self.ledger.fixes()]
            intents = [(s.identity, s.sending) for fix in fixes if fix.state == "running" for s in fix.steps if s.sent]
            if (request.parameters["Identity"], value) not in intents:
                self.unintended += (request,)
        await super()._note(request)


class Fixes(RuleBasedStateMachine):
    """`touched`: (fix, index of a step) that something else than this fix has changed since."""

    new_url: NewUrl
    folder: Path
    points: Points

    @initialize()
    def begin(self) -> None:
        self.runner, self.open = asyncio.Runner(), AsyncExitStack()
        self.clock = Clock()
        self.points = type(self).points
        self.points.todo.clear()
        self.ids: list[str] = []
        self.touched: set[tuple[str, int]] = set()
        self.run(self._open())
        self.plan()

    async def _open(self) -> None:
        url = type(self).new_url()
        connectors = [{"Name": CONNECTOR, "RecipientDomains": [DOMAIN], "SmartHosts": ["mail.contoso.test"]}]
        domains = [{"DomainName": DOMAIN, "DomainType": "InternalRelay"}]
        self.tenant = Watched(type(self).folder, connectors=connectors, accepted_domains=domains)
        self.tenant.ledger = await self.open.enter_async_context(open_store(url))
        self.store = Flaky(await self.open.enter_async_context(open_store(url)))
        await self.open.enter_async_context(self.tenant)
        self.desk = Desk(self.store, *apps(self.tenant, self.open), self.clock, SAY, patience=QUICK)

    def run(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def teardown(self) -> None:
        try:
            if hasattr(self, "desk"):
                self.everything_can_be_settled()
        finally:
            self.run(self.open.aclose())
            self.runner.close()

    # ---- what happens

    @rule(before=st.lists(HAPPENINGS, max_size=2), ends=ENDS, point=POINTS, choice=st.integers(0, 9), back=st.integers(1, 10))
    def go_on(self, *, before: list[Happening], ends: str, point: str, choice: int, back: int) -> None:
        """Something happens, and a person says something, mostly what is sensible. One rule: of many, some would be left out."""
        fix = self.kept(self.ids[-1 if back > len(self.ids) else -back])
        if fix.state not in ("planned", "done", *UNSETTLED):
            self.plan()
            fix = self.kept(self.ids[-1])
        for what, *how in before:
            getattr(self, what)(*how)
        verbs = {"planned": ("do", "do"), "done": ("undo", "undo")}.get(fix.state, ("resume", "undo"))
        self.work_on(fix.id, (*verbs * 4, "do", "resume")[choice], ends, point)

    def plan(self) -> None:
        """Somebody puts all right, and asks anew."""
        self.all_is_well()
        for change in PUT_RIGHT:
            self.change(*change)
        self.ids.append(self.run(planned(self.desk, self.clock)).id)

    def all_is_well(self) -> None:
        self.tenant.heal()
        self.tenant.lag()
        appear(self.tenant)
        self.store.deaf = self.store.mute = 0

    def change(self, table: Any, name: str, property: str, value: Any) -> None:
        """By somebody else."""
        if self.tenant.value(table, name, property) != value:
            self.tenant.change(table, name, property, value)
            self.touch(self.tenant.guid_of(table, name))

    def trouble(self, on: str, trouble: str, times: int) -> None:
        self.tenant.spoil(Trouble(on, trouble, times))

    def lag(self, seconds: int, reads: int) -> None:
        self.tenant.lag(seconds=seconds, reads=reads)

    def the_ledger_fails(self, deaf: int, mute: int) -> None:
        self.store.deaf, self.store.mute = deaf, mute

    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds)

    # ---- the model

    def work_on(self, id: str, verb: str, ends: str = "", point: str = "") -> Fix | None:
        """One verb; then what must be true of every one. None: it did not come to its end."""
        kept = self.kept(id)
        hidden = self.hidden()
        busy = self.run(self.store.store.owned_fix(self.guids[1]))
        held = busy is not None and ledger.is_held(busy, self.clock())
        asked, changed = len(self.tenant.requests), len(self.tenant.changes)
        flaky = self.store.deaf + self.store.mute > 0
        answer = self.run(self._verb(kept, verb, ends, point))
        self.points.todo.clear()
        now, direction = self.kept(id), self.direction(kept, verb)
        requests, effects = self.tenant.requests[asked:], self.tenant.changes[changed:]
        if held:
            assert not effects, "somebody else holds it"
            assert not any(request.what.startswith("Set") for request in requests)
        self.each_send_follows_a_reading(requests)
        self.each_effect_is_what_was_to_be_done(now, direction, effects, hidden)
        for effect in effects:
            self.touch(effect.guid, except_for=id)
        self.steps_tell_the_truth(now)
        assert now.state in get_args(State)
        assert not self.tenant.unintended
        if answer is not None:
            assert answer.state in get_args(State)
            assert (verb, answer.state) != ("undo", "done")
            owner = self.run(self.store.store.owned_fix(self.guids[1]))
            assert flaky or owner is None or (busy and busy.owner == owner.owner), "who comes to an end gives it back"
        return answer

    async def _verb(self, fix: Fix, verb: str, ends: str, point: str) -> Fix | None:
        work: Callable[..., Coroutine[Any, Any, Fix]] = getattr(execute, verb)
        task = asyncio.ensure_future(work(fix, self.desk, actor="U1", tell=lambda _: None))
        actions: dict[str, Action] = {"cancelled": task.cancel, "failed": fail}
        if ends == "died":
            self.points.die(point)
        elif ends:
            self.points.at(point, actions[ends])
        try:
            return await task
        except (DiedError, asyncio.CancelledError):
            return None

    def each_send_follows_a_reading(self, requests: list[Asked]) -> None:
        """A second send of a step only after a reading since the first."""
        for write, read in ((SET_DOMAIN, GET_DOMAIN), (SET_CONNECTOR, GET_CONNECTOR)):
            order = [request.what for request in requests if request.what in (write, read)]
            assert (write, write) not in itertools.pairwise(order)

    def each_effect_is_what_was_to_be_done(self, fix: Fix, direction: str, effects: list[Effect], hidden: set[str]) -> None:
        """At most one a step, from the old to the wanted value; never Internal Relay without the connector."""
        values = dict(zip(self.guids, self.truth, strict=True))
        for effect in reversed(effects):
            values[effect.guid] = effect.before
        for effect in effects:
            values[effect.guid] = effect.after
            assert effect.by != SOMEBODY
            step = next(s for s in fix.steps if s.identity == effect.guid)
            ends = (step.before, step.after) if direction == "do" else (step.after, step.before)
            if effect.guid not in hidden:
                assert (effect.before, effect.after) == ends, "a foreign change is overwritten"
            if not hidden:
                assert tuple(values.values()) != ("InternalRelay", False), "Internal Relay, and no connector"
        assert len({effect.guid for effect in effects}) == len(effects), "one effective change a step"

    def steps_tell_the_truth(self, fix: Fix) -> None:
        """Of every step that is not unknown, unless somebody else was at it."""
        if fix.state in ("unknown", "running"):
            return
        for index, (step, value) in enumerate(zip(fix.steps, self.truth, strict=True)):
            if (fix.id, index) not in self.touched and step.identity not in self.hidden():
                assert step.sent is None
                assert value == (step.after if step.state == "done" else step.before), f"{step.name} is {step.state}"
        done = {step.state == "done" for step in fix.steps}
        assert done == {"done": {True}, "half-done": {True, False}}.get(fix.state, {False})

    def everything_can_be_settled(self) -> None:
        """Once all is well again, each fix comes to an end of its own accord: resumed, or taken back."""
        self.all_is_well()
        self.clock.forward(3600)
        owned = self.run(self.store.store.owned_fix(self.guids[1]))
        for id in sorted(self.ids, key=lambda id: owned is None or owned.id != id):
            fix = self.kept(id)
            if fix.state not in ("unknown", "half-done"):
                continue
            answer = self.work_on(id, "undo" if self.is_foreign(fix) else "resume")
            assert answer
            if not self.is_foreign(fix):
                assert answer.state in ("done", "undone"), answer.said

    # ---- what is so

    @property
    def guids(self) -> tuple[str, str]:
        return self.tenant.guid_of("accepted-domain", DOMAIN), self.tenant.guid_of("connector", CONNECTOR)

    @property
    def truth(self) -> tuple[str, bool]:
        return (
            self.tenant.value("accepted-domain", DOMAIN, "DomainType"),
            self.tenant.value("connector", CONNECTOR, "Enabled"),
        )

    def hidden(self) -> set[str]:
        """Guids of the objects of which reads see old values."""
        return {one.row["Guid"] for table in self.tenant.state.tables.values() for one in table if one.old is not None}

    def kept(self, id: str) -> Fix:
        fix = self.run(ledger.find(self.store.store, id, self.clock(), SAY))
        assert fix
        return fix

    def touch(self, guid: str, *, except_for: str = "") -> None:
        index = self.guids.index(guid)
        self.touched |= {(id, index) for id in self.ids if id != except_for}

    def is_foreign(self, fix: Fix) -> bool:
        return any((fix.id, index) in self.touched for index in range(len(fix.steps)))

    @staticmethod
    def direction(fix: Fix, verb: str) -> str:
        return "undo" if verb == "undo" else fix.direction if verb == "resume" else "do"


@on_both
@pytest.mark.timeout(300)
def test_any_order(new_url: NewUrl, tmp_path: Path, points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "RETRY", (0.001, 0.001))
    machine = type("Machine", (Fixes,), {"new_url": staticmethod(new_url), "folder": tmp_path, "points": points})
    few = settings(max_examples=6, stateful_step_count=30, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=few)
