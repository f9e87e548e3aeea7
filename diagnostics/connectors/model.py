"""Exchange Online's outbound connector and accepted domain, as Get-OutboundConnector and Get-AcceptedDomain print them.

Names are Microsoft's (ExchangePowerShell reference). Unknown fields and enum values are harmless: Microsoft adds some.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _list(value: object) -> object:
    """PowerShell prints null for an empty list, a bare string for a list of one, and wraps lists and addresses in objects."""
    if value is None or value == "":
        return ()
    if isinstance(value, dict) and isinstance(value.get("value"), list):
        value = value["value"]
    if isinstance(value, str | dict):
        value = (value,)
    if isinstance(value, list | tuple):
        return tuple(_plain(row) for row in value if row is not None)
    return value


def _plain(row: object) -> object:
    """PowerShell 5 prints an address or a domain as an object."""
    return row.get("Address") or row.get("Domain") if isinstance(row, dict) else row


def _false(value: object) -> object:
    return False if value is None else value


def _text(value: object) -> object:
    """ConvertTo-Json prints some enums as numbers; what we do not know stays as text and is never taken for harmless."""
    return str(value) if isinstance(value, int) else _plain(value)


def _empty(value: object) -> object:
    return "" if value is None else value


Word = Annotated[str | None, BeforeValidator(_text)]
Names = Annotated[tuple[str, ...], BeforeValidator(_list)]
Flag = Annotated[bool, BeforeValidator(_false)]


class _Exported(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Loss(BaseModel):
    """A value that is not in the export as Exchange Online has it.

    cut: PowerShell wrote something else for it · more: a list of which only the first elements are there · joined: a list as
    one text, which could be read · missing: there is no such property. `value`: the text in its place, at most 80 characters.
    """

    model_config = ConfigDict(frozen=True)

    kind: Literal["cut", "more", "joined", "missing"]
    field: str
    value: str = ""


class Connector(_Exported):
    """An outbound connector. `TlsSettings` None is opportunistic TLS; a value that we do not know is kept as text.

    `SmtpDaneMode`, `MtaStsMode`: None is what Exchange Online does by default, Opportunistic. `tls_known`: False where the source
    has no TlsSettings at all. `lost`: what an export does not hold.
    """

    Name: str = Field(min_length=1)
    Guid: Annotated[str, BeforeValidator(_empty)] = ""
    Enabled: Flag = True
    ConnectorType: Word = None
    UseMXRecord: Flag = False
    SmartHosts: Names = ()
    RecipientDomains: Names = ()
    AllAcceptedDomains: Flag = False
    TlsSettings: Word = None
    TlsDomain: Word = None
    TestMode: Flag = False
    IsTransportRuleScoped: Flag = False
    RouteAllMessagesViaOnPremises: Flag = False
    CloudServicesMailEnabled: Flag = False
    ConnectorSource: Word = None
    SmtpDaneMode: Word = None
    MtaStsMode: Word = None
    tls_known: bool = True
    lost: tuple[Loss, ...] = ()

    @property
    def lost_destinations(self) -> tuple[Loss, ...]:
        """What was lost of the hosts, or of the domains that are delivered by MX."""
        field = "RecipientDomains" if self.UseMXRecord else "SmartHosts"
        return tuple(loss for loss in self.lost if loss.field == field and loss.kind != "joined")

    @property
    def is_partner(self) -> bool:
        return (self.ConnectorType or "").lower() == "partner"

    @property
    def is_on_premises(self) -> bool:
        return (self.ConnectorType or "").lower() == "onpremises"


class AcceptedDomain(_Exported):
    """An accepted domain: its name and whether it is Authoritative or InternalRelay."""

    DomainName: str = Field(min_length=1)
    Guid: Annotated[str, BeforeValidator(_empty)] = ""
    DomainType: Word = None
    MatchSubDomains: Flag = False


class TransportRule(_Exported):
    """A mail flow rule, as far as it sends mail through a connector. `RouteMessageOutboundConnector`: its name or Guid."""

    Name: str = Field(min_length=1)
    State: Word = None
    RouteMessageOutboundConnector: Word = None


class Ignored(NamedTuple):
    """Entries of a file that are no connectors. `kind`: as in export/kinds.py."""

    file: str
    kind: str
    number: int


class Inventory(BaseModel):
    """What is known of the tenant: connectors in their order, accepted domains, where they came from and of what time.

    `ignored`: what the source holds besides, and is not used.
    """

    model_config = ConfigDict(frozen=True)

    connectors: Sequence[Connector] = ()
    accepted_domains: Sequence[AcceptedDomain] = ()
    source: str = ""
    at: datetime | None = None
    ignored: Sequence[Ignored] = ()
