"""Equal questions at one time are asked once, and an answer is kept for a while ("single flight", with an age)."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

MOST = 4096
"""Answers that are kept where nobody says otherwise."""

T = TypeVar("T")


@dataclass(eq=False)
class Flight(Generic[T]):
    """A question under way or answered. `landed`: when, loop time; None while it is under way."""

    task: "asyncio.Task[T]"
    landed: float | None = None


class SingleFlight(Generic[T]):
    """In memory, for one event loop. An asker who goes away does not take the answer from the others.

    `kept`: for how many seconds an answer counts. Failures are not kept, unless `failures` gives seconds for them too. `most`:
    so many answers are kept; what is under way is never dropped.
    """

    def __init__(self, kept: float | Callable[[T], float], *, failures: float | None = None, most: int | None = None) -> None:
        self._kept, self._failures, self._most = kept, failures, MOST if most is None else most
        self._flights: OrderedDict[Hashable, Flight[T]] = OrderedDict()

    async def get(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]], *, anew: bool = False) -> T:
        """The answer; `anew` takes none that is there already. Raises what `ask` raises."""
        return await asyncio.shield(self.take(key, ask, at_most=-1.0 if anew else None).task)

    def take(
        self,
        key: Hashable,
        ask: Callable[[], Coroutine[Any, Any, T]],
        *,
        at: float | None = None,
        at_most: float | None = None,
        after: float | None = None,
    ) -> Flight[T]:
        """What counts at the time `at` (loop time; default now), else a new flight. To be awaited under `asyncio.shield`.

        `at_most`: seconds of age, where that is less than what is kept. `after`: an answer that landed before does not count.
        """
        at = clock() if at is None else at
        flight = self._flights.get(key)
        if flight is None or not self._counts(flight, at, at_most, after):
            flight = Flight(asyncio.create_task(ask(), name=f"ask {key}"[:80]))
            flight.task.add_done_callback(lambda _: self._land(key, flight))
            self._flights.pop(key, None)  # a new flight is the youngest
            self._flights[key] = flight
            self._drop_old()
        return flight

    async def close(self) -> None:
        """End what nobody waits for any more."""
        tasks = [flight.task for flight in self._flights.values()]
        self._flights.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _counts(self, flight: Flight[T], at: float, at_most: float | None, after: float | None) -> bool:
        if not flight.task.done():
            return True
        seconds = self._seconds(flight.task)
        landed = clock() if flight.landed is None else flight.landed
        if seconds is None or (after is not None and landed < after):
            return False
        return at - landed <= (seconds if at_most is None else min(seconds, at_most))

    def _seconds(self, task: "asyncio.Task[T]") -> float | None:
        """For how long what came of it counts; None: not at all."""
        if task.cancelled():
            return None
        if task.exception():
            return self._failures
        return self._kept(task.result()) if callable(self._kept) else self._kept

    def _land(self, key: Hashable, flight: Flight[T]) -> None:
        flight.landed = clock()
        if self._seconds(flight.task) is None and self._flights.get(key) is flight:
            del self._flights[key]

    def _drop_old(self) -> None:
        now = clock()
        while self._flights:
            key, oldest = next(iter(self._flights.items()))
            if oldest.landed is None or (len(self._flights) <= self._most and self._counts(oldest, now, None, None)):
                return
            del self._flights[key]


def clock() -> float:
    """Seconds of the running loop."""
    return asyncio.get_running_loop().time()
