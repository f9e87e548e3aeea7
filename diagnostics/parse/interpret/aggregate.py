"""Equal errors (code, destination, connector, reason) as one, with how often and when it was told."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from diagnostics.parse.forms.statement import Form
from diagnostics.parse.interpret.errors import Judged, judge
from diagnostics.parse.report import Reported
from diagnostics.parse.text.passages import Block

Key = tuple[object, ...]

_NEVER = datetime.min.replace(tzinfo=UTC)
MAX_KEPT = 4096
"""Different texts that are looked into: a report of 100,000 rows repeats a few."""

MAX_DIFFERENT = 256
"""Different errors that are compared with each other: four times what is reported."""


@dataclass(slots=True)
class Told:
    """An error and the times it was told. `occasions`: rows of a table, else points in time; `several`: of several mails.

    `proved`: the text itself says who was sending.
    """

    error: Reported
    form: Form
    closing: bool
    explained: bool
    several: bool
    proved: bool = False
    occasions: set[object] = field(default_factory=set)
    first: datetime | None = None
    last: datetime | None = None
    last_retry: datetime | None = None

    @property
    def newest(self) -> datetime:
        return self.last or _NEVER

    def again(self, judged: Judged, occasion: object, time: datetime | None, retry: datetime | None) -> None:
        """One more time. The newest counts; what it leaves out stays as it was."""
        newer = time is not None and time > self.newest
        self.occasions.add(occasion)
        if time:
            self.first = min(time, self.first or time)
            self.last = max(time, self.newest)
        if judged.error is not self.error:
            sent = directed(self.error, judged.error, proved=self.proved, other_proved=judged.proved)
            self.error = filled(judged.error, self.error) if newer else filled(self.error, judged.error)
            self.error = self.error.model_copy(update=sent)
        self.proved = self.proved or judged.proved
        self.last_retry = retry if newer else self.last_retry or retry
        self.closing = self.closing and judged.closing
        self.explained = self.explained or judged.explained

    def counted(self) -> Reported:
        count = len(self.occasions - {None}) or 1
        retry = self.last_retry or self.error.last_retry
        known = {"time": self.last, "count": count, "first": self.first, "last": self.last, "last_retry": retry}
        return self.error.model_copy(update=known)


def key(error: Reported) -> Key:
    """What makes an error the same as another."""
    return (error.code, error.server or error.ip, error.domain, error.connector, error.reason)


def tell(blocks: Iterable[Block]) -> tuple[list[Told], int]:
    """The errors of all blocks in order of appearance, and how many errors or blocks were left out.

    Rows that say the same are looked into once.
    """
    groups: dict[Key, Told] = {}
    kept: dict[Key, list[Judged]] = {}
    left_out = 0
    for number, block in enumerate(blocks):
        content = (block.text, block.connector, block.server, block.ip)
        if content not in kept:
            if len(kept) >= MAX_KEPT:
                left_out += 1
                continue
            kept[content] = judge(block)
        for judged in kept[content]:
            time = (block.time or judged.time) if block.row else judged.time
            same = key(judged.error)
            if same not in groups and len(groups) >= MAX_DIFFERENT:
                left_out += 1
                continue
            if same not in groups:
                groups[same] = Told(judged.error, judged.form, judged.closing, judged.explained, block.several, judged.proved)
            groups[same].again(judged, number if block.row else time, time, block.last_retry)
    return list(groups.values()), left_out


def filled(error: Reported, other: Reported) -> Reported:
    """The error with what only the other one says."""
    names = ("message", "reported_by", "last_retry", "arrival", "retry_until", "ip", "chain", "text")
    missing = {name: value for name in names if not getattr(error, name) and (value := getattr(other, name))}
    return error.model_copy(update=missing) if missing else error


def directed(error: Reported, other: Reported, *, proved: bool, other_proved: bool) -> dict[str, object]:
    """Sender and direction of two that are one error: those that the text proves, else those that are known at all."""
    theirs = (other_proved and not proved) or (error.sender == "unknown" and not proved)
    return {
        "sender": other.sender if theirs else error.sender,
        "to_microsoft": error.to_microsoft or other.to_microsoft,
    }
