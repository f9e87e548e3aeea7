"""MAILFLOW_DATABASE_URL → an open Store."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncEngine

from diagnostics.store import Store, StoreFault
from diagnostics.store import sqlite as lite
from diagnostics.store.database import TROUBLE, Database
from diagnostics.store.driver_errors import Kind, reason, say
from diagnostics.store.schema import bring_up_to_date
from diagnostics.store.sql_store import Records

FILE_NAME = "mailflow.sqlite3"
STARTING = 10.0  # seconds for a database that is locked or slow


class _NoPlace(StoreFault):
    """The URL names none."""

    def __init__(self, what: str) -> None:
        super().__init__(f"MAILFLOW_DATABASE_URL{what}. Write sqlite:///PATH or postgresql://USER:PASSWORD@HOST:PORT/DATABASE.")


@asynccontextmanager
async def open_store(url: str | None, *, data_dir: Path | None = None) -> AsyncIterator[Store]:
    """The store at `url`, or without one in a file of `data_dir`; closed at the end. Raises StoreFault."""
    kind, path = place(url, data_dir)
    if kind == "sqlite":
        engine = await _open_sqlite(path)
    else:
        engine = await _open_postgresql(str(url))
    database = Database(engine, room=partial(lite.has_room, path) if kind == "sqlite" else None)
    try:
        yield Records(database)
    finally:
        await database.close()


def place(url: str | None, data_dir: Path | None) -> tuple[str, Path]:
    """("sqlite", its file) or ("postgresql", nothing). Raises StoreFault."""
    if not url:
        if data_dir is None:
            raise _NoPlace(" is not set")
        return "sqlite", (data_dir / FILE_NAME).absolute()
    scheme, _, rest = url.partition("://")
    if scheme in ("postgresql", "postgres"):
        return "postgresql", Path()
    if scheme == "sqlite" and re.match(r"/[^?:]", rest):
        # as everywhere with SQLite: three slashes and a relative path, or four and an absolute one
        return "sqlite", Path(rest[1:]).expanduser().absolute()
    if scheme == "sqlite":
        raise StoreFault("MAILFLOW_DATABASE_URL: SQLite needs a file, and takes no options: write sqlite:///PATH.")
    if scheme.startswith(("postgresql+", "postgres+", "sqlite+")):
        raise _NoPlace(": no driver is to be named in it")
    raise _NoPlace(": this is no database that mailflow can use")


async def _open_sqlite(path: Path) -> AsyncEngine:
    where = say("place", {"how": "sqlite", "path": str(path)})
    lite.create(path)
    engine = lite.engine(path)
    give_up = time.monotonic() + STARTING
    try:
        while True:
            try:
                await lite.sound(engine, where)
                await bring_up_to_date(engine, lite.lock, where)
            except TROUBLE as error:
                # where two processes make a file at once, SQLite may tell one of them so without waiting
                if reason(error).kind is not Kind.LOCKED or time.monotonic() > give_up:
                    raise lite.fault(error, where, path) from None
                await asyncio.sleep(0.1)
            else:
                return engine
    except BaseException:
        await engine.dispose()
        raise


async def _open_postgresql(url: str) -> AsyncEngine:
    from diagnostics.store import postgresql as server  # noqa: PLC0415 - its driver costs 8 MiB that SQLite need not pay

    parameters = server.address(url)
    where = server.shown(parameters)
    engine = server.engine(parameters)
    try:
        async with asyncio.timeout(STARTING), engine.connect() as connection:
            await server.sound(connection, where)
        await bring_up_to_date(engine, server.lock, where)
    except BaseException as error:
        await engine.dispose()
        if isinstance(error, TROUBLE):
            raise server.fault(error, where) from None
        raise
    return engine
