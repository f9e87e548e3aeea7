"""What mailflow's own records add to a result: since when a connector is off, by which fix. Without a store they add nothing."""

import logging

from commands.command import Services
from diagnostics.findings import Reason
from diagnostics.fix import ledger
from diagnostics.model import Result, SwitchedOff
from diagnostics.store import Store, StoreUnavailable

log = logging.getLogger("mailflow")

LATEST = 5
"""Fixes of a connector that are looked through: the newest that is done says who switched it off."""


async def add(result: Result, services: Services) -> Result:
    """The result with what the store knows. A store that is away is no reason to say nothing."""
    store, guid = services.store, result.connector.guid if result.connector else ""
    if store is None or not guid:
        return result
    try:
        if result.reason is Reason.CONNECTOR_DISABLED:
            return result.model_copy(update={"switched_off": await _switched_off(guid, store)})
    except StoreUnavailable as error:
        log.warning("the records of a connector could not be read: %s", error)
    return result


async def _switched_off(guid: str, store: Store) -> SwitchedOff | None:
    """The last fix that switched the connector off and was not taken back. Raises StoreUnavailable."""
    for row in await store.fixes(guid=guid, states=ledger.CHANGED, limit=LATEST):
        fix = ledger.load(row)
        if any(step.object == "connector" and step.state == "done" for step in fix.steps):
            events = await store.audit(fix.id)
            at = next((entry.at for entry in reversed(events) if entry.event == "done"), row.created)
            people = tuple(dict.fromkeys(person for person in (fix.requester, *fix.approvers) if person))
            return SwitchedOff(fix=fix.id, at=at, people=people, reason=fix.reason)
    return None
