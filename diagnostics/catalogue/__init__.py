"""What the findings mean: codes, titles, causes, fixes and warnings, one TOML file a code.

Everything is checked when it is loaded: a tag that no probe can write, a reason explained twice or not at all, a word in
braces that nobody fills in are CatalogueFaults, not surprises during an incident.
"""

import string
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
    id: str
    text: str
    owner: Owner
    url: str | None = None
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


class Catalogue(_Row):
    entries: dict[Reason, Entry]
    warnings: dict[str, str]

    def __getitem__(self, reason: Reason) -> Entry:
        return self.entries[reason]


def load() -> Catalogue:
    """The catalogue that ships with the package. Raises CatalogueFault."""
    folder = resources.files(__package__)
    files = sorted((f for f in folder.joinpath("codes").iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    entries: dict[Reason, Entry] = {}
    for file in [*files, folder.joinpath("vantage.toml")]:
        _add(entries, file)
    if missing := sorted(set(Reason) - set(entries)):
        raise CatalogueFault(f"nothing explains {', '.join(missing)}")
    warnings = tomllib.loads(folder.joinpath("warnings.toml").read_text("utf-8"))
    if wrong := {*Warn, *CERTIFICATE} ^ set(warnings):
        raise CatalogueFault(f"warnings.toml and findings.py differ in {', '.join(sorted(wrong))}")
    return Catalogue(entries=entries, warnings=warnings)


def tag(text: str) -> Tag:
    """The tag of that name. Raises ValueError."""
    for kind in (Reason, Warn, Clue):
        if text in kind._value2member_map_:
            return kind(text)
    raise ValueError(f"no tag {text!r}")


def _add(entries: dict[Reason, Entry], file: Traversable) -> None:
    document = tomllib.loads(file.read_text("utf-8"))
    shared = {key: document[key] for key in ("title", "meaning", "basis", "page")} | {"code": document.get("code")}
    for name, body in document["reason"].items():
        try:
            reason, entry = Reason(name), Entry.model_validate(shared | body)
            _check(entry)
        except (ValidationError, ValueError) as error:
            raise CatalogueFault(f"{file.name}: [reason.{name}]: {error}") from None
        if reason in entries:
            raise CatalogueFault(f"{file.name}: [reason.{name}] is explained twice")
        entries[reason] = entry


def _check(entry: Entry) -> None:
    for cause in entry.causes:
        for name in cause.confirmed_by + cause.likely_by + cause.ruled_out_by:
            tag(name)
    texts = [entry.summary, entry.partner, *(c.text for c in entry.causes), *(f.text for f in entry.fixes)]
    for text in texts:
        if unknown := {field for _, field, _, _ in string.Formatter().parse(text) if field} - FIELDS:
            raise ValueError(f"nobody fills in {sorted(unknown)} of {text!r}")
    for rows in (entry.causes, entry.fixes):
        if len({(row.id, row.audience) for row in rows}) != len(rows):
            raise ValueError("an id stands twice")
    if entry.code and not entry.partner:
        raise ValueError("it does not say what a partner has to change")
