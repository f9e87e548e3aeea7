"""Equal questions share one probe, and an answer is kept for ten seconds: fifty people asking at once are one connection.

Who joins a probe that waits for its turn lends it their own turn: it must not wait behind what the first asker has begun.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

from diagnostics.fair import Party
from diagnostics.single_flight import Flight, SingleFlight, clock

KEPT_SECONDS = 10.0
FRESH_SECONDS = 5.0
"""Whoever asks for a fresh run sooner than this gets the last one: a button pressed in anger must not become a flood."""

T = TypeVar("T")


class Flights(Generic[T]):
    """Kept in memory, for one event loop; a process that starts anew knows nothing and asks again."""

    def __init__(self) -> None:
        self._flights = SingleFlight[T](KEPT_SECONDS)
        self._parties: WeakKeyDictionary[Flight[T], Party] = WeakKeyDictionary()

    async def take(
        self,
        question: Hashable,
        probe: Callable[[Party], Awaitable[T]],
        name: str,
        *,
        fresh: bool = False,
        since: float | None = None,
        after: float | None = None,
    ) -> tuple[T, float]:
        """(answer, its age in seconds), asked by `name`. `fresh` does not take one that is older than FRESH_SECONDS.

        `since`: when the run began that asks (loop time; default now); what is younger than the run counts, and is of age 0.
        `after`: an answer that landed before does not count.
        """
        since = clock() if since is None else since
        party = Party(name)

        async def ask() -> T:
            return await probe(party)

        flight = self._flights.take(question, ask, at=since, at_most=FRESH_SECONDS if fresh else None, after=after)
        self._parties.setdefault(flight, party).join(name)
        answer = await asyncio.shield(flight.task)
        return answer, clock() - flight.landed if flight.landed and flight.landed < since else 0.0

    async def close(self) -> None:
        """End what nobody waits for any more."""
        await self._flights.close()
