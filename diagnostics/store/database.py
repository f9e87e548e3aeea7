"""One database, whichever it is: every piece of work is a transaction with an end, and every trouble is StoreUnavailable."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Delete, Executable, Insert, RowMapping, Select, Table, Update, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from diagnostics.store import PATIENCE, StoreUnavailable, StoreUnwritable
from diagnostics.store.circuit import Circuit
from diagnostics.store.driver_errors import UNWRITABLE, Kind, Why, is_silence, reason
from diagnostics.transient import is_transient

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
    """An engine with a time limit. After one that was reached nobody waits before the database has answered again.

    `room` raises OSError where a file has no room to grow.
    """

    def __init__(self, engine: AsyncEngine, *, patience: float = PATIENCE, room: Callable[[], None] | None = None) -> None:
        self._engine = engine
        self._patience = patience
        self._room = room
        self._circuit = Circuit()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, work: Work[T], *, reads: bool = False) -> T:
        """`work` in a transaction. Raises StoreUnavailable, and then does not know whether it was committed.

        A caller that is cancelled leaves at once, and the work is brought to its end behind it.
        """
        if not await self._circuit.admits():
            raise StoreUnavailable("the database did not answer a moment ago")
        task = asyncio.create_task(self._timed(work, reads))
        self._tasks.add(task)
        late = asyncio.get_running_loop().call_later(self._patience, self._circuit.timed_out)
        task.add_done_callback(lambda task: self._ended(task, late))
        # not a time limit around the work: a driver may take long to notice that it was cancelled
        await asyncio.wait({task}, timeout=self._patience)
        if not task.done():
            raise StoreUnavailable(f"no answer from the database within {self._patience:g} s")
        return task.result()

    async def room(self) -> None:
        """Raises StoreUnwritable where the disk of the database's file is full, as far as that can be seen from here."""
        if self._room is not None:
            try:
                await asyncio.to_thread(self._room)
            except OSError as error:
                raise StoreUnwritable(str(Why(Kind.FULL if is_transient(error) else Kind.NOT_WRITTEN))) from None

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

    async def alone(self, connection: AsyncConnection, what: str) -> None:
        """To the end of this transaction nobody else passes here for the same `what`. SQLite's writers are alone anyway."""
        if self._engine.dialect.name != "sqlite":
            key = int.from_bytes(hashlib.sha256(f"mailflow {what}".encode()).digest()[:8], signed=True)
            await connection.execute(select(func.pg_advisory_xact_lock(key)))

    async def close(self) -> None:
        """Wait for what is under way, and close the connections."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=3 * self._patience)
        await self._engine.dispose()

    async def _timed(self, work: Work[T], reads: bool) -> T:
        """The transaction; its end says how the database is, be there still somebody waiting for it or not."""
        begun = time.monotonic()
        try:
            result = await self._transaction(work, reads)
        except TROUBLE as error:
            seconds = time.monotonic() - begun
            if is_silence(error) and seconds < self._patience + 1:
                self._circuit.not_reached(seconds)
            else:
                # what was given up ends once the server answers the driver again, or its connection is gone: worth a new try
                self._circuit.answered()
            why = reason(error)
            raise (StoreUnwritable if why.kind in UNWRITABLE else StoreUnavailable)(str(why)) from None
        except Exception:
            self._circuit.answered()  # an error of the work itself
            raise
        self._circuit.answered()
        return result

    async def _transaction(self, work: Work[T], reads: bool) -> T:
        # SQLite's own limits are short enough, and a thread cannot be cancelled: SQLAlchemy may then wait for it for ever
        limit = None if self._engine.dialect.name == "sqlite" else self._patience
        async with asyncio.timeout(limit), self._engine.connect() as connection:
            if reads:
                await connection.execution_options(**{READS: True})
            async with connection.begin():
                return await work(connection)

    def _ended(self, task: asyncio.Task[Any], late: asyncio.TimerHandle) -> None:
        late.cancel()
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waited for it has it, or has gone
