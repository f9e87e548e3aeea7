"""`fix`, `undo`, `resume`: what would be changed in the tenant; with `--yes`, in the terminal, changed."""

from typing import Protocol

from commands import fix_wording
from commands.command import Call, CommandError, Services
from commands.fix_support import FIX, Said, as_planned, desk, find_fix, known_fix, make_plan, said_to, store_of, why_not, words_of
from commands.jobs import settle_jobs
from commands.reply import Reply, Tell
from commands.request import Request
from diagnostics.fix import execute, ledger
from diagnostics.fix.consequences import GONE_FOR_GOOD
from diagnostics.fix.follow_up_plan import resuming, undoing
from diagnostics.fix.notes import Say, worded
from diagnostics.fix.plan import Wanted
from diagnostics.fix.record import Fix
from diagnostics.model import Result
from diagnostics.store import DoesNotFit, StoreUnavailable

MAX_REASON = 500
MAX_NAME = 80


class Left(Protocol):
    def __call__(self, fix: Fix, *, writable: bool, say: Say) -> Fix | None: ...


class Work(Protocol):
    async def __call__(self, fix: Fix, desk: execute.Desk, *, actor: str, tell: Said) -> Fix: ...


async def run(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """The plan of contract 6; done with `--yes`, or made ready to be asked for. Raises CommandError for what cannot be read."""
    sure, as_json = _sure(call, request, services), call.has("--json")
    if sure and request.front == "terminal" and not call.has("--gone-for-good"):
        statement = worded(GONE_FOR_GOOD, words_of(services))
        raise CommandError(f"--yes wants --gone-for-good beside it, which states: {statement} Nothing was changed.")
    said = said_to(tell)
    wanted = await _wanted(call, services)
    fix = await make_plan(wanted, request, services, said, reason=_reason(call))
    if request.front == "terminal":
        if sure and fix.state == "planned":
            fix = fix.model_copy(update={"statement": worded(GONE_FOR_GOOD, words_of(services))})
            return fix_wording.outcome(await _do(fix, request, services, said), front=request.front, as_json=as_json)
        return fix_wording.plan(fix, as_json=as_json, front=request.front, asked=wanted.connector[:MAX_NAME])
    if not _can_be_asked(fix) or as_json:
        return fix_wording.plan(fix, as_json=as_json, front=request.front, asked=wanted.connector[:MAX_NAME])
    if fix.reason and fix.state == "planned":
        await _keep(fix, request, services)
        return fix_wording.to_be_asked(fix, services.fixes)
    again = call.value("--again")
    if again is None:
        await _keep(fix, request, services)
    return fix_wording.to_be_reasoned(fix, again or fix.id, services.fixes, clicked=request.clicked)


def _can_be_asked(fix: Fix) -> bool:
    """Whether all that is missing is a choice that a form can ask for."""
    return fix.state == "planned" or (bool(fix.choices) and all(note.id == "domain-not-chosen" for note in fix.blocked))


async def undo(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """What undo would put back; put back with `--yes`. Raises CommandError for an id that is not known."""
    return await _go_on(call, request, services, tell)


async def resume(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """What is left to do; done with `--yes`. Raises CommandError for an id that is not known."""
    return await _go_on(call, request, services, tell)


_LEFT: dict[str, Left] = {"undo": undoing, "resume": resuming}
_WORK: dict[str, Work] = {"undo": execute.undo, "resume": execute.resume}


async def _go_on(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    verb = call.command.name
    fix = await known_fix(call, services)
    if verb == "undo":
        await _is_the_last(fix, request, services)
    sure, as_json = _sure(call, request, services), call.has("--json")
    preview = _LEFT[verb](fix, writable=services.admin is not None, say=words_of(services))
    if preview is None:
        return fix_wording.settled(fix, verb, front=request.front, as_json=as_json)
    if sure and preview.state == "planned":
        await _may(verb, request, services)
        fix = await _WORK[verb](fix, desk(services), actor=request.actor.id, tell=said_to(tell))
        await settle_jobs(fix, services)
        return fix_wording.turned(fix, verb, front=request.front, as_json=as_json)
    return fix_wording.preview(verb, preview, as_json=as_json, front=request.front)


async def _is_the_last(fix: Fix, request: Request, services: Services) -> None:
    """Raises CommandError where another fix came later: taken back first, this one would put that one's values away unseen."""
    try:
        later = await ledger.later(store_of(services), fix)
    except StoreUnavailable as error:
        raise CommandError(f"The ledger cannot be read now: {error}. Nothing was changed.", exit_code=1) from None
    if later and fix.state in ledger.CHANGED:
        first = fix_wording.typed(request.front, f"undo {later}")
        raise CommandError(f"The fix {later} changed this connector later. Take that one back first: {first}", exit_code=1)


async def _may(verb: str, request: Request, services: Services) -> None:
    """In Slack it takes one listed approver, who may be the one who asked for the fix. Raises CommandError."""
    if request.front != "terminal" and (why := await why_not(request.actor.id, services, f"{verb} this fix")):
        raise CommandError(why, exit_code=1)


async def _wanted(call: Call, services: Services) -> Wanted:
    """Raises CommandError."""
    domains = call.options.get("--domain", ())
    again = call.value("--again")
    if again is None:
        if not call.words:
            raise CommandError(f"Name one connector. Usage: {call.command.usage}")
        return Wanted(" ".join(call.words), domains)
    if call.words:
        raise CommandError("--again takes the connector of a result, so it takes no name beside it.")
    if again.startswith(FIX):
        return as_planned(await find_fix(again, services), domains)
    stored = await services.memory.find(again)
    found = Result.model_validate_json(stored.document) if stored.document else None
    if found is None or found.connector is None:
        raise CommandError("That result is of no known connector, so there is none to switch off.", exit_code=1)
    return Wanted(found.connector.guid or found.connector.name, domains, by_name=False)


async def _do(fix: Fix, request: Request, services: Services, said: Said) -> Fix:
    try:
        await _keep(fix, request, services, event="planned")
    except CommandError as error:
        return execute.refused(fix, str(error))
    return await execute.do(fix, desk(services), actor=request.actor.id, tell=said)


async def _keep(fix: Fix, request: Request, services: Services, event: str = "") -> None:
    """The plan goes into the ledger, and into the audit where it is to be done. Raises CommandError."""
    store, now = store_of(services), services.tools.instruments.now()
    try:
        await ledger.add(store, fix, actor=request.actor.id, event=event, now=now)
    except StoreUnavailable as error:
        said = f"The ledger cannot be written ({error}), and without it nothing is: nothing was changed."
        raise CommandError(said, exit_code=1) from None
    except DoesNotFit as error:
        raise CommandError(f"This plan is too large for the ledger ({error}): choose fewer domains.", exit_code=1) from None


def _sure(call: Call, request: Request, services: Services) -> bool:
    """Whether `--yes` was given. Raises CommandError where it is not taken."""
    if call.has("--yes") and request.front == "terminal" and not services.fixes.terminal:
        raise CommandError("MAILFLOW_FIX_TERMINAL is off, so --yes is not taken here: ask for the fix in Slack.")
    return call.has("--yes")


def _reason(call: Call) -> str:
    return (call.value("--reason") or "")[:MAX_REASON]
