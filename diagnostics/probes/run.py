"""All probes of a run: every destination of every target, in parallel under limits."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from diagnostics.findings import Finding, Reason
from diagnostics.model import Evidence
from diagnostics.probes import dns, path
from diagnostics.probes.instruments import Instruments
from diagnostics.target import Destination, Target

OnEvidence = Callable[[Target, Evidence], None]


@dataclass(frozen=True, slots=True)
class Observed:
    """A target as it came to be read (see Target.otherwise), its paths in contract 3's order, and their age in seconds."""

    target: Target
    evidence: tuple[Evidence, ...] = ()
    age: float = 0.0


async def probe_all(
    targets: Sequence[Target], tools: Instruments, on_evidence: OnEvidence, *, fresh: bool
) -> tuple[Observed, ...]:
    """Everything that the targets show. `fresh`: nothing that was seen before this run counts."""
    lookup = dns.Lookups(tools.resolver.ask)
    return tuple(await asyncio.gather(*(_target(t, lookup, tools, on_evidence, fresh=fresh) for t in targets)))


async def _target(target: Target, lookup: dns.Lookups, tools: Instruments, on_evidence: OnEvidence, *, fresh: bool) -> Observed:
    if target.only_with_mx and target.otherwise and not await dns.has_mx(target.only_with_mx, lookup):
        target = target.otherwise
    if target.settled:
        return Observed(target)
    flights = []
    for destination in target.destinations:
        probe = partial(_destination, target, destination, lookup, tools, on_evidence)
        flights.append(tools.flights.take((destination, target.policy), probe, fresh=fresh))
    landed = await asyncio.gather(*flights)
    return Observed(target, tuple(e for evidence, _ in landed for e in evidence), max(age for _, age in landed))


async def _resolved(destination: Destination, lookup: dns.Lookups, deadline: float) -> tuple[dns.Endpoint, ...]:
    """Look-ups are a step of the path too: what they have not told by its deadline they do not tell."""
    try:
        async with asyncio.timeout(deadline):
            return await dns.resolve(destination, lookup)
    except TimeoutError:
        said = f"no whole answer for {destination.name} within {deadline:g} s"
        return (dns.Endpoint(destination.name, None, None, (Finding(Reason.DNS_TIMEOUT, said),), said, deadline),)


async def _destination(
    target: Target, destination: Destination, lookup: dns.Lookups, tools: Instruments, on_evidence: OnEvidence
) -> tuple[Evidence, ...]:
    endpoints = await _resolved(destination, lookup, tools.limits.deadline)

    async def one(endpoint: dns.Endpoint) -> Evidence:
        evidence = await path.probe(endpoint, destination, target.policy, tools)
        on_evidence(target, evidence)
        return evidence

    return tuple(await asyncio.gather(*(one(endpoint) for endpoint in endpoints)))
