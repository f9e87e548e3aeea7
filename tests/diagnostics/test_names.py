"""Host names as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.net import names
from diagnostics.net.names import NameFault


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("mail.contoso.com", "mail.contoso.com"),
        ("MAIL.Contoso.COM.", "mail.contoso.com"),
        ("  mail.contoso.com ", "mail.contoso.com"),
        ("münchen.test", "xn--mnchen-3ya.test"),
        ("mu\u0308nchen.test", "xn--mnchen-3ya.test"),
        ("xn--mnchen-3ya.test", "xn--mnchen-3ya.test"),
        ("_sip._tcp.contoso.com", "_sip._tcp.contoso.com"),
        ("a" * 63 + ".test", "a" * 63 + ".test"),
        ("3com.test", "3com.test"),
        ("mail", "mail"),
    ],
)
def test_a_host_name_is_asked_for_as_lower_case_a_labels(written: str, asked: str) -> None:
    assert names.host(written) == asked


@pytest.mark.parametrize(
    "written",
    [
        "",
        ".",
        "a..b",
        ".a",
        "a b.test",
        "a\0b.test",
        "-x.test",
        "x-.test",
        "a" * 64 + ".test",
        ".".join(["a" * 63] * 4) + ".test",
        "x" * 10_000,
        "0x7f.1",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "１２７.0.0.1",  # noqa: RUF001
        "a/b.test",
        "http://mail.test",
        "user@mail.test",
        "mail.test:22",
        "<!channel>",
        "☃.test",
        "a\u202eb.test",
        "*.test",
    ],
)
def test_what_is_no_host_name_is_refused_in_one_short_line(written: str) -> None:
    with pytest.raises(NameFault) as fault:
        names.host(written)
    said = str(fault.value)
    assert said.isprintable()
    assert len(said) < 400


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_of_host_names_fail_otherwise(text: str) -> None:
    said, name = "", "a"
    try:
        name = names.host(text)
    except NameFault as fault:
        said = str(fault)
    assert said.isprintable()
    assert name.isascii()
    assert 0 < len(name) <= 253
    assert names.host(name) == name


@given(st.text(max_size=80))
def test_no_text_makes_the_reader_of_addresses_fail_otherwise(text: str) -> None:
    names.network(text)
    try:
        names.address(text)
    except NameFault:
        assert "%" in text


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("[192.0.2.1]", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("[::1]", "::1"),
        ("[IPv6:::1]", "::1"),
    ],
)
def test_address_literals_are_read_with_and_without_brackets(written: str, address: str) -> None:
    assert str(names.address(written)) == address


@pytest.mark.parametrize("written", ["127.1", "0x7f.1", "2130706433", "0177.0.0.1", "192.0.2.1/24", "192.0.2.1:25", "mail.test"])
def test_what_the_c_library_takes_for_an_address_is_none(written: str) -> None:
    assert names.address(written) is None


def test_an_address_with_a_zone_is_refused() -> None:
    with pytest.raises(NameFault, match="zone"):
        names.address("fe80::1%eth0")


@pytest.mark.parametrize(
    ("written", "is_range"),
    [("203.0.113.0/24", True), ("203.0.113.7/24", True), ("2001:db8::/32", True), ("a/b", False), ("203.0.113.7", False)],
)
def test_ranges_are_recognised(written: str, is_range: bool) -> None:
    assert names.network(written) is is_range
