"""The accepted domains around one connector: whose mail it carries, and which of them a fix makes Authoritative. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from diagnostics.connectors.connector import AcceptedDomain, Connector, Inventory
from diagnostics.fix.notes import Names, listing
from diagnostics.route import EXACT, Carriers, closeness, is_live, pattern


@dataclass(frozen=True, slots=True)
class Domains:
    """What one connector means for the accepted domains.

    served: it carries their mail, or would, were it on, since nobody else does · relayed: those of them that are Internal
    Relay · turned: those of them that the fix makes Authoritative · elsewhere: domains that it names too, with the connector
    that carries their mail · parents: they take mail for sub-domains that it names · unaccepted: it names them, and they
    are no accepted domains · is_open: a person has to choose among `relayed`.
    """

    served: tuple[AcceptedDomain, ...]
    relayed: tuple[AcceptedDomain, ...]
    turned: tuple[AcceptedDomain, ...]
    elsewhere: Mapping[str, Connector]
    parents: tuple[AcceptedDomain, ...]
    unaccepted: tuple[str, ...]
    is_open: bool

    @property
    def in_question(self) -> tuple[AcceptedDomain, ...]:
        """Whose mail may still leave by the connector: those turned, and those that are Authoritative already."""
        return () if self.is_open else self.turned + tuple(d for d in self.served if is_authoritative(d))

    @property
    def left_behind(self) -> tuple[AcceptedDomain, ...]:
        """They lose the connector, and are neither turned nor Authoritative."""
        turned = {d.DomainName for d in self.turned}
        return tuple(d for d in self.served if d.DomainName not in turned and not is_authoritative(d))


def domains_of(connector: Connector, inventory: Inventory, chosen: Sequence[str]) -> Domains:
    """`chosen`: the words of --domain, in any case and script."""
    accepted = {pattern(d.DomainName): d for d in inventory.accepted_domains}
    entries = dict.fromkeys(map(pattern, connector.RecipientDomains))
    takes_any = connector.AllAcceptedDomains or "*" in entries
    named = list(accepted) if takes_any else _named(entries, accepted)
    elsewhere = _elsewhere(connector, named, inventory)
    served = tuple(accepted[name] for name in named if name not in elsewhere)
    relayed = tuple(d for d in served if is_internal_relay(d))
    words = {pattern(word) for word in chosen}
    is_open = bool(relayed) and not words and (takes_any or len(relayed) > 1)
    turned = () if is_open else tuple(d for d in relayed if not words or pattern(d.DomainName) in words)
    parents, unaccepted = _loose(entries, named, accepted)
    return Domains(served, relayed, turned, elsewhere, parents, unaccepted, is_open)


def carriers_without(connector: Connector, inventory: Inventory) -> Carriers:
    """Who carries what once this connector is off."""
    return Carriers.among(c for c in inventory.connectors if c is not connector)


def _named(entries: Iterable[str], accepted: Mapping[str, AcceptedDomain]) -> list[str]:
    """The accepted domains that these entries of RecipientDomains name, exactly or by `*.d`."""
    under = tuple(entry[1:] for entry in entries if entry.startswith("*."))
    return list(dict.fromkeys([*(e for e in entries if e in accepted), *(name for name in accepted if name.endswith(under))]))


def _elsewhere(connector: Connector, named: Iterable[str], inventory: Inventory) -> dict[str, Connector]:
    """Domains that another connector carries although this one names them too.

    Of two that name a domain equally closely either may carry its mail, so the one in question counts as carrying it.
    """
    doubtful = [name for name in named if not is_live(connector) or closeness(connector, name, accepted=True) < EXACT]
    if not doubtful:
        return {}
    others = carriers_without(connector, inventory)
    carried = {name: other for name in doubtful if (other := others.of(name, accepted=True))}
    if not is_live(connector):
        return carried
    return {n: c for n, c in carried.items() if closeness(c, n, accepted=True) > closeness(connector, n, accepted=True)}


def _loose(
    entries: Iterable[str], named: Collection[str], accepted: Mapping[str, AcceptedDomain]
) -> tuple[tuple[AcceptedDomain, ...], tuple[str, ...]]:
    """For entries that are no accepted domains: those above them that take mail for sub-domains, and entries without any."""
    wide = {name: d for name, d in accepted.items() if d.MatchSubDomains}
    parents: dict[str, AcceptedDomain] = {}
    rest = []
    for entry in entries:
        if entry in accepted or entry == "*":
            continue
        above = [name for name in wide if f".{entry.removeprefix('*.')}".endswith(f".{name}")]
        parents |= {name: wide[name] for name in above if name not in named}
        if not above and not _named([entry], accepted):
            rest.append(entry)
    return tuple(parents.values()), tuple(rest)


def is_internal_relay(domain: AcceptedDomain) -> bool:
    return (domain.DomainType or "").casefold() == "internalrelay"


def is_authoritative(domain: AcceptedDomain) -> bool:
    return (domain.DomainType or "").casefold() == "authoritative"


def names_of(domains: Sequence[AcceptedDomain]) -> Names:
    return listing([d.DomainName for d in domains])
