"""Where jobs are kept: a SQLite file of their own beside the store's, or a schema of their own in the store's database.

DBOS works in threads, and is given engines of ours. libpq gets the URL as it is, as in the store, and values stay out of
messages. Above all it is here that a lost database is waited for, as closing can end the wait. DBOS waits too, with pauses of
more than a minute that nothing ends, in threads that the process cannot end without.
"""

import contextlib
import os
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakSet

import psycopg
from sqlalchemy import Engine, QueuePool, create_engine, event
from sqlalchemy.exc import DisconnectionError, SQLAlchemyError

from diagnostics.durable import DurableUnavailable
from diagnostics.store import PATIENCE, StoreFault
from diagnostics.store.opening import FILE_NAME
from diagnostics.store.postgresql import address
from diagnostics.store.sqlite import BUSY, create

TROUBLE = (SQLAlchemyError, OSError, TimeoutError)
SCHEMA = "mailflow_jobs"
STATEMENT = 30  # seconds: DBOS makes its tables and indexes over these connections
AGAIN = 1.0  # seconds between two tries to connect
OVERFLOW = 16  # so that no thread waits for a connection that another one waits for


class ClosedError(ConnectionError):
    """Not one of those after which DBOS tries again."""


class Database:
    """`schema` is None on SQLite, where the whole file is ours."""

    def __init__(self, url: str | None, data_dir: Path | None) -> None:
        """`url` and `data_dir` are those that the store was opened with. Raises DurableUnavailable."""
        self._leaving = threading.Event()
        self._closed = False
        self._engines: list[Engine] = []
        self._sockets: WeakSet[psycopg.Connection[Any]] = WeakSet()
        self._path: Path | None = None
        try:
            if url is None or url.startswith("sqlite:"):
                self._path = _file(url, data_dir)
                create(self._path)
            else:
                self._parameters = address(url)
        except StoreFault as fault:
            raise DurableUnavailable(str(fault)) from None
        self.schema = None if self._path else SCHEMA

    def engine(self, size: int, *, patient: bool = False) -> Engine:
        """A new one, for threads. `patient`: whoever needs a connection waits until there is one, or until `leave`."""
        connect = self._sqlite if self._path else self._postgresql
        made = create_engine(
            "sqlite://" if self._path else "postgresql+psycopg://",
            creator=lambda: self._connected(connect, patient),
            poolclass=QueuePool,
            pool_pre_ping=True,
            pool_size=size,
            max_overflow=OVERFLOW,
            pool_timeout=PATIENCE,
            hide_parameters=True,
        )
        if self._path:
            event.listen(made, "connect", self._opened_file)
            event.listen(made, "checkout", self._same_file)
        self._engines.append(made)
        return made

    def leave(self) -> None:
        """From now on nothing waits for a database that cannot be reached."""
        self._leaving.set()

    def close(self) -> None:
        """Threads that still work with the database get an error."""
        self._closed = True
        self._leaving.set()
        for made in self._engines:
            made.dispose()
        for connection in list(self._sockets):
            # one that waits for a server which does not answer cannot be told otherwise
            with contextlib.suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(connection.fileno())) as same:
                same.shutdown(socket.SHUT_RDWR)

    def _connected(self, connect: Callable[[], Any], patient: bool) -> Any:
        while not self._closed:
            try:
                return connect()
            except (sqlite3.Error, psycopg.Error):
                if not patient:
                    raise
                if self._leaving.wait(AGAIN):
                    self._closed = True  # for good: what comes after half of the work was refused must be refused too
        raise ClosedError("the jobs' database is closed")

    def _sqlite(self) -> sqlite3.Connection:
        # rw: a file that was deleted is not to be made anew, without tables
        location = f"file:{quote(str(self._path))}?mode=rw"
        # IMMEDIATE is what DBOS counts on, and sets on engines that it makes itself
        made = sqlite3.connect(location, uri=True, timeout=BUSY, isolation_level="IMMEDIATE", check_same_thread=False)
        try:
            for setting in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
                made.execute(f"PRAGMA {setting}")
        except sqlite3.Error:
            made.close()
            raise
        return made

    def _opened_file(self, _connection: Any, record: Any) -> None:
        record.info["file"] = self._identity()

    def _same_file(self, _connection: Any, record: Any, _proxy: Any) -> None:
        if record.info["file"] != self._identity():
            raise DisconnectionError("the file was deleted or replaced")  # or we would go on writing into nothing

    def _identity(self) -> tuple[int, int] | None:
        assert self._path  # noqa: S101 - asked for SQLite alone
        with contextlib.suppress(OSError):
            facts = self._path.stat()
            return facts.st_dev, facts.st_ino
        return None

    def _postgresql(self) -> psycopg.Connection[Any]:
        # statements are not prepared, so that a connection pooler may stand between
        made = psycopg.connect(**self._parameters, prepare_threshold=None)
        try:
            made.execute(f"SET statement_timeout = '{STATEMENT}s'")
            made.execute(f"SET idle_in_transaction_session_timeout = '{STATEMENT}s'")
            made.commit()
        except psycopg.Error:
            made.close()
            raise
        self._sockets.add(made)
        return made


def _file(url: str | None, data_dir: Path | None) -> Path:
    if url is None and data_dir is None:
        raise DurableUnavailable("neither a database nor a data directory is named")
    store = (data_dir or Path()) / FILE_NAME if url is None else Path(url.removeprefix("sqlite:///")).expanduser()
    return store.absolute().with_name(f"{store.stem}-jobs{store.suffix}")
