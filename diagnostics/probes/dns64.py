"""AAAA records that a DNS64 of this network makes up from A records (RFC 6147): the domain does not publish them."""

import ipaddress
import socket
from collections.abc import Iterable
from operator import itemgetter

from diagnostics.probes.endpoint import Lookup
from diagnostics.probes.resolver import Answer, Status

WELL_KNOWN = ipaddress.IPv6Network("64:ff9b::/96")
_ASKED = "ipv4only.arpa"
_ANSWERS = ("192.0.0.170", "192.0.0.171")
"""The A records of ipv4only.arpa: what stands in front of them in its AAAA is the network's prefix (RFC 7050 section 3)."""

_PLACES = {
    96: itemgetter(12, 13, 14, 15),
    64: itemgetter(9, 10, 11, 12),
    56: itemgetter(7, 9, 10, 11),
    48: itemgetter(6, 7, 9, 10),
    40: itemgetter(5, 6, 7, 9),
    32: itemgetter(4, 5, 6, 7),
}
"""Where the octets of the IPv4 address stand, by the length of the prefix; octet 8 is left out (RFC 6052 section 2.2)."""


async def published(v6: Answer, v4: Answer, lookup: Lookup) -> tuple[str, ...]:
    """The records of `v6` that are not made up from those of `v4`. Asks for the network's prefix only where one could be."""
    if v6.status is not Status.OK or v4.status is not Status.OK:
        return v6.records
    doubtful = _embedded(v6.records, v4.records)
    if not doubtful:
        return v6.records
    prefixes = {WELL_KNOWN}
    if any(WELL_KNOWN not in found for found in doubtful.values()):
        answer = await lookup(_ASKED, "AAAA")
        prefixes.update(prefix for found in _embedded(answer.records, _ANSWERS).values() for prefix in found)
    return tuple(text for text in v6.records if prefixes.isdisjoint(doubtful.get(text, ())))


def _embedded(v6: Iterable[str], v4: Iterable[str]) -> dict[str, list[ipaddress.IPv6Network]]:
    """Which of `v6` hold one of `v4`, and behind which prefixes. Thousands are compared as bytes: objects take much longer."""
    wanted = {tuple(socket.inet_aton(text)) for text in v4}
    found: dict[str, list[ipaddress.IPv6Network]] = {}
    for text in v6:
        packed = socket.inet_pton(socket.AF_INET6, text)
        for length, octets in _PLACES.items():
            if octets(packed) in wanted:
                found.setdefault(text, []).append(ipaddress.IPv6Network((packed, length), strict=False))
    return found
