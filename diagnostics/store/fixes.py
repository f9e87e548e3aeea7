"""The ledger of fixes, each worked on by one owner at a time under a fence that only grows, and the audit of what was done."""

import hashlib
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Insert, RowMapping, and_, literal, or_, select, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.store import MAX_DOCUMENT, MAX_ID, MAX_PLACE, MAX_TEXT, AuditEntry, StoredFix
from diagnostics.store.database import Database
from diagnostics.store.limits import fits
from diagnostics.store.tables import AnyText, Moment, audit, fixes, storable

_c = fixes.c
_ROW = (_c.id, _c.guid, _c.state, _c.document, _c.created, _c.fence, _c.owner, _c.busy, _c.lease_until)


class Fixes:
    """The part of the Store that knows what was changed in the tenant."""

    _database: Database

    async def add_fix(self, fix: StoredFix, entry: AuditEntry | None = None) -> bool:
        row = self._database.insert_new(
            fixes,
            {
                "id": fits("id", fix.id, MAX_ID),
                "guid": fits("guid", _same(fix.guid), MAX_ID),
                "state": fits("state", fix.state, MAX_ID),
                "document": fits("document", fix.document, MAX_DOCUMENT, shortest=0),
                "created": fix.created,
                "fence": 0,
            },
        )
        line = None if entry is None else self._line(entry)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(row, execution_options={"preserve_rowcount": True})).rowcount != 1:
                return False
            if line is not None:
                await connection.execute(line)
            return True

        return await self._database.run(work)

    async def fix(self, id: str) -> StoredFix | None:
        if not 0 < len(id) <= MAX_ID:
            return None  # buttons come from outside
        rows = await self._database.rows(select(*_ROW).where(_c.id == id), reads=True)
        return _fix(rows[0]) if rows else None

    async def fixes(
        self,
        *,
        limit: int = 100,
        before: StoredFix | None = None,
        guid: str | None = None,
        states: Collection[str] | None = None,
        since: datetime | None = None,
    ) -> list[StoredFix]:
        page = select(*_ROW).order_by(_c.created.desc(), _c.id.desc()).limit(limit)
        if guid is not None:
            page = page.where(_c.guid == _same(guid))
        if states is not None:
            page = page.where(_c.state.in_(states))
        if since is not None:
            page = page.where(_c.created >= since)
        if before is not None:
            position = tuple_(literal(before.created, Moment()), literal(before.id, AnyText()))
            page = page.where(tuple_(_c.created, _c.id) < position)
        return [_fix(row) for row in await self._database.rows(page, reads=True)]

    async def take_fix(
        self, id: str, *, owner: str, states: Collection[str], now: datetime, lease: timedelta, grace: timedelta
    ) -> StoredFix | None:
        take = (
            update(fixes)
            .where(_c.id == id, _c.state.in_(states), or_(_c.busy.is_(None), _c.lease_until < now - grace))
            .values(owner=fits("owner", owner, MAX_ID), busy=_c.guid, lease_until=now + lease, fence=_c.fence + 1)
            .returning(*_ROW)
        )

        async def work(connection: AsyncConnection) -> StoredFix | None:
            try:
                async with connection.begin_nested():
                    row = (await connection.execute(take)).mappings().one_or_none()
            except IntegrityError:
                return None  # `busy` is another's: two fixes of one connector at once would undo each other's work
            return None if row is None else _fix(row)

        return await self._database.run(work)

    async def save_fix(
        self,
        id: str,
        *,
        owner: str,
        fence: int,
        state: str,
        document: str,
        now: datetime,
        lease: timedelta | None,
        entry: AuditEntry | None = None,
    ) -> bool:
        values: dict[str, Any] = {
            "state": fits("state", state, MAX_ID),
            "document": fits("document", document, MAX_DOCUMENT, shortest=0),
            "lease_until": None if lease is None else now + lease,
        }
        held: ColumnElement[bool] = _c.busy.is_not(None)
        if lease is None:
            values["busy"] = None
            # after StoreUnavailable the owner says it again, and may have been heard the first time
            held = or_(held, and_(_c.state == state, _c.document == document))
        save = update(fixes).where(_c.id == id, _c.owner == owner, _c.fence == fence, held).values(values)
        line = None if entry is None else self._line(entry)

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(save)).rowcount != 1:
                return False
            if line is not None:
                await connection.execute(line)
            return True

        return await self._database.run(work)

    async def owned_fix(self, guid: str) -> StoredFix | None:
        rows = await self._database.rows(select(*_ROW).where(_c.busy == _same(guid)), reads=True)
        return _fix(rows[0]) if rows else None

    async def audit(self, fix: str | None = None, *, limit: int = 1000, offset: int = 0) -> list[AuditEntry]:
        c = audit.c
        # by number, not by time: replicas' clocks differ, and a line that comes later must not move those already read
        page = select(c.fix, c.at, c.actor, c.event, c.detail).order_by(c.number).limit(limit).offset(offset)
        rows = await self._database.rows(page if fix is None else page.where(c.fix == fix), reads=True)
        return [AuditEntry(**row) for row in rows]

    def _line(self, entry: AuditEntry) -> Insert:
        """Raises DoesNotFit."""
        values = {
            "fix": fits("fix", entry.fix, MAX_ID),
            "at": entry.at,
            "actor": fits("actor", entry.actor, MAX_PLACE, shortest=0),
            "event": fits("event", entry.event, MAX_ID),
            "detail": fits("detail", entry.detail, MAX_TEXT, shortest=0),
            "digest": _digest(entry),
        }
        return self._database.insert_new(audit, values)


def _same(guid: str) -> str:
    """Microsoft's tools print a Guid in either case."""
    return guid.lower()


def _fix(row: RowMapping) -> StoredFix:
    held = {**row, "owner": row["owner"] if row["busy"] else None}
    del held["busy"]
    return StoredFix(**held)


def _digest(entry: AuditEntry) -> str:
    parts = (entry.fix, entry.at.astimezone(UTC).isoformat(), entry.actor, entry.event, entry.detail)
    return hashlib.sha256("\0".join(map(storable, parts)).encode()).hexdigest()
