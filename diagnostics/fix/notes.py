"""What the rules of a fix say, as facts; `worded` makes the sentence of them. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Union

from diagnostics.catalogue.fixing import Caution, Objection, Topic
from diagnostics.connectors.source import Value
from diagnostics.findings import Facts
from diagnostics.fix.record import FixNote

Say = Callable[[str, Facts], str]
"""The line for a key and its facts: `Phrases.say` of catalogue/en/fix.toml."""

Key = Objection | Caution | Topic


@dataclass(frozen=True, slots=True)
class Note:
    """A key of catalogue/en/fix.toml with its facts. `how`: which of several templates."""

    key: Key
    how: str = ""
    facts: Mapping[str, "Fact"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Names:
    """The first of a list, and how many more there are: a tenant may have thousands."""

    first: tuple[str | Note, ...]
    more: int = 0

    def __bool__(self) -> bool:
        return bool(self.first)


Fact = Union[str, int, Note, Names]  # noqa: UP007 - Note is not defined yet where it is named in quotes


def note(key: Key, how: str = "", /, **facts: Fact) -> Note:
    return Note(key, how, facts)


def listing(names: Sequence[str | Note], most: int = 5, wide: int = 64) -> Names:
    """Names for a sentence: one may be as long as somebody liked."""
    shown = tuple(name[:wide] if isinstance(name, str) else name for name in names[:most])
    return Names(shown, len(names) - len(shown))


def value(seen: Value | None) -> Fact:
    """A value of a step."""
    if isinstance(seen, bool):
        return note(Topic.PART, "on" if seen else "off")
    return note(Topic.PART, "not-seen") if seen is None else seen


def worded(said: Note, say: Say) -> str:
    """The sentence."""
    return say(said.key, {"how": said.how, **{name: _text(fact, say) for name, fact in said.facts.items()}})


def fix_note(said: Note, say: Say) -> FixNote:
    """As contract 6 has it."""
    return FixNote(id=said.key.value, text=worded(said, say))


def _text(fact: Fact, say: Say) -> str:
    if isinstance(fact, Note):
        return worded(fact, say)
    if isinstance(fact, Names):
        shown = ", ".join(_text(name, say) for name in fact.first)
        return worded(note(Topic.PART, "and-more", names=shown, more=fact.more), say) if fact.more else shown
    return str(fact)
