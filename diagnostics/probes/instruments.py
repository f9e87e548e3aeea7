"""What the probes work with: limits, resolver, rules, roots, clock, and the queues that keep it polite and fair."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from diagnostics.fair import FairQueue
from diagnostics.net.guard import Guard
from diagnostics.probes.certificate import Judgement
from diagnostics.probes.choosing import Resolved
from diagnostics.probes.crypto_pool import CryptoPool
from diagnostics.probes.flights import Flights
from diagnostics.probes.resolver import Resolver
from diagnostics.probes.seen import Look
from diagnostics.probes.trust import TrustStore

PER_ADDRESS = 2
"""Connections at once to one address: more would look like an attack, and some servers count."""

RESOLVING = 64
"""Names of one person that are resolved at once: the resolver is everybody's, and drops what comes in a burst."""

PER_SECOND = 100.0
"""Addresses that one person's checks begin to dial in a second: 500 connectors take some seconds, a scan takes long."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds: `timeout` for connect, handshake, one DNS query; `deadline` for one path. `concurrency`: addresses at once."""

    timeout: float = 10.0
    deadline: float = 60.0
    concurrency: int = 256
    smtp_port: int = 25
    ehlo_name: str = "localhost"


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Instruments:
    """One object for a process; use it in one event loop. `dialling` and `resolving`: whose turn it is, by person.

    `names`, `looks`, `judgements`: what was asked lately, shared by all who ask the same.
    """

    resolver: Resolver
    guard: Guard
    trust: TrustStore
    limits: Limits
    now: Callable[[], datetime] = _now
    names: Flights[Resolved] = field(default_factory=Flights)
    looks: Flights[Look] = field(default_factory=Flights)
    judgements: Flights[Judgement] = field(default_factory=Flights)
    pool: CryptoPool = field(default_factory=CryptoPool)
    dialling: FairQueue = field(init=False)
    resolving: FairQueue = field(init=False)

    def __post_init__(self) -> None:
        self.dialling = FairQueue(self.limits.concurrency, per_key=PER_ADDRESS, rate=PER_SECOND)
        self.resolving = FairQueue(self.limits.concurrency, each=RESOLVING)

    async def close(self) -> None:
        """End what nobody waits for any more."""
        for flights in (self.names, self.looks, self.judgements):
            await flights.close()
        self.pool.close()
