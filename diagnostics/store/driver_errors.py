"""What a driver says → why, as a kind whose words are safe to show: no SQL, no values, no password."""

import re
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from diagnostics.catalogue.phrases import shipped
from diagnostics.transient import is_transient


class Kind(StrEnum):
    """Why a database did not do what it was asked."""

    LOCKED = "locked"
    FULL = "full"
    DISK_ERROR = "disk-error"
    NOT_OPENED = "not-opened"
    NOT_WRITTEN = "not-written"
    DAMAGED = "damaged"
    NOT_SQLITE = "not-sqlite"
    NO_CONNECTION = "no-connection"
    LOGIN_REFUSED = "login-refused"
    NO_SUCH_DATABASE = "no-such-database"
    FORBIDDEN = "forbidden"
    SERVER_FULL = "server-full"
    NO_RESOURCES = "no-resources"
    ROWS_LOCKED = "rows-locked"
    TOO_SLOW = "too-slow"
    STOPPING = "stopping"
    CONFLICT = "conflict"
    READ_ONLY = "read-only"
    SYSTEM_ERROR = "system-error"
    NO_TLS = "no-tls"
    QUEUE_FULL = "queue-full"
    SILENT = "silent"
    UNREACHABLE = "unreachable"
    OTHER_SQLITE = "other-sqlite"
    OTHER_STATE = "other-state"
    OTHER_DRIVER = "other-driver"


UNWRITABLE = frozenset({Kind.FULL, Kind.NOT_WRITTEN, Kind.SERVER_FULL, Kind.READ_ONLY})
"""The database answers, and takes no change."""

# read now: where a disk or the descriptors are used up, a file can no longer be
say = shipped("store.toml").say


@dataclass(frozen=True, slots=True)
class Why:
    """`str`: half a sentence, without a full stop. `detail`: a name of the driver's, or of the system's error."""

    kind: Kind
    detail: str = ""

    def __str__(self) -> str:
        return say("why", {"how": self.kind, "detail": self.detail})


_SQLITE = {
    "SQLITE_BUSY": Kind.LOCKED,
    "SQLITE_LOCKED": Kind.LOCKED,
    "SQLITE_FULL": Kind.FULL,
    "SQLITE_IOERR": Kind.DISK_ERROR,
    "SQLITE_READONLY": Kind.NOT_WRITTEN,
    "SQLITE_CANTOPEN": Kind.NOT_OPENED,
    "SQLITE_PERM": Kind.NOT_OPENED,
    "SQLITE_CORRUPT": Kind.DAMAGED,
    "SQLITE_NOTADB": Kind.NOT_SQLITE,
}
"""By the first two parts of the error's name (SQLITE_IOERR_WRITE is an SQLITE_IOERR)."""

_SQLITE_PASSES = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOMEM")
"""What ends without a change of settings or rights: another process's lock, room, a disk in trouble."""

_POSTGRESQL = {
    "08": Kind.NO_CONNECTION,
    "28": Kind.LOGIN_REFUSED,
    "3D": Kind.NO_SUCH_DATABASE,
    "42501": Kind.FORBIDDEN,
    "53100": Kind.SERVER_FULL,
    "53": Kind.NO_RESOURCES,
    "55P03": Kind.ROWS_LOCKED,
    "57014": Kind.TOO_SLOW,
    "57": Kind.STOPPING,
    "40": Kind.CONFLICT,
    "25006": Kind.READ_ONLY,
    "58": Kind.SYSTEM_ERROR,
    "TLS": Kind.NO_TLS,
}
"""By SQLSTATE or its class, the longer one first."""

_POSTGRESQL_PASSES = frozenset({"08", "40", "53", "55", "57", "58"})
"""Classes of SQLSTATE: away, starting or stopping, out of room or connections, others at work."""

_CONNECTING = (
    (
        re.compile("does not support SSL|certificate verify failed|certificate file|private key file|channel binding"),
        "TLS",
    ),
    (
        re.compile(
            "password authentication failed|no password supplied|role .* does not exist|no pg_hba.conf entry|authentication"
        ),
        "28",
    ),
    (re.compile("database .* does not exist|no such database"), "3D"),
    (re.compile("too many (?:clients|connections)|remaining connection slots"), "53"),
    (re.compile("starting up|shutting down|recovery mode"), "57"),
)
"""libpq gives no SQLSTATE when it cannot connect: what the server said in English, else it is the connection."""


def reason(error: BaseException) -> Why:
    if isinstance(error, PoolTimeout):
        return Why(Kind.QUEUE_FULL)
    original = _drivers(error)
    name = getattr(original, "sqlite_errorname", None)
    if isinstance(name, str):
        known = _SQLITE.get("_".join(name.split("_")[:2]))
        return Why(known) if known else Why(Kind.OTHER_SQLITE, name)
    if state := sqlstate(original):
        known = _POSTGRESQL.get(state) or _POSTGRESQL.get(state[:2])
        return Why(known) if known else Why(Kind.OTHER_STATE, state)
    if isinstance(original, TimeoutError):
        return Why(Kind.SILENT)
    if isinstance(original, OSError):
        return Why(Kind.UNREACHABLE, original.strerror or type(original).__name__)
    return Why(Kind.OTHER_DRIVER, type(original).__name__)


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
    return next((state for pattern, state in _CONNECTING if pattern.search(str(error))), "08")


def _drivers(error: BaseException) -> BaseException:
    """The driver's own error: SQLAlchemy puts two of its own around that of an async driver."""
    if not isinstance(error, DBAPIError) or error.orig is None:
        return error
    return error.orig.__cause__ or error.orig
