"""What a driver says → why, in words that are safe to show: no SQL, no values, no password."""

import re

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from diagnostics.transient import is_transient

LOCKED = "another process keeps the database locked"
FULL = "the disk is full"
NOT_OPENED = "the database file cannot be opened"
NOT_WRITTEN = "the database cannot be written"
DAMAGED = "the database file is damaged"
NOT_SQLITE = "the file is no SQLite database"
SERVER_FULL = "the database server's disk is full"
READ_ONLY = "the database is read-only"
UNWRITABLE = frozenset({FULL, NOT_WRITTEN, SERVER_FULL, READ_ONLY})
"""The database answers, and takes no change."""

_SQLITE = {
    "SQLITE_BUSY": LOCKED,
    "SQLITE_LOCKED": LOCKED,
    "SQLITE_FULL": FULL,
    "SQLITE_IOERR": "the disk reports an error",
    "SQLITE_READONLY": NOT_WRITTEN,
    "SQLITE_CANTOPEN": NOT_OPENED,
    "SQLITE_PERM": NOT_OPENED,
    "SQLITE_CORRUPT": DAMAGED,
    "SQLITE_NOTADB": NOT_SQLITE,
}
"""By the first two parts of the error's name (SQLITE_IOERR_WRITE is an SQLITE_IOERR)."""

_SQLITE_PASSES = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM")
"""What ends without a change of settings or rights: another process's lock, room, a disk in trouble."""

_POSTGRESQL = {
    "08": "no connection to the database server",
    "28": "the database server refuses the user name or the password",
    "3D": "there is no such database on the server",
    "42501": "the database user may not do that",
    "53100": SERVER_FULL,
    "53": "the database server lacks resources",
    "55P03": "others keep the rows locked",
    "57014": "the database server took too long",
    "57": "the database server is being stopped or started",
    "40": "others changed the same rows at the same time",
    "25006": READ_ONLY,
    "58": "the database server's system reports an error",
    "TLS": "the server offers no TLS as it is asked for",
}
"""By SQLSTATE or its class, the longer one first."""

_POSTGRESQL_PASSES = frozenset({"08", "40", "53", "55", "57", "58"})
"""Classes of SQLSTATE: away, starting or stopping, out of room or connections, others at work."""

_CONNECTING = (
    (r"does not support SSL|certificate verify failed|certificate file|private key file|channel binding", "TLS"),
    (r"password authentication failed|no password supplied|role .* does not exist|no pg_hba.conf entry|authentication", "28"),
    (r"database .* does not exist|no such database", "3D"),
    (r"too many (clients|connections)|remaining connection slots", "53"),
    (r"starting up|shutting down|recovery mode", "57"),
)
"""libpq gives no SQLSTATE when it cannot connect: what the server said in English, else it is the connection."""


def reason(error: BaseException) -> str:
    """Half a sentence, without a full stop."""
    if isinstance(error, PoolTimeout):
        return "too much is waiting for the database"
    original = _drivers(error)
    name = getattr(original, "sqlite_errorname", None)
    if isinstance(name, str):
        return _SQLITE.get("_".join(name.split("_")[:2]), f"the database reports {name}")
    if state := sqlstate(original):
        return _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2]) or f"the database reports error {state}"
    if isinstance(original, TimeoutError):
        return "no answer from the database"
    if isinstance(original, OSError):
        return f"the database cannot be reached ({original.strerror or type(original).__name__})"
    return f"the database driver reports {type(original).__name__}"


def may_pass(error: BaseException) -> bool:
    """Whether the database may answer later although nobody changes a setting or a right."""
    if isinstance(error, PoolTimeout):
        return True
    original = _drivers(error)
    name = getattr(original, "sqlite_errorname", None)
    if isinstance(name, str):
        return name.startswith(_SQLITE_PASSES)
    if state := sqlstate(original):
        return state[:2] in _POSTGRESQL_PASSES
    return isinstance(original, OSError) and (original.errno is None or is_transient(original))


def is_silence(error: BaseException) -> bool:
    """Whether no database said anything, be it with an error."""
    if isinstance(error, PoolTimeout):
        return True
    original = _drivers(error)
    return isinstance(original, OSError) or (sqlstate(original) or "").startswith("08")


def sqlstate(error: BaseException) -> str | None:
    """SQLSTATE of a psycopg error, guessed where libpq gives none. None for anything else."""
    error = _drivers(error)
    if not type(error).__module__.startswith("psycopg"):
        return None
    state = getattr(error, "sqlstate", None)
    if isinstance(state, str):
        return state
    if type(error).__name__ not in ("OperationalError", "ConnectionTimeout", "InterfaceError"):
        return None
    return next((state for pattern, state in _CONNECTING if re.search(pattern, str(error))), "08")


def _drivers(error: BaseException) -> BaseException:
    """The driver's own error: SQLAlchemy puts two of its own around that of an async driver."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    return error.orig.__cause__ or error.orig
