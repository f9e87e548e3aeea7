"""How much one person may ask for: enough for an incident, too little to scan networks with. Standard library only."""

import time
from collections import OrderedDict
from collections.abc import Callable

from commands.mistake import CommandError

BURST = 60
PER_SECOND = 0.5
"""Of costs: what a command costs stands in its row (commands/registry.py); each host that no connector lists costs one more."""

ADDRESSES = 240
ADDRESSES_PER_SECOND = 2.0
"""Of addresses that no connector lists: sixty hosts with four each, or fifteen that have as many as are tried."""

MAX_ACTORS = 10_000


class Allowance:
    """What each actor may still ask for; time fills it again."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._costs = _Buckets(BURST, PER_SECOND, clock)
        self._addresses = _Buckets(ADDRESSES, ADDRESSES_PER_SECOND, clock)

    def spend(self, actor: str, cost: int) -> None:
        """Before work is begun. Raises CommandError with the time to wait."""
        if cost > BURST:
            raise CommandError(f"That is {cost} at once; one person may ask for {BURST}. Name fewer.")
        if wait := self._costs.take(actor, cost):
            raise CommandError(f"That is more than one person may ask for at once. Try again in {wait:.0f} s.")

    def dial(self, actor: str, addresses: int) -> None:
        """Before they are dialled, once DNS has told them. Raises CommandError."""
        if addresses > ADDRESSES:
            raise CommandError(
                f"What you named has {addresses} addresses to try; one person may have {ADDRESSES} tried at once. Name fewer."
            )
        if wait := self._addresses.take(actor, addresses):
            raise CommandError(
                f"What you named has {addresses} addresses to try, more than one person may have tried at once. "
                f"Try again in {wait:.0f} s, or name fewer."
            )


class _Buckets:
    """A bucket of `burst` for each actor, refilled by `per_second`."""

    def __init__(self, burst: int, per_second: float, clock: Callable[[], float]) -> None:
        self._burst, self._per_second, self._clock = float(burst), per_second, clock
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, actor: str, amount: int) -> float:
        """0.0 when it was taken; else nothing is taken, and so many seconds are to be waited."""
        now = self._clock()
        level, since = self._levels.pop(actor, (self._burst, now))
        level = min(self._burst, level + (now - since) * self._per_second)
        self._levels[actor] = (level - amount if amount <= level else level, now)
        while len(self._levels) > MAX_ACTORS:
            self._levels.popitem(last=False)
        return 0.0 if amount <= level else (amount - level) / self._per_second
