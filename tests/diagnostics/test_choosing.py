"""Which of many addresses are dialled: contract 4, TLS."""

import ipaddress
from collections.abc import Sequence
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.findings import Finding, Warn
from diagnostics.probes.choosing import MAX_DIALLED, MAX_OF_TARGET, MAX_REFUSED, choose, refusals
from diagnostics.probes.dns import Endpoint, Found, _order


def found(hosts: Sequence[tuple[int, int, int]]) -> Found:
    """One destination; each host has a preference, so many IPv6 addresses and so many IPv4 ones."""
    endpoints = []
    for number, (preference, v6, v4) in enumerate(hosts):
        endpoints += [Endpoint(f"h{number}", ipaddress.ip_address(f"2001:db8::{number:x}:{n:x}"), preference) for n in range(v6)]
        endpoints += [Endpoint(f"h{number}", ipaddress.ip_address(f"192.0.{number}.{n}"), preference) for n in range(v4)]
    return Found(tuple(sorted(endpoints, key=_order)))


def shown(endpoints: Sequence[Endpoint]) -> dict[tuple[str, int], int]:
    """How many of each host and family."""
    counts: dict[tuple[str, int], int] = {}
    for endpoint in endpoints:
        assert endpoint.address
        key = endpoint.host, endpoint.address.version
        counts[key] = counts.get(key, 0) + 1
    return counts


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        ([(10, 1, 1)], {("h0", 6): 1, ("h0", 4): 1}),
        ([(10, 20, 20)], {("h0", 6): 8, ("h0", 4): 8}),
        ([(10, 1, 40)], {("h0", 6): 1, ("h0", 4): 15}),
        ([(10, 9, 9), (20, 9, 9)], {("h0", 6): 4, ("h0", 4): 4, ("h1", 6): 4, ("h1", 4): 4}),
        # the round that does not end gives to the better preference
        (
            [(20, 3, 3), (10, 3, 3), (30, 3, 3)],
            {("h1", 6): 3, ("h1", 4): 3, ("h0", 6): 3, ("h0", 4): 3, ("h2", 6): 2, ("h2", 4): 2},
        ),
        ([(n, 1, 1) for n in range(10)], {(f"h{n}", family): 1 for n, family in product(range(8), (6, 4))}),
    ],
)
def test_hosts_and_families_take_turns(hosts: Sequence[tuple[int, int, int]], expected: dict[tuple[str, int], int]) -> None:
    (chosen,) = choose([found(hosts)], [frozenset()])
    assert shown(chosen.endpoints) == expected


HOSTS = st.lists(st.tuples(st.sampled_from([0, 10, 20]), st.integers(0, 20), st.integers(0, 20)), max_size=5)


@given(destinations=st.lists(HOSTS, min_size=1, max_size=8), refused=st.integers(1, 7))
def test_whatever_is_found_the_limits_hold_and_nothing_is_lost(
    destinations: Sequence[Sequence[tuple[int, int, int]]], refused: int
) -> None:
    """Every address is dialled, shown as refused, or counted; paths stay in order."""
    many = [found(hosts) for hosts in destinations]
    chosen = choose(many, [refusals(each, lambda address: int(address) % 7 < refused - 1) for each in many])
    assert sum(len(each.dialled) for each in chosen) <= MAX_OF_TARGET
    for before, after in zip(many, chosen, strict=True):
        able = [e for e in before.endpoints if e.address and not int(e.address) % 7 < refused - 1]
        assert len(after.dialled) <= MAX_DIALLED
        assert len(after.dialled) + after.left_out == len(able)
        assert {after.endpoints[index] for index in after.dialled} <= set(able)
        assert len(after.endpoints) - len(after.dialled) == min(MAX_REFUSED, len(before.endpoints) - len(able))
        assert list(after.endpoints) == sorted(after.endpoints, key=_order)
    if sum(len(each.dialled) for each in chosen) < MAX_OF_TARGET:
        assert all(len(each.dialled) == MAX_DIALLED or not each.left_out for each in chosen)


def test_what_holds_for_a_destination_and_was_not_looked_at_is_kept() -> None:
    failed = Endpoint("gone", None, 5)
    note = Finding(Warn.DNS_TOO_MANY, {"how": "hosts"})
    one = Found((failed, *found([(10, 0, 20)]).endpoints), (note,), 7, ("and more",))
    (chosen,) = choose([one], [frozenset()])
    assert chosen.endpoints[0].findings == (note,)
    assert len(chosen.endpoints) == 1 + MAX_DIALLED
    assert chosen.left_out == 4 + 7
    assert chosen.names[0] == "h0 [192.0.0.16]"
