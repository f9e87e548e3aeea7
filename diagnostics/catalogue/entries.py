"""The rows of the catalogue: rules of catalogue/rules/ with their words of catalogue/en/."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from diagnostics.findings import Reason
from diagnostics.model import Owner

Basis = Literal["documented", "observed", "inferred"]
Audience = Literal["everyone", "on-premises", "partner"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CauseEntry(_Row):
    """One likely cause. Tags say what confirms it, makes it likely, or rules it out; without evidence it is possible.

    `not_likely_by`: with one of these it is no more than possible. `only_if_shown`: a check always looks for it, so without
    evidence it is not listed.
    """

    id: str
    text: str
    confirmed_by: tuple[str, ...] = ()
    likely_by: tuple[str, ...] = ()
    ruled_out_by: tuple[str, ...] = ()
    not_likely_by: tuple[str, ...] = ()
    only_if_shown: bool = False
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
    """Everything that is said for one reason. `code` None: no code of Microsoft's (contract 4).

    Two vantage points: `meaning` is what Microsoft 365 reports, `seen` what a check saw from this machine, where that differs.
    """

    code: str | None
    title: str
    meaning: str
    seen: str = ""
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
    seen: str = ""
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
