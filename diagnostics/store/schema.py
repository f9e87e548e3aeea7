"""The schema's version: brought up to date at start, by one process at a time; a newer one is refused.

Alembic is loaded only when there is something to change, which is once an update.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from diagnostics.store import StoreFault

HEAD = "0005"
"""The revision that tables.py describes: the newest in migrations/versions."""

VERSION_TABLE = "mailflow_schema"
MIGRATIONS = Path(__file__).parent / "migrations"

Lock = Callable[[AsyncConnection], Awaitable[None]]


async def bring_up_to_date(engine: AsyncEngine, lock: Lock, where: str, *, to: str = HEAD) -> None:
    """Raises StoreFault if the schema is of a newer mailflow."""
    async with engine.connect() as connection:
        if _known(await connection.run_sync(current), where) == HEAD:
            return
    async with engine.begin() as connection:
        await lock(connection)
        # whoever held the lock before may have done it
        if _known(await connection.run_sync(current), where) != to:
            await connection.run_sync(_upgrade, to)


def current(connection: Connection) -> str | None:
    """The revision of the database, None if it has no tables of ours yet."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return str(connection.exec_driver_sql(f"SELECT version_num FROM {VERSION_TABLE}").scalar_one())  # noqa: S608 - a constant


def _known(revision: str | None, where: str) -> str | None:
    if revision is None or revision <= HEAD:
        return revision
    raise StoreFault(
        f"MAILFLOW_DATABASE_URL: {where} was written by a newer mailflow (schema {revision}; this one knows {HEAD}): "
        "install the newer version, or name another database."
    )


def _upgrade(connection: Connection, to: str) -> None:
    from alembic import command  # noqa: PLC0415 - 10 MiB that most starts do not need
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, to)
