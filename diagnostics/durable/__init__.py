"""Jobs that are due at absolute times, and are done by whichever process is alive then. Shapes only; standard library only.

`diagnostics.durable.open_engine.open_durable` gives a `Durable`; that module loads DBOS, this one does not.

- A handler is called within a few seconds after each due time, at least once. It runs again when its process died before the
  end was recorded, and it may run in two processes at once when one of them was frozen so long that its work was taken over.
  In one process it never runs twice at once for the same job. So what it does must bear being done twice: record (id, slot).
- Of several due times that have passed, since no process was alive or since calls failed, only the last is called for.
- A handler that raises, or takes longer than LONGEST, is called again for the same slot after growing pauses; after about a
  day of failures that slot is given up, and what comes later goes on.
- Ids, kinds and keys are opaque: they stand in the database in clear. Never put tokens, texts or people's data into them.
- Due times are judged by the wall clocks of the processes, which may differ by seconds, not by a lease.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

ID = re.compile(r"[A-Za-z0-9._:-]{1,150}")
"""What ids, kinds and keys look like; as long as the store's ids, which the keys are."""

MAX_DUE = 20
"""Due times of one job that are known in advance."""

LONGEST = timedelta(minutes=15)
"""That a handler may take."""

REMEMBERED = timedelta(days=30)
"""After a job has ended: so long its id cannot be started again."""


class DurableUnavailable(Exception):
    """Jobs cannot be opened, started or cancelled now: half a sentence that says why, never with a password.

    After it, it is not known whether the change was made; to ask for it once more does no harm. `passing` is false where a person
    must change a setting or a right first.
    """

    def __init__(self, message: str, *, passing: bool = True) -> None:
        super().__init__(message)
        self.passing = passing


@dataclass(frozen=True, slots=True)
class Job:
    """`key` is what the handler of this `kind` looks up. `due`: aware datetimes in ascending order, at least one."""

    id: str
    kind: str
    key: str
    due: tuple[datetime, ...]

    def __post_init__(self) -> None:
        if not all(ID.fullmatch(text) for text in (self.id, self.kind, self.key)):
            raise ValueError(f"a job's id, kind and key must match {ID.pattern}")
        if not in_order(self.due):
            raise ValueError("a job is due at least once")


@dataclass(frozen=True, slots=True)
class Due:
    """A job whose time has come: `at`. `slot` counts its due times from 0, also those passed over; `later` are still to come."""

    id: str
    kind: str
    key: str
    slot: int
    at: datetime
    later: tuple[datetime, ...]


Handler = Callable[[Due], Awaitable[Sequence[datetime]]]
"""Returns when the job is due again: `due.later` to go on as planned, other times to change the plan, () to end here."""


class Durable(Protocol):
    async def start(self, job: Job) -> bool:
        """True once for each id, over all replicas; durable when it returns. Raises DurableUnavailable."""

    async def cancel(self, id: str) -> None:
        """The job is not called any more, by any replica; a call under way comes to its end. Raises DurableUnavailable."""


def in_order(due: Sequence[datetime]) -> tuple[datetime, ...]:
    """The due times, which must be as a Job's. Raises ValueError."""
    if len(due) > MAX_DUE or any(at.tzinfo is None for at in due) or list(due) != sorted(due):
        raise ValueError(f"due times are up to {MAX_DUE} aware datetimes in ascending order")
    return tuple(due)
