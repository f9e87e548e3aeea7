"""Which addresses are globally reachable, by IANA's registries instead of the standard library.

`ipaddress.is_global` changes with Python's patch level (CVE-2024-4032), and takes multicast and 6to4 for global.
Registries: IPv4 and IPv6 Special-Purpose Address Registry (RFC 6890, RFC 8190), Multicast Address Space (RFC 5771, RFC 4291).
"""

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

# (block, globally reachable); N/A in the registry counts as no. The longest block that holds an address decides.
_IPV4 = (
    ("0.0.0.0/8", False),  # "This network", RFC 791
    ("10.0.0.0/8", False),  # Private-Use, RFC 1918
    ("100.64.0.0/10", False),  # Shared Address Space, RFC 6598
    ("127.0.0.0/8", False),  # Loopback, RFC 1122
    ("169.254.0.0/16", False),  # Link Local, RFC 3927
    ("172.16.0.0/12", False),  # Private-Use, RFC 1918
    ("192.0.0.0/24", False),  # IETF Protocol Assignments, RFC 6890; within it:
    ("192.0.0.0/29", False),  # IPv4 Service Continuity Prefix, RFC 7335
    ("192.0.0.8/32", False),  # IPv4 dummy address, RFC 7600
    ("192.0.0.9/32", True),  # Port Control Protocol Anycast, RFC 7723
    ("192.0.0.10/32", True),  # Traversal Using Relays around NAT Anycast, RFC 8155
    ("192.0.0.170/31", False),  # NAT64/DNS64 Discovery, RFC 8880, RFC 7050
    ("192.0.2.0/24", False),  # Documentation (TEST-NET-1), RFC 5737
    ("192.31.196.0/24", True),  # AS112-v4, RFC 7535
    ("192.52.193.0/24", True),  # AMT, RFC 7450
    ("192.88.99.0/24", False),  # Deprecated (6to4 Relay Anycast), RFC 7526; 192.88.99.2: 6a44, RFC 6751
    ("192.168.0.0/16", False),  # Private-Use, RFC 1918
    ("192.175.48.0/24", True),  # Direct Delegation AS112 Service, RFC 7534
    ("198.18.0.0/15", False),  # Benchmarking, RFC 2544
    ("198.51.100.0/24", False),  # Documentation (TEST-NET-2), RFC 5737
    ("203.0.113.0/24", False),  # Documentation (TEST-NET-3), RFC 5737
    ("224.0.0.0/4", False),  # Multicast, RFC 5771: no host of its own
    ("240.0.0.0/4", False),  # Reserved, RFC 1112; 255.255.255.255: Limited Broadcast, RFC 8190
)
_IPV6 = (
    ("::/0", False),  # RFC 4291 section 2.4: global unicast is 2000::/3 and nothing else
    ("2000::/3", True),  # Global Unicast
    ("2001::/23", False),  # IETF Protocol Assignments, RFC 2928; within it:
    ("2001::/32", False),  # TEREDO, RFC 4380
    ("2001:1::1/128", True),  # Port Control Protocol Anycast, RFC 7723
    ("2001:1::2/128", True),  # Traversal Using Relays around NAT Anycast, RFC 8155
    ("2001:1::3/128", True),  # DNS-SD Service Registration Protocol Anycast, RFC 9665
    ("2001:2::/48", False),  # Benchmarking, RFC 5180
    ("2001:3::/32", True),  # AMT, RFC 7450
    ("2001:4:112::/48", True),  # AS112-v6, RFC 7535
    ("2001:10::/28", False),  # Deprecated (ORCHID), RFC 4843
    ("2001:20::/28", True),  # ORCHIDv2, RFC 7343
    ("2001:30::/28", True),  # Drone Remote ID Protocol Entity Tags, RFC 9374
    ("2001:db8::/32", False),  # Documentation, RFC 3849
    ("2002::/16", False),  # 6to4, RFC 3056
    ("2620:4f:8000::/48", True),  # Direct Delegation AS112 Service, RFC 7534
    ("3fff::/20", False),  # Documentation, RFC 9637
    # outside 2000::/3, listed because the registry does
    ("::/128", False),  # Unspecified Address, RFC 4291
    ("::1/128", False),  # Loopback Address, RFC 4291
    ("::ffff:0:0/96", False),  # IPv4-mapped Address, RFC 4291
    ("64:ff9b::/96", True),  # IPv4-IPv6 Translation, RFC 6052
    ("64:ff9b:1::/48", False),  # IPv4-IPv6 Translation, RFC 8215
    ("100::/64", False),  # Discard-Only Address Block, RFC 6666
    ("100:0:0:1::/64", False),  # Dummy IPv6 Prefix, RFC 9780
    ("5f00::/16", False),  # Segment Routing (SRv6) SIDs, RFC 9602
    ("fc00::/7", False),  # Unique-Local, RFC 4193
    ("fe80::/10", False),  # Link-Local Unicast, RFC 4291
    ("ff00::/8", False),  # Multicast, RFC 4291
)


class _Blocks:
    """Nested blocks cut into stretches that do not overlap: one binary search an address."""

    def __init__(self, rows: Iterable[tuple[str, bool]], *, otherwise: bool) -> None:
        nets: list[tuple[IPv4Network | IPv6Network, bool]] = [(ip_network(text), reachable) for text, reachable in rows]
        nets.sort(key=lambda row: row[0].prefixlen)
        edges = {0} | {int(edge) for net, _ in nets for edge in (net[0], int(net[-1]) + 1)}
        self._starts = sorted(edges)
        self._reachable = [otherwise] * len(self._starts)
        for net, reachable in nets:  # longer blocks later, over shorter ones
            for place, start in enumerate(self._starts):
                if int(net[0]) <= start <= int(net[-1]):
                    self._reachable[place] = reachable

    def __getitem__(self, number: int) -> bool:
        return self._reachable[bisect_right(self._starts, number) - 1]


_BLOCKS = {4: _Blocks(_IPV4, otherwise=True), 6: _Blocks(_IPV6, otherwise=False)}


def is_globally_reachable(address: IPv4Address | IPv6Address) -> bool:
    """What the registry says of this very address, whatever other address it holds."""
    return _BLOCKS[address.version][int(address)]
