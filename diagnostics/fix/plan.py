"""What is wanted + what was read → the plan of a fix: steps, reasons against it, warnings, what follows. Pure (contract 6)."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from diagnostics.called import named
from diagnostics.connectors.model import AcceptedDomain, Connector, Inventory
from diagnostics.connectors.source import Object, Value
from diagnostics.fix import cmdlet
from diagnostics.fix.blocks import blocks
from diagnostics.fix.case import Case, Read, Wanted, case_of
from diagnostics.fix.consequences import CHECKLIST, consequences, warnings
from diagnostics.fix.domains import domains_of, listing
from diagnostics.fix.model import Fix, FixNote, FixStep, Property, Reported
from diagnostics.model import ConnectorRef

__all__ = ["MOST_CHOICES", "MOST_IN_QUESTION", "Read", "Wanted", "changed", "in_question", "matching", "plan"]

MOST_IN_QUESTION = 100
"""Domains whose recipients and MX are read for one plan: each costs requests, and a tenant may have thousands."""

MOST_CHOICES = 100
"""Domains that are offered for choice; any other can still be named."""


def matching(word: str, inventory: Inventory) -> tuple[Connector, ...]:
    """The connectors that a word names: the one of that Guid, else all of that name; `connector:` before it is allowed."""
    text = word.strip()
    if text.lower().startswith("connector:"):
        text = text[len("connector:") :].strip()
    return named(text, inventory)


def in_question(connector: Connector, inventory: Inventory, chosen: Sequence[str]) -> tuple[AcceptedDomain, ...]:
    """Whose recipients and MX a plan must know. None while a choice among domains is open; at most MOST_IN_QUESTION."""
    return domains_of(connector, inventory, chosen).in_question[:MOST_IN_QUESTION]


def plan(wanted: Wanted, read: Read, *, id: str, requester: str, reason: str, created: datetime) -> Fix:
    """The fix as `planned`, or as `blocked` with every reason. `created`: UTC."""
    found = matching(wanted.connector, read.inventory)
    if len(found) != 1:
        note = _several(found) if found else _not_found(wanted, read)
        return Fix(id=id, state="blocked", connector=None, requester=requester, reason=reason, blocked=(note,), created=created)
    connector = found[0]
    case = case_of(connector, wanted, read)
    blocked = blocks(case)
    return Fix(
        id=id,
        state="blocked" if blocked else "planned",
        connector=ConnectorRef(name=connector.Name, guid=connector.Guid),
        requester=requester,
        reason=reason,
        steps=_steps(case),
        blocked=blocked,
        warnings=warnings(case),
        consequences=consequences(case),
        checklist=CHECKLIST,
        choices=tuple(d.DomainName for d in case.domains.relayed[:MOST_CHOICES]) if case.must_choose else (),
        read=_digest(case),
        created=created,
        by_name=wanted.by_name,
        basis="reported" if wanted.report else "seen-from-here" if wanted.refused else None,
        report=Reported(by=wanted.report.actor, at=wanted.report.at, line=wanted.report.line) if wanted.report else None,
    )


def changed(old: Fix, new: Fix) -> FixNote | None:
    """Contract 6's `changed-since-plan`, if what the two plans were made from differs in anything that matters."""
    if old.read == new.read:
        return None
    text = (
        "The connector, its domains, rules or recipients are no longer as they were when this was planned. Ask for the fix again."
    )
    return FixNote(id="changed-since-plan", text=text)


def _not_found(wanted: Wanted, read: Read) -> FixNote:
    known = listing([c.Name for c in read.inventory.connectors])
    way_out = f"Known are {known}." if known else "Name an export with --connectors, or give credentials for Exchange Online."
    return FixNote(id="connector-not-found", text=f"There is no connector {wanted.connector.strip()[:80]!r}. {way_out}")


def _several(found: Sequence[Connector]) -> FixNote:
    guids = [c.Guid or "(no Guid)" for c in found]
    if len(set(guids)) < len(found):
        text = f"{len(found)} connectors were read with the Guid {guids[0][:64]}. Read them anew, then ask again."
    else:
        text = f"{len(found)} connectors have the name {found[0].Name[:64]!r}. Say which by its Guid: {listing(guids, most=10)}."
    return FixNote(id="connector-ambiguous", text=text)


def _steps(case: Case) -> tuple[FixStep, ...]:
    domains = [_step("accepted-domain", d, "DomainType", d.DomainType or "", "Authoritative") for d in case.domains.turned]
    if not case.carries:
        return tuple(domains)
    return (*domains, _step("connector", case.connector, "Enabled", True, False))


def _step(kind: Object, record: Connector | AcceptedDomain, name: Property, before: Value, after: Value) -> FixStep:
    label = record.Name if isinstance(record, Connector) else record.DomainName
    try:
        line, said = cmdlet.write(kind, record.Guid, after), ""
    except cmdlet.Unprintable as fault:
        line, said = None, str(fault)
    return FixStep(
        object=kind, identity=record.Guid, name=label, property=name, before=before, after=after, cmdlet=line, said=said
    )


def _digest(case: Case) -> str:
    """SHA-256 over what the plan hangs on, not over times, nor over what only warnings hang on."""
    read, domains = case.read, case.domains
    facts = {
        "connector": _facts(case.connector),
        "domains": sorted(json.dumps(_facts(d), sort_keys=True) for d in (*domains.served, *domains.parents)),
        "turned": sorted(d.Guid for d in domains.turned),
        "rules": None if read.rules is None else sorted(case.rules),
        "mailboxes": read.has_mailboxes,
        "recipients": {d.DomainName.lower(): read.recipients.get(d.DomainName.lower()) for d in domains.in_question},
        "takers": {name: sorted(names) for name, names in case.takers.items()},
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _facts(record: Connector | AcceptedDomain) -> dict[str, object]:
    """A field that was not told is not the same as its default."""
    return record.model_dump(mode="json", exclude_unset=True)
