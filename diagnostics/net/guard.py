"""Which addresses may be probed. A diagnosis tool that connects wherever a name points is a way into networks (SSRF)."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from diagnostics.net.names import Address
from diagnostics.net.special_purpose import is_globally_reachable

Refusal = Literal["metadata", "no-host", "own-listener", "not-public"]
"""Why an address is not probed."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google Cloud, Oracle, DigitalOcean and others
            "fd00:ec2::254",  # AWS, the same over IPv6
            "169.254.170.2",  # AWS, credentials of ECS tasks
            "169.254.170.23",  # AWS, credentials of EKS pods
            "fd00:ec2::23",  # AWS, the same over IPv6
            "fd20:ce::254",  # Google Cloud over IPv6
            "168.63.129.16",  # Azure's platform (WireServer)
            "100.100.100.200",  # Alibaba Cloud
        ),
    )
)
"""Clouds hand out credentials there: refused whatever is allowed (contract 2)."""

# No one host has these, and a connection to 0.0.0.0 or :: ends at this machine (RFC 1122 section 3.2.1.3, RFC 4291 section 2.5.2)
_NO_HOST = tuple(map(ipaddress.ip_network, ("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32", "::/128", "ff00::/8")))

# ::/96 (compatible), ::ffff:0:0:0/96 (translated), NAT64: the last 32 bits are an IPv4 address
_LAST_BITS = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# The lowest of ::/96 hold no IPv4 address: ::1 is loopback, and 0.0.0.0/8 was never written that way
_FIRST_COMPATIBLE = 1 << 24


@dataclass(frozen=True, slots=True)
class Guard:
    """The owner's rules. `own` are this process's listeners as (address, port)."""

    allow_nets: tuple[Network, ...] = ()
    allow_private: bool = False
    own: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    def refuses(self, address: Address, port: int) -> Refusal | None:
        """Why this address is not probed, or None. A refusal means that no packet is sent."""
        if never := _never(address):
            return never
        if self.own and any((str(form), port) in self.own for form in _forms(address)):
            return "own-listener"
        if self.allow_private or is_public(address):
            return None
        either = (address, embedded(address))
        if any(form in net for net in self.allow_nets for form in either if form.version == net.version):
            return None
        return "not-public"


@lru_cache(maxsize=4096)
def _never(address: Address) -> Refusal | None:
    """Why no setting allows this address, or None."""
    if METADATA & _forms(address):
        return "metadata"
    either = (address, embedded(address))
    if any(form in net for form in either for net in _NO_HOST if form.version == net.version):
        return "no-host"
    return None


@lru_cache(maxsize=4096)
def is_public(address: Address) -> bool:
    """Whether Exchange Online could reach it over the Internet. An embedded IPv4 address must be public too."""
    inner = embedded(address)
    if inner == address:
        return is_globally_reachable(address)
    # Teredo and the deprecated forms are not global; 6to4, mapped and NAT64 addresses are as public as what they hold
    assert isinstance(address, ipaddress.IPv6Address)  # noqa: S101
    return bool(address.ipv4_mapped or address.sixtofour or address in _NAT64) and is_globally_reachable(inner)


def embedded(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one: mapped, 6to4, Teredo, NAT64 (RFC 4291, 3056, 4380, 6052); else the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if int(address) >= _FIRST_COMPATIBLE and any(address in net for net in _LAST_BITS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _forms(address: Address) -> frozenset[Address]:
    """The address, and every IPv4 address that some reading finds in it."""
    plain = ipaddress.IPv6Address(int(address)) if isinstance(address, ipaddress.IPv6Address) else address  # no zone id
    return frozenset((plain, *_readings(plain)))


def _readings(address: Address) -> Iterator[Address]:
    yield embedded(address)
    if isinstance(address, ipaddress.IPv4Address):
        return
    number = int(address)
    if address.teredo:
        yield address.teredo[0]  # the server, which the first packet goes to (RFC 4380 section 5.2.4)
    if number >> 32 & 0xFDFFFFFF == 0x5EFE:
        yield ipaddress.IPv4Address(number & 0xFFFFFFFF)  # ISATAP (RFC 5214 section 6.1)
    if address in _LOCAL_NAT64:  # prefixes of 48, 56 and 64 bits leave out bits 64 to 71 (RFC 6052 section 2.2)
        yield ipaddress.IPv4Address((number >> 64 & 0xFFFF) << 16 | number >> 40 & 0xFFFF)
        yield ipaddress.IPv4Address((number >> 64 & 0xFF) << 24 | number >> 32 & 0xFFFFFF)
        yield ipaddress.IPv4Address(number >> 24 & 0xFFFFFFFF)
