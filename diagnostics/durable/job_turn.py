"""How a job goes on: pure. A turn is one wait and the call at its end; what follows from the call is a new turn."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

from diagnostics.durable import Due, Job, in_order

TRIES = 100
"""Calls for one slot: about a day of them. Then it is given up."""


@dataclass(frozen=True, slots=True)
class Turn:
    """Wait until `when`, then call for `due[0]`, the job's due time number `slot`. `number` counts the job's turns, `failures`
    the calls for this slot so far, all of which failed."""

    job: str
    kind: str
    key: str
    due: tuple[datetime, ...]
    when: datetime
    slot: int = 0
    number: int = 0
    failures: int = 0

    @classmethod
    def first(cls, job: Job) -> Self:
        return cls(job.id, job.kind, job.key, job.due, job.due[0])

    @property
    def id(self) -> str:
        """Of a row that can be made once only: so that a turn is, and with the first one the job."""
        return f"{ids(self.job)}{self.number}"

    def caught_up(self, now: datetime) -> Self:
        """Of the due times that have passed only the last is called for."""
        passed_over = max(sum(at <= now for at in self.due) - 1, 0)
        return replace(self, due=self.due[passed_over:], slot=self.slot + passed_over)

    def call(self) -> Due:
        return Due(self.job, self.kind, self.key, self.slot, self.due[0], self.due[1:])

    def then(self, later: Sequence[datetime]) -> Self | None:
        """After a call that returned `later`. None: the job has ended. Raises ValueError."""
        due = in_order(later)
        if not due:
            return None
        return replace(self, due=due, when=due[0], slot=self.slot + 1, number=self.number + 1, failures=0)

    def failed(self, now: datetime, pauses: Sequence[float]) -> Self | None:
        """After a call that raised. `pauses`: seconds until the next call, the last of them for all that follow."""
        if self.failures + 1 >= TRIES:
            return self.then(self.due[1:])
        pause = timedelta(seconds=pauses[min(self.failures, len(pauses) - 1)])
        return replace(self, when=now + pause, number=self.number + 1, failures=self.failures + 1)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "due": [at.isoformat() for at in self.due], "when": self.when.isoformat()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        due = tuple(map(datetime.fromisoformat, stored["due"]))
        return cls(**{**stored, "due": due, "when": datetime.fromisoformat(stored["when"])})


def ids(job: str) -> str:
    """What the ids of the job's turns, and of no other job's, begin with."""
    return f"{job}/"
