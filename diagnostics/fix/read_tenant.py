"""Reads what a plan is made from: the tenant as it is now, never as it was a while ago."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from diagnostics.catalogue.fixing import Topic
from diagnostics.connectors.connector import AcceptedDomain
from diagnostics.connectors.source import ConnectorSource, SourceError, Tenant
from diagnostics.fix.notes import note
from diagnostics.fix.plan import Read, Wanted, in_question, matching

AT_ONCE = 4
"""Questions about domains: Exchange Online slows down who asks faster."""

MailHosts = Callable[[str], Awaitable[tuple[str, ...] | None]]
"""The MX hosts of a domain, none when it has none; None when that cannot be told."""

_T = TypeVar("_T")


async def read(wanted: Wanted, source: ConnectorSource, tenant: Tenant | None, mail_hosts: MailHosts) -> Read:
    """Raises SourceError when not even connectors and domains can be had; what else is missing is told in `unread`."""
    inventory = await (tenant.fresh() if tenant else source.read())
    connectors = matching(wanted.connector, inventory)
    domains = in_question(connectors[0], inventory, wanted.domains) if len(connectors) == 1 else ()
    mx = await _by_domain(domains, mail_hosts)
    if tenant is None:
        how = "not-in-export" if inventory.source else "not-in-what-was-read"
        unread = (note(Topic.PART, how, source=inventory.source),)
        return Read(inventory, complete=False, mx=mx, unread=unread)
    why: list[str] = []
    rules = await _or_why(tenant.rules(), why)
    mailboxes = await _or_why(tenant.has_mailboxes(), why)

    async def recipients(domain: str) -> int | None:
        return await _or_why(tenant.on_premises_recipients(domain), why)

    return Read(inventory, True, rules, mailboxes, await _by_domain(domains, recipients), mx, tuple(why))


async def _by_domain(domains: Sequence[AcceptedDomain], question: Callable[[str], Awaitable[_T | None]]) -> dict[str, _T]:
    """The answers by DomainName in lower case; those that could not be told are missing."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def ask(domain: AcceptedDomain) -> tuple[str, _T | None]:
        async with gate:
            return domain.DomainName.lower(), await question(domain.DomainName)

    return {name: told for name, told in await asyncio.gather(*map(ask, domains)) if told is not None}


async def _or_why(question: Awaitable[_T], why: list[str]) -> _T | None:
    try:
        return await question
    except SourceError as error:
        if str(error) not in why:
            why.append(str(error))
        return None
