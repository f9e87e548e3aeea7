"""Watches: due at absolute times, looked at by one process at a time, ended once."""

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.store import LEASE, MAX_ID, MAX_PLACE, MAX_WORD, Answer, TooManyWatches, Watch
from diagnostics.store.answers import row_of
from diagnostics.store.database import Database, first
from diagnostics.store.limits import fits
from diagnostics.store.tables import answers, storable, watches

_c = watches.c
_WATCH = (_c.id, _c.word, _c.place, _c.actor, _c.until, _c.every, _c.last)


class Watches:
    """The part of the Store that tells when it works again."""

    _database: Database

    async def add_watch(
        self, watch: Watch, *, now: datetime, most_of_word: int | None = None, most_of_actor: int | None = None
    ) -> bool:
        values = {
            "id": fits("id", watch.id, MAX_ID),
            "word": fits("word", watch.word, MAX_WORD),
            "place": fits("place", watch.place, MAX_PLACE),
            "live": _digest(watch.word, watch.place),
            "actor": fits("actor", watch.actor, MAX_PLACE, shortest=0),
            "until": watch.until,
            "every": max(1, round(watch.every.total_seconds())),
            "due": now + watch.every,
            "last": fits("last", watch.last, MAX_ID, shortest=0),
        }
        new = self._database.insert_new(watches, values)

        async def work(connection: AsyncConnection) -> bool:
            await self._database.alone(connection, "watches")  # or many that are added at once would all be counted as few
            for column, most in ((_c.word, most_of_word), (_c.actor, most_of_actor)):
                if most is None:
                    continue
                live = select(func.count()).where(_c.ended.is_(None), column == values[column.name], _c.live != values["live"])
                if (await connection.execute(live)).scalar_one() >= most:
                    raise TooManyWatches(f"{most} watches {'of this target' if column is _c.word else 'of yours'} are running")
            return (await connection.execute(new, execution_options={"preserve_rowcount": True})).rowcount == 1

        return await self._database.run(work)

    async def watch(self, id: str) -> Watch | None:
        if not 0 < len(id) <= MAX_ID:
            return None
        rows = await self._database.rows(select(*_WATCH).where(_c.id == id, _c.ended.is_(None)), reads=True)
        return _watch(rows[0]) if rows else None

    async def take_due_watches(self, owner: str, *, now: datetime, limit: int = 50) -> list[Watch]:
        free = (_c.ended.is_(None), _c.due <= now)
        longest = select(_c.id).where(*free).order_by(_c.due, _c.id).limit(limit)
        take = (
            update(watches)
            # once more `free`: the row may have been taken between the two looks at it
            .where(_c.id.in_(first(longest)), *free)
            .values(owner=fits("owner", owner, MAX_ID), due=now + LEASE)
            .returning(*_WATCH)
        )
        rows = await self._database.rows(take)
        return sorted(map(_watch, rows), key=lambda watch: (watch.until, watch.id))

    async def put_off(self, id: str, *, owner: str, due: datetime, last: str) -> bool:
        held = (_c.id == id, _c.owner == owner, _c.ended.is_(None))
        values = {"due": due, "last": fits("last", last, MAX_ID, shortest=0), "owner": None}
        return await self._database.changes(update(watches).where(*held).values(values)) == 1

    async def end_watch(self, id: str, *, told: bool, now: datetime, answer: Answer | None = None, owner: str = "") -> bool:
        end = update(watches).where(_c.id == id, _c.ended.is_(None)).values(ended=now, told=told, live=None, owner=None)
        rest = None if answer is None else self._database.insert_new(answers, row_of(answer, owner, now))

        async def work(connection: AsyncConnection) -> bool:
            if (await connection.execute(end)).rowcount != 1:
                return False
            if rest is not None:
                await connection.execute(rest)
            return True

        return await self._database.run(work)


def _watch(row: RowMapping) -> Watch:
    return Watch(**{**row, "every": timedelta(seconds=row["every"])})


def _digest(word: str, place: str) -> str:
    # of what the database will hold, so that two that look the same there are the same
    return hashlib.sha256(f"{storable(word)}\0{storable(place)}".encode()).hexdigest()
