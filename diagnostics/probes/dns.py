"""The step `dns`: one destination → the addresses that Exchange Online would try, in its order, or why there are none.

Exchange Online looks for MX records of a smart host's name first and takes A and AAAA only without them; lower preferences
first, within one preference all IPv6 before all IPv4 (Microsoft: "Outbound Connector Smart Host Behavior", IPv6 2024-10).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from diagnostics.findings import NO_FACTS, Clue, Facts, Finding, Reason, Trace, Warn
from diagnostics.names import Address, NameFault, host, is_microsoft
from diagnostics.probes.resolver import Answer, Status
from diagnostics.probes.slots import RUN
from diagnostics.target import Destination

MAX_MX = 20
"""Mail hosts of a domain whose addresses are looked up. A zone with thousands of records must not turn into a flood."""

MAX_ADDRESSES = 32
"""Of one family and host that are looked at; which of them are dialled is decided in probes/choosing.py."""

AT_ONCE = 8
"""Mail hosts of one domain that are looked up at the same time."""

NAMED = 3
"""Of what is left out, so many are named."""

Lookup = Callable[[str, str], Awaitable[Answer]]

_INSIDE = (".local", ".lan", ".internal", ".corp", ".intra", ".home.arpa", ".localdomain")

_REASONS = {
    Status.NXDOMAIN: Reason.DNS_NXDOMAIN,
    Status.NO_DATA: Reason.DNS_NO_RECORDS,
    Status.FAILURE: Reason.DNS_SERVER_FAILURE,
    Status.BOGUS: Reason.DNS_DNSSEC_BOGUS,
    Status.TIMEOUT: Reason.DNS_TIMEOUT,
    Status.LOCAL: Reason.VANTAGE_FAULT,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A host at an address to be probed, or (address None) a host whose look-up failed, with the findings that say why.

    `note`: what the step `dns` shows.
    """

    host: str
    address: Address | None
    preference: int | None
    findings: tuple[Finding, ...] = ()
    note: Finding | None = None
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """What one destination leads to, in contract 3's order. `notes` hold for all of it.

    `left_out`: how many hosts and addresses DNS names and nobody looked at; `names` are the first of them.
    """

    endpoints: tuple[Endpoint, ...]
    notes: tuple[Finding, ...] = ()
    left_out: int = 0
    names: tuple[str, ...] = ()


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
        return tuple(exchange for _, exchange in _exchanges(answer)[0])
    return () if answer.status in (Status.NXDOMAIN, Status.NO_DATA) else None


async def resolve(destination: Destination, lookup: Lookup) -> Found:
    """Everything that one destination leads to."""
    literal = destination.address
    if literal is not None:
        return Found((Endpoint(destination.name, literal, None, note=Finding(Trace.LITERAL)),))
    try:
        host(destination.name)
    except NameFault:
        finding = Finding(Reason.DNS_NXDOMAIN, {"how": "no-host-name", "name": destination.name})
        return Found((Endpoint(destination.name, None, None, (finding,), finding),))
    mx = await lookup(destination.name, "MX")
    by_mx = destination.delivery == "mx"
    if mx.status is Status.NXDOMAIN:
        reason = Reason.DOMAIN_NXDOMAIN if by_mx else Reason.DNS_NXDOMAIN
        return Found((_failed(destination.name, None, reason, mx),))
    if mx.status is Status.NO_DATA:
        own = await _addresses(destination.name, None, lookup)
        notes = await _policies(destination.name, [destination.name], lookup) if by_mx else ()
        return Found(own.endpoints, tuple(notes), own.left_out, own.names)
    if mx.status is not Status.OK:
        return Found((_failed(destination.name, None, _REASONS[mx.status], mx),))
    return await _by_exchanges(destination, mx, lookup)


async def _by_exchanges(destination: Destination, mx: Answer, lookup: Lookup) -> Found:
    name, by_mx = destination.name, destination.delivery == "mx"
    exchanges, faults, beyond = _exchanges(mx)
    if any(exchange == "" for _, exchange in exchanges):
        return Found((_failed(name, None, Reason.DNS_NULL_MX, mx, {"name": name}),))
    if by_mx and exchanges and all(is_microsoft(exchange) for _, exchange in exchanges):
        facts = {"name": name, "host": exchanges[0][1]}
        return Found((_failed(name, exchanges[0][0], Reason.MX_IS_MICROSOFT, mx, facts),))
    notes = []
    if beyond:
        count = len(exchanges) + len(faults) + len(beyond)
        notes.append(Finding(Warn.DNS_TOO_MANY, {"how": "hosts", "name": name, "count": str(count), "most": str(MAX_MX)}))
    gate = asyncio.Semaphore(AT_ONCE)

    async def gated(name: str, kind: str) -> Answer:
        async with gate:
            return await lookup(name, kind)

    if by_mx:
        notes += await _policies(name, [exchange for _, exchange in exchanges], gated)
    found = await asyncio.gather(*(_addresses(exchange, preference, gated) for preference, exchange in exchanges))
    endpoints = sorted([*(e for host in found for e in host.endpoints), *faults], key=_order)
    names = [name for host in found for name in host.names] + beyond
    left_out = sum(host.left_out for host in found) + len(beyond)
    return Found(tuple(endpoints), tuple(notes), left_out, tuple(names[:NAMED]))


def _order(endpoint: Endpoint) -> tuple[int, int, str, int]:
    address = endpoint.address
    family = 0 if address is None or address.version == 6 else 1
    return (endpoint.preference or 0, family, endpoint.host, int(address) if address else -1)


def _exchanges(mx: Answer) -> tuple[list[tuple[int, str]], list[Endpoint], list[str]]:
    """The first MAX_MX (preference, host) pairs without duplicates, in order, and the names beyond them, as DNS has them.

    In between, an endpoint for each name that is no host name.
    """
    rows = ((int(preference), name) for preference, name in (record.split(" ", 1) for record in mx.records))
    best: dict[str, int] = {}
    faults: list[Endpoint] = []
    unread: dict[str, None] = {}
    for preference, name in sorted(rows, key=lambda row: (row[0], row[1].lower())):
        if len(best) + len(faults) >= MAX_MX:
            unread[name.lower().rstrip(".")] = None
            continue
        try:
            best.setdefault("" if name == "." else host(name), preference)
        except NameFault:
            finding = Finding(Reason.DNS_SERVER_FAILURE, {"how": "mx-no-host-name", "name": name[:253]})
            faults.append(Endpoint(name[:253], None, preference, (finding,), finding))
    beyond = [name[:253] for name in unread if name not in best]
    return sorted((preference, name) for name, preference in best.items()), faults, beyond


async def _addresses(name: str, preference: int | None, lookup: Lookup) -> Found:
    """The endpoints of one host name. `preference` None: the name itself was asked for and has no MX."""
    v4, v6 = await asyncio.gather(lookup(name, "A"), lookup(name, "AAAA"))
    if not any(answer.status is Status.OK and answer.records for answer in (v6, v4)):
        return Found((_no_address(name, preference, v4, v6),))
    findings = []
    if v4.alias and preference is not None:
        findings.append(Finding(Warn.MX_IS_CNAME, {"name": name, "alias": v4.alias}))
    if v6.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN, Status.LOCAL):
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
    seconds = max(v4.seconds, v6.seconds)
    via = f"{name} → {v4.alias or v6.alias} → " if v4.alias or v6.alias else f"{name} → "
    notes = (Finding(Trace.RESOLVED, {"way": f"{via}{a}"}) for a in chosen)
    endpoints = [Endpoint(name, a, preference, tuple(findings), n, seconds) for a, n in zip(chosen, notes, strict=True)]
    if v6.status is Status.LOCAL:
        endpoints.append(_failed(name, preference, Reason.VANTAGE_FAULT, v6))
    if v4.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN):
        endpoints.append(_failed(name, preference, _REASONS[v4.status], v4))
    return Found(tuple(endpoints), (), sum(beyond), (name,) if beyond else ())


def _first(answer: Answer) -> tuple[list[Address], int]:
    """The first MAX_ADDRESSES by value, and how many there are. Thousands are sorted as bytes: objects take 20 times as long."""
    if answer.status is not Status.OK:
        return [], 0
    packed = sorted({socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text) for text in answer.records})
    return [ipaddress.ip_address(each) for each in packed[:MAX_ADDRESSES]], len(packed)


def _no_address(name: str, preference: int | None, v4: Answer, v6: Answer) -> Endpoint:
    for answer in (v4, v6):
        if answer.status not in (Status.NXDOMAIN, Status.NO_DATA):
            return _failed(name, preference, _REASONS[answer.status], answer)
    if preference is not None:
        facts = {"how": "mx-host-missing" if v4.status is Status.NXDOMAIN else "mx-host-without-address", "name": name}
        failed = _failed(name, preference, Reason.DNS_NO_RECORDS, v4, facts)
        return replace(failed, findings=(*failed.findings, Finding(Clue.MX_WITHOUT_ADDRESS, facts)))
    if Status.NXDOMAIN in (v4.status, v6.status):
        return _failed(name, None, Reason.DNS_NXDOMAIN, v4 if v4.status is Status.NXDOMAIN else v6)
    return _failed(name, None, Reason.DNS_NO_RECORDS, v4, {"how": "bare", "name": name})


def _failed(name: str, preference: int | None, reason: Reason, answer: Answer, facts: Facts = NO_FACTS) -> Endpoint:
    """A host without an address to dial. `facts`: those of the answer, unless others say more."""
    facts = facts or answer.facts
    findings = [Finding(reason, facts)]
    if answer.loop:
        findings.append(Finding(Clue.CNAME_LOOP, facts))
    if name.endswith(_INSIDE):
        findings.append(Finding(Clue.INTERNAL_NAME, {"name": name}))
    if answer.rcode == "REFUSED":
        findings.append(Finding(Clue.RESOLVER_REFUSED, facts))
    return Endpoint(name, None, preference, tuple(findings), findings[0], answer.seconds)


async def _policies(domain: str, hosts: list[str], lookup: Lookup) -> list[Finding]:
    """DANE and MTA-STS records bind Exchange Online on MX delivery; they are seen here, not yet checked (contract 3)."""
    sts, *tlsa = await asyncio.gather(
        lookup(f"_mta-sts.{domain}", "TXT"), *(lookup(f"_25._tcp.{name}", "TLSA") for name in hosts)
    )
    found = []
    if sts.status is Status.OK and any("v=STSv1" in record for record in sts.records):
        found.append(Finding(Warn.MTA_STS_NOT_CHECKED, {"name": domain, "text": sts.records[0][:120]}))
    with_tlsa = [name for name, answer in zip(hosts, tlsa, strict=True) if answer.status is Status.OK]
    if with_tlsa:
        found.append(Finding(Warn.DANE_NOT_CHECKED, {"name": with_tlsa[0]}))
    return found
