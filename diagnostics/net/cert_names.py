"""Does a certificate stand for a name? RFC 6125 section 6.4, and TlsDomain's own rule for `*.contoso.com`. Pure."""

import ipaddress
from collections.abc import Sequence

from diagnostics.net.names import NameFault, host


def fits(wanted: str, dns_names: Sequence[str], addresses: Sequence[str], common_names: Sequence[str]) -> bool:
    """Whether any presented name is the wanted one. Which kinds of names count is the caller's choice.

    `*.contoso.com` as wanted name (TlsDomain) accepts a certificate for that wildcard or for a name under it.
    """
    try:
        literal = ipaddress.ip_address(wanted.strip("[]"))
    except ValueError:
        return any(_one(wanted, name) for name in [*dns_names, *common_names])
    return any(ipaddress.ip_address(a) == literal for a in addresses)


def _one(wanted: str, presented: str) -> bool:
    under = wanted.startswith("*.")
    try:
        domain = host(wanted.removeprefix("*."))
        star = presented.startswith("*.")
        name = host(presented.removeprefix("*."))
    except NameFault:
        return False
    if under:
        return name.endswith("." + domain) or (star and name == domain)
    if not star:
        return name == domain
    # one label for the star, and never directly under a top-level domain
    return "." in name and domain.partition(".")[2] == name
