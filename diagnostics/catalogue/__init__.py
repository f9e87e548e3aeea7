"""What the findings mean: codes, titles, causes, fixes and warnings, one TOML file a code.

`{ranges}` in a text is filled in when it is loaded: Microsoft's addresses stand in diagnostics/endpoints alone. Everything is
checked then too: a tag that no probe can write, a reason explained twice or not at all, a word in braces that nobody fills in
are CatalogueFaults, not surprises during an incident.
"""

import string
import tomllib
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diagnostics.endpoints import SHIPPED, Ranges
from diagnostics.findings import CERTIFICATE, Clue, Reason, Tag, Warn
from diagnostics.model import Owner

Basis = Literal["documented", "observed", "inferred"]
Audience = Literal["everyone", "on-premises", "partner"]
FIELDS = frozenset({"host", "where", "connector", "guid"})


class CatalogueFault(Exception):
    """The catalogue contradicts itself or the findings: a fault of ours, found at start."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CauseEntry(_Row):
    """One likely cause. Tags say what confirms it, makes it likely, or rules it out; without evidence it is possible."""

    id: str
    text: str
    confirmed_by: tuple[str, ...] = ()
    likely_by: tuple[str, ...] = ()
    ruled_out_by: tuple[str, ...] = ()
    audience: Audience = Field("everyone", alias="for")


class FixEntry(_Row):
    """One step. `mends`: causes that it is for (none: all); `ours`: it changes the connector, so it counts for partners too."""

    id: str
    text: str
    owner: Owner
    url: str | None = None
    mends: tuple[str, ...] = ()
    ours: bool = False
    audience: Audience = Field("everyone", alias="for")


class Entry(_Row):
    """Everything that is said for one reason. `code` None: no code of Microsoft's (contract 4)."""

    code: str | None
    title: str
    meaning: str
    summary: str
    basis: Basis
    page: str
    also_seen_as: tuple[str, ...] = ()
    partner: str = ""
    causes: tuple[CauseEntry, ...] = Field(alias="cause")
    fixes: tuple[FixEntry, ...] = Field(alias="fix")


class CodeEntry(_Row):
    """What is said of a code that only a text reported. `twins` are its other classes; the six codes have causes by reason.

    `through`: ranges of codes for which the same is said, first and last. `often`: the reasons for which it is reported, the most
    frequent first.
    """

    code: str | None = None
    title: str
    meaning: str
    basis: Basis
    page: str
    twins: tuple[str, ...] = ()
    through: tuple[tuple[str, str], ...] = ()
    often: tuple[Reason, ...] = ()
    partner: str = ""
    causes: tuple[CauseEntry, ...] = Field((), alias="cause")
    fixes: tuple[FixEntry, ...] = Field((), alias="fix")


class Subject(_Row):
    """What the subject of a status code says (RFC 3463 section 3), and the one step that it leads to."""

    title: str
    meaning: str
    fix: FixEntry


class Status(_Row):
    """RFC 3463 by the digit of the class and of the subject."""

    classes: dict[str, str] = Field(alias="class")
    subjects: dict[str, Subject] = Field(alias="subject")


class Addition(_Row):
    """What an explanation adds to an error's own causes and fixes."""

    cause: CauseEntry | None = None
    fix: FixEntry


class Explained(_Row):
    """The additions, by what calls for them: what a live check shows beside the report, and mail that was returned."""

    refused_for_microsoft: Addition = Field(alias="refused-for-microsoft")
    mended: Addition
    returned: Addition


class Catalogue(_Row):
    """`codes` by enhanced status code without its class ("4.316"): 4.4.316 and 5.4.316 are one fault, queued or expired."""

    entries: dict[Reason, Entry]
    warnings: dict[str, str]
    codes: dict[str, CodeEntry]
    other: CodeEntry
    status: Status
    explained: Explained

    def __getitem__(self, reason: Reason) -> Entry:
        return self.entries[reason]

    def code(self, code: str) -> CodeEntry | None:
        """What is said of that code, whatever its class; None for one that no file explains."""
        exact = self.codes.get(family(code))
        return exact or next((entry for entry in self.codes.values() if _reaches(entry, code)), None)

    def reasons(self, code: str) -> list[Reason]:
        """The reasons for which Microsoft reports that code, whatever its class, the most frequent first."""
        entry, wanted = self.codes.get(family(code)), family(code)
        rank = {reason: number for number, reason in enumerate(entry.often if entry else ())}
        also = {r: [e.code or "", *e.also_seen_as] for r, e in self.entries.items()}
        found = [reason for reason, codes in also.items() if wanted in map(family, codes)]
        return sorted(found, key=lambda reason: rank.get(reason, len(rank)))


@lru_cache(maxsize=2)
def load(ranges: Ranges = SHIPPED) -> Catalogue:
    """The catalogue that ships with the package, read once a process and once for newer `ranges`. Raises CatalogueFault."""
    folder = resources.files(__package__)
    files = sorted((f for f in folder.joinpath("codes").iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    entries: dict[Reason, Entry] = {}
    codes: dict[str, CodeEntry] = {}
    for file in files:
        document = _read(file, ranges)
        _add(entries, file.name, document)
        _add_code(codes, file.name, document)
    vantage = folder.joinpath("vantage.toml")
    _add(entries, vantage.name, _read(vantage, ranges))
    if missing := sorted(set(Reason) - set(entries)):
        raise CatalogueFault(f"nothing explains {', '.join(missing)}")
    warnings = _read(folder.joinpath("warnings.toml"), ranges)
    if wrong := {*Warn, *CERTIFICATE} ^ set(warnings):
        raise CatalogueFault(f"warnings.toml and findings.py differ in {', '.join(sorted(wrong))}")
    other = _code_entry("other.toml", _read(folder.joinpath("other.toml"), ranges))
    try:
        status = Status.model_validate(_read(folder.joinpath("status.toml"), ranges))
        explained = Explained.model_validate(_read(folder.joinpath("explained.toml"), ranges))
    except ValidationError as error:
        raise CatalogueFault(f"status.toml or explained.toml: {error}") from None
    return Catalogue(entries=entries, warnings=warnings, codes=codes, other=other, status=status, explained=explained)


def tag(text: str) -> Tag:
    """The tag of that name. Raises ValueError."""
    for kind in (Reason, Warn, Clue):
        if text in kind._value2member_map_:
            return kind(text)
    raise ValueError(f"no tag {text!r}")


def _read(file: Traversable, ranges: Ranges) -> dict[str, Any]:
    return tomllib.loads(file.read_text("utf-8").replace("{ranges}", str(ranges)))


def _add(entries: dict[Reason, Entry], name: str, document: dict[str, Any]) -> None:
    shared = {key: document[key] for key in ("title", "meaning", "basis", "page")} | {"code": document.get("code")}
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
    entry = _code_entry(name, {key: value for key, value in document.items() if key != "reason"})
    if not entry.causes and "reason" not in document:
        raise CatalogueFault(f"{name}: neither a cause nor a reason")
    for code in (entry.code or "", *entry.twins):
        key = family(code)
        if codes.setdefault(key, entry) is not entry:
            raise CatalogueFault(f"{name}: {code} is explained twice")


def _code_entry(name: str, document: dict[str, Any]) -> CodeEntry:
    try:
        entry = CodeEntry.model_validate(document)
        _check(entry)
    except (ValidationError, ValueError) as error:
        raise CatalogueFault(f"{name}: {error}") from None
    return entry


def family(code: str) -> str:
    """The part of "450 4.4.316" that does not change when the message expires: "4.316"."""
    return code.rpartition(" ")[2].partition(".")[2]


def _reaches(entry: CodeEntry, code: str) -> bool:
    """Whether the code lies in one of the entry's ranges: same subject, detail between the two."""
    subject, _, detail = family(code).partition(".")
    for first, last in entry.through:
        (start, low), (_, high) = family(first).split("."), family(last).split(".")
        if subject == start and detail.isdigit() and int(low) <= int(detail) <= int(high):
            return True
    return False


def _check(entry: Entry | CodeEntry) -> None:
    for cause in entry.causes:
        for name in cause.confirmed_by + cause.likely_by + cause.ruled_out_by:
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
