"""What somebody said, and who said it. Standard library only: help and usage errors must not wait for imports."""

from dataclasses import dataclass, field
from typing import Literal

Front = Literal["terminal", "chat", "click"]


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `id` is the front's own (a chat's user id, a system user); `roles` are rights, checked by `commands.run`."""

    id: str
    roles: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Attached:
    """A file that came with the words.

    `content` None: the front could not have it, and `trouble` says why in a few words; or it is not worth having, since `form`,
    one of `explain.FORMS`, is not read.
    """

    name: str
    content: bytes | None = field(default=None, repr=False)
    trouble: str = ""
    form: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One command line: the words after the program's name, who said them, and where the answer belongs.

    `place` is an opaque string that only the front that made it can read. `clicked`: by a button, a form or the clock, whose
    words nobody typed; some words are known to those alone. `files` are for the command that reads texts.
    """

    words: tuple[str, ...]
    actor: Actor
    place: str = ""
    clicked: bool = False
    files: tuple[Attached, ...] = ()

    @property
    def front(self) -> Front:
        """Which words are known: those of the machine's owner, those that can be typed in a chat, or those of its buttons too."""
        return "terminal" if "owner" in self.actor.roles else "click" if self.clicked else "chat"
