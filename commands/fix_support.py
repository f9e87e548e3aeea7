"""What the subcommands about fixes share: a plan made from the tenant as it is now, the ledger, the desk to do it at."""

import secrets
from collections.abc import Callable
from dataclasses import replace

from commands import fix_wording, on_record
from commands.command import APPROVE, Call, CommandError, Services
from commands.reply import Progress, Tell
from commands.request import Request
from commands.turns import asker_of
from diagnostics.connectors.connector import Inventory
from diagnostics.connectors.source import SourceError
from diagnostics.diagnose import diagnose
from diagnostics.findings import Reason
from diagnostics.fix import execute, ledger
from diagnostics.fix.notes import Say
from diagnostics.fix.plan import Wanted, matching, plan
from diagnostics.fix.read_tenant import read
from diagnostics.fix.record import Fix
from diagnostics.probes.dns import mail_hosts
from diagnostics.route import of_connector
from diagnostics.store import Store, StoreUnavailable

FIX = "f-"
"""What ids of fixes begin with."""

Said = Callable[[str], None]


async def make_plan(wanted: Wanted, request: Request, services: Services, said: Said, *, reason: str = "") -> Fix:
    """Read the tenant, check the connector afresh, and plan. Raises CommandError when the tenant cannot be read."""
    now = services.tools.instruments.now
    said("reading connectors, domains, rules and recipients")
    try:
        seen = await read(
            wanted, services.connectors, services.tenant, lambda d: mail_hosts(d, services.tools.instruments.resolver.ask)
        )
    except SourceError as error:
        raise CommandError(str(error)) from None
    wanted = replace(await _looked_at(wanted, seen.inventory, request, services, said), writable=services.admin is not None)
    id = FIX + secrets.token_hex(8)
    return plan(wanted, seen, id=id, requester=request.actor.id, reason=reason, created=now(), say=words_of(services))


async def _looked_at(wanted: Wanted, inventory: Inventory, request: Request, services: Services, said: Said) -> Wanted:
    """With what a fresh check of the connector shows, and what Microsoft 365 reported of it."""
    found = matching(wanted.connector, inventory)
    if len(found) != 1:
        return wanted
    said(f"checking {found[0].Name} afresh")
    target = of_connector(found[0], found[0].Name)
    checked = await diagnose((target,), inventory, services.tools, lambda *_: None, asker=asker_of(request), fresh=True)
    (result,) = checked.results
    good = next((p for p in result.paths if p.verdict == "healthy"), None)
    return replace(
        wanted,
        answers=f"{good.host} [{good.address}]" if good else None,
        refused=result.verdict == "failing" and all(p.reason is Reason.TCP_REFUSED for p in result.paths),
        report=await on_record.report_of(found[0].Guid, services),
    )


def as_planned(fix: Fix, domains: tuple[str, ...]) -> Wanted:
    """What is asked for when a fix that was planned before is planned anew."""
    return Wanted(f"connector:{fix.connector.guid if fix.connector else ''}", domains, by_name=fix.by_name)


async def why_not(person: str, services: Services, what: str = APPROVE) -> str | None:
    """Why this person may not, asked afresh; None: they may. `what` takes an approver."""
    if services.approvers is None or not services.fixes.approvers:
        return fix_wording.nobody_may(what)
    return await services.approvers.why_not(person, what)


async def known_fix(call: Call, services: Services) -> Fix:
    """The fix of the id that was given. Raises CommandError."""
    if len(call.words) != 1:
        raise CommandError(f"Name one fix. Usage: {call.command.usage}")
    return await find_fix(call.words[0], services)


async def find_fix(id: str, services: Services) -> Fix:
    """The fix of that id. Raises CommandError."""
    try:
        fix = await ledger.find(store_of(services), id, services.tools.instruments.now(), words_of(services))
    except StoreUnavailable as error:
        raise CommandError(f"The ledger cannot be read now: {error}. Nothing was changed.", exit_code=1) from None
    if fix is None:
        raise CommandError(f"There is no fix {id[:40]!r} in this ledger. The command fixes lists them.")
    return fix


def words_of(services: Services) -> Say:
    """What says of a fix whatever is said of it."""
    return services.tools.catalogue.fixing.say


def store_of(services: Services) -> Store:
    """Raises CommandError where there is none."""
    if services.store is None:
        raise CommandError("Fixes need a ledger: name a database with MAILFLOW_DATABASE_URL.")
    return services.store


def desk(services: Services) -> execute.Desk:
    """Raises CommandError when there is no ledger. Whoever comes here has seen that there are credentials."""
    if services.tenant is None or services.admin is None:
        raise CommandError("There are no credentials to write with: set MAILFLOW_EXCHANGE_FIX_CLIENT_ID and its secret.")
    now = services.tools.instruments.now
    return execute.Desk(store_of(services), services.tenant, services.admin, now, words_of(services), services.fixes.verify_after)


def said_to(tell: Tell) -> Said:
    done = 0

    def said(text: str) -> None:
        nonlocal done
        tell(Progress(done, 0, text))
        done += 1

    return said
