"""`fixes`: what was changed in the tenant, by whom, when and why: the ledger and its audit."""

import json
from collections.abc import AsyncIterator
from datetime import datetime

from commands import fix_wording
from commands.command import Call, CommandError, Services
from commands.fix_support import store_of, words_of
from commands.reply import Item, Reply, Section, Tell
from commands.request import Request
from diagnostics.fix import ledger
from diagnostics.fix.notes import Say
from diagnostics.fix.record import Audit, AuditLine, Fix
from diagnostics.store import AuditEntry, Store, StoredFix, StoreUnavailable

SHOWN = 20
PAGE = 100


async def run(call: Call, request: Request, services: Services, _tell: Tell) -> Reply:
    """Raises CommandError where there is no ledger, or when it cannot be read."""
    store, as_json, now = store_of(services), call.has("--json"), services.tools.instruments.now()
    say = words_of(services)
    try:
        return await (_document(store, now, say) if as_json else _list(store, now, request, say))
    except StoreUnavailable as error:
        raise CommandError(f"The ledger cannot be read now: {error}.", exit_code=1) from None


async def _document(store: Store, now: datetime, say: Say) -> Reply:
    """Raises StoreUnavailable."""
    fixes = [ledger.seen(row, now, say) async for row in _rows(store)]
    return Reply("The audit of fixes", document=Audit(fixes=tuple(fixes), audit=await _audit(store)), as_json=True)


async def _list(store: Store, now: datetime, request: Request, say: Say) -> Reply:
    """What was asked for or made: a plan that was only looked at is nobody's news. Raises StoreUnavailable."""
    fixes: list[Fix] = []
    async for row in _rows(store):
        if row.state != "planned":
            fixes.append(ledger.seen(row, now, say))
        if len(fixes) > SHOWN:
            break
    if not fixes:
        return Reply("No fix was made here.")
    shown = [await _section(fix, store) for fix in fixes[:SHOWN]]
    older = Section("", (Item(f"Older ones: {fix_wording.typed(request.front, 'fixes --json')}"),))
    count = f"{len(shown)} fix{'es' if len(shown) != 1 else ''}, newest first"
    return Reply(count, sections=(*shown, *((older,) if len(fixes) > SHOWN else ())))


async def _section(fix: Fix, store: Store) -> Section:
    """One fix and whoever had a part in it. Raises StoreUnavailable."""
    back = await _last(fix, "undone", store) if fix.state == "undone" else None
    items = (
        Item(f"Asked for {_moment(fix.created)} by" if fix.created else "Asked for by", people=(fix.requester,)),
        *((Item(f"Reason: {fix.reason}"),) if fix.reason else ()),
        *((Item("Approved by", people=fix.approvers),) if fix.approvers else ()),
        *((Item(f"Taken back {_moment(back.at)} by", people=(back.actor,)),) if back else ()),
    )
    return Section(fix_wording.line(fix), items, "bullets")


async def _last(fix: Fix, event: str, store: Store) -> AuditEntry | None:
    """Raises StoreUnavailable."""
    return next((entry for entry in reversed(await store.audit(fix.id)) if entry.event == event), None)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


async def _rows(store: Store) -> AsyncIterator[StoredFix]:
    """Every fix, newest first. Raises StoreUnavailable."""
    page = await store.fixes(limit=PAGE)
    while page:
        for row in page:
            yield row
        page = await store.fixes(limit=PAGE, before=page[-1]) if len(page) == PAGE else []


async def _audit(store: Store) -> tuple[AuditLine, ...]:
    found: list[AuditEntry] = []
    while page := await store.audit(limit=PAGE, offset=len(found)):
        found += page
    return tuple(AuditLine(fix=e.fix, at=e.at, actor=e.actor, event=e.event, detail=json.loads(e.detail)) for e in found)
