"""What the tenant holds: rows as the cmdlets print them, who changed what, and a directory that replicates late."""

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bot.demo.lab import world

Row = dict[str, Any]
Table = Literal["connector", "accepted-domain", "rule", "mailbox", "mail-user", "trace"]

SOMEBODY = "somebody else"
"""Who made a change that came by no cmdlet."""


@dataclass(frozen=True, slots=True)
class Effect:
    """A write that changed something; one that only repeats a value is none. `by`: the app, or SOMEBODY."""

    at: float
    by: str
    table: Table
    guid: str
    name: str
    property: str
    before: Any
    after: Any


@dataclass(slots=True)
class _Object:
    """`old`: what reads still see, until `until` and for `reads` more of them."""

    row: Row
    old: Row | None = None
    until: float = 0.0
    reads: int = 0


@dataclass(slots=True)
class State:
    """`lag_seconds`, `lag_reads`: how long after a write, and for how many reads of the object, the old values are read."""

    tables: Mapping[Table, list[_Object]]
    changes: list[Effect] = field(default_factory=list)
    lag_seconds: float = 0.0
    lag_reads: int = 0

    def seen(self, table: Table, identity: str | None = None) -> list[Row]:
        """Rows as a read sees them. Without an identity, or with one that nothing has, that is all of them: so does Microsoft."""
        wanted = self._called(table, identity) if identity else []
        return [_seen(found) for found in wanted or self.tables[table]]

    def true(self, table: Table, identity: str) -> Row:
        """The one object of that Guid or name as it is, whatever reads see. Raises LookupError."""
        return self._one(table, identity).row

    def count(self, table: Table, identity: str) -> int:
        """How many objects bear that Guid or name."""
        return len(self._called(table, identity))

    def write(self, table: Table, identity: str, property: str, value: Any, by: str = SOMEBODY) -> bool:
        """Whether that changed anything. Others' changes are seen at once. Raises LookupError."""
        changed = self._one(table, identity)
        row = changed.row
        before = row.get(property)
        if before == value:
            return False
        if by != SOMEBODY and (self.lag_seconds or self.lag_reads):
            changed.old, changed.reads = dict(row), self.lag_reads
            changed.until = time.monotonic() + self.lag_seconds
        row[property] = value
        self.changes.append(Effect(time.monotonic(), by, table, row["Guid"], row["Name"], property, before, value))
        return True

    def remove(self, table: Table, identity: str) -> None:
        """Somebody deletes it. Raises LookupError."""
        self.tables[table].remove(self._one(table, identity))

    def _one(self, table: Table, identity: str) -> _Object:
        called = self._called(table, identity)
        if len(called) != 1:
            raise LookupError(f"{len(called)} objects of {table} are called {identity!r}")
        return called[0]

    def _called(self, table: Table, identity: str) -> list[_Object]:
        keys = ("Guid", "Name", "DomainName")
        return [one for one in self.tables[table] if identity.lower() in (str(one.row.get(key)).lower() for key in keys)]


def _seen(found: _Object) -> Row:
    if found.old is None:
        return dict(found.row)
    if found.reads > 0:
        found.reads -= 1
    elif time.monotonic() >= found.until:
        found.old = None
    return dict(found.old or found.row)


def state(
    connectors: Iterable[Mapping[str, Any]] = (),
    accepted_domains: Iterable[Mapping[str, Any]] = (),
    rules: Iterable[Mapping[str, Any]] = (),
    mailboxes: Iterable[str] = (),
    mail_users: Mapping[str, str] | None = None,
    *,
    waiting: Iterable[str] = (),
) -> State:
    """A tenant of these; connectors and domains as a world writes them. `mail_users`: address → target. Raises WorldError.

    `waiting`: recipients of messages that are not delivered yet.
    """
    made = world.parse({"connectors": list(connectors), "accepted_domains": list(accepted_domains)})
    users = {name: {"ExternalEmailAddress": f"SMTP:{target}"} for name, target in (mail_users or {}).items()}
    rows: Mapping[Table, Iterable[Mapping[str, Any]]] = {
        "connector": made.connectors,
        "accepted-domain": made.accepted_domains or (),
        "rule": [_named(row["Name"], {"State": "Enabled", "RouteMessageOutboundConnector": None, **row}) for row in rules],
        "mailbox": [_recipient(name, "UserMailbox", {}) for name in mailboxes],
        "mail-user": [_recipient(name, "MailUser", target) for name, target in users.items()],
        "trace": [_named(f"trace {n}", {"Status": "Pending", "RecipientAddress": name}) for n, name in enumerate(waiting)],
    }
    return State({table: [_Object(dict(row)) for row in listed] for table, listed in rows.items()})


def _recipient(address: str, kind: str, more: Row) -> Row:
    return _named(
        address, {"PrimarySmtpAddress": address, "EmailAddresses": [f"SMTP:{address}"], "RecipientTypeDetails": kind, **more}
    )


def _named(name: str, more: Row) -> Row:
    return {"Name": name, "Identity": name, "Guid": str(uuid.uuid5(world.NAMESPACE, "object " + name)), **more}
