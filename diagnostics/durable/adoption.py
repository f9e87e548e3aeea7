"""What each process does every few seconds: say that it is alive, and take over the turns of those that are not.

DBOS leaves a turn to the process that took it, for ever: its own way out is a service that it sells. Waiting turns belong to
nobody and need none of this; it is for those that a process was just working on when it died.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from diagnostics.durable.jobs import Jobs
from diagnostics.durable.leases import Leases

ADOPTER = "adopter"
PRUNE = 3600.0
FORGOTTEN = 86_400.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. Who was not heard of for `lease` + `grace` is held for dead. `pauses` are those after calls that failed."""

    heartbeat: float = 5.0
    lease: float = 30.0
    grace: float = 10.0
    poll: float = 2.0
    drain: int = 5
    pauses: tuple[float, ...] = (10.0, 60.0, 300.0, 900.0)


USUAL = Pace()


class Keeper:
    """For one thread. `me` is unique to this run of this process. Raises SQLAlchemy's errors."""

    def __init__(self, me: str, leases: Leases, jobs: Jobs, is_active: Callable[[str], bool], pace: Pace) -> None:
        self._me, self._leases, self._jobs, self._is_active, self._pace = me, leases, jobs, is_active, pace
        self._stray: dict[str, float] = {}
        self._pruned = time.monotonic()

    def sign_on(self) -> None:
        """Before the first turn is taken: who takes one without a lease is held for dead."""
        now = time.time()
        self._leases.take(self._me, self._me, now=now, until=now + self._pace.lease)

    def beat(self) -> int:
        """Returns how many turns were taken up again."""
        self.sign_on()
        taken = {row.workflow_id: row.executor_id for row in self._jobs.taken()}
        orphans = self._lost(taken) | self._orphans(taken)
        if orphans:
            self._jobs.release(orphans)
        if time.monotonic() - self._pruned > PRUNE:
            self._pruned = time.monotonic()
            self._leases.forget(before=time.time() - FORGOTTEN)
            self._jobs.prune()
        return len(orphans)

    def sign_off(self) -> None:
        self._leases.give_back(self._me)

    def _orphans(self, taken: dict[str, str | None]) -> frozenset[str]:
        """Turns of processes without a lease, if it is on us to take them over."""
        now = time.time()
        if not {owner for owner in taken.values() if owner != self._me}:
            return frozenset()
        alive = self._leases.held(since=now - self._pace.grace) | {self._me}
        orphans = frozenset(turn for turn, owner in taken.items() if owner not in alive)
        # two that do it at once would take it away from whoever has just taken it
        ours = orphans and self._leases.take(ADOPTER, self._me, now=now, until=now + self._pace.lease)
        return orphans if ours else frozenset()

    def _lost(self, taken: dict[str, str | None]) -> frozenset[str]:
        """Turns that the database says we took, and that we never heard of: the connection broke in between. What has just been
        taken, or is just being recorded, looks the same, so it must have been so for a lease."""
        now = time.monotonic()
        stray = {turn for turn, owner in taken.items() if owner == self._me and not self._is_active(turn)}
        since = {turn: self._stray.get(turn, now) for turn in stray}
        lost = frozenset(turn for turn in stray if now - since[turn] > self._pace.lease)
        self._stray = {turn: since[turn] for turn in stray - lost}
        return lost
