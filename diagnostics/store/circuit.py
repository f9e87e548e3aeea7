"""A database that hangs is known to hang after the first time-out: nobody else waits for it before a trial has succeeded.

Standard library only.
"""

import asyncio
import time

SLOW = 2.0
"""Seconds. A server that refuses connections at once holds nobody up, so everybody may try."""

OPEN = 3.0
"""Seconds between two trials."""

MOMENT = 0.2
"""Seconds for the work that was given up to come to its end after all, which shows that the database is back."""


class Circuit:
    """Closed while the database answers, be it with an error; open after a time-out. For one event loop."""

    def __init__(self) -> None:
        self._until = 0.0
        self._trial = False
        self._closed = asyncio.Event()
        self._closed.set()

    async def admits(self) -> bool:
        """Whether to ask now. While it is open only one trial at a time may, and not before its pause is over."""
        if self._closed.is_set():
            return True
        if not self._trial and time.monotonic() >= self._until:
            self._trial = True
            return True
        try:
            async with asyncio.timeout(MOMENT):
                await self._closed.wait()
        except TimeoutError:
            return False
        return True

    def answered(self) -> None:
        """The database did something: everybody may ask again."""
        self._trial = False
        self._closed.set()

    def timed_out(self) -> None:
        """Somebody waited as long as anybody may, and got nothing."""
        self._trial = False
        self._until = time.monotonic() + OPEN
        self._closed.clear()

    def not_reached(self, seconds: float) -> None:
        """There was no connection, and it took so long to find out."""
        if seconds >= SLOW:
            self.timed_out()
        else:
            self.answered()
