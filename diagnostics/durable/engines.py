"""Where jobs are kept: a SQLite file of their own beside the store's, or a schema of their own in the store's database.

DBOS works in threads, and is given engines of ours. libpq gets the URL as it is, as in the store, and values stay out of
messages. Above all it is here that a lost database is waited for, as closing can end the wait. DBOS waits too, with pauses of
more than a minute that nothing ends, in threads that the process cannot end without.
"""

import contextlib
import functools
import os
import socket
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from weakref import WeakSet

import psycopg
from sqlalchemy import Engine, QueuePool, create_engine

from diagnostics.durable import DurableUnavailable
from diagnostics.store import PATIENCE, StoreFault
from diagnostics.store.opening import place
from diagnostics.store.postgresql import address
from diagnostics.store.sqlite import BUSY, create, keep_to, location, write_ahead

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
            kind, store = place(url, data_dir)
            if kind == "sqlite":
                self._path = store.with_name(f"{store.stem}-jobs{store.suffix}")
                create(self._path)
            else:
                self._parameters = address(str(url))
        except StoreFault as fault:
            raise DurableUnavailable(str(fault), passing=fault.passing) from None
        self.schema = None if self._path else SCHEMA

    def engine(self, size: int, *, patient: bool = False) -> Engine:
        """A new one, for threads. `patient`: whoever needs a connection waits until there is one, or until `leave`."""
        connect = functools.partial(_sqlite, self._path) if self._path else self._postgresql
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
            keep_to(self._path, made)
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


def _sqlite(path: Path) -> sqlite3.Connection:
    # IMMEDIATE is what DBOS counts on, and sets on engines that it makes itself
    made = sqlite3.connect(location(path), uri=True, timeout=BUSY, isolation_level="IMMEDIATE", check_same_thread=False)
    try:
        write_ahead(made.execute)
        for setting in ("synchronous = FULL", "foreign_keys = ON"):
            made.execute(f"PRAGMA {setting}")
    except sqlite3.Error:
        made.close()
        raise
    return made
