"""One fix in the ledger, held by one process at a time: every change of it is durable before anything follows from it."""

import asyncio
import json
import secrets
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal

from diagnostics.catalogue.fixing import Topic
from diagnostics.fix.notes import Say, note, worded
from diagnostics.fix.record import Fix, FixStep, State
from diagnostics.store import MAX_DOCUMENT, MAX_TEXT, RUNNING, AuditEntry, DoesNotFit, Store, StoredFix, StoreUnavailable

LEASE = timedelta(seconds=30)
"""Longer than one request to the tenant may take (connectors/admin_api.py): while it runs nobody else takes the fix."""

GRACE = timedelta(seconds=30)
"""A process that was stopped may still have a request on its way when its lease ends."""

ROOM = 3 / 4
"""How full a new fix may be: a word on every step must still fit when it is being done, and then nothing must fail for that."""

CHANGED: tuple[State, ...] = ("running", "done", "half-done", "unknown")
"""What may have changed the tenant, and was not taken back."""

RETRY = (0.5, 1.0, 2.0, 5.0)  # seconds between the tries to save

Now = Callable[[], datetime]

Event = Literal[
    "begun",
    "undo begun",
    "resumed",
    "about to write",
    "found written",
    "written",
    "nothing to write",
    "undo stopped",
    "interrupted",
]
"""Names in the audit for moments of a fix at work, beside its states and `stopped: STATE`."""


class Lost(Exception):
    """Another process holds the fix: whatever this one was about to do is not done."""


class Held:
    """A fix that this process has taken. Every method raises Lost, or StoreUnavailable after some tries."""

    def __init__(self, store: Store, row: StoredFix, *, owner: str, actor: str, now: Now) -> None:
        self._store, self._row, self._owner, self._actor, self._now = store, row, owner, actor, now
        self.fix = load(row)
        self._saved = 0.0

    @property
    def age(self) -> float:
        """Seconds since the ledger last said that this process holds it."""
        return asyncio.get_running_loop().time() - self._saved

    async def save(self, fix: Fix, event: str = "", *, state: State = "running", step: FixStep | None = None) -> None:
        """The fix as it is now, a line of the audit if there is an event, and the lease anew."""
        await self._save(fix.model_copy(update={"state": state}), event, step, LEASE)

    async def end(self, fix: Fix, event: str) -> Fix:
        """The fix as it stays, and nobody holds it any more."""
        await self._save(fix, event, None, None)
        return fix

    async def hold(self) -> None:
        """The lease anew, when a third of it has passed."""
        if self.age > LEASE.total_seconds() / 3:
            await self.save(self.fix)

    async def _save(self, fix: Fix, event: str, step: FixStep | None, lease: timedelta | None) -> None:
        loop = asyncio.get_running_loop()
        moment = self._now()
        entry = line(fix, moment, self._actor, event, step) if event else None
        for pause in (*RETRY, None):
            asked = loop.time()
            try:
                kept = await self._store.save_fix(
                    fix.id,
                    owner=self._owner,
                    fence=self._row.fence,
                    state=fix.state,
                    document=_dump(fix),
                    now=self._now(),
                    lease=lease,
                    entry=entry,
                )
            except StoreUnavailable:
                if pause is None:
                    raise
                await asyncio.sleep(pause)
                continue
            if not kept:
                raise Lost
            self.fix, self._saved = fix, asked
            return


async def add(store: Store, fix: Fix, *, actor: str, event: str, now: datetime) -> None:
    """A new fix in the ledger, held by nobody, with room for what will be said of it. Raises StoreUnavailable, DoesNotFit.

    Without an `event` the audit has no line of it, and it is forgotten after a day unless somebody asks for it.
    """
    guid = fix.connector.guid if fix.connector else ""
    row = StoredFix(fix.id, guid, fix.state, _dump(fix), now)
    first = line(fix, now, actor, event or "planned", None)
    if len(row.document) > MAX_DOCUMENT * ROOM or len(first.detail) > MAX_TEXT * ROOM:
        raise DoesNotFit(f"{len(fix.steps)} steps are too many")
    if not await store.add_fix(row, first if event else None):
        raise DoesNotFit("a fix of that id is there already")


async def take(store: Store, id: str, states: Collection[State], *, actor: str, now: Now) -> Held | None:
    """None when it is in another state, or somebody holds it or another fix of its connector. Raises StoreUnavailable."""
    owner = "fix-" + secrets.token_hex(8)
    row = await store.take_fix(id, owner=owner, states=states, now=now(), lease=LEASE, grace=GRACE)
    if row is None and await _given_back(store, id, owner, now()):
        row = await store.take_fix(id, owner=owner, states=states, now=now(), lease=LEASE, grace=GRACE)
    return None if row is None else Held(store, row, owner=owner, actor=actor, now=now)


async def _given_back(store: Store, id: str, owner: str, now: datetime) -> bool:
    """Whether the connector is free again: who took another fix of it died before beginning, so no write is on its way."""
    wanted = await store.fix(id)
    other = None if wanted is None else await store.owned_fix(wanted.guid)
    if other is None or other.id == id or other.state == RUNNING:
        return False
    row = await store.take_fix(other.id, owner=owner, states=(other.state,), now=now, lease=LEASE, grace=GRACE)
    return row is not None and await store.save_fix(
        row.id, owner=owner, fence=row.fence, state=row.state, document=row.document, now=now, lease=None
    )


async def find(store: Store, id: str, now: datetime, say: Say) -> Fix | None:
    """The fix as the ledger has it; one whose process died is *unknown*, in the words of `say`. Raises StoreUnavailable."""
    row = await store.fix(id)
    return None if row is None else seen(row, now, say)


async def later(store: Store, fix: Fix) -> str:
    """The id of a fix of the same connector that has changed it since; "" if there is none. Raises StoreUnavailable."""
    # the fix itself may be of another state by now, so the order tells which are later
    for row in await store.fixes(guid=fix.connector.guid if fix.connector else "", states=CHANGED, since=fix.created):
        if row.id == fix.id:
            break
        return row.id
    return ""


def seen(row: StoredFix, now: datetime, say: Say) -> Fix:
    """What the ledger says of a fix: while nobody renews its lease, "running" is no longer known to be true."""
    fix = load(row)
    if fix.state == "running" and (row.lease_until is None or row.lease_until < now):
        return fix.model_copy(update={"state": "unknown", "said": worded(note(Topic.OUTCOME, "interrupted"), say)})
    return fix


def is_held(row: StoredFix, now: datetime) -> bool:
    """Whether somebody may be at work on it, or have a request on its way."""
    return row.lease_until is not None and row.lease_until + GRACE >= now


def load(row: StoredFix) -> Fix:
    return Fix.model_validate_json(row.document)


def _dump(fix: Fix) -> str:
    """What JSON does not show is kept all the same."""
    return json.dumps({**fix.model_dump(mode="json"), "place": fix.place}, ensure_ascii=False)


def line(fix: Fix, at: datetime, actor: str, event: str, step: FixStep | None) -> AuditEntry:
    """A line of the audit: the whole plan where it begins and ends, else the one step."""
    detail: dict[str, object] = {"state": fix.state, "reason": fix.reason}
    if step is None:
        detail |= {"said": fix.said, "approvers": fix.approvers, "steps": _steps(fix.steps)}
    else:
        detail["steps"] = _steps((step,))
    return AuditEntry(fix.id, at, actor, event, json.dumps(detail, ensure_ascii=False))


def _steps(steps: Sequence[FixStep]) -> list[dict[str, object]]:
    kept = {"object", "identity", "name", "property", "before", "after", "state", "said"}
    return [step.model_dump(mode="json", include=kept) for step in steps]
