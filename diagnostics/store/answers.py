"""Answers under way: begun before the work, finished when the person has them, taken over when their process is gone."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, update

from diagnostics.store import LEASE, MAX_ATTEMPTS, MAX_ID, MAX_PLACE, MAX_REQUEST, Answer
from diagnostics.store.database import Database, first
from diagnostics.store.limits import fits
from diagnostics.store.tables import answers

_SORRY = 2
"""How often a spent answer is handed out to be said so; after that it is dropped in silence."""

_c = answers.c


class Answers:
    """The part of the Store that never loses an answer."""

    _database: Database

    async def begin_answer(self, answer: Answer, *, owner: str, now: datetime) -> bool:
        values = row_of(answer, owner, now)
        return await self._database.changes(self._database.insert_new(answers, values)) == 1

    async def move_answer(self, id: str, *, owner: str, place: str) -> bool:
        move = update(answers).where(*_held(id, owner)).values(place=fits("place", place, MAX_PLACE, shortest=0))
        return await self._database.changes(move) == 1

    async def finish_answer(self, id: str, *, owner: str, now: datetime) -> bool:
        # what was asked, by whom and where is nobody's business any more
        wiped: dict[str, Any] = {"place": "", "request": "", "actor": "", "owner": None}
        return await self._database.changes(update(answers).where(*_held(id, owner)).values(finished=now, **wiped)) == 1

    async def take_unfinished(self, owner: str, *, now: datetime, platform: str | None = None, limit: int = 20) -> list[Answer]:
        free: tuple[ColumnElement[bool], ...] = (
            _c.finished.is_(None),
            _c.lease_until <= now,
            _c.attempts < MAX_ATTEMPTS + _SORRY,
        )
        if platform is not None:
            free = (*free, _c.platform == platform)
        oldest = select(_c.id).where(*free).order_by(_c.started, _c.id).limit(limit)
        take = (
            update(answers)
            # once more `free`: the row may have been taken between the two looks at it
            .where(_c.id.in_(first(oldest)), *free)
            .values(owner=owner, lease_until=now + LEASE, attempts=_c.attempts + 1)
            .returning(_c.id, _c.place, _c.request, _c.actor, _c.started, _c.attempts)
        )
        return sorted((Answer(**row) for row in await self._database.rows(take)), key=lambda answer: (answer.started, answer.id))


def row_of(answer: Answer, owner: str, now: datetime) -> dict[str, Any]:
    """The values of a new row. Raises DoesNotFit."""
    return {
        "id": fits("id", answer.id, MAX_ID),
        "platform": fits("platform", answer.platform, MAX_ID, shortest=0),
        "place": fits("place", answer.place, MAX_PLACE, shortest=0),
        "request": fits("request", answer.request, MAX_REQUEST, shortest=0),
        "actor": fits("actor", answer.actor, MAX_PLACE, shortest=0),
        "started": answer.started,
        "attempts": answer.attempts,
        "owner": fits("owner", owner, MAX_ID),
        "lease_until": now + LEASE,
    }


def _held(id: str, owner: str) -> tuple[ColumnElement[bool], ...]:
    return _c.id == id, _c.owner == owner, _c.finished.is_(None)
