"""Whose host and whose address: the destination's, Microsoft's own transport, or a server on premises that only reports.

Microsoft's names: connectors-mail-flow-intelligence. Its ranges: diagnostics/endpoints.
"""

import ipaddress
import re
from typing import NamedTuple

from diagnostics.endpoints import RELAY_POOL, SHIPPED

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_MICROSOFT = (".outlook.com", ".exchangelabs.com", ".outlook.cn", ".outlook.de", ".office365.us", ".outlook.office.com")
_INBOUND = (
    ".mail.protection.outlook.com",
    ".mail.protection.office365.us",
    ".mail.protection.partner.outlook.cn",
)
"""MX names of tenants; transport hosts stand under them too: SG2APC01HT226, DU2PEPF00028D13."""

_TRANSPORT_LABEL = re.compile(r"[a-z]{2,4}[0-9][a-z0-9]{5,20}")

_ALWAYS_INBOUND = (".mx.microsoft", ".olc.protection.outlook.com", ".onmicrosoft.com", ".mail.eo.outlook.com")
_INSIDE = (".local", ".lan", ".internal", ".corp", ".intra", ".localdomain", ".home.arpa")
_MICROSOFT_NETS = tuple(map(ipaddress.ip_network, (*SHIPPED.networks, RELAY_POOL)))
_PRIVATE_NETS = tuple(
    map(
        ipaddress.ip_network,
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"),
    )
)
_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_MASKED = re.compile(r"[xX]{2,63}")
_LOOKS_LIKE_ADDRESS = re.compile(r"[0-9A-Fa-f:.\[\]]{2,64}")
_HOST_PORT = re.compile(r":[0-9]{1,5}\Z")
_PORT = re.compile(r"(.{2,45}?)\]?[.:]?:[0-9]{1,5}")


class Destination(NamedTuple):
    """Where the mail was to go, as far as the text names it; and the server on premises that reported, if that is named there."""

    server: str | None
    ip: str | None
    reporter: str | None = None


def destination(server: str, ip: str, *, cloud: bool, to_microsoft: bool, unresolved: bool) -> Destination:
    """What a host field and an address field really name.

    `cloud`: Microsoft 365 itself tried to connect; else a private address or `.local` name is the server that queued the mail.
    `to_microsoft`: Microsoft refused mail that came in. `unresolved`: DNS failed, so no address was ever known.
    """
    name, at = host(server), None if unresolved else address(ip)
    if name and _is_literal(name):
        at = at or (None if unresolved else address(name))
    if name and is_inbound(name):
        return Destination(name, str(at) if at else None)
    if name and is_transport(name):
        return Destination(None, None)
    if at and is_microsofts_address(at) and not to_microsoft:
        name, at = None if name and _is_literal(name) else name, None
    reporter = None
    if not cloud:
        if name and name.lower().endswith(_INSIDE):
            name, reporter = None, name
        if at and is_private(at):
            name, at = None if name and _is_literal(name) else name, None
    return Destination(name, str(at) if at else None, reporter)


def host(text: str) -> str | None:
    """A host name or address literal as it was written, None for anything else: masked names, queue names, single labels."""
    name = text.strip(" \t\n'\"`<>[](){};,").rstrip(".")
    if (name[-1:].isdigit() or ":" in name or name.endswith("]")) and address(name):
        return name
    name = _HOST_PORT.sub("", name)
    labels = name.split(".")
    if not 2 <= len(labels) <= 127 or len(name) > 253 or labels[-1].isdigit():
        return None
    if any(not _LABEL.fullmatch(label) or _MASKED.fullmatch(label) for label in labels):
        return None
    return name


def address(text: str) -> Address | None:
    """An IP address with or without brackets and port; None for masked, unspecified and malformed ones."""
    bare = text.strip(" \t\n'\"`<>(){};,").rstrip(".")
    if not _LOOKS_LIKE_ADDRESS.fullmatch(bare):
        return None
    for candidate in (bare.strip("[]"), _without_port(bare)):
        try:
            found = ipaddress.ip_address(candidate)
        except ValueError:
            continue
        return None if found.is_unspecified or getattr(found, "scope_id", None) else found
    return None


def endpoint(text: str) -> Address | None:
    """As `address`, of a field that always ends in a port: 2001:db8::1:25 is 2001:db8::1 at port 25."""
    return address(_without_port(text.strip())) or address(text)


def is_inbound(name: str) -> bool:
    """Whether mail to a tenant comes in there: a destination although it is Microsoft's."""
    name = name.lower()
    return name.endswith(_ALWAYS_INBOUND) or (name.endswith(_INBOUND) and not _TRANSPORT_LABEL.fullmatch(name.partition(".")[0]))


def is_transport(name: str) -> bool:
    """Whether it is one of Microsoft's own servers, which report an error and never are its destination."""
    return name.lower().endswith(_MICROSOFT) and not is_inbound(name)


def is_microsofts(name: str) -> bool:
    """Whether it is any server of Microsoft's, by its name."""
    return name.lower().rstrip(".").endswith(_MICROSOFT)


def is_microsofts_address(at: Address) -> bool:
    """Whether it is in the ranges that Microsoft 365 sends from and takes mail at."""
    return any(at in net for net in _MICROSOFT_NETS if net.version == at.version)


def is_private(at: Address) -> bool:
    """Whether only a neighbour can reach it."""
    return any(at in net for net in _PRIVATE_NETS if net.version == at.version)


def _without_port(text: str) -> str:
    match = _PORT.fullmatch(text)
    return match[1].strip("[]") if match else text


def _is_literal(name: str) -> bool:
    return address(name) is not None
