"""SQLite: one file of ours alone, one connection a process, nothing acknowledged before it is on the disk."""

import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiosqlite
from sqlalchemy import AsyncAdaptedQueuePool, Engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from diagnostics.store import MAX_DOCUMENT, PATIENCE, StoreFault
from diagnostics.store.database import READS
from diagnostics.store.driver_errors import Kind, Why, may_pass, reason, say
from diagnostics.transient import is_transient

BUSY = 3.0  # for another process's transaction; under PATIENCE, so that the reason can be told
OLDEST = (3, 35)  # RETURNING


def create(path: Path) -> None:
    """The file and its folders, for this user alone. What is there stays as it is. Raises StoreFault."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreFault(
            f"MAILFLOW_DATABASE_URL: Python's SQLite here is {sqlite3.sqlite_version}, and 3.35 is needed: "
            "install a newer one, or use PostgreSQL."
        )
    try:
        for folder in reversed(path.parents):
            if not folder.exists():
                folder.mkdir(mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        passing = is_transient(error)
        raise StoreFault(
            f"MAILFLOW_DATABASE_URL: {path} cannot be written ({error.strerror}): "
            f"{'make room' if passing else 'give this user the right to'}, or name another file as sqlite:///PATH.",
            passing=passing,
        ) from None


def has_room(path: Path) -> None:
    """Raises OSError where the largest record would find no room on the file's disk.

    A small change alone does not show it: it goes into space that the write-ahead log has had for long.
    """
    with tempfile.TemporaryFile(dir=path.parent) as probe:
        os.posix_fallocate(probe.fileno(), 0, MAX_DOCUMENT)


def location(path: Path) -> str:
    """For a driver, as an URI. rw: a file that was deleted is not to be made anew, without tables."""
    return f"file:{quote(str(path))}?mode=rw"


def write_ahead(execute: Callable[[str], object]) -> None:
    """Readers do not wait for a writer.

    Of two who turn a new file at once, SQLite refuses one at once, whatever the timeout, lest they wait for each other
    (sqlite.org/wal.html): that one tries again. Raises sqlite3.Error.
    """
    until = time.monotonic() + BUSY
    while True:
        try:
            execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(0.01)


def keep_to(path: Path, engine: Engine) -> None:
    """A connection whose file was deleted or replaced is not used again: or we would go on writing into nothing."""

    @event.listens_for(engine, "connect")
    def opened(_connection: Any, record: Any) -> None:
        record.info["file"] = _identity(path)

    @event.listens_for(engine, "checkout")
    def same_file(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["file"] != _identity(path):
            raise DisconnectionError("the file was deleted or replaced")


def engine(path: Path) -> AsyncEngine:
    def connect() -> aiosqlite.Connection:
        connection = aiosqlite.connect(location(path), uri=True, timeout=BUSY, isolation_level=None)
        connection._thread.daemon = True  # as SQLAlchemy does for connections that it makes itself
        return connection

    made = create_async_engine(
        "sqlite+aiosqlite:///",
        async_creator=connect,
        poolclass=AsyncAdaptedQueuePool,  # told by hand, since the URL names no file
        # one connection: SQLite has one writer, and waiting in our queue is fair where SQLite's own is a lottery
        pool_size=1,
        max_overflow=0,
        pool_timeout=PATIENCE,
        hide_parameters=True,
    )

    keep_to(path, made.sync_engine)

    @event.listens_for(made.sync_engine, "connect")
    def settings(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        write_ahead(cursor.execute)
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    @event.listens_for(made.sync_engine, "begin")
    def begin(connection: Any) -> None:
        # the driver's own way takes the lock late, and then fails where waiting would have been enough
        reads = connection.get_execution_options().get(READS)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return made


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino


async def sound(made: AsyncEngine, where: str) -> None:
    """Raises StoreFault for a damaged file."""
    async with made.connect() as connection:
        await connection.execution_options(**{READS: True})
        if (await connection.exec_driver_sql("PRAGMA quick_check(1)")).scalar() != "ok":
            raise damaged(where)


async def lock(_connection: AsyncConnection) -> None:
    """BEGIN IMMEDIATE has locked it already."""


def damaged(where: str) -> StoreFault:
    return StoreFault(
        f"MAILFLOW_DATABASE_URL: {where} is damaged or no SQLite database: put back a copy, or move it away "
        "(together with its -wal and -shm files) to begin with an empty one."
    )


def fault(error: BaseException, where: str, path: Path) -> StoreFault:
    """What went wrong at start, as a sentence with a mend."""
    why, passing = reason(error), may_pass(error)
    if why.kind is Kind.NOT_OPENED:
        # it says the same where the -wal and -shm files find no room
        try:
            has_room(path)
        except OSError as other:
            if is_transient(other):
                why, passing = Why(Kind.FULL), True
    if why.kind in (Kind.NOT_SQLITE, Kind.DAMAGED):
        return damaged(where)
    mend = say("mend", {"how": f"file-{why.kind}" if why.kind in (Kind.LOCKED, Kind.FULL) else "file"})
    return StoreFault(f"MAILFLOW_DATABASE_URL: {where}: {why}; {mend}.", passing=passing)
