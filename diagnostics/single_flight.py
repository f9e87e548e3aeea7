"""One answer for everybody who asks the same while it is being found, and for a while after that."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

MAX_KEPT = 4096


@dataclass(slots=True)
class _Flight(Generic[V]):
    task: "asyncio.Task[V]"
    landed: float | None = None


class SingleFlight(Generic[K, V]):
    """Kept in memory, for one event loop, at most MAX_KEPT answers of at most `seconds`. A failure is not kept."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._flights: OrderedDict[K, _Flight[V]] = OrderedDict()

    async def take(self, key: K, find: Callable[[], Awaitable[V]]) -> V:
        """What `find` gives, or gave not longer than `seconds` ago. Raises what `find` raises."""
        flight = self._flights.get(key)
        if flight is None or self._is_old(flight):
            flight = _Flight(asyncio.create_task(self._fly(key, find)))
            self._flights[key] = flight
            self._flights.move_to_end(key)
            self._forget()
        return await asyncio.shield(flight.task)

    async def close(self) -> None:
        """End what nobody waits for any more."""
        tasks = [flight.task for flight in self._flights.values()]
        self._flights.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, key: K, find: Callable[[], Awaitable[V]]) -> V:
        try:
            found = await find()
        except BaseException:
            self._flights.pop(key, None)
            raise
        if key in self._flights:
            self._flights[key].landed = asyncio.get_running_loop().time()
        return found

    def _is_old(self, flight: _Flight[V]) -> bool:
        return flight.landed is not None and asyncio.get_running_loop().time() - flight.landed > self.seconds

    def _forget(self) -> None:
        while len(self._flights) > MAX_KEPT and next(iter(self._flights.values())).landed is not None:
            self._flights.popitem(last=False)
