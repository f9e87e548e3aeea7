"""Calls of handlers, in the event loop that they belong to."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from weakref import WeakValueDictionary

from diagnostics.durable import LONGEST, Handler
from diagnostics.durable.job_turn import Turn

log = logging.getLogger("mailflow.durable")


class Calls:
    """Whatever goes wrong in a call, it has an end, and the job goes on."""

    def __init__(self, handlers: Mapping[str, Handler], pauses: Sequence[float]) -> None:
        self._handlers = handlers
        self._pauses = pauses
        self._loop = asyncio.get_running_loop()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._under_way: set[asyncio.Task[Turn | None]] = set()

    async def from_elsewhere(self, turn: Turn) -> Turn | None:
        """`make`, for a coroutine of another thread's event loop; cancelling this cancels the call."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self.make(turn), self._loop))

    async def make(self, turn: Turn) -> Turn | None:
        """The turn that follows."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine that runs
        self._under_way.add(task)
        try:
            # a job that was taken over while it ran here may come back here
            async with self._locks.setdefault(turn.job, asyncio.Lock()):
                return await self._call(turn)
        finally:
            self._under_way.discard(task)

    async def ended(self, limit: float) -> None:
        """Returns when all calls, which were cancelled before, have come to their end, or after `limit` seconds."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=limit)

    async def _call(self, turn: Turn) -> Turn | None:
        turn = turn.caught_up(datetime.now(UTC))
        handler = self._handlers.get(turn.kind)
        if handler is None:  # of another version, some replica of which may know it
            log.warning("nothing here does jobs of the kind %s", turn.kind)
            return turn.failed(datetime.now(UTC), self._pauses)
        try:
            async with asyncio.timeout(LONGEST.total_seconds()):
                return turn.then(await handler(turn.call()))
        except Exception:
            log.exception("a job of the kind %s failed, try %d", turn.kind, turn.failures + 1)
        return turn.failed(datetime.now(UTC), self._pauses)
