"""What is to be checked, once the words of a person have been held against the connectors."""

from dataclasses import dataclass, field
from typing import Literal

from diagnostics.connectors.connector import Connector
from diagnostics.findings import Facts, Reason
from diagnostics.net.names import Address

Delivery = Literal["smart-host", "mx", "host"]
Mode = Literal["Opportunistic", "Mandatory", "None"]
TlsSettings = Literal["EncryptionOnly", "CertificateValidation", "DomainValidation"]


@dataclass(frozen=True, slots=True)
class Policy:
    """TlsSettings and TlsDomain of the connector; `tls` None is opportunistic. `dane`, `mta_sts`: its SmtpDaneMode, MtaStsMode.

    Not `known`: the source does not tell TlsSettings, or a value that we do not know; `tls` is the least that it may demand.
    """

    tls: TlsSettings | None = None
    domain: str | None = None
    known: bool = True
    dane: Mode = "Opportunistic"
    mta_sts: Mode = "Opportunistic"


@dataclass(frozen=True, slots=True)
class Destination:
    """One thing to resolve: a smart host, a recipient domain delivered by MX, or a bare host. `listed`: a connector names it.

    `comes_back`: if it leads to Exchange Online itself, the mail is this tenant's again (contract 4, mx-is-microsoft).
    """

    name: str
    delivery: Delivery
    address: Address | None = None
    listed: bool = False
    comes_back: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """What one TARGET (or one enabled connector) comes to.

    `left_out`: ranges and patterns that the connector lists and that cannot be probed. `settled`: nothing is probed, for
    this reason and with these facts. `otherwise`: what counts instead when `only_with_mx` holds and the name has no MX.
    """

    asked: str
    destinations: tuple[Destination, ...] = ()
    connector: Connector | None = None
    policy: Policy = field(default_factory=Policy)
    settled: Reason | None = None
    facts: Facts = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    only_with_mx: str | None = None
    otherwise: "Target | None" = None
