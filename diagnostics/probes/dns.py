"""The step `dns`: one destination → the addresses that Exchange Online would try, in its order, or why there are none.

Exchange Online looks for MX records of a smart host's name first and takes A and AAAA only without them; lower preferences
first, within one preference all IPv6 before all IPv4 (Microsoft: "Outbound Connector Smart Host Behavior", IPv6 2024-10).
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from diagnostics.findings import Clue, Finding, Reason, Warn
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
    """A host at an address to be probed, or (address None) a host whose look-up failed, with the findings that say why."""

    host: str
    address: Address | None
    preference: int | None
    findings: tuple[Finding, ...] = ()
    detail: str = ""
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
        return Found((Endpoint(destination.name, literal, None, detail="an address literal: no DNS needed"),))
    try:
        host(destination.name)
    except NameFault as fault:
        finding = Finding(Reason.DNS_NXDOMAIN, str(fault))
        return Found((Endpoint(destination.name, None, None, (finding,), finding.evidence),))
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
        return Found((_failed(name, None, Reason.DNS_NULL_MX, mx, f"{name} has a null MX (0 .): it takes no mail"),))
    if by_mx and exchanges and all(is_microsoft(exchange) for _, exchange in exchanges):
        said = f"the MX of {name} is {exchanges[0][1]}: Exchange Online itself"
        return Found((_failed(name, exchanges[0][0], Reason.MX_IS_MICROSOFT, mx, said),))
    notes = []
    if beyond:
        said = f"{name} has {len(exchanges) + len(faults) + len(beyond)} MX hosts; the first {MAX_MX} are looked up"
        notes.append(Finding(Warn.DNS_TOO_MANY, said))
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
        except NameFault as fault:
            finding = Finding(Reason.DNS_SERVER_FAILURE, f"an MX record names a host that can be none: {fault}")
            faults.append(Endpoint(name[:253], None, preference, (finding,), finding.evidence))
    beyond = [name[:253] for name in unread if name not in best]
    return sorted((preference, name) for name, preference in best.items()), faults, beyond


async def _addresses(name: str, preference: int | None, lookup: Lookup) -> Found:
    """The endpoints of one host name. `preference` None: the name itself was asked for and has no MX."""
    v4, v6 = await asyncio.gather(lookup(name, "A"), lookup(name, "AAAA"))
    if not any(answer.status is Status.OK and answer.records for answer in (v6, v4)):
        return Found((_no_address(name, preference, v4, v6),))
    findings = []
    if v4.alias and preference is not None:
        findings.append(
            Finding(Warn.MX_IS_CNAME, f"the MX host {name} is a CNAME of {v4.alias} (RFC 2181 section 10.3 forbids it)")
        )
    if v6.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN, Status.LOCAL):
        findings.append(Finding(Warn.DNS_AAAA_BROKEN, f"the AAAA look-up of {name} fails: {v6.detail}"))
    chosen: list[Address] = []
    beyond = []
    for answer in (v6, v4):
        first, count = _first(answer)
        if count > len(first):
            said = f"{name} has {count} addresses of one family; the first {MAX_ADDRESSES} are looked at"
            findings.append(Finding(Warn.DNS_TOO_MANY, said))
            beyond.append(count - len(first))
        chosen += first
    seconds = max(v4.seconds, v6.seconds)
    via = f"{name} → {v4.alias or v6.alias} → " if v4.alias or v6.alias else f"{name} → "
    endpoints = [Endpoint(name, a, preference, tuple(findings), f"{via}{a}", seconds) for a in chosen]
    if v6.status is Status.LOCAL:
        endpoints.append(_failed(name, preference, Reason.VANTAGE_FAULT, v6))
    if v4.status not in (Status.OK, Status.NO_DATA, Status.NXDOMAIN):
        endpoints.append(_failed(name, preference, _REASONS[v4.status], v4, f"the A look-up of {name} fails: {v4.detail}"))
    return Found(tuple(endpoints), (), sum(beyond), (f"{sum(beyond)} more addresses of {name}",) if beyond else ())


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
        what = "does not exist" if v4.status is Status.NXDOMAIN else "has no address"
        failed = _failed(name, preference, Reason.DNS_NO_RECORDS, v4, f"the MX host {name} {what}")
        return Endpoint(
            name, None, preference, (*failed.findings, Finding(Clue.MX_WITHOUT_ADDRESS, failed.detail)), failed.detail, v4.seconds
        )
    if Status.NXDOMAIN in (v4.status, v6.status):
        return _failed(name, None, Reason.DNS_NXDOMAIN, v4 if v4.status is Status.NXDOMAIN else v6)
    return _failed(name, None, Reason.DNS_NO_RECORDS, v4, f"{name} exists, but has no MX, A or AAAA record")


def _failed(name: str, preference: int | None, reason: Reason, answer: Answer, said: str = "") -> Endpoint:
    said = said or answer.detail
    findings = [Finding(reason, said)]
    if "CNAME" in answer.detail:
        findings.append(Finding(Clue.CNAME_LOOP, said))
    if name.endswith(_INSIDE):
        findings.append(Finding(Clue.INTERNAL_NAME, f"{name} has an ending that only inside networks use"))
    if "REFUSED" in answer.detail:
        findings.append(Finding(Clue.RESOLVER_REFUSED, said))
    return Endpoint(name, None, preference, tuple(findings), said, answer.seconds)


async def _policies(domain: str, hosts: list[str], lookup: Lookup) -> list[Finding]:
    """DANE and MTA-STS records bind Exchange Online on MX delivery; they are seen here, not yet checked (contract 3)."""
    sts, *tlsa = await asyncio.gather(
        lookup(f"_mta-sts.{domain}", "TXT"), *(lookup(f"_25._tcp.{name}", "TLSA") for name in hosts)
    )
    found = []
    if sts.status is Status.OK and any("v=STSv1" in record for record in sts.records):
        found.append(Finding(Warn.MTA_STS_NOT_CHECKED, f"_mta-sts.{domain} has a record: {sts.records[0][:120]}"))
    with_tlsa = [name for name, answer in zip(hosts, tlsa, strict=True) if answer.status is Status.OK]
    if with_tlsa:
        found.append(Finding(Warn.DANE_NOT_CHECKED, f"_25._tcp.{with_tlsa[0]} has TLSA records"))
    return found
