"""A world: what the lab's servers shall do, and what a check of it shall say. Parsed from TOML; opens nothing.

What a world does not list does not exist: every other name is NXDOMAIN, on every other address nothing listens.
So a forgotten entry shows up as a fault, never as a packet to the real world.
"""

import tomllib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from bot.demo.lab.certificates import RECIPES, Recipe

DEFAULT_RECORDS = ("A 127.0.0.1", "AAAA ::1")
"""What the honest answer would be for a name that is given as a misbehaviour alone."""

TTL = 60

NAMESPACE = uuid.UUID("6f1b1f0e-0d0c-4f5e-9a57-3a1c7f6f2b11")
"""Guids of connectors are derived from their names, so that a world gives the same ones on every run."""


class WorldError(Exception):
    """The world is written wrongly: one sentence that names the place."""


@dataclass(frozen=True, slots=True)
class Record:
    """One DNS record of a name: type and data as text."""

    type: str
    data: str
    ttl: int = TTL


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said about a name: its records, and for a type (or "*", every type) the misbehaviour that spoils them."""

    records: tuple[Record, ...] = ()
    behaviours: Mapping[str, str] = field(default_factory=dict)

    def behaviour(self, rdtype: str) -> str:
        return self.behaviours.get(rdtype) or self.behaviours.get("*", "")


@dataclass(frozen=True, slots=True)
class MailHost:
    """A mail server: its address, its behaviour by name, its certificates (several take turns, one a connection).

    turns: behaviours that take turns likewise, instead of the one.
    name: in banner and EHLO. banner: the whole first reply, "220 …". delay: seconds before each reply. most_at_once:
    connections, of which a further one is told 421 (0: any number).
    """

    address: str
    behaviour: str = "healthy"
    turns: tuple[str, ...] = ()
    certificates: tuple[Recipe, ...] = (RECIPES["good"],)
    certificate_without_sni: Recipe | None = None
    name: str = ""
    banner: str = ""
    extensions: tuple[str, ...] = ("PIPELINING", "SIZE 37748736", "STARTTLS", "8BITMIME")
    extensions_after_tls: tuple[str, ...] | None = None
    delay: float = 0.0
    most_at_once: int = 0


@dataclass(frozen=True, slots=True)
class World:
    """A whole world. `dns`: name → answers, of which each query takes the next and the last stays."""

    title: str
    dns: Mapping[str, tuple[Answer, ...]]
    mail: tuple[MailHost, ...]
    connectors: tuple[Mapping[str, Any], ...]
    accepted_domains: tuple[Mapping[str, Any], ...] | None = None
    check: Mapping[str, Any] = field(default_factory=dict)
    expect: tuple[Mapping[str, Any], ...] = ()

    def names_of(self, address: str) -> tuple[str, ...]:
        """The names whose address records give this address: what its certificate is made out to."""
        wanted = ip_address(address)
        found = (
            name
            for name, answers in self.dns.items()
            for record in answers[-1].records
            if record.type in ("A", "AAAA") and ip_address(record.data) == wanted
        )
        return tuple(dict.fromkeys(found))

    def addresses(self) -> tuple[str, ...]:
        """Every address that a record or a mail server names, once."""
        every = (r for answers in self.dns.values() for answer in answers for r in answer.records)
        found = [r.data for r in every if r.type in ("A", "AAAA")] + [host.address for host in self.mail]
        return tuple(dict.fromkeys(str(ip_address(address)) for address in found))


def load(path: Path) -> World:
    """The world in a TOML file. Raises WorldError that names the file and the place."""
    try:
        return parse(tomllib.loads(path.read_text(encoding="utf-8")))
    except (WorldError, tomllib.TOMLDecodeError) as error:
        raise WorldError(f"{path.name}: {error}") from None


def parse(data: Mapping[str, Any]) -> World:
    """The world in a table. Raises WorldError that names the place."""
    _known(data, "world", ("title", "dns", "mail", "connectors", "accepted_domains", "check", "expect"))
    accepted = data.get("accepted_domains")
    return World(
        title=str(data.get("title", "")),
        dns={name.lower(): _answers(f'dns."{name}"', value) for name, value in data.get("dns", {}).items()},
        mail=tuple(_mail_host(address, value) for address, value in data.get("mail", {}).items()),
        connectors=tuple(_connector(row) for row in data.get("connectors", [])),
        accepted_domains=None if accepted is None else tuple(_accepted_domain(row) for row in accepted),
        check=data.get("check", {}),
        expect=tuple(data.get("expect", [])),
    )


def _answers(place: str, value: Any) -> tuple[Answer, ...]:
    """A list that holds a list or a table is a series of answers; anything else is one answer."""
    if isinstance(value, list) and any(not isinstance(item, str) for item in value):
        return tuple(_answer(f"{place}[{i}]", item) for i, item in enumerate(value))
    return (_answer(place, value),)


def _answer(place: str, value: Any) -> Answer:
    if isinstance(value, str):
        return Answer(tuple(_record(place, text) for text in DEFAULT_RECORDS), {"*": value})
    if isinstance(value, list):
        return Answer(tuple(_record(place, text) for text in value))
    if not isinstance(value, dict):
        raise WorldError(f"{place}: records, a misbehaviour or a table of them is wanted, not {value!r}")
    records: list[Record] = []
    behaviours: dict[str, str] = {}
    for key, item in value.items():
        rdtype = "*" if key in ("behaviour", "*") else key.upper()
        if isinstance(item, str):
            behaviours[rdtype] = item
        else:
            records += [_record(f"{place}.{key}", text if rdtype == "*" else f"{rdtype} {text}") for text in item]
    if not records:
        records = [_record(place, text) for text in DEFAULT_RECORDS if text.split()[0] not in behaviours and "*" in behaviours]
    return Answer(tuple(records), behaviours)


def _record(place: str, text: str) -> Record:
    """ "A 127.0.0.1" or, with a time to live, "0 A 127.0.0.1"; names in it are absolute."""
    first, _, rest = text.partition(" ")
    ttl, text = (int(first), rest) if first.isdigit() else (TTL, text)
    words = text.split(None, 1)
    if len(words) != 2:
        raise WorldError(f'{place}: a record is a type and data, as "A 127.0.0.1", not {text!r}')
    record = Record(words[0].upper(), words[1], ttl)
    try:
        dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(record.type), record.data)
    except (dns.exception.DNSException, ValueError) as error:
        raise WorldError(f"{place}: {text!r} is no record: {error}") from None
    return record


def _mail_host(address: str, value: Mapping[str, Any]) -> MailHost:
    place = f'mail."{address}"'
    _known(value, place, (*MailHost.__dataclass_fields__, "certificate"))
    try:
        address = str(ip_address(address))
    except ValueError:
        raise WorldError(f"{place}: an address is wanted") from None
    fields = dict(value)
    certificate = fields.pop("certificate", "good")
    several = certificate if isinstance(certificate, list) else [certificate]
    fields["certificates"] = tuple(_recipe(f"{place}.certificate", item) for item in several)
    if "certificate_without_sni" in fields:
        fields["certificate_without_sni"] = _recipe(f"{place}.certificate_without_sni", fields["certificate_without_sni"])
    for key in ("turns", "extensions", "extensions_after_tls"):
        if key in fields:
            fields[key] = tuple(fields[key])
    for key, kind in (("behaviour", str), ("name", str), ("banner", str), ("delay", int | float), ("most_at_once", int)):
        if not isinstance(fields.get(key, MailHost.__dataclass_fields__[key].default), kind):
            raise WorldError(f"{place}.{key}: {fields[key]!r} is not of the right kind")
    return MailHost(address=address, **fields)


def _recipe(place: str, value: str | Mapping[str, Any]) -> Recipe:
    try:
        return Recipe.from_table(value)
    except ValueError as error:
        raise WorldError(f"{place}: {error}") from None


def _connector(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A row as Get-OutboundConnector exports it; what the world leaves out has the value of a plain new connector."""
    name = row.get("Name")
    if not isinstance(name, str) or not name:
        raise WorldError(f"connectors: a Name is wanted in {dict(row)!r}")
    return {
        "Name": name,
        "Identity": name,
        "Guid": str(uuid.uuid5(NAMESPACE, name)),
        "AdminDisplayName": "",
        "Comment": None,
        "Enabled": True,
        "UseMXRecord": False,
        "ConnectorType": "OnPremises",
        "ConnectorSource": "AdminUI",
        "RecipientDomains": [],
        "SmartHosts": [],
        "TlsDomain": None,
        "TlsSettings": None,
        "SmtpDaneMode": "Opportunistic",
        "MtaStsMode": "Opportunistic",
        "IsTransportRuleScoped": False,
        "RouteAllMessagesViaOnPremises": False,
        "CloudServicesMailEnabled": False,
        "AllAcceptedDomains": False,
        "SenderRewritingEnabled": False,
        "TestMode": False,
        "ValidationRecipients": [],
        "IsValidated": True,
        "LastValidationTimestamp": "2026-07-24T18:59:12.0000000",
        "WhenChangedUTC": "2026-07-24T18:59:12.0000000Z",
        "WhenCreatedUTC": "2025-02-03T09:12:44.0000000Z",
        "IsValid": True,
        **row,
    }


def _accepted_domain(row: Mapping[str, Any]) -> Mapping[str, Any]:
    name = row.get("DomainName")
    if not isinstance(name, str) or not name:
        raise WorldError(f"accepted_domains: a DomainName is wanted in {dict(row)!r}")
    return {
        "Name": name,
        "Identity": name,
        "Guid": str(uuid.uuid5(NAMESPACE, "domain " + name)),
        "DomainType": "Authoritative",
        "MatchSubDomains": False,
        "Default": False,
        **row,
    }


def _known(table: Mapping[str, Any], place: str, keys: Iterable[str]) -> None:
    allowed = tuple(keys)
    for key in table:
        if key not in allowed:
            raise WorldError(f"{place}: unknown key {key!r}; known are {', '.join(allowed)}")
