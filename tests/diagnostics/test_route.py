"""Which hosts, domains and TLS policy a TARGET comes to: contract 1, "TARGET is read in this order"."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.connectors.connector import Connector, Inventory
from diagnostics.findings import Reason
from diagnostics.route import TargetFault, policy_of, route
from diagnostics.target import Policy, Target, TlsSettings
from tests.diagnostics.making import GUID, connector, inventory

OTHER_GUID = "0b1f3c58-0c9b-4c5e-9a57-3a1c7f6f2b22"


def one(word: str, known: Inventory) -> Target:
    (found,) = route([word], known)
    return found


def hosts(target: Target) -> list[str]:
    return [f"{d.delivery} {d.name}" for d in target.destinations]


ON_PREMISES = connector("On-premises", Guid=GUID, SmartHosts=["mx1.contoso.com", "192.0.2.25"], TlsSettings="EncryptionOnly")
PARTNER = connector(
    "Fabrikam",
    Guid=OTHER_GUID,
    ConnectorType="Partner",
    SmartHosts=["mx.fabrikam.com"],
    RecipientDomains=["fabrikam.com", "*.fabrikam.com"],
    TlsSettings="DomainValidation",
    TlsDomain="*.fabrikam.com",
)
KNOWN = inventory(ON_PREMISES, PARTNER)


# --- no TARGET ---


def test_without_a_target_every_enabled_connector_is_checked_in_the_order_of_the_list() -> None:
    off = connector("Off", Enabled=False, SmartHosts=["off.contoso.com"])
    test_mode = connector("Testing", TestMode=True, SmartHosts=["new.contoso.com"])
    found = route([], inventory(PARTNER, off, test_mode, ON_PREMISES))
    assert [t.asked for t in found] == ["Fabrikam", "Testing", "On-premises"]


def test_results_come_in_the_order_of_the_arguments() -> None:
    found = route(["mx.fabrikam.com", "On-premises", "other.test", "Fabrikam"], KNOWN)
    assert [t.asked for t in found] == ["mx.fabrikam.com", "On-premises", "other.test", "Fabrikam"]


# --- Guid, then name ---


@pytest.mark.parametrize("word", [GUID, GUID.upper(), "{" + GUID + "}", f"connector:{GUID}", f" {GUID} "])
def test_a_guid_names_its_connector(word: str) -> None:
    assert one(word, KNOWN).connector is ON_PREMISES


def test_a_guid_goes_before_a_connector_that_is_named_like_it() -> None:
    impostor = connector(GUID, Guid=OTHER_GUID, SmartHosts=["evil.test"])
    assert one(GUID, inventory(impostor, ON_PREMISES)).connector is ON_PREMISES


def test_connectors_without_a_guid_are_not_found_by_nothing() -> None:
    with pytest.raises(TargetFault):
        route(["{}"], inventory(connector("a"), connector("b")))


@pytest.mark.parametrize(
    "word", ["On-premises", "on-PREMISES", "connector:On-premises", "connector: On-premises", "Connector:on-premises"]
)
def test_a_name_is_found_whatever_its_case(word: str) -> None:
    assert one(word, KNOWN).connector is ON_PREMISES


def test_a_name_stands_for_all_connectors_of_that_name() -> None:
    second = connector("on-premises", Guid=OTHER_GUID, Enabled=False)
    assert [t.connector for t in route(["On-premises"], inventory(ON_PREMISES, PARTNER, second))] == [ON_PREMISES, second]


@pytest.mark.parametrize("name", ["mx1.contoso.com", "fabrikam.com", "192.0.2.25"])
def test_a_connectors_name_goes_before_hosts_addresses_and_domains(name: str) -> None:
    named = connector(name, SmartHosts=["elsewhere.test"])
    assert one(name, inventory(ON_PREMISES, PARTNER, named)).connector is named


@pytest.mark.parametrize("name", ["domain: contoso", "smarthost:x", "connector:y"])
def test_a_prefix_forces_the_reading_of_all_that_follows(name: str) -> None:
    named = connector(name, SmartHosts=["mx.test"])
    assert one(f"connector:{name}", inventory(named)).connector is named


def test_an_unknown_connector_is_told_with_those_that_are_known() -> None:
    with pytest.raises(TargetFault, match=r"no connector 'Nobody'.*'On-premises', 'Fabrikam'"):
        route(["connector:Nobody"], KNOWN)


def test_a_connector_that_is_switched_off_is_not_probed() -> None:
    off = connector("Off", Enabled=False, SmartHosts=["mx.test"])
    found = one("Off", inventory(off))
    assert (found.settled, found.destinations, found.connector) == (Reason.CONNECTOR_DISABLED, (), off)


# --- smart hosts ---


@pytest.mark.parametrize(
    ("word", "asked_for"),
    [
        ("mx1.contoso.com", "smart-host mx1.contoso.com"),
        ("MX1.Contoso.com.", "smart-host mx1.contoso.com"),
        ("smarthost:mx1.contoso.com", "smart-host mx1.contoso.com"),
        ("192.0.2.25", "smart-host 192.0.2.25"),
        ("[192.0.2.25]", "smart-host 192.0.2.25"),
    ],
)
def test_a_smart_host_is_that_host_alone_under_its_connectors_policy(word: str, asked_for: str) -> None:
    found = one(word, KNOWN)
    assert (hosts(found), found.connector, found.policy) == ([asked_for], ON_PREMISES, Policy("EncryptionOnly"))


def test_a_smart_host_of_several_connectors_is_read_with_one_that_is_switched_on() -> None:
    off = connector("Off", Enabled=False, SmartHosts=["mx.test"])
    on = connector("On", SmartHosts=["mx.test"], TlsSettings="EncryptionOnly")
    assert one("mx.test", inventory(off, on)).connector is on
    assert one("mx.test", inventory(off)).settled is None


def test_a_smart_host_goes_before_a_recipient_domain() -> None:
    by_domain = connector("Domain", SmartHosts=["elsewhere.test"], RecipientDomains=["mx1.contoso.com"])
    known = inventory(by_domain, ON_PREMISES)
    assert one("mx1.contoso.com", known).connector is ON_PREMISES
    assert one("domain:mx1.contoso.com", known).connector is by_domain


@pytest.mark.parametrize("word", ["203.0.113.7", "smarthost:203.0.113.7"])
def test_an_address_of_a_range_is_checked_under_the_policy_of_the_connector_that_lists_the_range(word: str) -> None:
    ranged = connector("Range", SmartHosts=["203.0.113.0/24"], TlsSettings="EncryptionOnly")
    found = one(word, inventory(ranged))
    assert (hosts(found), found.connector) == (["smart-host 203.0.113.7"], ranged)


def test_a_range_is_not_expanded() -> None:
    mixed = connector("Mixed", SmartHosts=["203.0.113.0/24", "mx.test", "2001:db8::/64"])
    only = connector("Only", SmartHosts=["203.0.113.0/24"])
    assert hosts(one("Mixed", inventory(mixed))) == ["smart-host mx.test"]
    assert one("Only", inventory(only)).settled is Reason.NOTHING_TO_CHECK
    with pytest.raises(TargetFault, match="range"):
        route(["203.0.113.0/24"], inventory(only))


def test_smart_hosts_keep_their_order_and_lose_their_duplicates() -> None:
    several = connector("c", SmartHosts=["b.test", "a.test", "[192.0.2.1]", "b.test", "B.test."])
    assert hosts(one("c", inventory(several))) == ["smart-host b.test", "smart-host a.test", "smart-host 192.0.2.1"]


# --- addresses, hosts ---


@pytest.mark.parametrize("word", ["198.51.100.1", "[198.51.100.1]", "2001:db8::1", "[IPv6:2001:db8::1]"])
def test_an_address_that_no_connector_lists_is_a_bare_host(word: str) -> None:
    found = one(word, KNOWN)
    assert (found.connector, found.policy, len(found.destinations)) == (None, Policy(), 1)
    assert found.destinations[0].address is not None


def test_a_name_that_nobody_knows_is_a_bare_host_with_opportunistic_tls() -> None:
    found = one("mail.elsewhere.test", KNOWN)
    assert (hosts(found), found.connector, found.policy) == (["host mail.elsewhere.test"], None, Policy())


def test_a_mail_address_stands_for_its_domain() -> None:
    assert one("somebody@fabrikam.com", KNOWN).connector is PARTNER


@pytest.mark.parametrize(
    "word",
    [
        "",
        " ",
        "connector:",
        "smarthost:",
        "domain:",
        "a b",
        "-x.test",
        "a..b",
        "127.1",
        "0x7f.1",
        "mail.test:25",
        "fe80::1%eth0",
        "http://a.test/",
    ],
)
def test_what_names_nothing_is_refused_in_one_line(word: str) -> None:
    with pytest.raises(TargetFault) as fault:
        route([word], KNOWN)
    assert str(fault.value).isprintable()


def test_an_address_is_no_recipient_domain() -> None:
    with pytest.raises(TargetFault, match="address"):
        route(["domain:192.0.2.1"], KNOWN)


# --- recipient domains ---

EXACT = connector("exact", SmartHosts=["exact.test"], RecipientDomains=["sales.contoso.com"])
SHORT = connector("short", SmartHosts=["short.test"], RecipientDomains=["*.contoso.com"])
LONG = connector("long", SmartHosts=["long.test"], RecipientDomains=["*.sales.contoso.com"])
ACCEPTED = connector("accepted", SmartHosts=["accepted.test"], AllAcceptedDomains=True)
STAR = connector("star", UseMXRecord=True, RecipientDomains=["*"])
DOMAINS = inventory(STAR, ACCEPTED, SHORT, LONG, EXACT, accepted=["contoso.org", "deep.contoso.com"])


@pytest.mark.parametrize(
    ("word", "serving"),
    [
        ("sales.contoso.com", EXACT),
        ("SALES.contoso.com.", EXACT),
        ("domain:sales.contoso.com", EXACT),
        ("eu.sales.contoso.com", LONG),
        ("a.eu.sales.contoso.com", LONG),
        ("hr.contoso.com", SHORT),
        ("deep.contoso.com", SHORT),
        ("contoso.org", ACCEPTED),
        ("Contoso.ORG", ACCEPTED),
        ("contoso.com", STAR),
        ("notcontoso.com", STAR),
        ("sub.contoso.org", STAR),
    ],
)
def test_the_most_specific_connector_serves_a_domain(word: str, serving: Connector) -> None:
    assert one(word, DOMAINS).connector is serving


def test_the_star_serves_only_a_name_that_has_an_mx() -> None:
    found = one("elsewhere.test", DOMAINS)
    assert found.only_with_mx == "elsewhere.test"
    assert hosts(found) == ["mx elsewhere.test"]
    assert found.otherwise is not None
    assert (hosts(found.otherwise), found.otherwise.connector, found.otherwise.policy) == (
        ["host elsewhere.test"],
        None,
        Policy(),
    )


def test_every_other_reading_of_a_domain_needs_no_mx() -> None:
    for word in ("sales.contoso.com", "eu.sales.contoso.com", "contoso.org"):
        assert one(word, DOMAINS).only_with_mx is None


def test_accepted_domains_need_a_connector_that_takes_them_all() -> None:
    assert one("contoso.org", inventory(SHORT, accepted=["contoso.org"])).connector is None


def test_connectors_that_are_switched_off_serve_no_domain() -> None:
    off = connector("off", Enabled=False, SmartHosts=["off.test"], RecipientDomains=["sales.contoso.com"])
    assert one("sales.contoso.com", inventory(off, SHORT)).connector is SHORT


def test_a_domain_goes_to_its_connectors_smart_hosts_or_to_its_own_mx() -> None:
    by_mx = connector("mx", UseMXRecord=True, RecipientDomains=["*.contoso.com", "a.test"])
    assert hosts(one("fabrikam.com", KNOWN)) == ["smart-host mx.fabrikam.com"]
    assert hosts(one("hr.contoso.com", inventory(by_mx))) == ["mx hr.contoso.com"]


def test_domains_are_compared_as_a_labels() -> None:
    umlaut = connector("u", SmartHosts=["mx.test"], RecipientDomains=["München.test"])
    assert one("xn--mnchen-3ya.test", inventory(umlaut)).connector is umlaut


def test_a_forced_domain_is_asked_by_mx_without_a_connector() -> None:
    assert hosts(one("domain:elsewhere.test", KNOWN)) == ["mx elsewhere.test"]


@pytest.mark.parametrize("domains", [["*"], [], ["*.contoso.com"]])
def test_delivery_by_mx_to_any_domain_names_nothing_to_check(domains: list[str]) -> None:
    found = one("c", inventory(connector("c", UseMXRecord=True, RecipientDomains=domains)))
    assert (found.settled, found.destinations) == (Reason.NOTHING_TO_CHECK, ())


def test_delivery_by_mx_checks_each_domain_in_the_order_listed() -> None:
    by_mx = connector("c", UseMXRecord=True, RecipientDomains=["b.test", "*", "a.test"], SmartHosts=[])
    assert hosts(one("c", inventory(by_mx))) == ["mx b.test", "mx a.test"]


# --- policy ---


@pytest.mark.parametrize(
    ("setting", "tls"),
    [
        (None, None),
        ("", None),
        ("EncryptionOnly", "EncryptionOnly"),
        ("CertificateValidation", "CertificateValidation"),
        ("DomainValidation", "DomainValidation"),
        ("domainvalidation", "DomainValidation"),
    ],
)
def test_tls_settings_are_the_policy(setting: str | None, tls: TlsSettings | None) -> None:
    assert policy_of(connector(TlsSettings=setting)).tls == tls


def test_a_setting_that_is_not_known_demands_tls() -> None:
    assert policy_of(connector(TlsSettings="SomethingStricter")).tls is not None


# --- anything ---

texts = st.text(max_size=40)
connectors = st.builds(
    connector,
    st.text(min_size=1, max_size=20),
    Guid=st.sampled_from(["", GUID]),
    Enabled=st.booleans(),
    UseMXRecord=st.booleans(),
    AllAcceptedDomains=st.booleans(),
    SmartHosts=st.lists(texts, max_size=3),
    RecipientDomains=st.lists(texts | st.sampled_from(["*", "*.a.test", "a.test"]), max_size=3),
)


@given(
    st.lists(texts | st.sampled_from(["a.test", "b.a.test", GUID, "192.0.2.1"]), max_size=4),
    st.lists(connectors, max_size=4),
    st.lists(texts.filter(bool), max_size=2),
)
def test_any_words_and_connectors_are_targets_or_a_target_fault(
    words: list[str], known: list[Connector], accepted: list[str]
) -> None:
    said, found = "", None
    try:
        found = route(words, inventory(*known, accepted=accepted))
    except TargetFault as fault:
        said = str(fault)
    assert "\n" not in said
    assert found is None or len(found) >= len(words)
    assert all(t.destinations or t.settled for t in found or ())
    assert words or found is not None
