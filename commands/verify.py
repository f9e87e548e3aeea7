"""`verify`: look again at a fix that was done: are the values still as set, and where does the mail go now? The clock says it."""

from collections.abc import Sequence

from commands import fix_wording
from commands.command import Call, Services
from commands.fix_support import known_fix
from commands.reply import Item, Reply, Tell
from commands.request import Request
from diagnostics.connectors.connector import Inventory
from diagnostics.connectors.source import SourceError, Tenant
from diagnostics.diagnose import diagnose
from diagnostics.fix.record import FixStep
from diagnostics.net.names import is_microsoft
from diagnostics.probes.dns import mail_hosts
from diagnostics.route import TargetFault, route

MOST = 5
"""Domains that are checked in one look."""


async def run(call: Call, _request: Request, services: Services, _tell: Tell) -> Reply:
    """What is seen now; nobody is told of a fix that is no longer done. Raises CommandError for an id that is not known."""
    fix = await known_fix(call, services)
    if fix.state != "done" or services.tenant is None:
        return Reply("", audience="nobody")
    values, good = await _values(fix.steps, services.tenant)
    domains = [step.name for step in fix.steps if step.object == "accepted-domain"][:MOST]
    mail = await _mail(domains, services.tenant, services)
    waiting = await _waiting(domains, services.tenant)
    last = not fix.verify_at or services.tools.instruments.now() >= fix.verify_at[-1]
    return fix_wording.verified(fix, (*values, *mail, *waiting), good=good, last=last)


async def _values(steps: Sequence[FixStep], tenant: Tenant) -> tuple[list[Item], bool | None]:
    """Whether they are as set; None: not all could be read."""
    items: list[Item] = []
    good: bool | None = True
    for step in steps:
        try:
            seen = await tenant.value(step.object, step.identity)
        except SourceError as error:
            items.append(Item(f"{step.name}: could not be read: {error}", tag="could not tell"))
            good = None if good else good
            continue
        if seen == step.after:
            items.append(Item(f"{step.name}: {step.property} is {fix_wording.shown(seen)}", tag="as set"))
        else:
            as_set = f"and was set to {fix_wording.shown(step.after)}"
            items.append(Item(f"{step.name}: {step.property} is {fix_wording.shown(seen)}, {as_set}", tag="changed"))
            good = False
    return items, good


async def _mail(domains: Sequence[str], tenant: Tenant, services: Services) -> list[Item]:
    """Which way mail for the domains takes from here on: by another connector, which is checked, or by the MX."""
    try:
        inventory = await tenant.fresh()
        return [await _way(domain, inventory, services) for domain in domains]
    except (SourceError, TargetFault) as error:
        return [Item(f"The way of the mail could not be checked: {error}", tag="could not tell")]


async def _way(domain: str, inventory: Inventory, services: Services) -> Item:
    (target,) = route((f"domain:{domain}",), inventory)
    if target.connector is not None:
        seen = await diagnose((target,), inventory, services.tools, lambda *_: None, fresh=True)
        other = f"{domain}: what does not stay in Exchange Online leaves by {target.connector.Name}"
        return Item(f"{other}: {seen.results[0].summary}", tag="mail")
    hosts = await mail_hosts(domain, services.tools.instruments.resolver.ask)
    if hosts is None:
        return Item(f"{domain}: no connector carries its mail; its MX could not be looked up", tag="could not tell")
    if not any(hosts):  # a null MX is a host without a name (RFC 7505)
        said = f"{domain}: no connector carries its mail any more, and it has no MX, so nobody outside can send to it"
        return Item(said, tag="mail")
    where = ", ".join(hosts[:3])
    inside = all(map(is_microsoft, hosts))
    outside = "" if inside else ", outside Exchange Online: mail from elsewhere goes there first"
    return Item(f"{domain}: no connector carries its mail any more, its MX is {where}{outside}", tag="mail")


async def _waiting(domains: Sequence[str], tenant: Tenant) -> list[Item]:
    if not domains:
        return []
    try:
        # one reading for all of them: Microsoft allows a tenant few, and shares them out among all programs
        counts = await tenant.pending(domains)
    except SourceError as error:
        said = f"still waits could not be read: {error}"
        return [Item(f"Whether mail for {domain} {said}", tag="queue") for domain in domains]
    return [Item(_queue(domain, count), tag="queue") for domain, count in zip(domains, counts, strict=True)]


def _queue(domain: str, count: int) -> str:
    left = "none waits" if not count else f"{count} message{'s' if count != 1 else ''} still wait{'s' if count == 1 else ''}"
    return f"{domain}: of the mail of the last 24 hours {left}"
