"""Which addresses are dialled, where there are more than a diagnosis may try (contract 4, TLS). Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest

from diagnostics.net.names import Address
from diagnostics.probes.dns import NAMED, Endpoint, Found

MAX_DIALLED = 16
"""Of one smart host or domain."""

MAX_OF_TARGET = 64

MAX_REFUSED = 16
"""Addresses of one smart host or domain that may not be probed and are shown all the same."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One destination's endpoints that become paths, in contract 3's order; `dialled`: indices of those that are connected to.

    `left_out`: how many could have been tried and are not; `names` are the first of them.
    """

    endpoints: tuple[Endpoint, ...]
    dialled: frozenset[int] = frozenset()
    left_out: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """What one destination leads to, and the indices of those endpoints that may not be probed."""

    found: Found
    refused: frozenset[int]


def refusals(found: Found, refuses: Callable[[Address], bool]) -> frozenset[int]:
    """Indices of the endpoints that may not be probed: apart from `choose`, since it takes 20 µs an address."""
    return frozenset(i for i, e in enumerate(found.endpoints) if e.address and refuses(e.address))


def choose(found: Sequence[Found], refused: Sequence[frozenset[int]]) -> tuple[Chosen, ...]:
    """For each destination of a target. Hosts take turns by preference: one IPv6 and one IPv4 of each, then the next of each."""
    able = [{i for i, e in enumerate(f.endpoints) if e.address and i not in no} for f, no in zip(found, refused, strict=True)]
    few = all(len(each) <= MAX_DIALLED for each in able) and sum(map(len, able)) <= MAX_OF_TARGET
    picked = able if few else _in_turn(found, able)
    return tuple(map(_chosen, found, refused, picked))


def _in_turn(found: Sequence[Found], able: Sequence[set[int]]) -> list[set[int]]:
    picked: list[set[int]] = [set() for _ in found]
    total = 0
    for each in zip_longest(*(_rounds(f.endpoints, indices) for f, indices in zip(found, able, strict=True)), fillvalue=()):
        if total >= MAX_OF_TARGET or not any(each):
            break
        for taken, indices in zip(picked, each, strict=True):
            some = indices[: min(MAX_DIALLED - len(taken), MAX_OF_TARGET - total)]
            taken.update(some)
            total += len(some)
    return picked


def _rounds(endpoints: Sequence[Endpoint], able: set[int]) -> Iterator[list[int]]:
    """Indices of what can be dialled, a list a round."""
    hosts: dict[tuple[int, str], tuple[list[int], list[int]]] = {}
    for index, endpoint in enumerate(endpoints):
        if endpoint.address is not None and index in able:
            families = hosts.setdefault((endpoint.preference or 0, endpoint.host), ([], []))
            families[endpoint.address.version == 4].append(index)
    in_turn = [family for _, families in sorted(hosts.items()) for family in families]
    for taken in islice(zip_longest(*in_turn), MAX_DIALLED):
        yield [index for index in taken if index is not None]


def _chosen(found: Found, refused: frozenset[int], picked: set[int]) -> Chosen:
    shown = set(sorted(refused)[:MAX_REFUSED]) | picked
    kept: list[Endpoint] = []
    names: list[str] = []
    dialled = []
    left_out = found.left_out
    for index, endpoint in enumerate(found.endpoints):
        if endpoint.address is None or index in shown:
            if index in picked:
                dialled.append(len(kept))
            kept.append(endpoint)
        elif index not in refused:
            left_out += 1
            if len(names) < NAMED:
                names.append(f"{endpoint.host} [{endpoint.address}]")
    kept[:1] = [replace(first, findings=(*found.notes, *first.findings)) for first in kept[:1]]
    return Chosen(tuple(kept), frozenset(dialled), left_out, (*names, *found.names)[:NAMED])
