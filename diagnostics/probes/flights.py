"""Equal questions share one probe, and an answer is kept for ten seconds: fifty people asking at once are one connection.

Who joins a probe that waits for its turn lends it their own turn: it must not wait behind what the first asker has begun.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from diagnostics.fair import Party

KEPT_SECONDS = 10.0
FRESH_SECONDS = 5.0
"""Whoever asks for a fresh run sooner than this gets the last one: a button pressed in anger must not become a flood."""

MAX_KEPT = 4096

T = TypeVar("T")


@dataclass(slots=True)
class _Flight(Generic[T]):
    task: "asyncio.Task[T]"
    party: Party
    landed: float | None = None


class Flights(Generic[T]):
    """Kept in memory, for one event loop; a process that starts anew knows nothing and asks again."""

    def __init__(self) -> None:
        self._flights: OrderedDict[Hashable, _Flight[T]] = OrderedDict()

    async def take(
        self,
        question: Hashable,
        probe: Callable[[Party], Awaitable[T]],
        name: str,
        *,
        fresh: bool = False,
        since: float | None = None,
        after: float = 0.0,
    ) -> tuple[T, float]:
        """(answer, its age in seconds), asked by `name`. `fresh` does not take one that is older than FRESH_SECONDS.

        `since`: when the run began that asks (loop time; default now); what is younger than the run counts, and is of age 0.
        `after`: an answer that landed before does not count.
        """
        now = clock()
        since = now if since is None else since
        flight = self._flights.get(question)
        oldest = max(since - (FRESH_SECONDS if fresh else KEPT_SECONDS), after)
        if flight is None or (flight.landed is not None and flight.landed < oldest):
            party = Party(name)
            flight = _Flight(asyncio.create_task(self._fly(question, probe, party)), party)
            self._flights.pop(question, None)  # a new flight is the youngest
            self._flights[question] = flight
            self._drop_old(now)
        flight.party.join(name)
        answer = await asyncio.shield(flight.task)
        return answer, clock() - flight.landed if flight.landed and flight.landed < since else 0.0

    async def close(self) -> None:
        """End what nobody waits for any more."""
        tasks = [flight.task for flight in self._flights.values()]
        self._flights.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, question: Hashable, probe: Callable[[Party], Awaitable[T]], party: Party) -> T:
        try:
            answer = await probe(party)
        except BaseException:
            self._flights.pop(question, None)
            raise
        self._flights[question].landed = clock()
        return answer

    def _drop_old(self, now: float) -> None:
        while self._flights:
            question, oldest = next(iter(self._flights.items()))
            if oldest.landed is None or (len(self._flights) <= MAX_KEPT and now - oldest.landed <= KEPT_SECONDS):
                return
            del self._flights[question]


def clock() -> float:
    """Seconds of the running loop."""
    return asyncio.get_running_loop().time()
