"""`ask`, `approve`, `reject`, `expire`: a second person says yes to a plan, and then it is done. Buttons and the clock say these.

Rights are looked at when somebody clicks, when a form is sent, and once more just before the first byte is written: a confirm
box or a hidden button is no right.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

from commands import fix_wording
from commands.command import Call, CommandError, Services
from commands.fix_support import as_planned, desk, find_fix, known_fix, make_plan, said_to, store_of, why_not, words_of
from commands.jobs import tell_when_over, verify_later
from commands.reply import Reply, Tell
from commands.request import Request
from diagnostics.fix import execute, ledger
from diagnostics.fix.plan import changed
from diagnostics.fix.record import Fix
from diagnostics.store import StoreUnavailable

BUSY = (0.1, 0.2, 0.4, 0.8)
"""Seconds between tries: somebody else's click holds the fix for a moment."""


async def ask(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """A plan of one's own is put before the approvers. Raises CommandError when that cannot be."""
    fix = await known_fix(call, services)
    if fix.state != "planned":
        return fix_wording.settled(fix, "ask", front=request.front)
    if request.actor.id != fix.requester:
        raise CommandError("Only the one who made this plan can put it before the approvers. Make one of your own.", exit_code=1)
    if _is_over(fix, services):
        return await _expired(fix, request, services)
    if services.fixes.approvals == 0:
        return await _approved(fix, request, services, tell)
    if not services.fixes.approvers:
        raise CommandError(fix_wording.nobody_may(), exit_code=1)
    asked = await _turn(fix, "asked", request, services, state="awaiting-approval", place=request.place)
    if asked is None:
        return await _as_it_is(fix, request, services)
    await tell_when_over(asked, services)
    return fix_wording.waiting(asked, services.fixes)


async def approve(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """One more person is for it; with the last one needed it is done. Raises CommandError for those who may not."""
    fix = await known_fix(call, services)
    if fix.state != "awaiting-approval":
        return fix_wording.settled(fix, "approve", front=request.front)
    if _is_over(fix, services):
        return await _expired(fix, request, services)
    if request.actor.id == fix.requester:
        await _refuse(fix, "You asked for it, so another person has to approve it.", request, services)
    if request.actor.id in fix.approvers and len(fix.approvers) < services.fixes.approvals:
        await _refuse(fix, "You have approved it already: one person counts once.", request, services)
    return await _approved(fix, request, services, tell)


async def reject(call: Call, request: Request, services: Services, _tell: Tell) -> Reply:
    """A listed approver, or the one who asked, is against it. Raises CommandError for those who may not."""
    fix = await known_fix(call, services)
    if fix.state != "awaiting-approval":
        return fix_wording.settled(fix, "reject", front=request.front)
    if request.actor.id != fix.requester and (why := await why_not(request.actor.id, services)):
        await _refuse(fix, why, request, services)
    gone = await _turn(fix, "rejected", request, services, state="rejected")
    return fix_wording.rejected(gone) if gone else await _as_it_is(fix, request, services)


async def expire(call: Call, request: Request, services: Services, _tell: Tell) -> Reply:
    """Nobody approved it in time. Nobody is told where that is no longer so."""
    fix = await known_fix(call, services)
    if fix.state != "awaiting-approval" or not _is_over(fix, services):
        return Reply("", audience="nobody")
    return await _expired(fix, request, services)


async def _approved(fix: Fix, request: Request, services: Services, tell: Tell) -> Reply:
    """The approval is recorded; with enough of them it is done."""
    if why := await why_not(request.actor.id, services):
        await _refuse(fix, why, request, services)
    recorded = await _turn(fix, "approved", request, services, approver=request.actor.id, place=fix.place or request.place)
    if recorded is None:
        return await _as_it_is(fix, request, services)
    if len(recorded.approvers) < services.fixes.approvals:
        return fix_wording.more_needed(recorded, services.fixes)
    return await _go(recorded, request, services, tell)


async def _go(fix: Fix, request: Request, services: Services, tell: Tell) -> Reply:
    """Look once more at the tenant, the server and the rights, then do it."""
    said = said_to(tell)
    domains = tuple(step.name for step in fix.steps if step.object == "accepted-domain")
    new = await make_plan(as_planned(fix, domains), request, services, said)
    note = changed(fix, new, words_of(services))
    if note or new.blocked:
        stopped = await _turn(fix, "blocked", request, services, state="blocked", blocked=(note,) if note else new.blocked)
        if stopped is None:
            return await _as_it_is(fix, request, services)
        return fix_wording.outcome(stopped, front=request.front, spent="Not done, though approved")
    gone = {person: why for person in fix.approvers if (why := await why_not(person, services))}
    if gone and (fewer := await _without(gone, fix, request, services)) is not None:
        return fewer
    done = await execute.do(fix, desk(services), actor=request.actor.id, tell=said)
    await verify_later(done, services)
    waits = done.state == "running" or done.kept in ("planned", "awaiting-approval")
    return fix_wording.outcome(done, front=request.front, spent="" if waits else "Approved")


async def _without(gone: Mapping[str, str], fix: Fix, request: Request, services: Services) -> Reply | None:
    """The approvals of those who may not approve any more are dropped, so that others can take their place.

    None: there are enough all the same. Raises CommandError where the one who clicked is among them.
    """
    left = await _turn(fix, f"no longer approved by {', '.join(gone)}"[:140], request, services, dropped=gone)
    if left is None:
        return await _as_it_is(fix, request, services)
    if why := gone.get(request.actor.id):
        raise CommandError(why, exit_code=1)
    if len(left.approvers) < services.fixes.approvals:
        return fix_wording.more_needed(left, services.fixes, gone)
    return None


async def _refuse(fix: Fix, why: str, request: Request, services: Services) -> NoReturn:
    """Raises CommandError. A refusal stands in the audit too."""
    await _turn(fix, f"refused: {why}"[:140], request, services)
    raise CommandError(why, exit_code=1)


def _is_over(fix: Fix, services: Services) -> bool:
    return fix.created is None or services.tools.instruments.now() >= fix.created + services.fixes.plan_ttl


async def _expired(fix: Fix, request: Request, services: Services) -> Reply:
    gone = await _turn(fix, "expired", request, services, state="expired")
    return fix_wording.expired(gone) if gone else await _as_it_is(fix, request, services)


async def _turn(
    fix: Fix,
    event: str,
    request: Request,
    services: Services,
    *,
    approver: str = "",
    dropped: Collection[str] = (),
    **update: Any,
) -> Fix | None:
    """One change of what waits, made by one process alone. None: it is no longer as it was. Raises CommandError."""
    store, now = store_of(services), services.tools.instruments.now
    try:
        for pause in (*BUSY, None):
            held = await ledger.take(store, fix.id, (fix.state,), actor=request.actor.id, now=now)
            if held is not None:
                approvers = dict.fromkeys((*held.fix.approvers, approver))
                update["approvers"] = tuple(person for person in approvers if person and person not in dropped)
                return await held.end(held.fix.model_copy(update=update), event)
            current = await ledger.find(store, fix.id, now(), words_of(services))
            if pause is None or current is None or current.state != fix.state:
                return None
            await asyncio.sleep(pause)
    except ledger.Lost:
        return None
    except StoreUnavailable as error:
        raise CommandError(
            f"The ledger cannot be reached now ({error}), so nothing was done. Click again.", exit_code=1
        ) from None
    return None


async def _as_it_is(fix: Fix, request: Request, services: Services) -> Reply:
    return fix_wording.settled(await find_fix(fix.id, services), "do", front=request.front)
