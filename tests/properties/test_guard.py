"""Whatever address comes, however IPv4 is hidden in it: what is not public is refused, and so is what is our own."""

import ipaddress

from hypothesis import given
from hypothesis import strategies as st

from diagnostics.net.guard import METADATA, Guard, embedded, is_public
from diagnostics.net.names import Address
from diagnostics.net.special_purpose import is_globally_reachable

PRIVATE = [ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8")]
NO_HOST = [ipaddress.ip_network(net) for net in ("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32")]
ADDRESSES = st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6))


def forms(inner: Address) -> list[Address]:
    """An address, and all the IPv6 addresses that can stand for an IPv4 one."""
    number = int(inner)
    if inner.version == 6:
        return [inner]
    return [
        inner,
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b:1::")) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
        ipaddress.IPv6Address((0x20010000 << 96) | (number ^ 0xFFFFFFFF)),
    ]


@given(net=st.sampled_from(PRIVATE), offset=st.integers(0, 2**32))
def test_a_private_address_is_refused_in_every_wrapping(net: ipaddress.IPv4Network, offset: int) -> None:
    inner = net[offset % net.num_addresses]
    for address in forms(inner):
        assert embedded(address) == inner
        assert Guard().refuses(address, 25)


@given(address=ADDRESSES)
def test_what_is_public_is_global_and_what_is_not_is_refused(address: Address) -> None:
    if is_public(address):
        assert is_globally_reachable(embedded(address))
        assert not address.is_multicast
    assert (Guard().refuses(address, 25) is None) == (is_public(address) and address not in METADATA)


@given(address=st.ip_addresses(v=4), port=st.integers(1, 65535))
def test_our_own_listener_is_refused_whatever_is_allowed(address: ipaddress.IPv4Address, port: int) -> None:
    guard = Guard(allow_private=True, own=frozenset({(str(address), port)}))
    for form in forms(address):
        assert guard.refuses(form, port)
    never = address in METADATA or any(address in net for net in NO_HOST)
    assert (guard.refuses(address, port % 65535 + 1) is None) != never


def test_metadata_stays_refused_in_every_wrapping() -> None:
    guard = Guard(allow_nets=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")), allow_private=True)
    for address in METADATA:
        assert all(guard.refuses(form, 25) for form in forms(address))


@given(address=st.one_of(st.ip_addresses(v=4), *(st.ip_addresses(v=4, network=str(net)) for net in NO_HOST)))
def test_what_is_no_host_is_refused_in_every_wrapping(address: ipaddress.IPv4Address) -> None:
    guard = Guard(allow_nets=(ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")), allow_private=True)
    never = address in METADATA or any(address in net for net in NO_HOST)
    assert {guard.refuses(form, 25) is not None for form in forms(address)} == {never}
