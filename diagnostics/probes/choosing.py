"""Which addresses are dialled, where there are more than a diagnosis may try (contract 4, TLS). Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from diagnostics.names import Address
from diagnostics.probes.dns import Endpoint, Found

MAX_DIALLED = 16
"""Of one smart host or domain."""

MAX_OF_TARGET = 64

MAX_REFUSED = 16
"""Addresses of one smart host or domain that may not be probed and are shown all the same."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """One destination's endpoints that become paths, in contract 3's order; `dialled`: how many of them are connected to.

    `left_out`: how many could have been tried and are not; `names` are the first of them.
    """

    endpoints: tuple[Endpoint, ...]
    dialled: int = 0
    left_out: int = 0
    names: tuple[str, ...] = ()


def choose(found: Sequence[Found], refuses: Callable[[Address], bool]) -> tuple[Chosen, ...]:
    """For each destination of a target. Hosts take turns by preference: one IPv6 and one IPv4 of each, then the next of each."""
    refused = [frozenset(i for i, e in enumerate(f.endpoints) if e.address and refuses(e.address)) for f in found]
    picked: list[set[int]] = [set() for _ in found]
    total = 0
    rounds = zip_longest(*(_rounds(f.endpoints, no) for f, no in zip(found, refused, strict=True)), fillvalue=())
    for each in rounds:
        for taken, indices in zip(picked, each, strict=True):
            some = indices[: min(MAX_DIALLED - len(taken), MAX_OF_TARGET - total)]
            taken.update(some)
            total += len(some)
    return tuple(_chosen(f, no, taken) for f, no, taken in zip(found, refused, picked, strict=True))


def _rounds(endpoints: Sequence[Endpoint], refused: frozenset[int]) -> Iterator[list[int]]:
    """Indices of what can be dialled, a list a round."""
    hosts: dict[tuple[int, str], tuple[list[int], list[int]]] = {}
    for index, endpoint in enumerate(endpoints):
        if endpoint.address is not None and index not in refused:
            families = hosts.setdefault((endpoint.preference or 0, endpoint.host), ([], []))
            families[endpoint.address.version == 4].append(index)
    in_turn = [family for _, families in sorted(hosts.items()) for family in families]
    for taken in zip_longest(*in_turn):
        yield [index for index in taken if index is not None]


def _chosen(found: Found, refused: frozenset[int], picked: set[int]) -> Chosen:
    shown = set(sorted(refused)[:MAX_REFUSED]) | picked
    kept, names = [], []
    for index, endpoint in enumerate(found.endpoints):
        if endpoint.address is None or index in shown:
            kept.append(endpoint)
        elif index not in refused:
            names.append(f"{endpoint.host} [{endpoint.address}]")
    kept[:1] = [replace(first, findings=(*found.notes, *first.findings)) for first in kept[:1]]
    return Chosen(tuple(kept), len(picked), len(names) + found.left_out, (*names, *found.names)[:3])
