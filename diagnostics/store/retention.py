"""Leases of running processes, and what is deleted when: in slices, so that nobody waits for it."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, exists, literal, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.store import KEEP, LEASE, PLANS, RUNNING, UNASKED, Retention
from diagnostics.store.database import Database, first
from diagnostics.store.tables import AnyText, Moment, answers, audit, fixes, reports, results, seen, watches


class Upkeep:
    """The part of the Store that is called by the clock."""

    _database: Database

    async def renew(self, owner: str, ids: Collection[str], *, now: datetime) -> frozenset[str]:
        wanted = list(ids)
        a, w = answers.c, watches.c
        until = now + LEASE
        hold_answers = (
            update(answers)
            .where(a.id.in_(wanted), a.owner == owner, a.finished.is_(None))
            .values(lease_until=until)
            .returning(a.id)
        )
        hold_watches = (
            update(watches).where(w.id.in_(wanted), w.owner == owner, w.ended.is_(None)).values(due=until).returning(w.id)
        )

        async def work(connection: AsyncConnection) -> frozenset[str]:
            held = [*(await connection.execute(hold_answers)).scalars(), *(await connection.execute(hold_watches)).scalars()]
            return frozenset(held)

        return await self._database.run(work) if wanted else frozenset()

    async def release(self, owner: str, *, now: datetime) -> None:
        a, w, f = answers.c, watches.c, fixes.c

        async def work(connection: AsyncConnection) -> None:
            mine = (a.owner == owner, a.finished.is_(None))
            await connection.execute(update(answers).where(*mine).values(owner=None, lease_until=a.started))
            await connection.execute(update(watches).where(w.owner == owner, w.ended.is_(None)).values(owner=None, due=now))
            # a write of a running one may still be on its way: the rest of the lease, and the grace, are for that
            unsent = (f.owner == owner, f.busy.is_not(None), f.state != RUNNING)
            await connection.execute(update(fixes).where(*unsent).values(busy=None, lease_until=None))

        await self._database.run(work)

    async def prune(self, now: datetime, keep: Retention = KEEP, *, slice: int = 500) -> Mapping[str, int]:
        a, s, w, r = answers.c, seen.c, watches.c, reports.c
        return {
            "results": await self._prune_results(now, keep, slice),
            "seen": await self._prune(seen, (s.at, s.kind, s.id), s.at < now - keep.seen, slice),
            # unfinished ones too: by then nobody waits for them
            "answers": await self._prune(answers, (a.started, a.id), a.started < now - keep.answers, slice),
            "plans": await self._prune(fixes, (fixes.c.created, fixes.c.id), _unasked(now - keep.plans), slice),
            "reports": await self._prune(reports, (r.at, r.guid), r.at < now - keep.reports, slice),
            "watches": await self._prune(watches, (w.ended, w.id), w.ended < now - keep.watches, slice),
        }

    async def _prune(self, table: Table, order: tuple[Any, ...], old: ColumnElement[bool], slice: int) -> int:
        key = list(table.primary_key.columns)
        page = first(select(*key).where(old).order_by(*order).limit(slice))
        # returning: Python's SQLite does not count for a statement that begins with WITH
        statement = delete(table).where(tuple_(*key).in_(page)).returning(*key)
        total = 0
        while True:
            gone = len(await self._database.rows(statement))
            total += gone
            if gone < slice:
                return total
            await asyncio.sleep(0)

    async def _prune_results(self, now: datetime, keep: Retention, slice: int) -> int:
        """Pages along (at, id): those that stay must not be looked at again and again."""
        c, newer = results.c, results.alias()
        superseded = exists().where(
            newer.c.word == c.word, newer.c.outcome == c.outcome, tuple_(newer.c.at, newer.c.id) > tuple_(c.at, c.id)
        )
        disposable = or_(c.outcome == "none", c.at < now - keep.last_results, superseded)
        position: ColumnElement[Any] | None = None
        total = 0
        while True:
            old = c.at < now - keep.results
            ahead = old if position is None else and_(old, tuple_(c.at, c.id) > position)
            page = await self._database.rows(select(c.at, c.id).where(ahead).order_by(c.at, c.id).limit(slice), reads=True)
            if not page:
                return total
            ids = [row["id"] for row in page]
            total += await self._database.changes(delete(results).where(c.id.in_(ids), disposable))
            position = tuple_(literal(page[-1]["at"], Moment()), literal(page[-1]["id"], AnyText()))
            await asyncio.sleep(0)


def _unasked(before: datetime) -> ColumnElement[bool]:
    """Plans made before that time which nobody wanted approved or done: no audit would miss them."""
    f = fixes.c
    asked = exists().where(audit.c.fix == f.id, audit.c.event.not_in(UNASKED))
    return and_(f.state.in_(PLANS), f.busy.is_(None), f.created < before, ~asked)
