"""One question, and how it is kept in the store until it is answered."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from commands.command import Command
from commands.registry import find


class Place(Protocol):
    """Where a question was asked and where its answer belongs. Only its platform knows more; it never changes."""

    @property
    def user(self) -> str:
        """The platform's id of the person who asked."""

    @property
    def line(self) -> str:
        """What was typed or clicked, as others see it; "" for what the clock asks."""

    @property
    def direct(self) -> bool:
        """Nobody but the asker reads what is posted there."""

    @property
    def inline(self) -> bool:
        """The answer is one message among others, instead of a message with a thread of its own."""

    def dump(self) -> str:
        """For the store, while the answer is under way: "PLATFORM:…", at most diagnostics.store.MAX_PLACE characters."""

    def lasting(self) -> str:
        """The same for what comes back later: without what expires, and without anything that lets its reader post."""


P = TypeVar("P", bound=Place)


@dataclass(frozen=True, slots=True)
class File:
    """A file that is attached to a message, as the platform describes it; where it is not described there is the id alone."""

    id: str
    name: str = ""
    mimetype: str = ""
    filetype: str = ""


@dataclass(frozen=True, slots=True)
class Used:
    """What was clicked or submitted: `message`, the id of a message of ours, or `form`, the id of a form. It counts once.

    `content` is what the platform needs to show that message again without its buttons (a JSON object).
    """

    message: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    form: str = ""


@dataclass(frozen=True, slots=True)
class Question(Generic[P]):
    """`id` is the same for each copy that the platform sends; `prefix` is what people type before a command there.

    `text` was typed. `words` come from a click or a form: nobody typed them, and nothing splits them again.
    """

    id: str
    text: str
    place: P
    prefix: str = "mailflow"
    shared: bool = False
    """The platform's message says that other organisations read along."""
    words: tuple[str, ...] = ()
    used: Used | None = None
    forgotten: bool = False
    """It was somebody's text, and came back from the store without it."""
    thread: str = ""
    """The id of the message that its thread hangs on, where it does not begin one."""
    message: str = ""
    """The id of the message that asks it, where there is one."""
    files: tuple[File, ...] = ()
    """Attached to the message: fetched when it is answered, and never kept."""

    @property
    def command(self) -> Command | None:
        return asked_for(self.words[0] if self.words else self.text)

    @property
    def lacks_text(self) -> bool:
        """A command that explains somebody's text was typed without one."""
        return self.command is not None and self.command.text and len(self.text.split(None, 1)) == 1

    @property
    def means_thread(self) -> bool:
        """It was said in a thread, and nothing but that thread says what it is about."""
        return bool(self.thread) and not self.words and not self.files and (self.lacks_text or not self.text)

    def dump(self) -> str:
        """For the store, beside id and place (JSON). A text that somebody pasted names people, so it is not kept."""
        kept = {"text": self.text, "prefix": self.prefix, "shared": self.shared, "words": self.words}
        if self.command is None or self.command.text:
            kept |= {"text": "", "words": (), "forgotten": True}
        return json.dumps(kept | {"used": asdict(self.used) if self.used else None})


def explains(text: str) -> tuple[str, ...]:
    """The command line that explains somebody's text: one word, whatever it contains."""
    return ("explain", "--", text)


def asked_for(text: str) -> Command | None:
    """The command that a text begins with."""
    name, *_ = text.split(None, 1) or ("",)
    return find(name.lower())


def read(id: str, place: P, request: str) -> Question[P]:
    """The question that `dump` made. Raises ValueError for anything else, such as what an older version has left."""
    try:
        kept = json.loads(request)
        words = tuple(map(str, kept.get("words", ())))
        used = Used(**kept["used"]) if kept.get("used") else None
        text, prefix, shared = str(kept["text"]), str(kept["prefix"]), bool(kept["shared"])
        return Question(id, text, place, prefix, shared, words, used, bool(kept.get("forgotten")))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a stored question") from error
