"""What mailflow's own records add to a result: since when a connector is off, what Microsoft reported.

Without a store they add nothing.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from commands.command import Services
from diagnostics.findings import Reason
from diagnostics.fix import ledger
from diagnostics.model import Result, SwitchedOff
from diagnostics.store import MAX_WORD, DoesNotFit, Report, Store, StoreUnavailable

log = logging.getLogger("mailflow")

COUNTS = timedelta(days=1)
"""Contract 3: how long a report that was explained here counts."""

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
        if result.fix_now.offered and await _report(guid, services):
            return result.model_copy(update={"fix_now": result.fix_now.model_copy(update={"basis": "reported"})})
    except StoreUnavailable as error:
        log.warning("the records of a connector could not be read: %s", error)
    return result


async def report_of(guid: str, services: Services) -> Report | None:
    """Microsoft's own report of a refused connection for that connector, if one was explained here within a day."""
    try:
        return await _report(guid, services)
    except StoreUnavailable as error:
        log.warning("the reports of a connector could not be read: %s", error)
        return None


async def keep_reports(reports: Iterable[tuple[str, str]], actor: str, services: Services) -> None:
    """Guid and line of each 450 4.4.316 that somebody explained. A store that is away loses them, and no answer hangs on it."""
    for guid, line in reports:
        if services.store is None or not guid:
            continue
        try:
            await services.store.keep_report(Report(guid, services.tools.instruments.now(), actor, line[:MAX_WORD]))
        except (StoreUnavailable, DoesNotFit) as error:
            log.warning("a report was not stored: %s", error)


async def _report(guid: str, services: Services) -> Report | None:
    """Raises StoreUnavailable."""
    if services.store is None or not guid:
        return None
    return await services.store.report(guid, since=services.tools.instruments.now() - COUNTS)


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
