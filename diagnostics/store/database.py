"""One database, whichever it is: every piece of work is a transaction with an end, and every trouble is StoreUnavailable."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Delete, Executable, Insert, RowMapping, Select, Table, Update, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from diagnostics.store import PATIENCE, StoreUnavailable
from diagnostics.store.trouble import reason

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

READS = "mailflow_reads"
"""Execution option of a transaction that only reads: SQLite need not lock the file against writers for it."""

TROUBLE = (SQLAlchemyError, OSError, TimeoutError)


def first(page: Select[Any]) -> Select[Any]:
    """The rows of `page`, which has a limit, for a statement that changes them. What another process is changing is left to it.

    As a plain subquery PostgreSQL may look for them more than once, and find others each time: then the limit does not hold.
    """
    chosen = page.with_for_update(skip_locked=True).cte("chosen")
    return select(*chosen.columns)


class Database:
    """An engine with a time limit."""

    def __init__(self, engine: AsyncEngine, *, patience: float = PATIENCE) -> None:
        self._engine = engine
        self._patience = patience
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Work[T], *, reads: bool = False) -> T:
        """`work` in a transaction. Raises StoreUnavailable, and then does not know whether it was committed.

        A caller that is cancelled leaves at once, and the work is brought to its end behind it.
        """
        task = asyncio.create_task(self._transaction(work, reads))
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        # not a time limit around the work: a driver may take long to notice that it was cancelled
        await asyncio.wait({task}, timeout=self._patience)
        if not task.done():
            raise StoreUnavailable(f"no answer from the database within {self._patience:g} s")
        return task.result()

    async def rows(self, statement: Executable, *, reads: bool = False) -> Sequence[RowMapping]:
        """What one statement returns, in a transaction of its own. Raises StoreUnavailable."""

        async def work(connection: AsyncConnection) -> Sequence[RowMapping]:
            return (await connection.execute(statement)).mappings().all()

        return await self.run(work, reads=reads)

    async def changes(self, statement: Insert | Update | Delete) -> int:
        """How many rows one statement without WITH changed, in a transaction of its own. Raises StoreUnavailable."""

        async def work(connection: AsyncConnection) -> int:
            # of an INSERT SQLAlchemy forgets the count unless told not to
            return (await connection.execute(statement, execution_options={"preserve_rowcount": True})).rowcount

        return await self.run(work)

    def insert_new(self, table: Table, values: dict[str, Any]) -> Insert:
        """Insert the row unless one with such a key is there. Both databases know it, SQLAlchemy has no common word for it."""
        if self._engine.dialect.name == "sqlite":
            return sqlite.insert(table).values(values).on_conflict_do_nothing()
        return postgresql.insert(table).values(values).on_conflict_do_nothing()

    async def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3 * self._patience)
        await self._engine.dispose()

    async def _transaction(self, work: Work[T], reads: bool) -> T:
        # SQLite's own limits are short enough, and a thread cannot be cancelled: SQLAlchemy may then wait for it for ever
        limit = None if self._engine.dialect.name == "sqlite" else self._patience
        try:
            async with asyncio.timeout(limit), self._engine.connect() as connection:
                if reads:
                    await connection.execution_options(**{READS: True})
                async with connection.begin():
                    return await work(connection)
        except TROUBLE as error:
            raise StoreUnavailable(reason(error)) from None

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it has it, or has gone
