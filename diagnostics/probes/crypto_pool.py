"""A few threads for what a stranger's bytes make us compute: handshakes and chains. The event loop never waits for them.

OpenSSL gives up the GIL while it computes, so the loop goes on. A peer chooses group, curve and key: ffdhe8192 costs 0.1 s of
CPU where X25519 costs 0.2 ms, and Python 3.11 can restrict TLS 1.3 to a single group only, which sound servers refuse.
"""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from diagnostics.fair import FairQueue, Party

T = TypeVar("T")

MAX_THREADS = 4


class CryptoPool:
    """Serves one process. One processor is left to the event loop, where there are several."""

    def __init__(self, threads: int | None = None) -> None:
        self._threads = threads or max(1, min(MAX_THREADS, (os.cpu_count() or 1) - 1))
        self._turns = FairQueue(self._threads)
        self._executor: ThreadPoolExecutor | None = None

    async def run(self, work: Callable[[], T], party: Party) -> tuple[T, float]:
        """(what `work` returns, seconds of CPU that it took), in `party`'s turn. Raises what `work` raises."""
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._threads, thread_name_prefix="crypto")
        async with self._turns.turn(party):
            return await asyncio.get_running_loop().run_in_executor(self._executor, _timed, work)

    def close(self) -> None:
        """End without waiting: what still computes ends by itself within a fraction of a second."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    started = time.thread_time()
    return work(), time.thread_time() - started
