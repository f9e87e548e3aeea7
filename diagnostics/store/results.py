"""Results, and ids seen."""

from datetime import UTC, datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.findings import NO_FACTS
from diagnostics.store import MAX_DOCUMENT, MAX_ID, MAX_TEXT, MAX_WORD, Outcome, StoredResult
from diagnostics.store.database import Database
from diagnostics.store.driver_errors import say
from diagnostics.store.limits import fits
from diagnostics.store.tables import results, seen

_CUT = "\n… " + say("cut", NO_FACTS)
_PING = "ping"
_OUTCOMES: dict[str, Outcome] = {"healthy": "success", "failing": "failure", "degraded": "failure"}


class Results:
    """The part of the Store that keeps what was found."""

    _database: Database

    async def ping(self) -> None:
        await self._database.room()
        now = datetime.now(UTC)
        mark = update(seen).where(seen.c.kind == _PING, seen.c.id == _PING).values(at=now)
        first = self._database.insert_new(seen, {"kind": _PING, "id": _PING, "at": now})

        async def work(connection: AsyncConnection) -> None:
            if (await connection.execute(mark)).rowcount == 0:
                await connection.execute(first)

        await self._database.run(work)

    async def keep_result(self, result: StoredResult) -> None:
        document = result.document
        values = {
            "id": fits("id", result.id, MAX_ID),
            "word": fits("word", result.word, MAX_WORD),
            "verdict": fits("verdict", result.verdict, MAX_ID),
            "outcome": _OUTCOMES.get(result.verdict, "none"),
            # half a JSON document is none
            "document": document if document is not None and len(document) <= MAX_DOCUMENT else None,
            "partner": None if result.partner is None else _cut(result.partner),
            "transcript": _cut(result.transcript),
            "at": result.at,
        }
        await self._database.changes(self._database.insert_new(results, values))

    async def result(self, id: str) -> StoredResult | None:
        if not 0 < len(id) <= MAX_ID:
            return None  # buttons come from outside
        c = results.c
        columns = (c.id, c.word, c.verdict, c.document, c.partner, c.transcript, c.at)
        rows = await self._database.rows(select(*columns).where(c.id == id), reads=True)
        return StoredResult(**rows[0]) if rows else None

    async def claim(self, kind: str, id: str, *, at: datetime) -> bool:
        values = {"kind": fits("kind", kind, MAX_ID), "id": fits("id", id, MAX_ID), "at": at}
        return await self._database.changes(self._database.insert_new(seen, values)) == 1

    async def is_claimed(self, kind: str, id: str) -> bool:
        found = select(seen.c.id).where(seen.c.kind == kind, seen.c.id == id)
        return bool(await self._database.rows(found, reads=True))


def _cut(text: str) -> str:
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - len(_CUT)] + _CUT
