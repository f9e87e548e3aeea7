"""Question + connectors → Targets with the TLS policy in force. Pure.

The order in which a TARGET is read is contract 1's; Exchange Online's own choice of a connector is the same from the
recipient domain on: exact domain, then the longest wildcard, then all accepted domains, then `*`.
"""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from diagnostics.called import closest, named, quoted
from diagnostics.connectors.connector import Connector, Inventory
from diagnostics.findings import Reason
from diagnostics.net import names
from diagnostics.net.names import Address, NameFault
from diagnostics.target import Destination, Mode, Policy, Target, TlsSettings


class TargetFault(ValueError):
    """A TARGET that cannot be read: one sentence fit to be shown, and what may have been meant."""

    def __init__(self, said: str, meant: Sequence[str] = ()) -> None:
        names = " or ".join(filter(None, (", ".join(meant[:-1]), *meant[-1:])))
        super().__init__(f"{said} Did you mean {names}?" if meant else said)


def route(words: Sequence[str], inventory: Inventory) -> tuple[Target, ...]:
    """The targets of a check, in the order of the words, else of the connector list. Raises TargetFault."""
    if not words:
        targets = [whole(c, c.Name) for c in inventory.connectors if c.Enabled]
    else:
        targets = [target for word in words for target in _read(word, inventory)]
    own = _OwnDomains.of(inventory)
    return tuple(_with_loops(target, own) for target in targets)


@dataclass(frozen=True, slots=True)
class _OwnDomains:
    """The tenant's accepted domains, and those whose subdomains are accepted too."""

    exact: frozenset[str]
    above: frozenset[str]

    @classmethod
    def of(cls, inventory: Inventory) -> "_OwnDomains":
        rows = inventory.accepted_domains
        return cls(
            frozenset(pattern(d.DomainName) for d in rows),
            frozenset("*." + pattern(d.DomainName).removeprefix("*.") for d in rows if d.MatchSubDomains),
        )

    def __contains__(self, domain: str) -> bool:
        return domain in self.exact or any(entry in self.above for entry in _entries(domain))


def _with_loops(target: Target, own: _OwnDomains) -> Target:
    """Marks the destinations whose mail Exchange Online, if it were what they lead to, would give back to this tenant.

    That is mail for an own domain, and all that a connector to own servers carries. Other tenants' domains are no loop.
    """
    connector = target.connector
    if connector is None:
        return target
    if connector.is_on_premises:
        return replace(target, destinations=tuple(replace(d, comes_back=True) for d in target.destinations))
    served = list(map(pattern, connector.RecipientDomains))
    is_own = connector.AllAcceptedDomains or (bool(served) and all(domain in own for domain in served))
    marked = (replace(d, comes_back=d.name in own or (is_own and d.delivery != "mx")) for d in target.destinations)
    return replace(target, destinations=tuple(marked))


def _read(word: str, inventory: Inventory) -> tuple[Target, ...]:
    text, forced = word.strip(), None
    for reading in ("connector", "smarthost", "domain"):
        if text.lower().startswith(reading + ":"):
            text, forced = text[len(reading) + 1 :].strip(), reading
            break
    if not text:
        raise TargetFault(f"{word[:80]!r} names nothing. Give a connector, a smart host, an address or a recipient domain.")
    if forced in (None, "connector"):
        if called := named(text, inventory):
            return tuple(of_connector(c, word.strip()) for c in called)
        if forced:
            raise _unknown_connector(text, inventory)
    return (_host_or_domain(word.strip(), text, forced, inventory),)


def _unknown_connector(text: str, inventory: Inventory) -> TargetFault:
    known = ", ".join(repr(c.Name[:64]) for c in inventory.connectors[:5])
    return TargetFault(
        f"There is no connector {text[:80]!r}. Known: {known or 'none (name a file with --connectors)'}.",
        closest(text, inventory),
    )


def _host_or_domain(asked: str, text: str, forced: str | None, inventory: Inventory) -> Target:
    name, literal = _clean(text, inventory)
    if forced in (None, "smarthost"):
        listing = _listing(name, literal, inventory)
        if listing is not None:
            return Target(asked, (Destination(name, "smart-host", literal, listed=True),), listing, policy_of(listing))
        if literal is not None or forced:
            return Target(asked, (Destination(name, "smart-host" if forced else "host", literal),))
    if literal is not None:
        raise TargetFault(f"{text[:80]!r} is an address, not a recipient domain.")
    plain = Target(asked, (Destination(name, "mx" if forced else "host"),))
    serving, wildcard = _serving(name, inventory)
    if "." not in name and not forced and (serving is None or wildcard):
        # what has no dot is a word or a name that was mistyped far more often than it is a host
        raise TargetFault(f"No connector, host or domain is called {quoted(text)}.", closest(text, inventory))
    if serving is None:
        return plain
    target = _for_domain(serving, name, asked)
    return replace(target, only_with_mx=name, otherwise=plain) if wildcard else target


def _clean(text: str, inventory: Inventory) -> tuple[str, Address | None]:
    """Host name or address of what was typed: a mail address stands for its domain. Raises TargetFault."""
    bare = text.rsplit("@", 1)[-1] if "@" in text else text
    try:
        literal = names.address(bare)
        if literal is not None:
            return str(literal), literal
        if names.network(bare):
            raise TargetFault(f"{bare[:80]!r} is a range of addresses: name one of them, such as {bare.split('/')[0]}.")
        if ":" in bare and bare.rsplit(":", 1)[1].isdigit():
            raise TargetFault(f"{bare[:80]!r} names a port: mail servers are asked on port 25 alone, so leave the port away.")
        return names.host(bare), None
    except NameFault as fault:
        raise _hint(text, fault, inventory) from None


def _hint(text: str, fault: NameFault, inventory: Inventory) -> TargetFault:
    if " " in text.strip() and inventory.connectors:
        return _unknown_connector(text, inventory)
    return TargetFault(str(fault), closest(text, inventory))


def _listing(name: str, literal: Address | None, inventory: Inventory) -> Connector | None:
    """The connector that lists this host as a smart host; one that is switched on before one that is not."""
    listing = [c for c in inventory.connectors if any(_same_host(entry, name, literal) for entry in c.SmartHosts)]
    return next((c for c in listing if c.Enabled), listing[0] if listing else None)


def _same_host(entry: str, name: str, literal: Address | None) -> bool:
    try:
        if literal is not None and names.network(entry):
            return literal in ipaddress.ip_network(entry.strip(), strict=False)
        listed = names.address(entry)
        return listed == literal if literal is not None or listed is not None else names.host(entry) == name
    except NameFault:
        return False


def _serving(domain: str, inventory: Inventory) -> tuple[Connector | None, bool]:
    """The connector that would carry mail for a recipient domain, and whether only its `*` says so."""
    accepted = domain in {pattern(d.DomainName) for d in inventory.accepted_domains}
    serving = Carriers.among(inventory.connectors).of(domain, accepted=accepted)
    return serving, serving is not None and closeness(serving, domain, accepted=accepted) == STAR


@dataclass(frozen=True, slots=True)
class Carriers:
    """Who carries mail for a recipient domain: the first connector that names it in the closest way."""

    naming: Mapping[str, Connector]
    taking_all_accepted: Connector | None

    @classmethod
    def among(cls, connectors: Iterable[Connector]) -> "Carriers":
        live = [c for c in connectors if is_live(c)]
        naming: dict[str, Connector] = {}
        for connector in live:
            for domain in connector.RecipientDomains:
                naming.setdefault(pattern(domain), connector)
        return cls(naming, next((c for c in live if c.AllAcceptedDomains), None))

    def of(self, domain: str, *, accepted: bool) -> Connector | None:
        """`domain`: as `pattern` writes it. `accepted`: it is an accepted domain."""
        close = next((entry for entry in _entries(domain) if entry in self.naming), None)
        if close is not None:
            return self.naming[close]
        return (self.taking_all_accepted if accepted else None) or self.naming.get("*")


def is_live(connector: Connector) -> bool:
    """Whether Exchange Online chooses it by the recipient's domain."""
    return connector.Enabled and not connector.TestMode and not connector.IsTransportRuleScoped


STAR, ALL_ACCEPTED, EXACT = 1, 2, 1000


def closeness(connector: Connector, domain: str, *, accepted: bool) -> int:
    """How closely a connector names a recipient domain: EXACT, more the longer its `*.d`, ALL_ACCEPTED, STAR; 0: not at all."""
    patterns = set(map(pattern, connector.RecipientDomains))
    if domain in patterns:
        return EXACT
    wildcard = next((entry for entry in _entries(domain) if entry in patterns), "")
    if wildcard:
        return ALL_ACCEPTED + len(wildcard)
    if accepted and connector.AllAcceptedDomains:
        return ALL_ACCEPTED
    return STAR if "*" in patterns else 0


def _entries(domain: str) -> Iterator[str]:
    """What a connector may list to name this domain, the closest first, but for `*`."""
    yield domain
    for dot in (match.end() for match in re.finditer(r"\.", domain)):
        yield "*." + domain[dot:]


@lru_cache(maxsize=16384)
def pattern(domain: str) -> str:
    """A recipient domain as it is compared: A-labels, lower case; patterns keep their star."""
    star = "*." if domain.startswith("*.") else ""
    try:
        return domain if domain == "*" else star + names.host(domain.removeprefix("*."))
    except NameFault:
        return domain.lower()


def of_connector(connector: Connector, asked: str) -> Target:
    """A connector that was asked for; nothing is probed for one that is switched off."""
    if not connector.Enabled:
        return Target(asked, (), connector, policy_of(connector), Reason.CONNECTOR_DISABLED, {"connector": connector.Name})
    return whole(connector, asked)


def whole(connector: Connector, asked: str) -> Target:
    """A connector with all that it leads to: its smart hosts, or its domains by MX."""
    target = _whole(connector, asked)
    if connector.lost_destinations and not target.destinations:
        # what an export has in their place is not looked up; classify.py says what was lost
        return replace(target, settled=Reason.NOTHING_TO_CHECK, facts={"how": "lost"})
    return target


def _whole(connector: Connector, asked: str) -> Target:
    if _goes_by_mx(connector):
        left_out = [d for d in connector.RecipientDomains if d == "*" or d.startswith("*.")]
        domains = [d for d in connector.RecipientDomains if d != "*" and not d.startswith("*.")]
        destinations = tuple(Destination(pattern(d), "mx", listed=True) for d in dict.fromkeys(domains))
        how = "any-domain"
    else:
        left_out = [entry for entry in connector.SmartHosts if names.network(entry)]
        destinations = tuple(dict.fromkeys(d for entry in connector.SmartHosts if (d := _smart_host(entry)) is not None))
        how = "range"
    if not destinations:
        facts = {"how": how, "connector": connector.Name}
        return Target(asked, (), connector, policy_of(connector), Reason.NOTHING_TO_CHECK, facts)
    return Target(asked, destinations, connector, policy_of(connector), left_out=tuple(left_out))


def _goes_by_mx(connector: Connector) -> bool:
    """Hosts that an export lost are no sign of delivery by MX."""
    return connector.UseMXRecord or not (connector.SmartHosts or connector.lost_destinations)


def _smart_host(entry: str) -> Destination | None:
    """A smart host; None for a range (it is not expanded). A name that cannot be one is kept, and DNS says so."""
    if names.network(entry):
        return None
    try:
        literal = names.address(entry)
        return Destination(str(literal) if literal else names.host(entry), "smart-host", literal, listed=True)
    except NameFault:
        return Destination(entry[:253], "smart-host", listed=True)


def _for_domain(connector: Connector, domain: str, asked: str) -> Target:
    if _goes_by_mx(connector):
        listed = domain in map(pattern, connector.RecipientDomains)
        return Target(asked, (Destination(domain, "mx", listed=listed),), connector, policy_of(connector))
    return whole(connector, asked)


def policy_of(connector: Connector) -> Policy:
    """TLS policy of a connector. A setting that we do not know demands TLS at least; it is never taken for a known one."""
    known: dict[str, TlsSettings] = {
        "encryptiononly": "EncryptionOnly",
        "certificatevalidation": "CertificateValidation",
        "domainvalidation": "DomainValidation",
    }
    dane, mta_sts = _mode(connector.SmtpDaneMode), _mode(connector.MtaStsMode)
    if not connector.TlsSettings:
        return Policy(known=connector.tls_known, dane=dane, mta_sts=mta_sts)
    tls = known.get(connector.TlsSettings.lower())
    return Policy(tls or "EncryptionOnly", connector.TlsDomain or None, known=tls is not None, dane=dane, mta_sts=mta_sts)


def _mode(value: str | None) -> Mode:
    """Opportunistic is what Exchange Online does unless it is told otherwise (New-OutboundConnector)."""
    modes: dict[str, Mode] = {"mandatory": "Mandatory", "none": "None"}
    return modes.get((value or "").strip().lower(), "Opportunistic")
