"""What the probes work with: limits, resolver, rules, roots, clock, and the gates that keep a diagnosis polite."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from diagnostics.guard import Guard
from diagnostics.names import Address
from diagnostics.probes.crypto_pool import CryptoPool
from diagnostics.probes.flights import Flights
from diagnostics.probes.resolver import Resolver
from diagnostics.probes.tls import Handshake
from diagnostics.probes.trust import TrustStore
from diagnostics.single_flight import SingleFlight

PER_ADDRESS = 2
"""Connections at once to one address: more would look like an attack, and some servers count."""

OLD_TLS_SECONDS = 10.0
"""How long the second look, which offers old TLS, holds for every name at its address."""


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
    """One object for a process; use it in one event loop."""

    resolver: Resolver
    guard: Guard
    trust: TrustStore
    limits: Limits
    now: Callable[[], datetime] = _now
    flights: Flights = field(default_factory=Flights)
    pool: CryptoPool = field(default_factory=CryptoPool)
    old_tls: SingleFlight[Address, Handshake | None] = field(default_factory=lambda: SingleFlight(OLD_TLS_SECONDS))
    _all: asyncio.Semaphore | None = None
    _gates: "WeakValueDictionary[Address, asyncio.Semaphore]" = field(default_factory=WeakValueDictionary)

    def all_gate(self) -> asyncio.Semaphore:
        if self._all is None:
            self._all = asyncio.Semaphore(self.limits.concurrency)
        return self._all

    def gate(self, address: Address) -> asyncio.Semaphore:
        gate = self._gates.get(address)
        if gate is None:
            gate = self._gates[address] = asyncio.Semaphore(PER_ADDRESS)
        return gate
