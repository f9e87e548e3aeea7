"""`fix_now` of a check's result: whether Fix now is offered, and why or why not. Pure (contract 3).

An offer is no plan: what it leads to reads the tenant and checks the server again. So paths seen within the last seconds do,
and an inventory without accepted domains does not hinder it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from diagnostics.catalogue.fixing import Objection, Topic
from diagnostics.connectors.connector import Connector, Inventory
from diagnostics.findings import Reason, Warn
from diagnostics.fix.facts import Read, Wanted, case_of
from diagnostics.fix.notes import Fact, Note, Say, note, worded
from diagnostics.fix.objections import blocks
from diagnostics.judge import Judged
from diagnostics.model import FixNow, Verdict
from diagnostics.probes.control import Control
from diagnostics.route import whole
from diagnostics.target import Target

_LATER = frozenset({Objection.DOMAIN_NOT_CHOSEN, Objection.NOT_WRITABLE})
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


def offer(seen: Seen, inventory: Inventory, say: Say) -> FixNow:
    """Offered where everything says that the server is gone, and nothing that is known stands against the fix."""
    offered, why = _offer(seen, inventory)
    return FixNow(offered=offered, basis="seen-from-here" if offered else None, why=worded(why, say))


def _offer(seen: Seen, inventory: Inventory) -> tuple[bool, Note]:
    connector = seen.target.connector
    if seen.verdict == "healthy":
        return False, note(Topic.OFFER, "healthy")
    if connector is None:
        return False, note(Topic.OFFER, "no-connector")
    against = _other_fault(seen, connector) or _not_all_seen(seen, connector) or _blocked(connector, inventory)
    return against is None, against or note(Topic.OFFER, "offered", **_named(connector))


def _other_fault(seen: Seen, connector: Connector) -> Note | None:
    if connector.is_partner:
        return note(Topic.OFFER, "partner")
    if seen.reason is Reason.CONNECTOR_DISABLED:
        return note(Topic.OFFER, "off", **_named(connector))
    if seen.verdict == "degraded":
        return note(Topic.OFFER, "degraded")
    if seen.verdict == "unknown":
        return note(Topic.OFFER, "unknown")
    if seen.reason is not Reason.TCP_REFUSED:
        return note(Topic.OFFER, "other-reason")
    return None


def _not_all_seen(seen: Seen, connector: Connector) -> Note | None:
    """Something about the connector that is not known to refuse connections."""
    all_of_it = whole(connector, connector.Name)
    asked, listed = ({d.name for d in target.destinations} for target in (seen.target, all_of_it))
    if any(p.tested and p.reason is not Reason.TCP_REFUSED for p in seen.paths):
        return note(Topic.OFFER, "other-path")
    if not all(p.tested for p in seen.paths) or any(f.tag in _UNCOUNTED for p in seen.paths for f in p.evidence.findings):
        return note(Topic.OFFER, "not-tested")
    if all_of_it.left_out or all_of_it.settled:
        return note(Topic.OFFER, "too-much", **_named(connector))
    if missing := listed - asked:
        return note(Topic.OFFER, "part", missing=len(missing), count=len(listed), **_named(connector))
    if seen.is_controlled and (seen.control is None or seen.control.state != "answers"):
        return note(Topic.OFFER, "control")
    return None


def _blocked(connector: Connector, inventory: Inventory) -> Note | None:
    """The first of contract 6's reasons against a fix, as far as the inventory tells."""
    case = case_of(connector, Wanted(connector.Name), Read(inventory, complete=False))
    unknown = _LATER if inventory.accepted_domains else _LATER | {Objection.DOMAIN_NOT_ACCEPTED}
    return next((objection for objection in blocks(case) if objection.key not in unknown), None)


def _named(connector: Connector) -> dict[str, Fact]:
    """Its name, and the word for it on the command line: names may stand twice, and hold what a shell takes for its own."""
    name = connector.Name[:64]
    return {"connector": name, "word": f"connector:{connector.Guid or name}"}
