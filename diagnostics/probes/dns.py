"""The step `dns`: one destination → the addresses that Exchange Online would try, in its order, or why there are none.

Exchange Online looks for MX records of a smart host's name first and takes A and AAAA only without them; lower preferences
first, within one preference all IPv6 before all IPv4 (Microsoft: "Outbound Connector Smart Host Behavior", IPv6 2024-10).
"""

import asyncio
import ipaddress
import socket
from dataclasses import replace

from diagnostics.findings import Clue, Finding, Reason, Trace, Warn
from diagnostics.net.names import Address, NameFault, host
from diagnostics.probes import dns64
from diagnostics.probes.endpoint import Endpoint, Found, Lookup
from diagnostics.probes.exchanges import MAX_MX, Exchanges, exchanges
from diagnostics.probes.loops import looped
from diagnostics.probes.no_address import REASONS, failed, no_address, nxdomain
from diagnostics.probes.policy_records import policies
from diagnostics.probes.resolver import Answer, Status
from diagnostics.probes.slots import RUN
from diagnostics.target import Destination

__all__ = ["MAX_ADDRESSES", "MAX_MX", "NAMED", "Endpoint", "Found", "Lookup", "Lookups", "has_mx", "mail_hosts", "resolve"]

MAX_ADDRESSES = 32
"""Of one family and host that are looked at; which of them are dialled is decided in probes/choosing.py."""

AT_ONCE = 8
"""Mail hosts of one domain that are looked up at the same time."""

NAMED = 3
"""Of what is left out, so many are named."""


class Lookups:
    """Answers kept by name and type within one run; equal questions at the same time are asked once."""

    def __init__(self, ask: Lookup) -> None:
        self._ask = ask
        self._asked: dict[tuple[str, str], asyncio.Task[Answer]] = {}

    async def __call__(self, name: str, kind: str) -> Answer:
        task = self._asked.get((name, kind))
        if task is None or (task.done() and task.cancelled()):
            task = self._asked[name, kind] = asyncio.create_task(self._ask_it(name, kind))
        return await asyncio.shield(task)

    async def _ask_it(self, name: str, kind: str) -> Answer:
        if RUN.get() is None:
            RUN.set(self)  # of this task alone
        return await self._ask(name, kind)


async def has_mx(name: str, lookup: Lookup) -> bool:
    """Whether a name has MX records (decides whether a connector for `*` serves it: contract 1)."""
    return (await lookup(name, "MX")).status is Status.OK


async def mail_hosts(name: str, lookup: Lookup) -> tuple[str, ...] | None:
    """The MX hosts of a domain by preference, none when it has none; None when that could not be told."""
    answer = await lookup(name, "MX")
    if answer.status is Status.OK:
        return tuple(exchange for _, exchange in exchanges(name, answer).hosts)
    return () if answer.status in (Status.NXDOMAIN, Status.NO_DATA) else None


async def resolve(destination: Destination, lookup: Lookup) -> Found:
    """Everything that one destination leads to."""
    found = await _resolved(destination, lookup)
    if not destination.comes_back:
        return found
    return looped(found, destination.name, Clue.LOOP_BY_MX if destination.delivery == "mx" else Clue.LOOP_BY_SMART_HOST)


async def _resolved(destination: Destination, lookup: Lookup) -> Found:
    name, literal = destination.name, destination.address
    if literal is not None:
        return Found((Endpoint(name, literal, None, note=Finding(Trace.LITERAL)),))
    try:
        host(name)
    except NameFault:
        facts = {"how": "no-host-name", "name": name}
        finding = Finding(Reason.DNS_NXDOMAIN, facts)
        return Found((Endpoint(name, None, None, (finding, Finding(Clue.NOT_A_HOST_NAME, facts)), finding),))
    mx = await lookup(name, "MX")
    by_mx = destination.delivery == "mx"
    if mx.status is Status.NXDOMAIN:
        reason = Reason.DOMAIN_NXDOMAIN if by_mx else Reason.DNS_NXDOMAIN
        return Found((await nxdomain(name, reason, mx, lookup),))
    if mx.status is Status.NO_DATA:
        own = await _addresses(name, name, None, lookup)
        notes = await policies(name, [name], lookup) if by_mx else ()
        return Found(own.endpoints, tuple(notes), own.left_out, own.names)
    if mx.status is not Status.OK:
        return Found((failed(name, None, REASONS[mx.status], mx),))
    named = exchanges(name, mx)
    if named.null and not (named.hosts or named.faults):
        return Found((failed(name, None, Reason.DNS_NULL_MX, mx, {"name": name}),))
    return await _by_exchanges(name, named, lookup, by_mx=by_mx)


async def _by_exchanges(name: str, named: Exchanges, lookup: Lookup, *, by_mx: bool) -> Found:
    notes = []
    if named.null:
        notes.append(Finding(Warn.NULL_MX_IGNORED, {"name": name}))
    if named.beyond:
        count = len(named.hosts) + len(named.faults) + len(named.beyond)
        notes.append(Finding(Warn.DNS_TOO_MANY, {"how": "hosts", "name": name, "count": str(count), "most": str(MAX_MX)}))
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(name: str, kind: str) -> Answer:
        async with gate:
            return await lookup(name, kind)

    if by_mx:
        notes += await policies(name, [exchange for _, exchange in named.hosts], gated)
    found = await asyncio.gather(*(_addresses(name, exchange, preference, gated) for preference, exchange in named.hosts))
    endpoints = sorted([*(e for host in found for e in host.endpoints), *named.faults], key=_order)
    names = [name for host in found for name in host.names] + list(named.beyond)
    left_out = sum(host.left_out for host in found) + len(named.beyond)
    return Found(tuple(endpoints), tuple(notes), left_out, tuple(names[:NAMED]))


def _order(endpoint: Endpoint) -> tuple[int, int, str, int]:
    address = endpoint.address
    family = 0 if address is None or address.version == 6 else 1
    return (endpoint.preference or 0, family, endpoint.host, int(address) if address else -1)


async def _addresses(domain: str, name: str, preference: int | None, lookup: Lookup) -> Found:
    """The endpoints of one host of `domain`. `preference` None: the domain itself was asked for and has no MX."""
    v4, v6 = await asyncio.gather(lookup(name, "A"), lookup(name, "AAAA"))
    v6 = await _published(v6, v4, lookup)
    if not any(answer.status is Status.OK and answer.records for answer in (v6, v4)):
        return Found((await no_address(domain, name, preference, (v4, v6), lookup),))
    findings = []
    if v4.alias and preference is not None:
        findings.append(Finding(Warn.MX_IS_CNAME, {"name": name, "alias": v4.alias}))
    if v6.status is Status.NXDOMAIN:
        findings.append(Finding(Warn.DNS_AAAA_BROKEN, {"how": "nxdomain-by-type", "name": name, "kind": "AAAA", "other": "A"}))
    elif v6.status not in (Status.OK, Status.NO_DATA, Status.LOCAL):
        findings.append(Finding(Warn.DNS_AAAA_BROKEN, v6.facts))
    chosen: list[Address] = []
    beyond = []
    for answer in (v6, v4):
        first, count = _first(answer)
        if count > len(first):
            facts = {"how": "addresses", "name": name, "count": str(count), "most": str(MAX_ADDRESSES)}
            findings.append(Finding(Warn.DNS_TOO_MANY, facts))
            beyond.append(count - len(first))
        chosen += first
    aliases = v4.aliases or v6.aliases
    via = f"{name} → {aliases[-1]} → " if aliases else f"{name} → "
    shared, seconds = tuple(findings), max(v4.seconds, v6.seconds)
    notes = (Finding(Trace.RESOLVED, {"way": f"{via}{a}"}) for a in chosen)
    endpoints = [Endpoint(name, a, preference, shared, n, seconds, aliases) for a, n in zip(chosen, notes, strict=True)]
    if v6.status is Status.LOCAL:
        endpoints.append(failed(name, preference, Reason.VANTAGE_FAULT, v6))
    if v4.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN):
        endpoints.append(failed(name, preference, REASONS[v4.status], v4))
    return Found(tuple(endpoints), (), sum(beyond), (name,) if beyond else ())


async def _published(v6: Answer, v4: Answer, lookup: Lookup) -> Answer:
    """The answer for AAAA without what a DNS64 of this network made up: nobody else gets these records."""
    records = await dns64.published(v6, v4, lookup)
    if len(records) == len(v6.records):
        return v6
    return replace(v6, status=Status.OK if records else Status.NO_DATA, records=records)


def _first(answer: Answer) -> tuple[list[Address], int]:
    """The first MAX_ADDRESSES by value, and how many there are. Thousands are sorted as bytes: objects take 20 times as long."""
    if answer.status is not Status.OK:
        return [], 0
    packed = sorted({socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text) for text in answer.records})
    return [ipaddress.ip_address(each) for each in packed[:MAX_ADDRESSES]], len(packed)
