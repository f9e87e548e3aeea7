"""Tasks that run beside a server and end with it."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Background:
    """Starts tasks, and ends them. A task that fails is a fault of the lab itself, so `stop` raises what it raised."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures: list[BaseException] = []

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        # the callbacks of the last ones are still to run
        await asyncio.sleep(0)
        if self._failures:
            raise self._failures[0]

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._failures.append(error)
