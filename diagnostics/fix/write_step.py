"""One step of a fix, driven to its end: intent, one attempt, read-back. Never a second attempt before a read-back.

HTTP knows no idempotency here, so "exactly once" cannot be had. What holds: a write is an absolute value; the intent is durable
before the first byte; and a value is sent again only after a reading, later than the lag of Exchange Online's directories
(minutes are seen), showed that the last attempt did not take effect. Such a reading allows another attempt, it proves nothing:
an attempt whose end is not known stays so until its value is seen, or that of one after it.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn

from diagnostics.catalogue.fixing import Objection, Topic
from diagnostics.connectors.source import Admin, Change, Sent, SourceError, Tenant, Value
from diagnostics.fix import ledger
from diagnostics.fix.ledger import Event, Held
from diagnostics.fix.notes import Fact, Note, Say, fix_note, note, value, worded
from diagnostics.fix.record import Direction, Fix, FixStep, StepState
from diagnostics.store import StoreUnavailable

STALE = ledger.LEASE.total_seconds() / 10
"""Seconds: on an older word of the ledger nothing is sent, since somebody else may hold the fix when it arrives."""

INTENTS = 3
"""How often the ledger may be that slow before one attempt."""

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. `lag`: how long a write may stay unseen; between two looks or tries `shortest` to `longest`; `tries` to send.

    `busy`: how long, in all, a service that takes nothing now is waited for; if it asks for more, that is the end.
    """

    lag: float = 300
    shortest: float = 1
    longest: float = 30
    tries: int = 5
    busy: float = 180


def passed(_point: str) -> None:
    """Named places on the way of a write, for those who want to see what a crash there leaves behind."""


class Stopped(Exception):
    """A step did not come to its end, and those after it are not begun. The ledger says why."""


@dataclass(slots=True)
class Writer:
    """Writes steps of a held fix in one direction. `strict`: that a step has its new value already counts as a foreign change."""

    held: Held
    tenant: Tenant
    admin: Admin
    now: Callable[[], datetime]
    patience: Patience
    tell: Tell
    say: Say
    direction: Direction
    strict: bool
    _open: dict[int, FixStep] = field(default_factory=dict)
    """Steps with an attempt of an earlier run whose value was not seen, not even after the lag."""
    _unread: Fact = ""
    """Why the last reading showed nothing."""

    async def write(self, index: int) -> None:
        """Raises Stopped (the ledger has the step's state), ledger.Lost, StoreUnavailable."""
        step = self._step(index)
        old, wanted = self._ends(step)
        self._tell("step", name=step.name, property=step.property, before=value(old), after=value(wanted))
        if step.sent is not None:
            await self._settle(index)
        sent, strict = Sent("again"), self.strict
        pause, left = self.patience.shortest, self.patience.busy
        for _ in range(self.patience.tries):
            tried = None if self.is_over(index) else await self._attempt(index, strict)
            if tried is None:
                return
            sent, strict = tried, False
            if sent.kind in ("accepted", "uncertain"):
                return await self._read_back(index, sent)
            wait = pause if sent.pause is None else sent.pause
            left -= wait
            if sent.kind == "refused" or left < 0:
                break
            pause = await self._rest(wait, pause)
        await self._give_up(index, sent)

    async def is_free(self, index: int) -> None:
        """Raises Stopped if this step's object cannot be read, or somebody else has changed it: best seen before any write."""
        step = self._step(index)
        old, wanted = self._ends(step)
        if step.sent is not None or self.is_over(index):
            return
        seen = await self._value(step)
        if seen != old and (self.strict or seen != wanted):
            await self._not_so(None, step, seen, old)

    async def holds(self, index: int) -> None:
        """Raises Stopped if a step has not (any more) the value that the next one relies on."""
        step = self._step(index)
        seen, wanted = await self._value(step), self._ends(step)[1]
        if seen != wanted:
            await self._not_so(None, step, seen, wanted)

    def is_over(self, index: int) -> bool:
        return self._step(index).state == ("done" if self.direction == "do" else "undone")

    def _step(self, index: int) -> FixStep:
        return self.held.fix.steps[index]

    def _ends(self, step: FixStep) -> tuple[Value, Value]:
        """(old, wanted) in this direction."""
        return (step.before, step.after) if self.direction == "do" else (step.after, step.before)

    def _hides(self, index: int) -> bool:
        """Whether an attempt of the other direction may still come to light, so that seeing the wanted value proves nothing."""
        return index in self._open and self._open[index].sending != self._ends(self._step(index))[1]

    async def _settle(self, index: int) -> None:
        """What came of an attempt of an earlier run: known once its value is seen."""
        step = self._step(index)
        self._tell("settling")
        since = (self.now() - step.sent).total_seconds() if step.sent else 0.0
        # a clock that was put back must not make it longer than the lag
        seen = await self._poll(step, step.sending, min(max(0.0, self.patience.lag - since), self.patience.lag))
        if seen is None:
            await self._stop(index, "unknown", self._unreadable(step))
        if seen != step.sending:
            self._open[index] = step
        elif seen == self._ends(step)[1]:
            await self._over(index)
        else:
            await self._save(index, "found written", state="done", sent=None, sending=None)

    async def _attempt(self, index: int, strict: bool) -> Sent | None:
        """One request to write. None: the step has its value already."""
        try:
            await self.admin.ready()
        except SourceError as error:
            await self._stop(index, "failed", note(Topic.OUTCOME, "nothing-sent", why=str(error)))
        for _ in range(INTENTS):
            if await self._has_it(index, strict):
                return None
            passed("before-intent")
            await self._save(index, "about to write", sent=self.now(), sending=self._ends(self._step(index))[1], said="")
            passed("after-intent")
            if self.held.age <= STALE:
                step = self._step(index)
                sent = await self.admin.send(Change(step.object, step.identity, self._ends(step)[1], step.name))
                passed("after-send")
                return sent
        raise StoreUnavailable("it is too slow to write under it")

    async def _has_it(self, index: int, strict: bool) -> bool:
        """The last look before a byte is sent: the value must be the one that the plan showed, or the wanted one."""
        step = self._step(index)
        old, wanted = self._ends(step)
        seen = await self._value(step)
        if seen == wanted and self._hides(index):
            return False
        if seen == wanted and not strict:
            await self._over(index, had_it=not step.sent)
            return True
        if seen != old:
            await self._not_so(index, step, seen, old)
        return False

    async def _read_back(self, index: int, sent: Sent) -> None:
        self._tell("sent")
        step = self._step(index)
        wanted = self._ends(step)[1]
        seen = await self._poll(step, wanted, self.patience.lag)
        passed("after-read-back")
        if seen == wanted and not (self._hides(index) and sent.kind == "uncertain"):
            return await self._over(index)
        said: Fact = note(Topic.PART, "said", text=sent.said) if sent.said else ""
        why: Fact = note(Topic.PART, "also", text=self._unread) if seen is None else ""
        await self._stop(index, "unknown", note(Topic.OUTCOME, "not-read-back", said=said, why=why))

    async def _give_up(self, index: int, sent: Sent) -> None:
        """It was not taken. Should the value be there all the same, that is the end."""
        step = self._step(index)
        if not self._hides(index) and await self._value(step) == self._ends(step)[1]:
            return await self._over(index)
        how = "refused" if sent.kind == "refused" else "not-taken"
        await self._stop(index, "failed", note(Topic.OUTCOME, how, said=sent.said))

    async def _poll(self, step: FixStep, wanted: Value | None, seconds: float) -> Value | None:
        """The wanted value as soon as it is seen; else what was seen last. None: it could not be read."""
        loop = asyncio.get_running_loop()
        until, pause = loop.time() + seconds, self.patience.shortest
        while True:
            looked = loop.time()
            seen = await self._value(step)
            if seen == wanted or looked >= until:
                return seen
            pause = await self._rest(min(pause, max(0.0, until - loop.time())), pause)

    async def _rest(self, seconds: float, pause: float) -> float:
        """Waits, holding the lease. Returns the next pause."""
        while seconds > 0:
            part = min(seconds, ledger.LEASE.total_seconds() / 6)
            await asyncio.sleep(part)
            seconds -= part
            await self.held.hold()
        return min(2 * pause, self.patience.longest)

    async def _value(self, step: FixStep) -> Value | None:
        """None: it cannot be read, for whatever reason. With all its tries and pages that may take longer than the lease."""
        reading = asyncio.create_task(self.tenant.value(step.object, step.identity))
        try:
            while not reading.done():
                await asyncio.wait({reading}, timeout=ledger.LEASE.total_seconds() / 6)
                await self.held.hold()
            self._unread = note(Topic.PART, "no-such-guid")
            return reading.result()
        except SourceError as error:
            self._unread = str(error)
            self.tell(str(error))
            return None
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _over(self, index: int, *, had_it: bool = False) -> None:
        state: StepState = "done" if self.direction == "do" else "undone"
        said = worded(note(Topic.OUTCOME, "had-it"), self.say) if had_it else ""
        await self._save(index, "nothing to write" if had_it else "written", state=state, said=said, sent=None, sending=None)
        passed("after-record")

    async def _not_so(self, index: int | None, step: FixStep, seen: Value | None, expected: Value) -> NoReturn:
        """Raises Stopped: the value is not the one that was to be there, or cannot be read."""
        if seen is None:
            await self._stop(index, "failed", self._unreadable(step))
        facts = {"name": step.name, "property": step.property, "seen": value(seen), "expected": value(expected)}
        await self._stop(index, "failed", note(Objection.CHANGED_SINCE_PLAN, "value", **facts))

    def _unreadable(self, step: FixStep) -> Note:
        return note(Topic.OUTCOME, "unreadable", name=step.name, why=self._unread)

    async def _stop(self, index: int | None, state: StepState, why: Note) -> NoReturn:
        said = worded(why, self.say).rstrip()
        fix = self.held.fix.model_copy(update={"said": said})
        if isinstance(why.key, Objection):
            others = (b for b in fix.blocked if b.id != why.key)
            fix = fix.model_copy(update={"blocked": (*others, fix_note(why, self.say))})
        step = None
        if index is not None:
            step = self._left(index, state).model_copy(update={"said": said})
            fix = _with(fix, index, step)
        await self.held.save(fix, f"stopped: {state}", step=step)
        raise Stopped

    def _left(self, index: int, state: StepState) -> FixStep:
        """A step that did not come to its end: what is not known stays so, and what could not be taken back is still done."""
        step = self._step(index)
        if index in self._open:
            return self._open[index].model_copy(update={"state": "unknown"})
        if state == "unknown":
            return step.model_copy(update={"state": "unknown"})
        kept = step.state if self.direction == "undo" else state
        return step.model_copy(update={"state": kept, "sent": None, "sending": None})

    def _tell(self, how: str, **facts: Fact) -> None:
        self.tell(worded(note(Topic.PROGRESS, how, **facts), self.say))

    async def _save(self, index: int, event: Event, **update: object) -> None:
        step = self._step(index).model_copy(update=update)
        await self.held.save(_with(self.held.fix, index, step), event, step=step)


def _with(fix: Fix, index: int, step: FixStep) -> Fix:
    return fix.model_copy(update={"steps": (*fix.steps[:index], step, *fix.steps[index + 1 :])})
