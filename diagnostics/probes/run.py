"""All probes of a run: every destination of every target, in parallel under limits."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from diagnostics.fair import Asker, Party
from diagnostics.findings import Finding, Reason
from diagnostics.model import Evidence
from diagnostics.probes import dns, path
from diagnostics.probes.choosing import Chosen, Resolved, choose, refusals
from diagnostics.probes.instruments import Instruments
from diagnostics.probes.slots import RUN
from diagnostics.single_flight import clock
from diagnostics.target import Destination, Target

OnEvidence = Callable[[Target, Evidence], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What one destination leads to and was not tried, since there is more than a diagnosis may try: `names` are the first."""

    destination: str
    count: int
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Observed:
    """A target as it came to be read (see Target.otherwise), its paths in contract 3's order, and their age in seconds."""

    target: Target
    evidence: tuple[Evidence, ...] = ()
    age: float = 0.0
    left_out: tuple[LeftOut, ...] = ()


class _Bill:
    """What no connector lists is counted when all its names are resolved, and charged as a whole, before any of it is dialled."""

    def __init__(self, charge: Callable[[int], None] | None, targets: Iterable[Target]) -> None:
        self._charge = charge
        self._open = sum(map(_is_charged, targets))
        self._addresses = 0
        self._paid = asyncio.Event()

    async def pay(self, asked: Target, addresses: int) -> None:
        """Raises what `charge` raises, for one of those who wait."""
        if self._charge is None or not _is_charged(asked):
            return
        self._open -= 1
        self._addresses += addresses
        if not self._open:
            self._charge(self._addresses)
            self._paid.set()
        await self._paid.wait()


def _is_charged(target: Target) -> bool:
    return target.connector is None or target.otherwise is not None


@dataclass(frozen=True, slots=True)
class _Run:
    tools: Instruments
    lookup: dns.Lookups
    on_evidence: OnEvidence
    bill: _Bill
    asked: path.Asked
    """Whose turn it is in the queues. One who asks for many targets waits apart from what else they ask for."""


async def probe_all(
    targets: Sequence[Target], tools: Instruments, on_evidence: OnEvidence, *, asker: Asker, fresh: bool
) -> tuple[Observed, ...]:
    """Everything that the targets show. `fresh`: nothing that was seen before counts. Raises what `asker.charge` raises."""
    name = f"{asker.name}, many" if asker.name and len(targets) > 1 else asker.name
    if name:
        RUN.set(name)  # the resolver's slots go round by person as well
    asked = path.Asked(name, clock(), fresh)
    run = _Run(tools, dns.Lookups(tools.resolver.ask), on_evidence, _Bill(asker.charge, targets), asked)
    return tuple(await _all(_target(target, run) for target in targets))


async def _all(coroutines: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """Like gather; when one raises, the others end too."""
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _target(asked: Target, run: _Run) -> Observed:
    target, tools = asked, run.tools
    if target.only_with_mx and target.otherwise and not await _has_mx(target.only_with_mx, run):
        target = target.otherwise
    if target.settled:
        await run.bill.pay(asked, 0)
        return Observed(target)
    found = await asyncio.gather(
        *(
            tools.names.take(
                destination, partial(_resolved, destination, run), run.asked.name, fresh=run.asked.fresh, since=run.asked.since
            )
            for destination in target.destinations
        )
    )
    chosen = choose([each.found for each, _ in found], [each.refused for each, _ in found])
    await run.bill.pay(asked, 0 if target.connector else sum(len(each.dialled) for each in chosen))
    dialled = [_dialled(target, destination, each, run) for destination, each in zip(target.destinations, chosen, strict=True)]
    landed = await asyncio.gather(*dialled)
    left_out = tuple(
        LeftOut(destination.name, each.left_out, each.names)
        for destination, each in zip(target.destinations, chosen, strict=True)
        if each.left_out
    )
    seen = [each for paths in landed for each in paths]
    return Observed(target, tuple(evidence for evidence, _ in seen), max((age for _, age in seen), default=0.0), left_out)


async def _has_mx(name: str, run: _Run) -> bool:
    async with run.tools.resolving.turn(Party(run.asked.name)):
        return await dns.has_mx(name, run.lookup)


async def _resolved(destination: Destination, run: _Run, party: Party) -> Resolved:
    """Look-ups are a step of the path too: what they have not told by its deadline they do not tell."""
    limits, guard = run.tools.limits, run.tools.guard
    try:
        async with run.tools.resolving.turn(party), asyncio.timeout(limits.deadline):
            found = await dns.resolve(destination, run.lookup)
    except TimeoutError:
        late = Finding(Reason.DNS_TIMEOUT, {"how": "deadline", "name": destination.name, "seconds": f"{limits.deadline:g}"})
        found = dns.Found((dns.Endpoint(destination.name, None, None, (late,), late, limits.deadline),))
    return Resolved(found, refusals(found, lambda address: guard.refuses(address, limits.smtp_port) is not None))


async def _dialled(target: Target, destination: Destination, chosen: Chosen, run: _Run) -> list[tuple[Evidence, float]]:
    async def one(endpoint: dns.Endpoint) -> tuple[Evidence, float]:
        evidence, age = await path.probe(endpoint, destination, target.policy, run.tools, run.asked)
        run.on_evidence(target, evidence)
        return evidence, age

    if len(chosen.endpoints) == 1:
        return [await one(chosen.endpoints[0])]
    return await asyncio.gather(*map(one, chosen.endpoints))
