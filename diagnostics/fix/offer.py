"""`fix_now` of a check's result: whether Fix now is offered, and why or why not. Pure (contract 3).

An offer is no plan: what it leads to reads the tenant and checks the server again. So paths seen within the last seconds do,
and an inventory without accepted domains does not hinder it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from diagnostics.connectors.model import Connector, Inventory
from diagnostics.findings import Reason, Warn
from diagnostics.fix.blocks import blocks
from diagnostics.fix.case import Read, Wanted, case_of
from diagnostics.judge import Judged
from diagnostics.model import FixNow, Verdict
from diagnostics.probes.control import Control
from diagnostics.route import whole
from diagnostics.target import Target

_LATER = frozenset({"domain-not-chosen", "not-writable"})
"""What the plan asks for, and what does not hinder an offer (contract 3)."""

_UNCOUNTED = frozenset({Warn.DNS_TOO_MANY, Warn.DNS_AAAA_BROKEN})
"""There are addresses, or may be, that were not tested."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a check showed. `control`: what the control host did in this run; `is_controlled`: there is one."""

    target: Target
    paths: Sequence[Judged]
    verdict: Verdict
    reason: Reason | None
    control: Control | None
    is_controlled: bool


def offer(seen: Seen, inventory: Inventory) -> FixNow:
    """Offered where everything says that the server is gone, and nothing that is known stands against the fix."""
    connector = seen.target.connector
    if seen.verdict == "healthy":
        return _no("Nothing is broken.")
    if connector is None:
        return _no("No connector is known for this target, so there is none to switch off.")
    said = _other_fault(seen, connector) or _not_all_seen(seen, connector) or _blocked(connector, inventory)
    if said:
        return _no(said)
    return FixNow(
        offered=True,
        basis="seen-from-here",
        why=f"Every path of {connector.Name[:64]} refuses connections. If the server is gone for good, the connector can be "
        "switched off and its domain made Authoritative, so that mail for unknown recipients is refused at once instead of "
        f"eating the organization's quota for invalid recipients. What that would change: fix {_word(connector)}",
    )


def _other_fault(seen: Seen, connector: Connector) -> str:
    if connector.is_partner:
        return "The server is a partner's: only the partner can mend it."
    if seen.reason is Reason.CONNECTOR_DISABLED:
        return f"The connector is switched off already. Whether a domain is left to be changed: fix {_word(connector)}"
    if seen.verdict == "degraded":
        return "Some paths would take the mail, so the server is not gone: mend the others."
    if seen.verdict == "unknown":
        return "It could not be told what is wrong, and Fix now is for 450 4.4.316 on every path: servers that are gone for good."
    if seen.reason is not Reason.TCP_REFUSED:
        return "This is to be mended: Fix now is for 450 4.4.316 on every path, servers that are gone for good."
    return ""


def _not_all_seen(seen: Seen, connector: Connector) -> str:
    """Words, if something about the connector is not known to refuse connections."""
    all_of_it = whole(connector, connector.Name)
    asked, listed = ({d.name for d in target.destinations} for target in (seen.target, all_of_it))
    if any(p.tested and p.reason is not Reason.TCP_REFUSED for p in seen.paths):
        return "Not every path refuses connections, and what fails in another way may still be there: mend it."
    if not all(p.tested for p in seen.paths) or any(f.tag in _UNCOUNTED for p in seen.paths for f in p.evidence.findings):
        return "Not every path could be tested from here, so it cannot be told that the server is gone."
    if all_of_it.left_out or all_of_it.settled:
        return (
            f"{connector.Name[:64]} leads to more than can be tested (ranges of addresses, or domains that it does not name). "
            f"If you know that nothing is there: fix {_word(connector)}"
        )
    if missing := listed - asked:
        return f"Only a part was asked, and {len(missing)} of {len(listed)} was not. For all of it: check {_word(connector)}"
    if seen.is_controlled and (seen.control is None or seen.control.state != "answers"):
        return "The control host did not answer in this run, and Fix now is offered only when it does: check again."
    return ""


def _blocked(connector: Connector, inventory: Inventory) -> str:
    """The first of contract 6's reasons against a fix, as far as the inventory tells."""
    case = case_of(connector, Wanted(connector.Name), Read(inventory, complete=False))
    unknown = _LATER if inventory.accepted_domains else _LATER | {"domain-not-accepted"}
    return next((note.text for note in blocks(case) if note.id not in unknown), "")


def _word(connector: Connector) -> str:
    """What names it on the command line: names may stand twice, and hold what a shell takes for its own."""
    return f"connector:{connector.Guid}" if connector.Guid else f"connector:{connector.Name[:64]}"


def _no(why: str) -> FixNow:
    return FixNow(offered=False, why=why)
