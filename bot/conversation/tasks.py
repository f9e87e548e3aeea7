"""Work that outlives its listener, held until it is done."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("mailflow.conversation")


class Tasks:
    """Running tasks by strong reference: asyncio keeps only weak ones, and chat libraries do not wait for listeners."""

    def __init__(self) -> None:
        self._live: set[asyncio.Task[None]] = set()
        self._open = True

    @property
    def open(self) -> bool:
        """False once `drain` has begun: nothing new is taken."""
        return self._open

    def spawn(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Run `work` to its end. It should tell its own failure; what escapes is logged. Raises RuntimeError while draining."""
        if not self._open:
            work.close()
            raise RuntimeError("no work is taken while stopping")
        task = asyncio.create_task(work, name=name)
        self._live.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, seconds: float) -> None:
        """Take nothing new; wait for what runs, and cancel what has not ended after `seconds`."""
        self._open = False
        if not self._live:
            return
        _, late = await asyncio.wait(self._live, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._live.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("task %s failed", task.get_name(), exc_info=error)
