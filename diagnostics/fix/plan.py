"""What is wanted + what was read → the plan of a fix: steps, reasons against it, warnings, what follows. Pure (contract 6)."""

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from diagnostics.called import named
from diagnostics.catalogue.fixing import Objection, Topic
from diagnostics.connectors.connector import AcceptedDomain, Connector, Inventory
from diagnostics.connectors.source import Object, Value
from diagnostics.fix import cmdlet
from diagnostics.fix.consequences import CHECKLIST, consequences, warnings
from diagnostics.fix.domains import domains_of
from diagnostics.fix.facts import Case, Read, Wanted, case_of
from diagnostics.fix.notes import Note, Say, fix_note, listing, note, worded
from diagnostics.fix.objections import blocks
from diagnostics.fix.record import Fix, FixNote, FixStep, Property, Reported
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


def plan(wanted: Wanted, read: Read, *, id: str, requester: str, reason: str, created: datetime, say: Say) -> Fix:
    """The fix as `planned`, or as `blocked` with every reason, in the words of `say`. `created`: UTC."""
    found = matching(wanted.connector, read.inventory)
    if len(found) != 1:
        why = (fix_note(_several(found) if found else _not_found(wanted, read), say),)
        return Fix(id=id, state="blocked", connector=None, requester=requester, reason=reason, blocked=why, created=created)
    connector = found[0]
    case = case_of(connector, wanted, read)
    blocked = tuple(fix_note(objection, say) for objection in blocks(case))
    return Fix(
        id=id,
        state="blocked" if blocked else "planned",
        connector=ConnectorRef(name=connector.Name, guid=connector.Guid),
        requester=requester,
        reason=reason,
        steps=_steps(case),
        blocked=blocked,
        warnings=tuple(fix_note(caution, say) for caution in warnings(case)),
        consequences=tuple(worded(consequence, say) for consequence in consequences(case)),
        checklist=tuple(worded(point, say) for point in CHECKLIST),
        choices=tuple(d.DomainName for d in case.domains.relayed[:MOST_CHOICES]) if case.must_choose else (),
        read=_digest(case),
        created=created,
        by_name=wanted.by_name,
        basis="reported" if wanted.report else "seen-from-here" if wanted.refused else None,
        report=Reported(by=wanted.report.actor, at=wanted.report.at, line=wanted.report.line) if wanted.report else None,
    )


def changed(old: Fix, new: Fix, say: Say) -> FixNote | None:
    """Contract 6's `changed-since-plan`, if what the two plans were made from differs in anything that matters."""
    return None if old.read == new.read else fix_note(note(Objection.CHANGED_SINCE_PLAN, "tenant"), say)


def _not_found(wanted: Wanted, read: Read) -> Note:
    known = listing([c.Name for c in read.inventory.connectors])
    word = repr(wanted.connector.strip()[:80])
    return note(Objection.CONNECTOR_NOT_FOUND, "known" if known else "none-known", word=word, names=known)


def _several(found: Sequence[Connector]) -> Note:
    guids = [c.Guid or note(Topic.PART, "no-guid") for c in found]
    if len({c.Guid for c in found}) < len(found):
        guid = guids[0] if isinstance(guids[0], Note) else guids[0][:64]
        return note(Objection.CONNECTOR_AMBIGUOUS, "same-guid", count=len(found), guid=guid)
    name = repr(found[0].Name[:64])
    return note(Objection.CONNECTOR_AMBIGUOUS, "same-name", count=len(found), name=name, guids=listing(guids, most=10))


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
