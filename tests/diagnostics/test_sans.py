"""Does a certificate stand for a name: RFC 6125, and contract 4 on TlsDomain."""

import pytest

from diagnostics.net.cert_names import fits

HOST_NAMES = [
    ("mail.contoso.com", "mail.contoso.com", True),
    ("mail.contoso.com", "MAIL.CONTOSO.COM", True),
    ("Mail.Contoso.com.", "mail.contoso.com", True),
    ("mail.contoso.com", "mail.contoso.com.", True),
    ("münchen.test", "xn--mnchen-3ya.test", True),
    ("xn--mnchen-3ya.test", "xn--mnchen-3ya.test", True),
    ("mail.contoso.com", "*.contoso.com", True),
    ("mail.contoso.com", "*.CONTOSO.com", True),
    ("a.mail.contoso.com", "*.contoso.com", False),
    ("contoso.com", "*.contoso.com", False),
    ("contoso.com", "*.com", False),
    ("mail.test", "*.test", False),
    ("mail.contoso.com", "*.*.com", False),
    ("mail.contoso.com", "m*.contoso.com", False),
    ("mail.contoso.com", "*il.contoso.com", False),
    ("mail.contoso.com", "mail.*.com", False),
    ("mail.contoso.com", "*", False),
    ("mail.contoso.com", "", False),
    ("mail.contoso.com", "contoso.com", False),
    ("mail.contoso.com", "xmail.contoso.com", False),
    ("mail.contoso.com", "mail.contoso.com\0.evil.test", False),
    ("mail.contoso.com", "mail.contoso.com.evil.test", False),
]

TLS_DOMAIN = [
    ("*.contoso.com", "*.contoso.com", True),
    ("*.contoso.com", "*.CONTOSO.COM", True),
    ("*.Contoso.com", "mail.contoso.com", True),
    ("*.contoso.com", "a.mail.contoso.com", True),
    ("*.contoso.com", "contoso.com", False),
    ("*.contoso.com", "fakecontoso.com", False),
    ("*.contoso.com", "*.com", False),
    ("*.contoso.com", "mail.fabrikam.com", False),
    ("*.contoso.com", "mail.contoso.com.evil.test", False),
]


@pytest.mark.parametrize(("wanted", "presented", "does"), HOST_NAMES + TLS_DOMAIN)
def test_a_subject_alternative_name_fits(wanted: str, presented: str, does: bool) -> None:
    assert fits(wanted, [presented], [], []) is does


@pytest.mark.parametrize(("wanted", "presented", "does"), HOST_NAMES + TLS_DOMAIN)
def test_a_common_name_fits_by_the_same_rules(wanted: str, presented: str, does: bool) -> None:
    assert fits(wanted, [], [], [presented]) is does


def test_any_of_several_names_is_enough() -> None:
    assert fits("mail.contoso.com", ["a.test", "b.test", "mail.contoso.com"], [], [])


def test_a_certificate_without_names_fits_nothing() -> None:
    assert not fits("mail.contoso.com", [], [], [])


@pytest.mark.parametrize(
    ("wanted", "dns_names", "addresses", "does"),
    [
        ("192.0.2.1", [], ["192.0.2.1"], True),
        ("[2001:db8::1]", [], ["2001:db8:0:0::1"], True),
        ("192.0.2.1", ["192.0.2.1"], [], False),
        ("192.0.2.1", [], ["192.0.2.2"], False),
        ("mail.contoso.com", [], ["192.0.2.1"], False),
    ],
)
def test_an_address_is_compared_with_addresses_alone(wanted: str, dns_names: list[str], addresses: list[str], does: bool) -> None:
    assert fits(wanted, dns_names, addresses, []) is does
