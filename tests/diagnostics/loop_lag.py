"""How long one callback keeps the event loop busy, by its thread's CPU: others wait that long, whatever the machine does."""

import asyncio.events
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

MAX_CALLBACK = 0.1
"""Seconds of CPU. An acknowledgement to Slack, a health check and another person's question wait for the longest callback."""


class Lag:
    """`longest`: seconds of CPU of the dearest callback; `what`: its name."""

    def __init__(self) -> None:
        self.longest, self.what = 0.0, ""
        self._running, self._started = "the test itself", time.thread_time()

    def begin(self, what: str) -> None:
        self._running, self._started = what, time.thread_time()

    def end(self) -> None:
        seconds = time.thread_time() - self._started
        if seconds > self.longest:
            self.longest, self.what = seconds, self._running


@contextmanager
def measured() -> Iterator[Lag]:
    """Every callback of every loop in this process, for as long as the context lasts; the one in which it ends too."""
    lag, run = Lag(), asyncio.events.Handle._run

    def timed(handle: Any) -> None:
        lag.begin(repr(handle._callback))
        try:
            run(handle)
        finally:
            lag.end()

    asyncio.events.Handle._run = timed  # type: ignore[assignment,method-assign]
    try:
        yield lag
    finally:
        asyncio.events.Handle._run = run  # type: ignore[method-assign]
        lag.end()
