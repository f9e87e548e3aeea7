"""What somebody said, and who said it. Standard library only: help and usage errors must not wait for imports."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `id` is the front's own (a Slack user id, a system user); `roles` are rights, checked by `commands.run`."""

    id: str
    roles: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Request:
    """One command line: the words after the program's name, who said them, and where the answer belongs.

    `place` is an opaque string that only the front that made it can read.
    """

    words: tuple[str, ...]
    actor: Actor
    place: str = ""
