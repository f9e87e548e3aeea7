"""What may be checked from here: what a connector lists, and what somebody allows. Never a host of the text alone."""

from typing import Any

import pytest

from diagnostics.explain.destinations import MAX_CHECKS, spots
from diagnostics.parse import Reported
from diagnostics.route import TargetFault, route
from tests.diagnostics.making import GUID, connector, inventory
from tests.explain.making import report, reported

KNOWN = inventory(
    connector("On premises", SmartHosts=["mail.contoso.com", "192.0.2.0/28", "192.0.2.77"], RecipientDomains=["contoso.com"]),
    connector("Partner", ConnectorType="Partner", UseMXRecord=True, RecipientDomains=["partner.test", "*.partner.test"]),
    connector("Off", Enabled=False, SmartHosts=["off.contoso.com"]),
    connector("Elsewhere", Guid=GUID, SmartHosts=["gate.contoso.com"], RecipientDomains=["*"]),
    accepted=["contoso.com"],
)


def error(**fields: Any) -> Reported:
    return reported(**fields)


# what the text names, recipients' domains → the connector and the TARGET, or nothing
TABLE: list[tuple[str, dict[str, Any], tuple[str, ...], tuple[str, str] | None]] = [
    ("a smart host", {"server": "MAIL.contoso.com."}, (), ("On premises", "MAIL.contoso.com.")),
    ("an address", {"ip": "192.0.2.77"}, (), ("On premises", "192.0.2.77")),
    ("an address of a listed range", {"ip": "192.0.2.5"}, (), ("On premises", "192.0.2.5")),
    ("an unknown name at a listed address", {"server": "a.test", "ip": "192.0.2.77"}, (), ("On premises", "192.0.2.77")),
    ("a recipient domain", {"domain": "partner.test"}, (), ("Partner", "partner.test")),
    ("a domain below it", {"domain": "eu.partner.test"}, (), ("Partner", "eu.partner.test")),
    ("a connector by name", {"connector": "on PREMISES"}, (), ("On premises", "On premises")),
    ("the recipient's domain", {}, ("partner.test",), ("Partner", "partner.test")),
    ("two domains of one connector", {}, ("partner.test", "a.partner.test"), ("Partner", "partner.test")),
    ("domains of two connectors", {}, ("partner.test", "contoso.com"), None),
    ("an MX host, and whose mail it was", {"server": "mx9.hoster.test"}, ("partner.test",), ("Partner", "partner.test")),
    ("a host that no connector lists", {"server": "mail.fabrikam.test"}, (), None),
    ("another host for a domain with smart hosts", {"server": "mail.fabrikam.test"}, ("contoso.com",), None),
    ("an address that no connector lists", {"ip": "198.51.100.1"}, (), None),
    ("a domain that only * names", {"domain": "evil.test"}, (), None),
    ("a recipient's domain that only * names", {}, ("evil.test",), None),
    ("a smart host of a connector that is off", {"server": "off.contoso.com"}, (), None),
    ("a connector that is off", {"connector": "Off"}, (), None),
    ("no host name", {"server": "a b"}, (), None),
    ("nothing", {}, (), None),
]


@pytest.mark.parametrize(("named", "fields", "hints", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_what_a_connector_lists(named: str, fields: dict[str, Any], hints: tuple[str, ...], expected: Any) -> None:
    found = spots(report(error(**fields), recipient_domains=hints), KNOWN)
    seen = {number: (spot.connector.Name, spot.word) for number, spot in found.items() if spot.connector}
    assert seen == ({0: expected} if expected else {})
    assert len(seen) == len(found)


def test_a_word_is_forced_where_it_could_be_read_in_another_way() -> None:
    known = inventory(connector("mail.contoso.com", SmartHosts=["a.test"]), connector("B", SmartHosts=["mail.contoso.com"]))
    (spot,) = spots(report(error(server="mail.contoso.com")), known).values()
    (target,) = route((spot.word,), known)
    assert (spot.word, target.connector) == ("smarthost:mail.contoso.com", spot.connector)
    assert target.connector == known.connectors[1]


def test_without_connectors_nothing_is_checked() -> None:
    of = report(error(server="mail.contoso.com", ip="192.0.2.1", domain="contoso.com"), recipient_domains=("contoso.com",))
    assert spots(of, inventory()) == {}


@pytest.mark.parametrize(
    ("allowed", "numbers"),
    [
        ("mail.fabrikam.test", [1]),
        ("MAIL.fabrikam.test", [1]),
        ("198.51.100.1", [1, 2]),
        ("somewhere.test", [0]),
    ],
)
def test_an_allowed_host_stands_for_the_errors_that_name_it_or_the_primary_one(allowed: str, numbers: list[int]) -> None:
    errors = error(), error(server="mail.fabrikam.test", ip="198.51.100.1"), error(ip="198.51.100.1")
    found = spots(report(*errors), inventory(), allowed)
    assert [(number, spot.word, spot.connector) for number, spot in found.items()] == [(n, allowed, None) for n in numbers]


def test_an_allowed_host_is_checked_beside_what_connectors_list() -> None:
    found = spots(report(error(server="mail.contoso.com"), error(server="a.test")), KNOWN, "a.test")
    assert {number: spot.word for number, spot in found.items()} == {0: "mail.contoso.com", 1: "smarthost:a.test"}


@pytest.mark.parametrize("allowed", ["a b", "twice", "203.0.113.0/24", ""])
def test_an_allowed_host_that_is_none_or_several(allowed: str) -> None:
    twice = inventory(connector("twice"), connector("twice"))
    with pytest.raises(TargetFault):
        spots(report(error()), twice, allowed)


def test_a_table_is_checked_in_part_the_primary_error_first() -> None:
    hosts = [f"mx{n}.test" for n in range(40)]
    errors = [error(server=host) for host in hosts]
    found = spots(report(*errors, error(server="mx0.test"), primary=30), inventory(connector(SmartHosts=hosts)))
    assert next(iter(found)) == 30
    assert len({spot.word for spot in found.values()}) == MAX_CHECKS
    assert found[40].word == "mx0.test"
