"""What a person is told, before any front decides how it looks.

Every string is plain text and may carry foreign words (banners, host names): a front escapes all of it, always.
Standard library only: help and usage errors must not wait for imports.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

Severity = Literal["good", "mixed", "bad", "unknown", "info"]
"""good: mail flows; mixed: some paths do; bad: none does; unknown: could not tell; info: no verdict (help, errors)."""

SectionKind = Literal["text", "bullets", "steps", "code"]
"""text: paragraphs; bullets: a list, best first; steps: numbered, to be done in order; code: lines to show as they are."""


class Document(Protocol):
    """The contract's JSON model of a command."""

    def model_dump_json(self, *, indent: int | None = None, by_alias: bool = True) -> str: ...


@dataclass(frozen=True, slots=True)
class Item:
    """One paragraph, list entry, step or line. `tag` stands before it (a likelihood, an owner); `notes` are its evidence.

    `people`: the front's own ids of people or groups, named after the text.
    """

    text: str
    tag: str = ""
    notes: tuple[str, ...] = ()
    url: str | None = None
    people: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A titled run of items of one kind; an empty title means none is shown."""

    title: str
    items: tuple[Item, ...]
    kind: SectionKind = "text"


@dataclass(frozen=True, slots=True)
class Action:
    """Something to click: a verb of `registry.VERBS` and the id of a stored result. Never a name or text that somebody typed.

    `label` tells one from another where several have the same verb, of which one is to be chosen.
    """

    verb: str
    id: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Field:
    """Something to fill in. `name` is the option of the command line that it becomes; `choices` empty: text to type."""

    name: str
    label: str
    hint: str = ""
    choices: tuple[str, ...] = ()
    several: bool = False
    optional: bool = False
    longest: int = 500
    multiline: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """A form: `verb` and `id` are the command line that its fields complete, once it is sent with `submit`."""

    verb: str
    id: str
    submit: str
    fields: tuple[Field, ...]


Verdict = Literal["healthy", "degraded", "failing", "unknown"]


@dataclass(frozen=True, slots=True)
class Found:
    """What a check says of one target: its name for a person, its verdict, and the fault or the state in a few words."""

    subject: str
    verdict: Verdict
    what: str


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer.

    `headline` alone must carry the verdict in words: it is the line in the channel and on a phone. `verdict` is the worst of
    `results`, which are those of a check; None: this is no verdict about mail. `parts` are answers of their own in the same
    thread. `document` is what `--json` prints; `as_json` says that it was asked for. `ask` is a form to go on with. `spent` is
    what the clicked message says from now on instead of its buttons, before who and when. Nobody is told a reply for "nobody".
    """

    headline: str
    severity: Severity = "info"
    sections: tuple[Section, ...] = ()
    parts: tuple["Reply", ...] = ()
    actions: tuple[Action, ...] = ()
    document: Document | None = None
    as_json: bool = False
    exit_code: int = 0
    audience: Literal["thread", "asker", "nobody"] = "thread"
    verdict: Verdict | None = None
    results: tuple[Found, ...] = ()
    ask: Ask | None = None
    spent: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a long answer is: `done` of `total` paths (0 while the total is not known), and what ended last."""

    done: int
    total: int
    text: str


Tell = Callable[[Progress], None]
"""A front's callback for progress. It may be dropped, never raises, and never carries the verdict."""
