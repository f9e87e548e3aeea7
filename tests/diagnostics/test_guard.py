"""Which addresses may be probed: contract 2 (`--allow-net`, `--allow-private`), contract 4 (`address-not-public`)."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.net.guard import Guard, is_public

address = ipaddress.ip_address
METADATA = (
    "169.254.169.254",
    "fd00:ec2::254",
    "169.254.170.2",
    "169.254.170.23",
    "fd00:ec2::23",
    "fd20:ce::254",
    "168.63.129.16",
    "100.100.100.200",
)
NO_HOST = ("0.0.0.0", "0.1.2.3", "224.0.0.1", "239.255.255.255", "255.255.255.255", "::", "ff02::1", "ff0e::1")
EVERYTHING = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))
LENIENT = [Guard(allow_private=True), Guard(EVERYTHING), Guard(EVERYTHING, allow_private=True)]

NOT_PUBLIC = [
    "0.0.0.0",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "172.16.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fc00::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "3fff::1",
    "64:ff9b:1::808:808",
    # IETF Protocol Assignments, which older patch levels of Python take for global
    "192.0.0.1",
    "192.0.0.8",
    "192.0.0.11",
    "192.0.0.170",
    "192.0.0.255",
    "2001::1",
    "2001:1::4",
    "2001:2::1",
    "2001:10::1",
    "2001:1ff:ffff::1",
    # outside 2000::/3
    "100::1",
    "100:0:0:1::1",
    "5f00::1",
    "4000::1",
    "fdff::1",
    # 6to4 is as public as what it holds
    "2002:c000:1::1",
    "2002:a00:1::1",
]

PUBLIC = [
    "8.8.8.8",
    "40.92.0.1",
    "192.0.0.9",
    "192.0.0.10",
    "192.0.1.0",
    "192.31.196.1",
    "192.52.193.1",
    "192.175.48.1",
    "223.255.255.255",
    "2a01:111:f400::1",
    "2606:4700::1111",
    "2001:1::1",
    "2001:1::2",
    "2001:1::3",
    "2001:3::1",
    "2001:4:112::1",
    "2001:20::1",
    "2001:3f::1",
    "2001:200::1",
    "2620:4f:8000::1",
    "3ffe::1",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
    "2002:808:808::1",
]


def embeddings(inner: ipaddress.IPv4Address) -> dict[str, ipaddress.IPv6Address]:
    """Every way in which an IPv6 address carries an IPv4 one (RFC 4291, 3056, 4380, 5214, 6052, 6145)."""
    number = int(inner)
    teredo = int(address("2001::")) | (int(address("8.8.8.8")) << 64)
    local = int(address("64:ff9b:1::"))
    return {
        "mapped": ipaddress.IPv6Address(int(address("::ffff:0:0")) | number),
        "compatible": ipaddress.IPv6Address(number),
        "translated": ipaddress.IPv6Address(int(address("::ffff:0:0:0")) | number),
        "6to4": ipaddress.IPv6Address(int(address("2002::")) | number << 80 | 1),
        "NAT64": ipaddress.IPv6Address(int(address("64:ff9b::")) | number),
        "NAT64 /96 of one's own": ipaddress.IPv6Address(local | number),
        "NAT64 /64": ipaddress.IPv6Address(local | number << 24),
        "NAT64 /56": ipaddress.IPv6Address(local | (number >> 24) << 64 | (number & 0xFFFFFF) << 32),
        "NAT64 /48": ipaddress.IPv6Address(local | (number >> 16) << 64 | (number & 0xFFFF) << 40),
        "ISATAP": ipaddress.IPv6Address(int(address("fe80::5efe:0:0")) | number),
        "Teredo client": ipaddress.IPv6Address(teredo | number ^ 0xFFFFFFFF),
        "Teredo server": ipaddress.IPv6Address(int(address("2001::")) | number << 64 | int(address("8.8.8.8")) ^ 0xFFFFFFFF),
    }


@pytest.mark.parametrize("text", NOT_PUBLIC)
def test_an_address_that_exchange_online_cannot_reach_is_refused(text: str) -> None:
    assert not is_public(address(text))
    assert Guard().refuses(address(text), 25)


@pytest.mark.parametrize("text", PUBLIC)
def test_a_public_address_is_probed(text: str) -> None:
    assert is_public(address(text))
    assert Guard().refuses(address(text), 25) is None


def test_no_verdict_comes_from_the_standard_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def unused(_: object) -> bool:
        raise AssertionError("Python's own table was asked; it changes with the patch level")

    for kind in (ipaddress.IPv4Address, ipaddress.IPv6Address):
        for name in ("is_global", "is_private", "is_reserved", "is_multicast", "is_link_local", "is_unspecified"):
            monkeypatch.setattr(kind, name, property(unused))
    is_public.cache_clear()
    assert [text for text in PUBLIC if not is_public(address(text))] == []
    assert [text for text in NOT_PUBLIC if is_public(address(text))] == []


@pytest.mark.parametrize("way", embeddings(ipaddress.IPv4Address("10.0.0.1")))
@pytest.mark.parametrize("inner", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "192.168.1.1", "100.64.0.1"])
def test_an_address_that_embeds_an_inside_one_is_refused(way: str, inner: str) -> None:
    assert Guard().refuses(embeddings(ipaddress.IPv4Address(inner))[way], 25)


@given(st.ip_addresses(v=4).filter(lambda a: not is_public(a)))
def test_no_way_of_embedding_makes_an_inside_address_public(inner: ipaddress.IPv4Address) -> None:
    taken = [way for way, outer in embeddings(inner).items() if Guard().refuses(outer, 25) is None]
    assert not taken, f"{inner} is let through as {taken}"


@pytest.mark.parametrize("text", METADATA)
@pytest.mark.parametrize("guard", [Guard(), *LENIENT])
def test_metadata_addresses_stay_refused_whatever_is_allowed(text: str, guard: Guard) -> None:
    assert guard.refuses(address(text), 25)


@pytest.mark.parametrize("text", [text for text in METADATA if "." in text])
@pytest.mark.parametrize("way", embeddings(ipaddress.IPv4Address("10.0.0.1")))
@pytest.mark.parametrize("guard", LENIENT)
def test_metadata_addresses_stay_refused_in_every_disguise(way: str, text: str, guard: Guard) -> None:
    assert guard.refuses(embeddings(ipaddress.IPv4Address(text))[way], 25)


@pytest.mark.parametrize("text", NO_HOST)
@pytest.mark.parametrize("guard", [Guard(), *LENIENT])
def test_what_is_no_host_stays_refused_whatever_is_allowed(text: str, guard: Guard) -> None:
    assert guard.refuses(address(text), 25)
    if "." in text:
        outer = embeddings(ipaddress.IPv4Address(text))
        assert all(guard.refuses(outer[way], 25) for way in ("mapped", "translated", "6to4", "NAT64", "Teredo client"))


def test_allowed_ranges_are_probed_and_no_others() -> None:
    guard = Guard((ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd00:1::/32")))
    assert guard.refuses(address("10.1.2.3"), 25) is None
    assert guard.refuses(address("fd00:1::5"), 25) is None
    assert guard.refuses(address("10.2.0.1"), 25)
    assert guard.refuses(address("fd00:2::5"), 25)
    assert guard.refuses(address("127.0.0.1"), 25)


def test_all_private_ranges_can_be_allowed_for_labs() -> None:
    for text in ("10.0.0.1", "127.0.0.1", "::1", "192.168.0.1"):
        assert Guard(allow_private=True).refuses(address(text), 25) is None


def test_own_listeners_stay_refused_even_where_private_ranges_are_allowed() -> None:
    guard = Guard(allow_private=True, own=frozenset({("127.0.0.1", 9464)}))
    assert guard.refuses(address("127.0.0.1"), 9464)
    assert guard.refuses(address("::ffff:127.0.0.1"), 9464)
    assert guard.refuses(address("127.0.0.1"), 25) is None
