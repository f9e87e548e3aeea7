"""Reports of Microsoft's about connectors: the last one of each."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.store import MAX_ID, MAX_PLACE, MAX_WORD, Report
from diagnostics.store.database import Database
from diagnostics.store.limits import fits
from diagnostics.store.tables import reports


class Reports:
    """The part of the Store that knows what Microsoft 365 reported."""

    _database: Database

    async def keep_report(self, report: Report) -> None:
        guid = fits("guid", report.guid.lower(), MAX_ID)
        values = {
            "at": report.at,
            "actor": fits("actor", report.actor, MAX_PLACE, shortest=0),
            "line": fits("line", report.line, MAX_WORD),
        }
        newer = update(reports).where(reports.c.guid == guid).values(values)
        first = self._database.insert_new(reports, values | {"guid": guid})

        async def work(connection: AsyncConnection) -> None:
            if (await connection.execute(newer)).rowcount == 0:
                await connection.execute(first)

        await self._database.run(work)

    async def report(self, guid: str, *, since: datetime) -> Report | None:
        c = reports.c
        found = select(c.guid, c.at, c.actor, c.line).where(c.guid == guid.lower(), c.at >= since)
        rows = await self._database.rows(found, reads=True)
        return Report(**rows[0]) if rows else None
