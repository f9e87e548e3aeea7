"""What look-ups give: hosts at addresses, or hosts without one and why."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from diagnostics.findings import Finding
from diagnostics.net.names import Address
from diagnostics.probes.resolver import Answer

Lookup = Callable[[str, str], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host at an address to be probed, or (address None) a host whose look-up failed, with the findings that say why.

    `note`: what the step `dns` shows. `aliases`: where the CNAMEs of the host lead.
    """

    host: str
    address: Address | None
    preference: int | None
    findings: tuple[Finding, ...] = ()
    note: Finding | None = None
    seconds: float = 0.0
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What one destination leads to, in contract 3's order. `notes` hold for all of it.

    `left_out`: how many hosts and addresses DNS names and nobody looked at; `names` are the first of them.
    """

    endpoints: tuple[Endpoint, ...]
    notes: tuple[Finding, ...] = ()
    left_out: int = 0
    names: tuple[str, ...] = ()
