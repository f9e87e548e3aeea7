"""Where connectors come from, and where changes go: shapes only. Two real sides: an exported file, and Exchange Online itself."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from diagnostics.connectors.connector import Inventory, TransportRule

GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""By which one object of a tenant, and the tenant itself, is named."""

Object = Literal["accepted-domain", "connector"]
Value = bool | str
"""`Enabled` of a connector, `DomainType` of an accepted domain."""


class SourceError(Exception):
    """The connectors cannot be had: one sentence that names the file and place, or the service, and the mend."""


class ConnectorSource(Protocol):
    async def read(self) -> Inventory:
        """The tenant's connectors; those read a short while ago may do. Raises SourceError."""
        ...


class Tenant(ConnectorSource, Protocol):
    """What a plan reads besides, always afresh. Every method raises SourceError for what cannot be told."""

    async def fresh(self) -> Inventory: ...

    def changed(self) -> None:
        """Something was written: what `read` gave so far does no more."""

    async def rules(self) -> Sequence[TransportRule]: ...

    async def has_mailboxes(self) -> bool:
        """Whether the tenant has any user mailbox in the cloud."""

    async def on_premises_recipients(self, domain: str) -> int:
        """How many mail users of the domain have their target in that same domain: mail for them leaves by the connector."""

    async def pending(self, domains: Sequence[str]) -> Sequence[int]:
        """How many messages of the last day to recipients of each domain still wait (counts, never whose)."""

    async def value(self, kind: Object, guid: str) -> Value | None:
        """The property that a fix changes, of the one object with that Guid. None: no such object can be seen (yet)."""


@dataclass(frozen=True, slots=True)
class Change:
    """One write: an absolute value for the one object with that Guid. `name` is for messages alone."""

    kind: Object
    guid: str
    value: Value
    name: str = ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of one attempt to write, as far as the reply tells; only reading back tells whether it took effect.

    accepted: the service said yes · refused: it said no, for good · again: it did not take it now (`pause`: seconds that
    it asked for) · uncertain: no reply, a cut one, or one that says neither.
    """

    kind: Literal["accepted", "refused", "again", "uncertain"]
    said: str = ""
    pause: float | None = None


class Admin(Protocol):
    """Who may write. One call is one attempt: whoever calls reads back before another one."""

    async def ready(self) -> None:
        """All that a write needs besides the write (a token). Raises SourceError."""

    async def send(self, change: Change) -> Sent:
        """Never raises, except when cancelled."""
