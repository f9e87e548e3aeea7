"""`fixes`: what was changed in the tenant, by whom, when and why: the ledger and its audit."""

import json
from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from commands import fix_wording
from commands.command import Call, CommandError, Services
from commands.planning import store_of
from commands.reply import Item, Reply, Section, Tell
from commands.request import Request
from diagnostics.fix import ledger
from diagnostics.fix.model import Fix, Utc
from diagnostics.model import Frozen
from diagnostics.store import AuditEntry, Store, StoreUnavailable

SHOWN = 20
PAGE = 500


class AuditLine(Frozen):
    """A line of the audit. `detail` is what was written then: the state, and the whole plan or the one step."""

    fix: str
    at: Utc
    actor: str
    event: str
    detail: dict[str, Any]


class Audit(Frozen):
    """The document of `fixes --json`: every fix, newest first, and every line of the audit, oldest first."""

    schema_: Literal["mailflow/fixes/1"] = Field("mailflow/fixes/1", alias="schema")
    fixes: tuple[Fix, ...]
    audit: tuple[AuditLine, ...]

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


async def run(call: Call, _request: Request, services: Services, _tell: Tell) -> Reply:
    """Raises CommandError where there is no ledger, or when it cannot be read."""
    store, as_json = store_of(services), call.has("--json")
    try:
        fixes = await _fixes(store, services.tools.instruments.now(), everything=as_json)
        lines = await _audit(store) if as_json else ()
    except StoreUnavailable as error:
        raise CommandError(f"The ledger cannot be read now: {error}.", exit_code=1) from None
    document = Audit(fixes=fixes, audit=lines)
    if not fixes:
        return Reply("No fix was made here.", document=document, as_json=as_json)
    rows = tuple(_row(fix) for fix in fixes[:SHOWN])
    more = (Item("Older ones: fixes --json"),) if len(fixes) > SHOWN else ()
    sections = (Section("", rows, "bullets"), *((Section("", more),) if more else ()))
    count = f"{len(rows)} fix{'es' if len(rows) != 1 else ''}, newest first"
    return Reply(count, sections=sections, document=document, as_json=as_json)


def _row(fix: Fix) -> Item:
    when = f"{fix.created:%Y-%m-%d %H:%M} UTC" if fix.created else ""
    why = f": {fix.reason}" if fix.reason else ""
    approved = f", approved by {', '.join(fix.approvers)}" if fix.approvers else ""
    return Item(fix_wording.line(fix), notes=(f"{when}, asked by {fix.requester}{approved}{why}",))


async def _fixes(store: Store, now: datetime, *, everything: bool) -> tuple[Fix, ...]:
    """Newest first; one more than are shown, or all. Raises StoreUnavailable."""
    rows = await store.fixes(limit=PAGE if everything else SHOWN + 1)
    while everything and len(rows) % PAGE == 0 and rows:
        page = await store.fixes(limit=PAGE, before=rows[-1])
        if not page:
            break
        rows += page
    return tuple(ledger.seen(row, now) for row in rows)


async def _audit(store: Store) -> tuple[AuditLine, ...]:
    found: list[AuditEntry] = []
    while page := await store.audit(limit=PAGE, offset=len(found)):
        found += page
    return tuple(AuditLine(fix=e.fix, at=e.at, actor=e.actor, event=e.event, detail=json.loads(e.detail)) for e in found)
