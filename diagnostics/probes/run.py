"""All probes of a run: every destination of every target, in parallel under limits."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain

from diagnostics.model import Evidence
from diagnostics.probes import dns, path
from diagnostics.probes.instruments import Instruments
from diagnostics.target import Destination, Target

OnEvidence = Callable[[Target, Evidence], None]


async def probe_all(
    targets: Sequence[Target], tools: Instruments, on_evidence: OnEvidence
) -> tuple[tuple[Target, tuple[Evidence, ...]], ...]:
    """Each target as it came to be read (see Target.otherwise), with its evidence in contract 3's order of paths."""
    lookup = dns.Lookups(tools.resolver.ask)
    return tuple(await asyncio.gather(*(_target(target, lookup, tools, on_evidence) for target in targets)))


async def _target(
    target: Target, lookup: dns.Lookups, tools: Instruments, on_evidence: OnEvidence
) -> tuple[Target, tuple[Evidence, ...]]:
    if target.only_with_mx and target.otherwise and not await dns.has_mx(target.only_with_mx, lookup):
        target = target.otherwise
    if target.settled:
        return target, ()
    groups = await asyncio.gather(*(_destination(target, d, lookup, tools, on_evidence) for d in target.destinations))
    return target, tuple(chain.from_iterable(groups))


async def _destination(
    target: Target, destination: Destination, lookup: dns.Lookups, tools: Instruments, on_evidence: OnEvidence
) -> Sequence[Evidence]:
    endpoints = await dns.resolve(destination, lookup)

    async def one(endpoint: dns.Endpoint) -> Evidence:
        evidence = await path.probe(endpoint, destination, target.policy, tools, listed=target.connector is not None)
        on_evidence(target, evidence)
        return evidence

    return await asyncio.gather(*(one(endpoint) for endpoint in endpoints))
