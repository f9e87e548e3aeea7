"""How much one person may ask for: enough for an incident, too little to scan networks with. Standard library only."""

import time
from collections import OrderedDict
from collections.abc import Callable

from commands.mistake import CommandError

BURST = 60
PER_SECOND = 0.5
MAX_ACTORS = 10_000


class Allowance:
    """A bucket of BURST for each actor, refilled by PER_SECOND. A check costs one, and one for each host no connector lists."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def spend(self, actor: str, hosts: int) -> None:
        """Take `hosts` out of the actor's bucket. Raises CommandError with the time to wait."""
        if hosts > BURST:
            raise CommandError(f"That is {hosts} at once; one person may ask for {BURST}. Name fewer.")
        now = self._clock()
        level, since = self._buckets.pop(actor, (float(BURST), now))
        level = min(float(BURST), level + (now - since) * PER_SECOND)
        self._buckets[actor] = (level - hosts if hosts <= level else level, now)
        while len(self._buckets) > MAX_ACTORS:
            self._buckets.popitem(last=False)
        if hosts > level:
            wait = (hosts - level) / PER_SECOND
            raise CommandError(f"That is more than one person may ask for at once. Try again in {wait:.0f} s.")
