"""What the findings mean: codes, titles, causes, fixes, warnings, and words for evidence. Rules and words are apart (files.py).

Everything is checked when it is loaded: a tag that no probe can write, a reason explained twice or not at all, a rule without
words, a word in braces that nobody fills in are CatalogueFaults, not surprises during an incident.
"""

import string
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from diagnostics import codes as table
from diagnostics.catalogue import files, fixing
from diagnostics.catalogue.entries import (
    ANYBODY,
    ELSEWHERE,
    SENDERS,
    Addition,
    Audience,
    CauseEntry,
    CodeEntry,
    Elsewhere,
    Entry,
    Explained,
    FixEntry,
    Kind,
    Oldest,
    Status,
    Subject,
    Way,
)
from diagnostics.catalogue.files import CatalogueFault
from diagnostics.catalogue.phrases import Phrases
from diagnostics.endpoints import SHIPPED, Ranges
from diagnostics.findings import CERTIFICATE, Clue, Finding, Reason, Tag, Trace, Unread, Warn
from diagnostics.model import Sender

__all__ = [
    "Addition", "Audience", "Catalogue", "CatalogueFault", "CauseEntry", "CodeEntry", "Elsewhere", "Entry", "Explained",
    "FixEntry", "Kind", "Phrases", "Status", "Subject", "Way", "family", "load", "tag",
]  # fmt: skip

T = TypeVar("T", bound=BaseModel)

PAGE = (
    "https://learn.microsoft.com/exchange/mail-flow-best-practices/non-delivery-reports-in-exchange-online/"
    "non-delivery-reports-in-exchange-online"
)
"""Microsoft's table of codes, for what no entry explains."""

FIELDS = frozenset({"host", "where", "domain", "connector", "guid", "server"})


class Catalogue(BaseModel):
    """`codes` by the names of diagnostics/codes.py, `kinds` in the order in which they are tried, `elsewhere` by what failed."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    entries: dict[Reason, Entry]
    warnings: dict[str, str]
    phrases: Phrases
    summaries: Phrases
    fixing: Phrases
    unread: Phrases
    codes: dict[str, CodeEntry]
    kinds: dict[str, Kind]
    elsewhere: dict[str, Elsewhere]
    oldest: Oldest
    enforcement: Phrases
    other: CodeEntry
    status: Status
    explained: Explained
    page: str = PAGE

    def __getitem__(self, reason: Reason) -> Entry:
        return self.entries[reason]

    def evidence(self, finding: Finding) -> str:
        """What was found, as a line for a person; empty where the tag says it all."""
        return self.phrases.say(finding.tag, finding.facts)

    def code(self, enhanced: str, said: str) -> CodeEntry | None:
        """What is said of that code beside those words; None for one that is not known."""
        row = table.row(enhanced, said)
        return self.codes[row.name] if row else None

    def reasons(self, code: str) -> list[Reason]:
        """The reasons for which Microsoft reports that code, queued or expired, the most frequent first."""
        wanted = family(code)
        entry = next((entry for entry in self.codes.values() if entry.code and family(entry.code) == wanted), None)
        rank = {reason: number for number, reason in enumerate(entry.often if entry else ())}
        also = {r: [e.code or "", *e.also_seen_as] for r, e in self.entries.items()}
        found = [reason for reason, codes in also.items() if wanted in map(family, codes)]
        return sorted(found, key=lambda reason: rank.get(reason, len(rank)))


@lru_cache(maxsize=2)
def load(ranges: Ranges = SHIPPED) -> Catalogue:
    """The catalogue that ships with the package, read once a process and once for newer `ranges`. Raises CatalogueFault."""
    entries: dict[Reason, Entry] = {}
    codes: dict[str, CodeEntry] = {}
    for name in files.codes():
        document = files.joined(name, ranges)
        _add(entries, name, document)
        _add_code(codes, name, document)
    for name in files.codes("reported"):
        _add_reported(codes, name, files.joined(name, ranges))
    if wrong := {row.name for row in table.rows()} ^ set(codes):
        raise CatalogueFault(f"codes.py and the catalogue differ in {', '.join(sorted(wrong))}")
    _add(entries, "vantage.toml", files.joined("vantage.toml", ranges))
    if missing := sorted(set(Reason) - set(entries)):
        raise CatalogueFault(f"nothing explains {', '.join(missing)}")
    warnings = files.words("warnings.toml", ranges)
    if wrong := {*Warn, *CERTIFICATE} ^ set(warnings):
        raise CatalogueFault(f"warnings.toml and findings.py differ in {', '.join(sorted(wrong))}")
    phrases = Phrases("evidence.toml", files.words("evidence.toml", ranges))
    phrases.check([*Reason, *Warn, *Clue, *Trace])
    unread = Phrases("parse.toml", files.words("parse.toml", ranges))
    unread.check(Unread)
    return Catalogue(
        entries=entries,
        warnings=warnings,
        phrases=phrases,
        summaries=Phrases("summary.toml", files.words("summary.toml", ranges)),
        fixing=fixing.phrases(ranges),
        unread=unread,
        codes=codes,
        kinds=_kinds(files.joined("kinds.toml", ranges)),
        elsewhere=_elsewhere(files.joined("elsewhere.toml", ranges)),
        oldest=_checked("exchange-builds.toml", Oldest, files.rules("exchange-builds.toml", ranges)),
        enforcement=Phrases("enforcement.toml", files.words("enforcement.toml", ranges)),
        other=_checked("other.toml", CodeEntry, files.joined("other.toml", ranges)),
        status=_checked("status.toml", Status, files.joined("status.toml", ranges)),
        explained=_checked("explained.toml", Explained, files.joined("explained.toml", ranges)),
    )


def tag(text: str) -> Tag:
    """The tag of that name. Raises ValueError."""
    for kind in (Reason, Warn, Clue):
        if text in kind._value2member_map_:
            return kind(text)
    raise ValueError(f"no tag {text!r}")


def _add(entries: dict[Reason, Entry], name: str, document: dict[str, Any]) -> None:
    shared = {key: document.get(key) for key in ("title", "meaning", "basis", "page", "code")}
    shared["seen"] = document.get("seen", "")
    for word, body in document.get("reason", {}).items():
        try:
            reason, entry = Reason(word), Entry.model_validate(shared | body)
            _check(entry)
        except (ValidationError, ValueError) as error:
            raise CatalogueFault(f"{name}: [reason.{word}]: {error}") from None
        if reason in entries:
            raise CatalogueFault(f"{name}: [reason.{word}] is explained twice")
        entries[reason] = entry


def _add_code(codes: dict[str, CodeEntry], name: str, document: dict[str, Any]) -> None:
    entry = _checked(name, CodeEntry, {key: value for key, value in document.items() if key != "reason"})
    if not entry.causes and "reason" not in document:
        raise CatalogueFault(f"{name}: neither a cause nor a reason")
    codes[(entry.code or "").rpartition(" ")[2]] = entry


def _add_reported(codes: dict[str, CodeEntry], name: str, document: dict[str, Any]) -> None:
    writers = {row.name: row.writer for row in table.rows()}
    for word, body in document.items():
        if word in codes:
            raise CatalogueFault(f"{name}: {word} is explained twice")
        codes[word] = _checked(name, CodeEntry, _for(SENDERS[writers.get(word, "anybody")], body))


def _kinds(document: dict[str, Any]) -> dict[str, Kind]:
    return {name: _checked("kinds.toml", Kind, _for(ANYBODY, body)) for name, body in document.items()}


def _elsewhere(document: dict[str, Any]) -> dict[str, Elsewhere]:
    ways = {name: {where: _for(ELSEWHERE, way) for where, way in body.items()} for name, body in document.items()}
    return {name: _checked("elsewhere.toml", Elsewhere, body) for name, body in ways.items()}


def _for(senders: tuple[Sender, ...], body: dict[str, Any]) -> dict[str, Any]:
    """Causes and steps that say nothing else hold for the mail of these."""
    return body | {rows: [{"senders": senders} | row for row in body.get(rows, ())] for rows in ("cause", "fix")}


def _checked(name: str, kind: type[T], document: dict[str, Any]) -> T:
    """Raises CatalogueFault."""
    try:
        found = kind.model_validate(document)
        if isinstance(found, CodeEntry):
            _check(found)
    except (ValidationError, ValueError) as error:
        raise CatalogueFault(f"{name}: {error}") from None
    return found


def family(code: str) -> str:
    """The part of "450 4.4.316" that does not change when the message expires: "4.316"."""
    return code.rpartition(" ")[2].partition(".")[2]


def _check(entry: Entry | CodeEntry) -> None:
    for cause in entry.causes:
        for name in (*cause.confirmed_by, *cause.likely_by, *cause.ruled_out_by, *cause.not_likely_by):
            tag(name)
    texts = [
        entry.summary if isinstance(entry, Entry) else "",
        entry.partner,
        *(c.text for c in entry.causes),
        *(f.text for f in entry.fixes),
    ]
    for text in texts:
        if unknown := {field for _, field, _, _ in string.Formatter().parse(text) if field} - FIELDS:
            raise ValueError(f"nobody fills in {sorted(unknown)} of {text!r}")
    if unknown_causes := {cause for f in entry.fixes for cause in f.mends} - {c.id for c in entry.causes}:
        raise ValueError(f"a fix mends {sorted(unknown_causes)}, which is no cause here")
    for rows in (entry.causes, entry.fixes):
        if len({(row.id, row.audience) for row in rows}) != len(rows):
            raise ValueError("an id stands twice")
    if isinstance(entry, Entry) and entry.code and not entry.partner:
        raise ValueError("it does not say what a partner has to change")
