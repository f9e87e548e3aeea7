"""Which of a report's destinations may be checked from here: those that a connector lists, and what somebody allows. Pure.

A host that stands in a pasted text alone is never contacted: whoever writes the text would choose whom we talk to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from diagnostics.called import named
from diagnostics.connectors.connector import Connector, Inventory
from diagnostics.explain.advice import line
from diagnostics.parse import ErrorReport, Reported
from diagnostics.route import TargetFault, route
from diagnostics.target import Target

REFUSED = "4.4.316"

MAX_CHECKS = 8
"""Destinations of one report that are checked: a table may name hundreds."""


@dataclass(frozen=True, slots=True)
class Spot:
    """The destination of one error as a TARGET, forced where it could be read in another way. `connector` None: not listed.

    Not `named`: the text does not name it, and who gave the text says that it is about that.
    """

    word: str
    connector: Connector | None
    named: bool = True


def spots(report: ErrorReport, inventory: Inventory, allowed: str | None = None) -> dict[int, Spot]:
    """By the error's index, the primary error first. Raises TargetFault for an `allowed` host that is none or several.

    `allowed` stands for the errors that name it, and for the primary one where none does.
    """
    found: dict[int, Spot] = {}
    if allowed is not None and report.errors:
        word, target = allowed, _one(allowed, inventory)
        if target.only_with_mx is not None:
            # to a connector for any domain every name is one, and here it is a host
            word = f"smarthost:{allowed}"
            target = _one(word, inventory)
        spot = Spot(word, target.connector)
        hosts = {destination.name for destination in target.destinations}
        about = [n for n, error in enumerate(report.errors) if hosts & set(_hosts(error, inventory))]
        found = dict.fromkeys(about, spot) or {report.primary or 0: replace(spot, named=False)}
    for number in _primary_first(report):
        spots_so_far = {spot.word for spot in found.values()}
        if number in found:
            continue
        hints = report.recipient_domains if number == report.primary else ()
        listed = _listed(report.errors[number], hints, inventory)
        if listed and (listed.word in spots_so_far or len(spots_so_far) < MAX_CHECKS):
            found[number] = listed
    return found


def refused(report: ErrorReport, where: Mapping[int, Spot]) -> list[tuple[str, str]]:
    """Guid and line of each 450 4.4.316 (or 550 5.4.316) that the text itself reports of a connector."""
    found = []
    for number, spot in where.items():
        error = report.errors[number]
        if spot.connector and spot.named and error.family == REFUSED:
            found.append((spot.connector.Guid, line(error)))
    return found


def _primary_first(report: ErrorReport) -> Iterator[int]:
    if report.primary is not None:
        yield report.primary
    yield from (number for number in range(len(report.errors)) if number != report.primary)


def _one(word: str, inventory: Inventory) -> Target:
    targets = route((word,), inventory)
    if len(targets) != 1:
        raise TargetFault(f"{len(targets)} connectors are called {word[:64]!r}: name the host, or one of them by its Guid.")
    return targets[0]


def _listed(error: Reported, hints: Sequence[str], inventory: Inventory) -> Spot | None:
    """The destination that a connector lists: the host or address tried, the domain, the connector that the text names.

    `hints`: recipients' domains. They tell the connector where nothing else does, and where it delivers to their MX hosts.
    """
    if not inventory.connectors:
        return None
    words = [f"smarthost:{host}" for host in (error.server, error.ip) if host] + [f"domain:{d}" for d in (error.domain,) if d]
    listed = next((spot for word in words if (spot := _spot(word, inventory))), None)
    if listed or (not words and (listed := _called(error.connector, inventory))):
        return listed
    hinted = [spot for domain in hints if (spot := _spot(f"domain:{domain}", inventory, by_mx=bool(words)))]
    return hinted[0] if len({id(spot.connector) for spot in hinted}) == 1 else None


def _spot(word: str, inventory: Inventory, *, by_mx: bool = False) -> Spot | None:
    """None where no connector lists it: `*` lists nothing in particular. `by_mx`: only what is delivered to MX hosts."""
    try:
        target = _one(word, inventory)
    except TargetFault:
        return None
    if target.connector is None or not target.connector.Enabled or target.only_with_mx is not None:
        return None
    if by_mx and any(destination.delivery != "mx" for destination in target.destinations):
        return None
    plain = word.partition(":")[2]
    same = route((plain,), inventory) == (replace(target, asked=plain),)
    return Spot(plain if same else word, target.connector)


def _called(name: str | None, inventory: Inventory) -> Spot | None:
    found = [connector for connector in named(name, inventory) if connector.Enabled] if name else []
    return _spot(f"connector:{found[0].Name}", inventory) if len(found) == 1 else None


def _hosts(error: Reported, inventory: Inventory) -> Iterator[str]:
    """What the error names, as route.py writes it."""
    for name in filter(None, (error.server, error.ip, error.domain)):
        try:
            yield from (destination.name for destination in route((f"smarthost:{name}",), inventory)[0].destinations)
        except TargetFault:
            continue
