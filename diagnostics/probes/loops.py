"""Mail that comes back to the tenant that sent it: what would be tried first is Exchange Online itself (554 5.4.14). Pure."""

import ipaddress
from collections.abc import Sequence
from dataclasses import replace

from diagnostics.endpoints import SHIPPED
from diagnostics.findings import Clue, Facts, Finding, Reason
from diagnostics.net.names import is_microsoft
from diagnostics.probes.endpoint import Endpoint, Found

_NETWORKS = tuple(map(ipaddress.ip_network, SHIPPED.networks))


def looped(found: Found, domain: str, clue: Clue) -> Found:
    """The same, with a failed path where mail would come back. `clue`: what makes Exchange Online go there.

    A host behind it is not tried while it answers, and Exchange Online does; one in front of it is.
    """
    first = _first(found.endpoints)
    shown = [(endpoint, _itself(endpoint, domain)) for endpoint in first]
    loops = [_loop(endpoint, facts, clue) for endpoint, facts in shown if facts]
    if not loops:
        return found
    once = {loop.host: loop for loop in reversed(loops)}
    if len(loops) == len(first):
        return Found((once[loops[0].host],))
    others = [e for e in found.endpoints if e not in first or not _itself(e, domain)]
    # those of one preference are tried in any order, so some of the mail comes back
    kept = [*once.values(), *others]
    return replace(found, endpoints=tuple(sorted(kept, key=lambda e: e.preference or 0)))


def _first(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Those of the best preference at which there is a host to be tried."""
    able = [e for e in endpoints if e.address is not None or any(map(is_microsoft, (e.host, *e.aliases)))]
    best = min((e.preference or 0 for e in able), default=0)
    return [e for e in able if (e.preference or 0) == best]


def _itself(endpoint: Endpoint, domain: str) -> Facts:
    """Facts, if this is Exchange Online: by its name, that of an alias, or an address of Microsoft's list."""
    host, address = endpoint.host, endpoint.address
    facts = {"name": domain, "host": host}
    if is_microsoft(host):
        return facts | {"how": "host" if host == domain else "mx"}
    if alias := next(filter(is_microsoft, endpoint.aliases), None):
        return facts | {"how": "alias", "alias": alias}
    if address is not None and any(address in network for network in _NETWORKS if network.version == address.version):
        return facts | {"how": "address", "address": str(address)}
    return {}


def _loop(endpoint: Endpoint, facts: Facts, clue: Clue) -> Endpoint:
    reason = Finding(Reason.MX_IS_MICROSOFT, facts)
    return replace(endpoint, address=None, findings=(reason, Finding(clue, facts)), note=reason)
