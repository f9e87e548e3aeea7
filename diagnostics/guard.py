"""Which addresses may be probed. A diagnosis tool that connects wherever a name points is a way into networks (SSRF)."""

import ipaddress
from dataclasses import dataclass, field
from typing import Literal

from diagnostics.names import Address

Refusal = Literal["metadata", "own-listener", "not-public"]
"""Why an address is not probed."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

METADATA = frozenset(map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "168.63.129.16")))
"""Clouds hand out credentials there: refused whatever is allowed (contract 2)."""

# `is_global` of the standard library takes these for public (they are not, or they hide an IPv4 address)
_NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, ("192.88.99.0/24", "224.0.0.0/4", "240.0.0.0/4", "2001:db8::/32", "3fff::/20", "2001::/32"))
)
_UNICAST = ipaddress.IPv6Network("2000::/3")
"""All global IPv6 addresses (RFC 4291 section 2.4): nothing else is public, whatever it embeds."""

# ::/96 (compatible), ::ffff:0:0:0/96 (translated), NAT64: the last 32 bits are an IPv4 address
_LAST_BITS = tuple(map(ipaddress.ip_network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
_PUBLIC_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Guard:
    """The owner's rules. `own` are this process's listeners as (address, port)."""

    allow_nets: tuple[Network, ...] = ()
    allow_private: bool = False
    own: frozenset[tuple[str, int]] = field(default_factory=frozenset)

    def refuses(self, address: Address, port: int) -> Refusal | None:
        """Why this address is not probed, or None. A refusal means that no packet is sent."""
        inner = embedded(address)
        if METADATA & {address, inner}:
            return "metadata"
        if (str(address), port) in self.own or (str(inner), port) in self.own:
            return "own-listener"
        if is_public(address) or self.allow_private:
            return None
        if any(candidate in net for net in self.allow_nets for candidate in (address, inner) if candidate.version == net.version):
            return None
        return "not-public"


def is_public(address: Address) -> bool:
    """Whether Exchange Online could reach it over the Internet."""
    inner = embedded(address)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped or address in _PUBLIC_NAT64:
            return is_public(inner)
        if address not in _UNICAST or (inner != address and not is_public(inner)):
            return False
    return address.is_global and not any(address in net for net in _NOT_PUBLIC if net.version == address.version)


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
    if int(address) > 1 and any(address in net for net in _LAST_BITS):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
