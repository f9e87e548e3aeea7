"""The rows of the catalogue: rules of catalogue/rules/ with their words of catalogue/en/."""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from diagnostics.codes import Writer
from diagnostics.findings import Reason
from diagnostics.model import Owner, Sender

Basis = Literal["documented", "observed", "inferred"]
Audience = Literal["everyone", "on-premises", "partner"]

ANYBODY: tuple[Sender, ...] = ("exchange-online", "other", "unknown")
ONLINE: tuple[Sender, ...] = ("exchange-online", "unknown")
ELSEWHERE: tuple[Sender, ...] = ("other", "unknown")

SENDERS: Mapping[Writer, tuple[Sender, ...]] = {
    "outbound": ANYBODY,
    "inbound": ANYBODY,
    "on-premises": ELSEWHERE,
    "anybody": ANYBODY,
}
"""For whose mail that holds which is said of a code, by who writes it."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class CauseEntry(_Row):
    """One likely cause. Tags say what confirms it, makes it likely, or rules it out; without evidence it is possible.

    `not_likely_by`: with one of these it is no more than possible. `only_if_shown`: a check always looks for it, so without
    evidence it is not listed. `senders`: for whose mail it holds.
    """

    id: str
    text: str
    confirmed_by: tuple[str, ...] = ()
    likely_by: tuple[str, ...] = ()
    ruled_out_by: tuple[str, ...] = ()
    not_likely_by: tuple[str, ...] = ()
    only_if_shown: bool = False
    senders: tuple[Sender, ...] = ONLINE
    audience: Audience = Field("everyone", alias="for")


class FixEntry(_Row):
    """One step. `mends`: causes that it is for (none: all); `ours`: it changes the connector, so it counts for partners too;
    `tenant`: it changes something in the tenant, or names Microsoft's addresses; `senders`: for whose mail it holds; `states`: of
    mail in one of these states alone (none: all).
    """

    id: str
    text: str
    owner: Owner
    url: str | None = None
    mends: tuple[str, ...] = ()
    ours: bool = False
    tenant: bool = False
    senders: tuple[Sender, ...] = ONLINE
    states: tuple[str, ...] = ()
    audience: Audience = Field("everyone", alias="for")


class Entry(_Row):
    """Everything that is said for one reason. `code` None: no code of Microsoft's (contract 4).

    Two vantage points: `meaning` is what Microsoft 365 reports, `seen` what a check saw from this machine, where that differs;
    likewise `reported` and `summary`.
    """

    code: str | None
    title: str
    meaning: str
    seen: str = ""
    summary: str
    reported: str = ""
    basis: Basis
    page: str
    also_seen_as: tuple[str, ...] = ()
    partner: str = ""
    causes: tuple[CauseEntry, ...] = Field(alias="cause")
    fixes: tuple[FixEntry, ...] = Field(alias="fix")


class CodeEntry(_Row):
    """What is said of a code that only a text reported. The codes of connectors have causes by reason too; `often`: the reasons
    for which such a code is reported, the most frequent first.
    """

    code: str | None = None
    title: str
    meaning: str
    seen: str = ""
    basis: Basis = "documented"
    page: str
    often: tuple[Reason, ...] = ()
    partner: str = ""
    causes: tuple[CauseEntry, ...] = Field((), alias="cause")
    fixes: tuple[FixEntry, ...] = Field((), alias="fix")


class Kind(_Row):
    """A kind of refusal that servers write in words of their own; `words`: regular expressions, any case.

    `plain`: it counts also where the words stand apart from the code.
    """

    words: tuple[str, ...]
    plain: bool = False
    title: str
    meaning: str
    causes: tuple[CauseEntry, ...] = Field(alias="cause")
    fixes: tuple[FixEntry, ...] = Field(alias="fix")


class Way(_Row):
    """A failure on the way that another server than Exchange Online reports, by where the mail was going.

    Without a `title` that of the reason counts.
    """

    title: str = ""
    summary: str
    causes: tuple[CauseEntry, ...] = Field(alias="cause")
    fixes: tuple[FixEntry, ...] = Field(alias="fix")


class Elsewhere(_Row):
    """The same failure towards Microsoft 365 and towards others."""

    to_microsoft: Way = Field(alias="to-microsoft")
    to_others: Way = Field(alias="to-others")


class Minimum(_Row):
    """The oldest build of one version that is accepted, and the update that brings it."""

    build: str
    name: str
    update: str


class Oldest(_Row):
    """The oldest builds of Exchange servers whose mail Exchange Online takes, by major and minor version; since that date."""

    since: str
    minimum: dict[str, Minimum]


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
    """The additions, by what calls for them: what a live check shows beside the report, and mail that was returned.

    `untrusted`: the summary of a certificate that was not trusted, where the text does not say why.
    """

    untrusted: str
    refused_for_microsoft: Addition = Field(alias="refused-for-microsoft")
    mended: Addition
    returned: Addition
