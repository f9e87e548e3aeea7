"""How fast one workspace may be written to. Slack throttles an app, not one of its answers, so all of them share this."""

import asyncio
import time
from collections import deque
from weakref import WeakValueDictionary

MINUTE = 60.0
PROGRESS = 40  # edits a minute that progress may make; Slack takes 50 (chat.update is of its tier 3)
ALL = 48  # finals included


class RateLimit:
    """A budget of edits: progress goes without when it is spent, a final waits its turn and is never dropped."""

    def __init__(self) -> None:
        self._edits: deque[float] = deque()
        self._finals = asyncio.Lock()
        self._channels: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def may_show_progress(self) -> bool:
        """Take one edit out of the budget, if there is one."""
        if self._spent() >= PROGRESS or self._finals.locked():
            return False
        self._edits.append(time.monotonic())
        return True

    async def final(self) -> None:
        """Wait until an edit that must be made can be."""
        async with self._finals:
            if self._spent() >= ALL:
                # nobody else adds to them meanwhile: finals come one by one, and progress has to wait
                await asyncio.sleep(self._edits[0] + MINUTE - time.monotonic() + 0.01)
            self._edits.append(time.monotonic())

    def failed(self) -> None:
        """The last edit did not come to be: Slack was away, and it will be tried again."""
        if self._edits:
            self._edits.pop()

    def turn(self, channel: str) -> asyncio.Lock:
        """One message at a time in a channel: while one waits out a 429, the others need not be refused too."""
        lock = self._channels.get(channel)
        if lock is None:
            lock = self._channels[channel] = asyncio.Lock()
        return lock

    def _spent(self) -> int:
        while self._edits and self._edits[0] <= time.monotonic() - MINUTE:
            self._edits.popleft()
        return len(self._edits)
