"""What a plan is made from: what a person wants, what was read, and what that comes to for one connector. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from diagnostics.connectors.connector import AcceptedDomain, Connector, Inventory, TransportRule
from diagnostics.fix.domains import Domains, carriers_without, domains_of
from diagnostics.fix.notes import Note
from diagnostics.route import pattern
from diagnostics.store import Report


@dataclass(frozen=True, slots=True)
class Read:
    """What one plan is made from. What could not be read is None or missing, and `unread` says what and why.

    `complete`: read from Exchange Online, so a field that is missing there was not told, and is not "false". `recipients`, by
    accepted domain (DomainName in lower case): how many mail users have their target in that same domain. `mx`, likewise:
    the MX hosts seen; missing: not looked up.
    """

    inventory: Inventory
    complete: bool
    rules: Sequence[TransportRule] | None = None
    has_mailboxes: bool | None = None
    recipients: Mapping[str, int] = field(default_factory=dict)
    mx: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    unread: tuple[str | Note, ...] = ()

    def told(self, record: Connector | AcceptedDomain, name: str) -> bool:
        return not self.complete or name in record.model_fields_set


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a person asks for.

    `connector`: name or Guid, `connector:` before it allowed. `domains`: --domain. `answers`: where a fresh check reached a
    server, in words; None if it did not. `by_name`: asked for by a person by name, so that an answering server is a warning,
    else it blocks. `writable`: there are credentials for writing. `refused`: that check was refused on every path. `report`:
    Microsoft's own, within a day.
    """

    connector: str
    domains: tuple[str, ...] = ()
    answers: str | None = None
    by_name: bool = True
    writable: bool = True
    refused: bool = False
    report: Report | None = None


@dataclass(frozen=True)
class Case:
    """One connector with all that is judged about it. `chosen`: the words of --domain as compared, with their domains."""

    connector: Connector
    wanted: Wanted
    read: Read
    domains: Domains
    chosen: Mapping[str, AcceptedDomain | None]

    @property
    def name(self) -> str:
        return self.connector.Name[:64]

    @property
    def carries(self) -> bool:
        """Whether it is known that mail flows through it: else there is nothing to switch off."""
        return self.connector.Enabled and not self.connector.TestMode and self.read.told(self.connector, "Enabled")

    @property
    def must_choose(self) -> bool:
        """Whether --domain is missing, or names what this connector does not serve."""
        served = {pattern(d.DomainName) for d in self.domains.served}
        return self.domains.is_open or any(name not in served for name in self.chosen)

    @property
    def rules(self) -> list[str]:
        """Names of the mail flow rules that send mail through the connector."""
        return [rule.Name for rule in self.read.rules or () if _uses(rule, self.connector)]

    @cached_property
    def takers(self) -> Mapping[str, list[str]]:
        """By other connector: the domains in question whose mail it carries once this one is off."""
        others = carriers_without(self.connector, self.read.inventory)
        found: dict[str, list[str]] = {}
        for domain in self.domains.in_question:
            if other := others.of(pattern(domain.DomainName), accepted=True):
                found.setdefault(other.Name, []).append(domain.DomainName)
        return found


def case_of(connector: Connector, wanted: Wanted, read: Read) -> Case:
    accepted = {pattern(d.DomainName): d for d in read.inventory.accepted_domains} if wanted.domains else {}
    chosen = {name: accepted.get(name) for name in map(pattern, wanted.domains)}
    return Case(connector, wanted, read, domains_of(connector, read.inventory, wanted.domains), chosen)


def _uses(rule: TransportRule, connector: Connector) -> bool:
    """A rule knows its connector by name, by Guid, or by a path that ends in the name."""
    route = (rule.RouteMessageOutboundConnector or "").casefold()
    name, guid = connector.Name.casefold(), connector.Guid.casefold()
    return route == name or route.endswith("\\" + name) or (bool(guid) and route.strip("{}") == guid)
