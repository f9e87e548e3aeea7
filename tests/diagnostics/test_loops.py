"""What leads back to Exchange Online: a loop where the mail would be this tenant's again, and there alone (contract 4)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.demo.lab import parse
from bot.demo.lab.nameserver import NameServer
from diagnostics.connectors.connector import AcceptedDomain, Inventory
from diagnostics.findings import Reason
from diagnostics.net.names import is_microsoft
from diagnostics.probes import dns
from diagnostics.probes.resolver import Resolver
from diagnostics.route import route
from tests.diagnostics.making import connector

MICROSOFT = "contoso-test.mail.protection.outlook.com"
WORLD = {
    MICROSOFT: ["A 127.0.0.9"],
    "contoso-test.a-v1.mx.microsoft": ["A 127.0.0.9"],
    "own.test": ["A 127.0.0.1"],
    "dead.test": ["TXT none"],
    "at.test": [f"MX 0 {MICROSOFT}", "A 127.0.0.1"],
    "signed.test": ["MX 0 contoso-test.a-v1.mx.microsoft"],
    "first.test": [f"MX 0 {MICROSOFT}", "MX 10 own.test"],
    "behind.test": ["MX 0 own.test", f"MX 10 {MICROSOFT}"],
    "beside.test": ["MX 10 own.test", f"MX 10 {MICROSOFT}"],
    "after-dead.test": ["MX 0 dead.test", f"MX 10 {MICROSOFT}"],
    "alias.test": [f"CNAME {MICROSOFT}"],
    "alias-of-alias.test": ["CNAME alias.test"],
    "alias-of-domain.test": ["CNAME at.test"],
    "mx-at-alias.test": ["MX 10 alias.test"],
    "address.test": ["A 104.47.1.1"],
    "address6.test": ["AAAA 2a01:111:f400::1", "AAAA 2a01:111:f403::2"],
    "half.test": ["A 104.47.1.1", "A 127.0.0.1"],
    "lookalike.test": ["MX 0 mail.protection.outlook.com.own.test"],
    "mail.protection.outlook.com.own.test": ["A 127.0.0.1"],
    "unknown.test": ["MX 0 gone-test.mail.protection.outlook.com"],
}
LOOP = ["mx-is-microsoft"]


@pytest.fixture
async def resolver() -> AsyncIterator[Resolver]:
    server = NameServer(parse({"dns": WORLD}))
    await server.start()
    resolver = Resolver([("127.0.0.1", server.port)], 5)
    yield resolver
    await resolver.close()
    await server.stop()


async def ways(resolver: Resolver, asked: str, fields: dict[str, Any], *accepted: AcceptedDomain) -> list[str]:
    """Each path's reason, or the address that would be dialled."""
    known = [connector("them", **fields)] if fields else []
    (target,) = route([asked], Inventory(connectors=known, accepted_domains=accepted))
    found = [await dns.resolve(d, dns.Lookups(resolver.ask)) for d in target.destinations]
    return [
        str(e.address) if e.address else next(str(f.tag) for f in e.findings if isinstance(f.tag, Reason))
        for each in found
        for e in each.endpoints
    ]


def by_mx(domain: str, kind: str = "OnPremises") -> dict[str, Any]:
    return {"ConnectorType": kind, "UseMXRecord": True, "RecipientDomains": [domain]}


def by_host(host: str, kind: str = "OnPremises", *domains: str) -> dict[str, Any]:
    return {"ConnectorType": kind, "SmartHosts": [host], "RecipientDomains": list(domains)}


@pytest.mark.parametrize("way", [by_mx, by_host])
@pytest.mark.parametrize(
    ("name", "seen"),
    [
        (MICROSOFT, LOOP),
        ("at.test", LOOP),
        ("signed.test", LOOP),
        ("first.test", LOOP),
        ("after-dead.test", LOOP),
        ("alias.test", LOOP),
        ("alias-of-alias.test", LOOP),
        ("alias-of-domain.test", LOOP),
        ("mx-at-alias.test", LOOP),
        ("address.test", LOOP),
        ("address6.test", LOOP),
        ("unknown.test", LOOP),
        ("half.test", ["mx-is-microsoft", "127.0.0.1"]),
        ("beside.test", ["mx-is-microsoft", "127.0.0.1"]),
        ("behind.test", ["127.0.0.1", "127.0.0.9"]),
        ("lookalike.test", ["127.0.0.1"]),
        ("own.test", ["127.0.0.1"]),
    ],
)
async def test_what_is_tried_first_decides(resolver: Resolver, name: str, seen: list[str], way: Any) -> None:
    assert await ways(resolver, "them", way(name)) == seen


@pytest.mark.parametrize("kind", ["Partner", None, "Unknown"])
@pytest.mark.parametrize("name", ["at.test", "first.test", "alias.test", MICROSOFT])
async def test_another_tenants_domain_is_no_loop(resolver: Resolver, name: str, kind: str | None) -> None:
    for fields in (by_mx(name), by_host(name)):
        assert "mx-is-microsoft" not in await ways(resolver, "them", fields | {"ConnectorType": kind})


@pytest.mark.parametrize("asked", ["at.test", "domain:at.test", f"smarthost:{MICROSOFT}"])
async def test_without_a_connector_it_is_a_host_like_any(resolver: Resolver, asked: str) -> None:
    """An own domain whose MX is Exchange Online is how it should be where no connector carries its mail."""
    assert await ways(resolver, asked, {}, AcceptedDomain(DomainName="at.test")) == ["127.0.0.9"]


@pytest.mark.parametrize(
    ("fields", "accepted", "loops"),
    [
        (by_mx("at.test", "Partner"), AcceptedDomain(DomainName="AT.test"), True),
        (by_mx("at.test", "Partner"), AcceptedDomain(DomainName="other.test"), False),
        (by_mx("at.test", "Partner"), AcceptedDomain(DomainName="test", MatchSubDomains=True), True),
        (by_mx("at.test", "Partner"), AcceptedDomain(DomainName="test"), False),
        (by_host(MICROSOFT, "Partner", "own.test"), AcceptedDomain(DomainName="own.test"), True),
        (by_host(MICROSOFT, "Partner", "partner.test"), AcceptedDomain(DomainName="own.test"), False),
        (by_host("at.test", "Partner", "partner.test"), AcceptedDomain(DomainName="at.test"), True),
        (by_host(MICROSOFT, "Partner") | {"AllAcceptedDomains": True}, AcceptedDomain(DomainName="own.test"), True),
    ],
)
async def test_an_own_domain_comes_back_whatever_the_type(
    resolver: Resolver, fields: dict[str, Any], accepted: AcceptedDomain, loops: bool
) -> None:
    assert (await ways(resolver, "them", fields, accepted) == LOOP) is loops


async def test_a_host_that_a_connector_lists_is_judged_as_that_connectors(resolver: Resolver) -> None:
    assert await ways(resolver, "at.test", by_host("at.test")) == LOOP
    assert await ways(resolver, "at.test", by_host("at.test", "Partner")) == ["127.0.0.9"]
    assert await ways(resolver, "104.47.1.1", by_host("104.47.1.1")) == LOOP


@pytest.mark.parametrize(
    ("host", "is_theirs"),
    [
        ("a.mail.protection.outlook.com", True),
        ("A.MAIL.protection.outlook.com.", True),
        ("a.b-v1.mx.microsoft", True),
        ("a.mail.protection.office365.us", True),
        ("a.mail.protection.partner.outlook.cn", True),
        ("a.mail.eo.outlook.com", True),
        ("mail.protection.outlook.com", False),
        ("mx.microsoft", False),
        ("amail.protection.outlook.com", False),
        ("a.mail.protection.outlook.com.evil.test", False),
        ("outlook.com", False),
        ("outlook-com.olc.protection.outlook.com", False),
    ],
)
def test_names_of_exchange_online(host: str, is_theirs: bool) -> None:
    """outlook.com's own mailboxes, whose MX is the last one, are no tenant's."""
    assert is_microsoft(host) is is_theirs
