"""A limit on what is under way at once, shared fairly: the runs that wait take turns, however much one of them asks for."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

RUN: ContextVar[object] = ContextVar("run", default=None)
"""For whom something is done. What is done for nobody in particular counts as one run."""


class Slots:
    """`size` holders at once. Use it in one event loop."""

    def __init__(self, size: int) -> None:
        self._free = size
        self._waiting: dict[object, deque[asyncio.Future[None]]] = {}

    @asynccontextmanager
    async def hold(self, patience: float) -> AsyncIterator[None]:
        """A slot while the block runs. Raises TimeoutError if none was free within `patience` seconds."""
        if self._free:
            self._free -= 1
        else:
            await self._turn(patience)
        try:
            yield
        finally:
            self._release()

    async def _turn(self, patience: float) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(RUN.get(), deque()).append(turn)
        try:
            async with asyncio.timeout(patience):
                await turn
        except BaseException:
            if turn.done() and not turn.cancelled():
                self._release()  # it was given in the same moment
            raise

    def _release(self) -> None:
        while self._waiting:
            run, turns = next(iter(self._waiting.items()))
            del self._waiting[run]
            turn = turns.popleft()
            if turns:
                self._waiting[run] = turns  # to the end: the other runs come first
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1
