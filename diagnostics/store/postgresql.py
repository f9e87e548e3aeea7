"""PostgreSQL: the URL goes to libpq as it is, so whatever libpq understands works (sslmode, several hosts, services)."""

import re
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from diagnostics.store import PATIENCE, StoreFault
from diagnostics.store.driver_errors import may_pass, reason, say, sqlstate

POOL = 5
_STATEMENT = int(PATIENCE * 1000)
_SETTINGS = (
    f"SET statement_timeout = {_STATEMENT}; SET lock_timeout = {_STATEMENT}; "
    f"SET idle_in_transaction_session_timeout = {2 * _STATEMENT}; "
    "SET synchronous_commit = on"  # what is about to be written to a tenant must be durable before it is
)
_DEFAULTS: dict[str, Any] = {
    "application_name": "mailflow",
    "client_encoding": "UTF8",
    "connect_timeout": 3,
    "tcp_user_timeout": _STATEMENT,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_MENDS = ("08", "28", "3D", "42", "25", "53", "55", "57", "TLS")
"""Classes of SQLSTATE with words of their own on what to do."""
MIGRATION_LOCK = 0x6D61696C666C6F77  # "mailflow"


def address(url: str) -> dict[str, Any]:
    """libpq's parameters. Raises StoreFault."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.Error:
        given = {"port": "?"}  # what the driver says quotes the URL
    # after an unescaped / or @ in the password, the rest of it stands in another part
    if any("@" in str(given.get(name, "")) for name in ("host", "dbname")) or not re.fullmatch(
        "[0-9,]*", str(given.get("port", ""))
    ):
        raise StoreFault(
            "MAILFLOW_DATABASE_URL: this is no PostgreSQL URL. Write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "with % escapes for special characters in the password (@ is %40, / is %2F)."
        )
    return _DEFAULTS | given


def shown(parameters: dict[str, Any]) -> str:
    """Where it is, for messages."""
    name, host, port = (str(parameters.get(key) or "") for key in ("dbname", "host", "port"))
    where = f"{host or 'localhost'}{f':{port}' if port else ''}"
    return say("place", {"how": "postgresql", "name": name or "(default)", "host": where})


def engine(parameters: dict[str, Any]) -> AsyncEngine:
    async def connect() -> psycopg.AsyncConnection[Any]:
        # statements are not prepared, so that a connection pooler may stand between
        return await psycopg.AsyncConnection.connect(**parameters, prepare_threshold=None)

    made = create_async_engine(
        "postgresql+psycopg://",
        async_creator=connect,
        isolation_level="READ COMMITTED",
        pool_pre_ping=True,
        pool_size=POOL,
        max_overflow=POOL,
        pool_timeout=PATIENCE,
        hide_parameters=True,
    )

    @event.listens_for(made.sync_engine, "connect")
    def limits(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(_SETTINGS)
        cursor.close()
        connection.commit()

    return made


async def lock(connection: AsyncConnection) -> None:
    """One replica at a time from here to the end of the transaction; the others wait."""
    await connection.exec_driver_sql("SET LOCAL lock_timeout = '60s'")
    await connection.exec_driver_sql("SET LOCAL statement_timeout = '60s'")
    await connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
    await connection.exec_driver_sql("SET LOCAL statement_timeout = '600s'")


async def sound(connection: AsyncConnection, where: str) -> None:
    """Raises StoreFault when this database can be reached, but is not fit to be the store."""
    query = "SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery() AS standby"
    facts = (await connection.exec_driver_sql(query)).mappings().one()
    if facts["encoding"] != "UTF8":
        raise StoreFault(
            f"MAILFLOW_DATABASE_URL: {where} has the encoding {facts['encoding']}, which cannot hold every text: "
            "create it anew with ENCODING 'UTF8' TEMPLATE template0."
        )
    if facts["standby"]:
        raise StoreFault(f"MAILFLOW_DATABASE_URL: {where} is a standby, which cannot be written: name the primary server.")


def fault(error: BaseException, where: str) -> StoreFault:
    """What went wrong at start, as a sentence with a mend."""
    state = sqlstate(error) or ""
    known = next((f"server-{prefix}" for prefix in _MENDS if state.startswith(prefix)), "server")
    mend = say("mend", {"how": known})
    return StoreFault(f"MAILFLOW_DATABASE_URL: {where}: {reason(error)}; {mend}.", passing=may_pass(error))
