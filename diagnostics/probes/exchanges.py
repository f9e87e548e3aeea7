"""The records of one MX answer: hosts in the order in which they are tried, and names that cannot be a mail host. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from diagnostics.findings import Clue, Facts, Finding, Reason
from diagnostics.net.names import NameFault, address, host
from diagnostics.probes.endpoint import Endpoint
from diagnostics.probes.resolver import Answer

MAX_MX = 20
"""Mail hosts of a domain whose addresses are looked up. A zone with thousands of records must not turn into a flood."""

_LOOPBACK_NAMES = frozenset({"localhost", "localhost.localdomain"})


@dataclass(frozen=True, slots=True)
class Exchanges:
    """`hosts`: (preference, name) without duplicates. `faults`: an endpoint for each name that is no mail host's.

    `beyond`: names after the first MAX_MX, as DNS has them. `null`: there is a null MX (RFC 7505), and whether it is alone is
    told by the rest being empty.
    """

    hosts: tuple[tuple[int, str], ...]
    faults: tuple[Endpoint, ...] = ()
    beyond: tuple[str, ...] = ()
    null: bool = False


def exchanges(domain: str, mx: Answer) -> Exchanges:
    """What the MX records of `domain` name."""
    best: dict[str, int] = {}
    faults: list[Endpoint] = []
    unread: dict[str, None] = {}
    null = False
    for preference, name in _rows(mx.records):
        if name == ".":
            null = True
        elif len(best) + len(faults) >= MAX_MX:
            unread[name.lower().rstrip(".")] = None
        elif fault := _fault(domain, name, preference):
            faults.append(fault)
        else:
            best.setdefault(host(name), preference)
    beyond = tuple(name[:253] for name in unread if name not in best)
    return Exchanges(tuple(sorted((preference, name) for name, preference in best.items())), tuple(faults), beyond, null)


def _rows(records: Iterable[str]) -> list[tuple[int, str]]:
    """(preference, name), the best first, each name once: an answer of 64 KiB can name one host of 100 labels 3,900 times."""
    rows = ((int(preference), name) for preference, name in (record.split(" ", 1) for record in records))
    first: dict[str, tuple[int, str]] = {}
    for row in sorted(rows, key=lambda row: (row[0], row[1].lower())):
        first.setdefault(row[1].lower(), row)
    return list(first.values())


def _fault(domain: str, name: str, preference: int) -> Endpoint | None:
    """An endpoint that says why nobody can deliver to a host of this name, whatever DNS says of it."""
    facts = {"name": name[:253].rstrip("."), "domain": domain}
    if is_address(name.rstrip("."), domain):
        return _without_address(Clue.MX_IS_ADDRESS, facts, preference)
    try:
        plain = host(name)
    except NameFault:
        facts |= {"how": "mx-no-host-name"}
        found = (Finding(Reason.DNS_SERVER_FAILURE, facts), Finding(Clue.MX_NOT_A_HOST_NAME, facts))
        return Endpoint(name[:253], None, preference, found, found[0])
    # RFC 6761 section 6.3: these names mean the machine that asks, so the sender itself
    if plain in _LOOPBACK_NAMES or plain.endswith(".localhost"):
        return _without_address(Clue.MX_IS_LOCALHOST, facts, preference)
    return None


def _without_address(clue: Clue, facts: Facts, preference: int) -> Endpoint:
    facts = {**facts, "how": clue}
    found = (Finding(Reason.DNS_NO_RECORDS, facts), Finding(clue, facts))
    return Endpoint(facts["name"], None, preference, found, found[0])


def is_address(name: str, domain: str) -> bool:
    """Whether the MX names an address, perhaps one to which a missing final dot appended (a parent of) the domain."""
    bare = name
    for parent in parents(domain):
        bare = name.removesuffix(f".{parent}")
        if bare != name:
            break
    try:
        return address(bare) is not None
    except NameFault:
        return True  # an address with a zone id


def parents(domain: str) -> list[str]:
    """A domain and those above it, but for the top-level one: the names that a zone of it may have."""
    labels = domain.split(".")
    return [".".join(labels[start:]) for start in range(max(1, len(labels) - 1))]
