"""Three processes do whatever they like in any order while time passes: the store says what a simple model says."""

import asyncio
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule, run_state_machine_as_test

from diagnostics.store import LEASE, MAX_ATTEMPTS, RUNNING, Store, StoredFix
from diagnostics.store.opening import open_store
from tests.store.conftest import NewUrl
from tests.store.factories import GUID, MINUTE, NOW, SECOND, answer, entry, fix, watch

T = TypeVar("T")

OWNERS = st.sampled_from(["one", "two", "three"])
ANSWERS = st.sampled_from(["a-1", "a-2", "a-3"])
WATCHES = st.sampled_from(["w-1", "w-2", "w-3", "w-4"])
WORDS = st.sampled_from(["mail.contoso.com", "contoso.com"])
EVERY = st.sampled_from([20 * SECOND, 5 * MINUTE])
FIXES = st.sampled_from(["f-1", "f-2"])
STATES = st.sampled_from(["planned", RUNNING, "done"])
GRACE = 20 * SECOND


@dataclass
class Held:
    """What the model knows of an answer or a watch; `free`: when it may be taken."""

    free: datetime
    owner: str | None = None
    over: bool = False
    attempts: int = 1
    note: str = ""
    key: str = field(default="")


class Clockwork(RuleBasedStateMachine):
    """An open store, and time."""

    new_url: NewUrl

    @initialize()
    def begin(self) -> None:
        self.now = NOW
        self.runner = asyncio.Runner()
        self.open = AsyncExitStack()
        self.url = type(self).new_url()
        self.store: Store = self.do(self.open.enter_async_context(open_store(self.url)))

    def do(self, call: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(call)

    def teardown(self) -> None:
        self.do(self.open.aclose())
        self.runner.close()

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    @rule()
    def restart(self) -> None:
        self.do(self.open.aclose())
        self.store = self.do(self.open.enter_async_context(open_store(self.url)))


class Processes(Clockwork):
    """Ids seen, answers, watches."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, Held] = {}
        self.watches: dict[str, Held] = {}
        self.seen: set[str] = set()

    @rule(id=st.sampled_from("abc"))
    def claim(self, id: str) -> None:
        assert self.do(self.store.claim("event", id, at=self.now)) == (id not in self.seen)
        self.seen.add(id)

    # ---- answers

    @rule(id=ANSWERS, owner=OWNERS)
    def begin_answer(self, id: str, owner: str) -> None:
        new = id not in self.answers
        assert self.do(self.store.begin_answer(replace(answer(id), place=""), owner=owner, now=self.now)) == new
        if new:
            self.answers[id] = Held(self.now + LEASE, owner)

    @rule(id=ANSWERS, owner=OWNERS, place=st.text(max_size=5).filter(lambda text: "\0" not in text))
    def move_answer(self, id: str, owner: str, place: str) -> None:
        mine = self.mine(self.answers, id, owner)
        assert self.do(self.store.move_answer(id, owner=owner, place=place)) == bool(mine)
        if mine:
            mine.note = place

    @rule(id=ANSWERS, owner=OWNERS)
    def finish_answer(self, id: str, owner: str) -> None:
        mine = self.mine(self.answers, id, owner)
        assert self.do(self.store.finish_answer(id, owner=owner, now=self.now)) == bool(mine)
        if mine:
            mine.over = True

    @rule(owner=OWNERS, limit=st.integers(1, 3))
    def take_unfinished(self, owner: str, limit: int) -> None:
        free = [id for id, held in self.answers.items() if self.is_free(held) and held.attempts < MAX_ATTEMPTS + 2]
        taken = self.do(self.store.take_unfinished(owner, now=self.now, limit=limit))
        assert [a.id for a in taken] == sorted(free)[:limit]  # all of them started at the same time
        for one in taken:
            held = self.answers[one.id]
            held.owner, held.free, held.attempts = owner, self.now + LEASE, held.attempts + 1
            assert (one.attempts, one.place) == (held.attempts, held.note)

    # ---- watches

    @rule(id=WATCHES, word=WORDS, every=EVERY)
    def add_watch(self, id: str, word: str, every: timedelta) -> None:
        new = id not in self.watches and word not in [held.key for held in self.watches.values() if not held.over]
        assert self.do(self.store.add_watch(replace(watch(id, word), every=every), now=self.now)) == new
        if new:
            self.watches[id] = Held(self.now + every, key=word)

    @rule(owner=OWNERS)
    def take_due_watches(self, owner: str) -> None:
        taken = self.do(self.store.take_due_watches(owner, now=self.now))
        assert {w.id for w in taken} == {id for id, held in self.watches.items() if self.is_free(held)}
        for one in taken:
            held = self.watches[one.id]
            assert one.last == held.note
            held.owner, held.free = owner, self.now + LEASE

    @rule(id=WATCHES, owner=OWNERS, last=st.sampled_from(["failing", "unknown"]), every=EVERY)
    def put_off(self, id: str, owner: str, last: str, every: timedelta) -> None:
        mine = self.mine(self.watches, id, owner)
        assert self.do(self.store.put_off(id, owner=owner, due=self.now + every, last=last)) == bool(mine)
        if mine:
            mine.owner, mine.free, mine.note = None, self.now + every, last

    @rule(id=WATCHES, owner=OWNERS, told=st.booleans())
    def end_watch(self, id: str, owner: str, told: bool) -> None:
        held = self.watches.get(id)
        live = held is not None and not held.over
        last_words = replace(answer(f"tell-{id}"), place="") if told else None
        assert self.do(self.store.end_watch(id, told=told, now=self.now, answer=last_words, owner=owner)) == live
        if held and live:
            held.over = True
            if told:
                self.answers[f"tell-{id}"] = Held(self.now + LEASE, owner)

    # ---- both

    @rule(owner=OWNERS, ids=st.sets(st.one_of(ANSWERS, WATCHES)))
    def renew(self, owner: str, ids: set[str]) -> None:
        mine = {id: held for held_ids in (self.answers, self.watches) for id in ids if (held := self.mine(held_ids, id, owner))}
        assert self.do(self.store.renew(owner, ids, now=self.now)) == set(mine)
        for held in mine.values():
            held.free = self.now + LEASE

    @rule(owner=OWNERS)
    def release(self, owner: str) -> None:
        self.do(self.store.release(owner, now=self.now))
        for held in self.answers.values():
            if held.owner == owner and not held.over:
                held.owner, held.free = None, NOW
        for held in self.watches.values():
            if held.owner == owner and not held.over:
                held.owner, held.free = None, self.now

    @invariant()
    def answers_at_all(self) -> None:
        self.do(self.store.ping())

    def is_free(self, held: Held) -> bool:
        return not held.over and held.free <= self.now

    def mine(self, among: dict[str, Held], id: str, owner: str) -> Held | None:
        held = among.get(id)
        return held if held and held.owner == owner and not held.over else None


@dataclass
class Work:
    """What the model knows of a fix: `until` is None while nobody holds it; `owner` stays the last one's name."""

    state: str = "planned"
    document: str = fix().document
    fence: int = 0
    owner: str = ""
    until: datetime | None = None


class Ledger(Clockwork):
    """Two fixes of one connector, and their audit."""

    @initialize()
    def begin(self) -> None:
        super().begin()
        self.fixes = {"f-1": Work(), "f-2": Work()}
        self.audit = [entry(fix=id) for id in self.fixes]
        self.last = ""
        for id in self.fixes:
            self.add_fix(id, new=True)

    @rule(id=FIXES)
    def add_fix(self, id: str, new: bool = False) -> None:
        assert self.do(self.store.add_fix(fix(id, state="planned"), entry(fix=id))) == new

    @rule(id=FIXES, owner=OWNERS, states=st.sampled_from(["planned running done", "planned done"]))
    def take_fix(self, id: str, owner: str, states: str) -> None:
        work = self.fixes[id]
        free = work.state in states.split() and (work.until is None or work.until < self.now - GRACE)
        alone = not any(other.until for other in self.fixes.values() if other is not work)
        taken = self.do(self.store.take_fix(id, owner=owner, states=states.split(), now=self.now, lease=LEASE, grace=GRACE))
        assert (taken is not None) == (free and alone)
        if taken:
            self.last = id
            work.owner, work.fence, work.until = owner, work.fence + 1, self.now + LEASE
            assert taken == self.row(id)

    @precondition(lambda self: self.last)
    @rule(wrong=st.sampled_from(["", "", "owner", "fence"]), state=STATES, ends=st.booleans())
    def save_fix(self, wrong: str, state: str, ends: bool) -> None:
        """By whoever took one last, unless something is wrong with that. Whatever it says, it says again."""
        id, work = self.last, self.fixes[self.last]
        owner, fence = "another" if wrong == "owner" else work.owner, work.fence - (wrong == "fence")
        again = ends and (work.state, work.document) == (state, "[]")
        expected = not wrong and (work.until is not None or again)
        lease, line = None if ends else LEASE, entry("saved", id, self.now)
        for _ in range(2):
            save = self.store.save_fix(
                id, owner=owner, fence=fence, state=state, document="[]", now=self.now, lease=lease, entry=line
            )
            assert self.do(save) == expected
        if expected:
            work.state, work.document, work.until = state, "[]", None if ends else self.now + LEASE
            self.audit += [line] if line not in self.audit else []

    @rule(owner=OWNERS)
    def release(self, owner: str) -> None:
        self.do(self.store.release(owner, now=self.now))
        for work in self.fixes.values():
            if work.owner == owner and work.state != RUNNING:
                work.until = None

    @invariant()
    def all_is_as_it_should_be(self) -> None:
        rows = [self.row(id) for id in ("f-2", "f-1")]
        assert self.do(self.store.fixes()) == rows
        assert self.do(self.store.audit()) == self.audit
        assert self.do(self.store.owned_fix(GUID)) == next((row for row in rows if row.owner), None)

    def row(self, id: str) -> StoredFix:
        work = self.fixes[id]
        owner = work.owner if work.until else None
        return StoredFix(id, GUID, work.state, work.document, NOW, work.fence, owner, work.until)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("kind", "examples"), [(Processes, 10), (Ledger, 20)])
def test_any_order(new_url: NewUrl, kind: type[Clockwork], examples: int) -> None:
    machine = type("Machine", (kind,), {"new_url": staticmethod(new_url)})
    few = settings(max_examples=examples, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(machine, settings=few)
