"""Do, undo and resume a fix: the only module that changes a tenant. Whatever happens, the answer is a state of contract 6.

Accepted domains are written first and the connector last, and taken back the other way round: no half state leaves a domain
Internal Relay without a connector. What a step relies on is looked at once more just before it, since the order is worth
nothing if somebody else took one back meanwhile.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from diagnostics.catalogue.fixing import Topic
from diagnostics.connectors.source import Admin, Tenant
from diagnostics.fix import ledger
from diagnostics.fix.ledger import Event, Held, Lost
from diagnostics.fix.notes import Fact, Say, note, worded
from diagnostics.fix.record import Direction, Fix, FixStep, State
from diagnostics.fix.write_step import Patience, Stopped, Tell, Writer
from diagnostics.store import Store, StoreUnavailable

log = logging.getLogger("mailflow")


@dataclass(frozen=True, slots=True)
class _Way:
    """Which way (None: the one that was begun last), out of which states, and what the audit calls its beginning."""

    direction: Direction | None
    states: tuple[State, ...]
    event: Event


_UNSETTLED: tuple[State, ...] = ("half-done", "unknown", "running")

LATER = (ledger.LEASE + ledger.GRACE).seconds
"""Until then whoever holds a fix may have a request on its way."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What changing a tenant takes. `verify_after`: when a done fix is to be looked at again. `say`: in which words."""

    store: Store
    tenant: Tenant
    admin: Admin
    now: Callable[[], datetime]
    say: Say
    verify_after: tuple[timedelta, ...] = (timedelta(minutes=30), timedelta(minutes=60))
    patience: Patience = field(default_factory=Patience)


async def do(fix: Fix, desk: Desk, *, actor: str, tell: Tell) -> Fix:
    """Write the steps of a fix that is in the ledger, planned. Never raises, except when cancelled."""
    return await _run(fix, _Way("do", ("planned", "awaiting-approval"), "begun"), desk, actor, tell)


async def undo(fix: Fix, desk: Desk, *, actor: str, tell: Tell) -> Fix:
    """Put back the old values of what was written, unless somebody else changed it. Never raises, except when cancelled."""
    return await _run(fix, _Way("undo", ("done", *_UNSETTLED), "undo begun"), desk, actor, tell)


async def resume(fix: Fix, desk: Desk, *, actor: str, tell: Tell) -> Fix:
    """Finish what was begun last. Never raises, except when cancelled."""
    return await _run(fix, _Way(None, _UNSETTLED, "resumed"), desk, actor, tell)


def refused(fix: Fix, said: str, state: State = "failed") -> Fix:
    """The answer when nothing was done. `fix`: as the ledger has it."""
    return fix.model_copy(update={"state": state, "said": said, "kept": fix.state})


async def _run(fix: Fix, way: _Way, desk: Desk, actor: str, tell: Tell) -> Fix:
    try:
        held = await ledger.take(desk.store, fix.id, way.states, actor=actor, now=desk.now)
        if held is None:
            return await _why_not_taken(fix, way.states, desk)
    except StoreUnavailable as error:
        return refused(fix, _said(desk, "no-ledger", why=str(error)))
    except Exception:
        log.exception("a fix could not be begun")
        return refused(fix, _said(desk, "fault-before"))
    direction = way.direction or held.fix.direction
    try:
        return await _held(held, direction, way.event, desk, tell)
    except Lost:
        return await _taken_over(fix, desk)
    except StoreUnavailable as error:
        return refused(held.fix, _said(desk, "ledger-lost", why=str(error)), _interrupted(held.fix, direction))
    except asyncio.CancelledError:
        await asyncio.shield(_let_go(held, direction, desk))
        raise
    except Exception:
        log.exception("a fix ended in an internal error")
        await _let_go(held, direction, desk)
        return refused(held.fix, _said(desk, "fault"), _interrupted(held.fix, direction))
    finally:
        desk.tenant.changed()


async def _held(held: Held, direction: Direction, event: Event, desk: Desk, tell: Tell) -> Fix:
    writer = Writer(held, desk.tenant, desk.admin, desk.now, desk.patience, tell, desk.say, direction, strict=event == "begun")
    await held.save(held.fix.model_copy(update={"direction": direction, "said": "", "blocked": ()}), event)
    order = _order(held.fix, direction)
    try:
        for index in order:
            await writer.is_free(index)
        for index in order:
            if writer.is_over(index):
                continue
            for other in _relied_on(held.fix, direction, index):
                await writer.holds(other)
            await writer.write(index)
    except Stopped:
        return await _stopped(held, direction)
    state: State = "done" if direction == "do" else "undone"
    return await held.end(_settled(held.fix, direction, state, desk), state)


def _order(fix: Fix, direction: Direction) -> list[int]:
    """Which steps, in which order. What was never written is not taken back."""
    if direction == "do":
        return list(range(len(fix.steps)))
    return [
        i for i in reversed(range(len(fix.steps))) if fix.steps[i].state in ("done", "unknown", "undone") or fix.steps[i].sent
    ]


def _relied_on(fix: Fix, direction: Direction, index: int) -> list[int]:
    """Whose values must be as this way makes them before a step is written: those of all domains before the connector goes off,
    and that of the connector, even one that this fix never switched off, before a domain becomes Internal Relay again."""
    kind = fix.steps[index].object
    if kind != ("connector" if direction == "do" else "accepted-domain"):
        return []
    return [i for i, step in enumerate(fix.steps) if step.object != kind]


def _settled(fix: Fix, direction: Direction, state: State, desk: Desk, said: str = "") -> Fix:
    """The fix as it stays; one that is done is to be looked at again."""
    update: dict[str, object] = {"state": state, "said": said}
    if direction == "do" and state == "done":
        update["verify_at"] = tuple(desk.now() + after for after in desk.verify_after)
    elif state == "undone":
        update["verify_at"] = ()
    return fix.model_copy(update=update)


async def _stopped(held: Held, direction: Direction) -> Fix:
    """The state that the steps are in now. What wrote nothing leaves the ledger's state as it was."""
    fix = held.fix
    state = _state(fix.steps, direction)
    nothing: State = "blocked" if any(note.id == "changed-since-plan" for note in fix.blocked) else "failed"
    if direction == "undo" and state == "done":
        kept = await held.end(fix.model_copy(update={"state": "done", "blocked": ()}), "undo stopped")
        return refused(kept, fix.said, nothing).model_copy(update={"blocked": fix.blocked})
    if state == "failed":
        state = nothing
    return await held.end(fix.model_copy(update={"state": state}), f"stopped: {state}")


def _state(steps: Collection[FixStep], direction: Direction) -> State:
    """Contract 6: *unknown* wins, since nobody may build on the rest; so it is while an attempt is not read back."""
    states = {"unknown" if step.sent else step.state for step in steps}
    if "unknown" in states:
        return "unknown"
    if direction == "undo":
        return "undone" if not states & {"done"} else "half-done" if states - {"done"} else "done"
    return "done" if states == {"done"} else "half-done" if "done" in states else "failed"


def _interrupted(fix: Fix, direction: Direction) -> State:
    """The answer's state. An undo that took nothing back is not done, though the fix is."""
    state = _state(fix.steps, direction)
    return "failed" if direction == "undo" and state == "done" else state


async def _let_go(held: Held, direction: Direction, desk: Desk) -> None:
    """Interrupted: what is known goes into the ledger, and somebody else may resume at once. Never raises."""
    state = _state(held.fix.steps, direction)
    said = _said(desk, "interrupted" if state == "unknown" else "interrupted-read-back")
    try:
        await held.end(_settled(held.fix, direction, state, desk, said), "interrupted")
    except Exception as error:
        # whatever it is, the lease ends by itself
        log.warning("a fix was interrupted, and the ledger could not be told (%s)", type(error).__name__)


async def _why_not_taken(fix: Fix, states: Collection[State], desk: Desk) -> Fix:
    """Raises StoreUnavailable."""
    now = desk.now()
    current = await ledger.find(desk.store, fix.id, now, desk.say)
    if current is None:
        return refused(fix, _said(desk, "no-such-fix"))
    guid = current.connector.guid if current.connector else ""
    owned = await desk.store.owned_fix(guid)
    if owned is not None and owned.id == fix.id and ledger.is_held(owned, now):
        how = "held-unknown" if current.state == "unknown" else "held"
        return refused(current, _said(desk, how, seconds=LATER), "running")
    if current.state not in states:
        return refused(current, _said(desk, "wrong-state", state=current.state), current.state)
    if owned is not None and owned.id != fix.id:
        how = "other-under-way" if ledger.is_held(owned, now) else "other-open"
        return refused(current, _said(desk, how, fix=owned.id, seconds=LATER), "blocked")
    return refused(current, _said(desk, "just-now"), "blocked")


async def _taken_over(fix: Fix, desk: Desk) -> Fix:
    try:
        current = await ledger.find(desk.store, fix.id, desk.now(), desk.say)
    except (StoreUnavailable, ValueError):
        current = None
    return refused(current or fix, _said(desk, "taken-over"), current.state if current else "unknown")


def _said(desk: Desk, how: str, **facts: Fact) -> str:
    return worded(note(Topic.OUTCOME, how, **facts), desk.say)
