"""AAAA records that this network makes up (RFC 6147) lead nowhere for anybody else; all others are the domain's own."""

from collections.abc import AsyncIterator, Sequence

import pytest

from bot.demo.lab import parse
from bot.demo.lab.nameserver import NameServer
from diagnostics.probes import dns
from diagnostics.probes.resolver import Answer, Resolver, Status
from diagnostics.target import Destination

A = "198.51.100.7"  # c633:6407


async def addresses(v6: Sequence[str], v4: Sequence[str], own: Sequence[str] = ()) -> tuple[list[str], list[str]]:
    """Addresses that would be dialled, and the names that were asked for. `own`: AAAA of ipv4only.arpa."""
    rows = {("mail.test", "A"): v4, ("mail.test", "AAAA"): v6, ("ipv4only.arpa", "AAAA"): own}
    asked = []

    async def lookup(name: str, kind: str) -> Answer:
        asked.append(name)
        records = tuple(rows.get((name, kind), ()))
        return Answer(Status.OK if records else Status.NO_DATA, records)

    found = await dns.resolve(Destination("mail.test", "smart-host"), lookup)
    return [str(e.address) for e in found.endpoints], asked


async def test_the_well_known_prefix_needs_no_question() -> None:
    assert await addresses([f"64:ff9b::{A}"], [A]) == ([A], ["mail.test"] * 3)


@pytest.mark.parametrize(
    ("own", "made_up"),
    [
        ("2001:db8:64::c000:aa", "2001:db8:64::c633:6407"),  # /96
        ("2001:db8:64:1:c0:0:ab00:0", "2001:db8:64:1:c6:3364:700:0"),  # /64
        ("2001:db8:64:c0:0:aa::", "2001:db8:64:c6:33:6407::"),  # /56
        ("2001:db8:64:c000:0:aa00::", "2001:db8:64:c633:64:700::"),  # /48
        ("2001:db8:c0:0:aa::", "2001:db8:c6:3364:7::"),  # /40
        ("2001:db8:c000:aa::", "2001:db8:c633:6407::"),  # /32
    ],
)
async def test_the_networks_own_prefix_of_any_length(own: str, made_up: str) -> None:
    """RFC 6052 section 2.2, found as RFC 7050 says; without that answer the record counts."""
    assert (await addresses([made_up], [A], [own]))[0] == [A]
    assert (await addresses([made_up], [A]))[0] == [made_up, A]
    assert (await addresses([made_up], [A], ["2001:db8:ffff::c000:aa"]))[0] == [made_up, A]


@pytest.mark.parametrize(
    ("v6", "v4"),
    [
        (["64:ff9b::c633:6407"], []),  # nothing that it could be made from
        (["64:ff9b::c633:6407"], ["198.51.100.8"]),
        (["2001:db8::c633:6407"], [A]),  # a habit of some who number hosts
        (["2001:db8::1"], [A]),
    ],
)
async def test_what_the_domain_publishes_counts(v6: list[str], v4: list[str]) -> None:
    assert (await addresses(v6, v4))[0] == v6 + v4


async def test_no_question_is_asked_where_nothing_could_be_made_up() -> None:
    assert "ipv4only.arpa" not in (await addresses(["2001:db8::1"], [A]))[1]


async def test_only_the_made_up_ones_of_several_go() -> None:
    assert (await addresses(["64:ff9b::c633:6407", "2001:db8::1"], [A]))[0] == ["2001:db8::1", A]


@pytest.fixture
async def resolver() -> AsyncIterator[Resolver]:
    world = {
        "mx.test": ["MX 10 mail.test"],
        "mail.test": [f"A {A}", "AAAA 2001:db8:64::c633:6407"],
        "ipv4only.arpa": ["A 192.0.0.170", "AAAA 2001:db8:64::c000:aa", "AAAA 2001:db8:64::c000:ab"],
    }
    server = NameServer(parse({"dns": world}))
    await server.start()
    resolver = Resolver([("127.0.0.1", server.port)], 5)
    yield resolver
    await resolver.close()
    await server.stop()


async def test_hosts_of_an_mx_over_a_real_resolver(resolver: Resolver) -> None:
    found = await dns.resolve(Destination("mx.test", "mx"), dns.Lookups(resolver.ask))
    assert [str(e.address) for e in found.endpoints] == [A]
