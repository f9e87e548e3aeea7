"""What mailflow remembers: results, ids seen, answers under way, watches, fixes. Shapes only; standard library only.

`diagnostics.store.opening.open_store` gives a `Store`; that module and what it imports load SQLAlchemy, this one does not.

- Ids are opaque, up to MAX_ID characters. Times are aware datetimes. Texts may hold anything; NUL and lone surrogates, which
  no database takes, come back as U+FFFD.
- An `owner` is one running process and must be new at each start: what an owner has taken is its own until the lease ends,
  which `renew` puts off. Leases are judged by the callers' clocks, so replicas' clocks may differ by seconds, not by a lease.
- Every call ends within PATIENCE seconds, or a little more. After StoreUnavailable it is not known whether the change was made.
- Never put into the store: tokens, people's mail addresses, text of a person's mail. A place may hold a `response_url` only while
  there is no other way to answer; it is wiped with the answer's request and actor when the answer is finished. A watch's place
  must not hold one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol

MAX_ID = 150
MAX_WORD = 400
MAX_PLACE = 4_000
MAX_REQUEST = 1024 * 1024
MAX_DOCUMENT = 256 * 1024
MAX_TEXT = 64 * 1024
"""Characters. The first two keep index entries under PostgreSQL's 2,704 bytes."""

PATIENCE = 5.0
LEASE = timedelta(seconds=30)
"""Renew at least every third of it."""

MAX_ATTEMPTS = 2
"""Runs of one answer, the resumed one included: what ended its process twice may be what ends it."""

RUNNING = "running"
"""The state of a fix of which a write may be on its way."""

PLANS = ("planned", "blocked", "expired", "rejected")
"""States in which a fix may be that nobody has asked for."""

UNASKED = ("planned", "expired", "rejected")
"""Events of the audit that say of a plan no more than that it was made and is over."""

Outcome = Literal["success", "failure", "none"]


class StoreFault(Exception):
    """The store cannot be opened: one sentence with the setting, the place and the mend, never with a password.

    `passing` is true when nothing may be wrong with the settings: the server is away, or another process holds the file.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class StoreUnavailable(Exception):
    """An open store does not answer now: half a sentence that says why. It may again a moment later, without being reopened."""


class TooManyWatches(Exception):
    """Half a sentence that says of what there are too many."""


class StoreUnwritable(StoreUnavailable):
    """It answers, and takes no change: its disk is full, or it may only be read."""


class DoesNotFit(ValueError):
    """Something given is longer than the store keeps, or empty where it must not be: a mistake of the caller."""


@dataclass(frozen=True, slots=True)
class StoredResult:
    """What a button's id points to. `word` repeats the check; `document` is the Result as JSON, None if over MAX_DOCUMENT.

    `partner` (the text for the partner, None where there is none) and `transcript` are cut at MAX_TEXT, and say so.
    """

    id: str
    word: str
    verdict: str
    document: str | None
    partner: str | None
    transcript: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Answer:
    """A question that is being answered: where the answer belongs, and all that is needed to ask again (JSON).

    `place` is "PLATFORM:…"; only that platform can read the rest. `attempts` counts the runs, this one included.
    """

    id: str
    place: str
    request: str
    actor: str
    started: datetime
    attempts: int = 1

    @property
    def platform(self) -> str:
        """The chat platform that the place belongs to; "" where the place names none."""
        name, colon, _ = self.place.partition(":")
        return name if colon else ""

    @property
    def spent(self) -> bool:
        """It has been tried often enough: do not run it again, say so in its place and finish it."""
        return self.attempts > MAX_ATTEMPTS


@dataclass(frozen=True, slots=True)
class Watch:
    """Check `word` every `every` until it is healthy or `until` has come, then tell `place`. `last`: the verdict seen last."""

    id: str
    word: str
    place: str
    actor: str
    until: datetime
    every: timedelta
    last: str = ""


@dataclass(frozen=True, slots=True)
class StoredFix:
    """A row of the ledger of fixes. `document` is JSON; `guid` is the connector's, and is kept in lower case.

    While somebody works on it, `owner` holds it until `lease_until`; both are None otherwise. `fence` grows whenever it is taken.
    """

    id: str
    guid: str
    state: str
    document: str
    created: datetime
    fence: int = 0
    owner: str | None = None
    lease_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One line of the audit, which nobody can change: who did what to which fix, and when. `detail` is JSON.

    Two lines that are equal in everything, `at` included, are one: so whatever writes one may be repeated.
    """

    fix: str
    at: datetime
    actor: str
    event: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """That Microsoft 365 reported a refused connection for a connector: who explained such a text here last, and its line.

    `guid` is the connector's, and is kept in lower case. `line` holds code and error text alone, nothing of a mail.
    """

    guid: str
    at: datetime
    actor: str
    line: str


@dataclass(frozen=True, slots=True)
class Retention:
    """How long things are kept. The last success and the last failure of each word stay for `last_results`.

    Fixes and their audit are kept for ever; plans that nobody asked for are not.
    """

    results: timedelta = timedelta(days=30)
    last_results: timedelta = timedelta(days=400)
    seen: timedelta = timedelta(days=2)
    answers: timedelta = timedelta(days=2)
    watches: timedelta = timedelta(days=7)
    plans: timedelta = timedelta(days=1)
    reports: timedelta = timedelta(days=1)


KEEP = Retention()


class Store(Protocol):
    """Whatever is said of "once" holds over all replicas. Every method may raise StoreUnavailable."""

    async def ping(self) -> None:
        """Returns if the store takes changes now: one is made and committed. Raises StoreUnwritable where it only answers."""

    # ---- results

    async def keep_result(self, result: StoredResult) -> None:
        """Keep it; an id that is there already stays as it is. Raises DoesNotFit."""

    async def result(self, id: str) -> StoredResult | None: ...

    # ---- ids seen

    async def claim(self, kind: str, id: str, *, at: datetime) -> bool:
        """True once for each (kind, id), until Retention.seen has passed. Raises DoesNotFit."""

    async def is_claimed(self, kind: str, id: str) -> bool: ...

    # ---- answers

    async def begin_answer(self, answer: Answer, *, owner: str, now: datetime) -> bool:
        """Note that `owner` answers this. False if that id was begun before. Raises DoesNotFit."""

    async def move_answer(self, id: str, *, owner: str, place: str) -> bool:
        """The place as it is known now (the message that is being edited). False if the answer is not the owner's (any more)."""

    async def finish_answer(self, id: str, *, owner: str, now: datetime) -> bool:
        """The answer is out. False if the answer is not the owner's (any more), or was finished before."""

    async def take_unfinished(self, owner: str, *, now: datetime, platform: str | None = None, limit: int = 20) -> list[Answer]:
        """Answers whose lease has ended, oldest first, each given to one caller. See `Answer.spent`.

        `platform`: of that one alone; None: of all.

        The caller's own come back too when it did not renew them: one that it still works on is to be ignored.
        """

    # ---- watches

    async def add_watch(
        self, watch: Watch, *, now: datetime, most_of_word: int | None = None, most_of_actor: int | None = None
    ) -> bool:
        """First due after `every`. False if a live watch has the same word and place, or the same id.

        Raises DoesNotFit, and TooManyWatches where as many others of that word or of that actor are alive, over all places.
        """

    async def watch(self, id: str) -> Watch | None:
        """The watch, while it lives."""

    async def take_due_watches(self, owner: str, *, now: datetime, limit: int = 50) -> list[Watch]:
        """Live watches that are due, the longest due before others, each given to one caller; those past their `until` too."""

    async def put_off(self, id: str, *, owner: str, due: datetime, last: str) -> bool:
        """Looked at, and to be looked at again. False if the watch is not the owner's (any more), or has ended."""

    async def end_watch(self, id: str, *, told: bool, now: datetime, answer: Answer | None = None, owner: str = "") -> bool:
        """True once. `answer`, begun for `owner` in the same transaction, is what the place still has to be told."""

    # ---- fixes: the ledger of what is changed in the tenant, and its audit

    async def add_fix(self, fix: StoredFix, entry: AuditEntry | None = None) -> bool:
        """A new row without an owner, at fence 0, and the audit's line on it, if any. False if the id is there.

        Raises DoesNotFit. A line stays for ever, so a plan that is only looked at should have none.
        """

    async def fix(self, id: str) -> StoredFix | None: ...

    async def fixes(
        self,
        *,
        limit: int = 100,
        before: StoredFix | None = None,
        guid: str | None = None,
        states: Collection[str] | None = None,
        since: datetime | None = None,
    ) -> list[StoredFix]:
        """Newest first by `created`, then `id`; `before`, the last one seen, pages on.

        `guid`: of that connector alone; `states`: in one of these; `since`: created then or later.
        """

    async def take_fix(
        self, id: str, *, owner: str, states: Collection[str], now: datetime, lease: timedelta, grace: timedelta
    ) -> StoredFix | None:
        """Hold it under the next fence, if its state is one of these and nobody holds it, or did until over `grace` ago.

        None otherwise, even for the owner that holds it: another task of that process is at it. None too while another fix of
        the same connector has an owner, be its lease over or not: that one is to be brought to its end first.
        After StoreUnavailable it may be held all the same: then nobody gets it before lease and grace are over.
        """

    async def save_fix(
        self,
        id: str,
        *,
        owner: str,
        fence: int,
        state: str,
        document: str,
        now: datetime,
        lease: timedelta | None,
        entry: AuditEntry | None = None,
    ) -> bool:
        """State, document, the lease anew (None: no owner any more) and the audit's line; durable when it returns.

        False if the fix is not this owner's under this fence (any more): then nothing was changed. After StoreUnavailable
        the same call may be made again: no line is written twice, and it is True although the first one gave the fix back.
        Raises DoesNotFit, and then nothing was changed either.
        """

    async def owned_fix(self, guid: str) -> StoredFix | None:
        """The fix of that connector that has an owner, be its lease over or not."""

    async def audit(self, fix: str | None = None, *, limit: int = 1000, offset: int = 0) -> list[AuditEntry]:
        """Lines of one fix or of all, oldest first."""

    # ---- reports of Microsoft's

    async def keep_report(self, report: Report) -> None:
        """In place of an older one of the same connector. Raises DoesNotFit."""

    async def report(self, guid: str, *, since: datetime) -> Report | None:
        """The last one of that connector, if it was explained then or later."""

    # ---- leases, retention

    async def renew(self, owner: str, ids: Collection[str], *, now: datetime) -> frozenset[str]:
        """Hold these answers and watches for another LEASE. Returns those that are still the owner's: drop the others.

        A fix is held by save_fix alone.
        """

    async def release(self, owner: str, *, now: datetime) -> None:
        """The owner ends: what it has not finished may be taken at once.

        Not so a fix that is RUNNING: it keeps its owner and its lease, so that only a resume, which reads back, goes on with it.
        """

    async def prune(self, now: datetime, keep: Retention = KEEP, *, slice: int = 500) -> Mapping[str, int]:
        """Delete what is older than `keep`, `slice` rows a transaction. Returns how many rows of each kind."""
