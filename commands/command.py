"""The shapes that a subcommand is made of. Standard library only: help and usage errors must not wait for imports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from commands.allowance import Allowance
from commands.memory import Memory
from commands.mistake import CommandError
from diagnostics.store import Store

if TYPE_CHECKING:
    from diagnostics.connectors.source import ConnectorSource
    from diagnostics.tools import Tools

__all__ = ["Call", "Command", "CommandError", "Front", "Option", "Services", "Verb"]

Front = Literal["everywhere", "terminal", "slack"]


@dataclass(frozen=True, slots=True)
class Option:
    """A flag of a subcommand, or of the program. `metavar` is empty for a switch."""

    flag: str
    metavar: str
    summary: str
    repeatable: bool = False
    variable: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the registry: plain data, so that help and completion can be made without loading what it runs."""

    name: str
    usage: str
    summary: str
    run: str
    options: tuple[Option, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
    front: Front = "everywhere"
    role: str = "reader"
    max_words: int = 1000


@dataclass(frozen=True, slots=True)
class Verb:
    """What a click says: `words` and the id behind them. A form is for the clicker alone; a menu holds what is seldom needed."""

    name: str
    label: str
    words: tuple[str, ...]
    shows: Literal["button", "form", "menu"] = "button"


@dataclass(frozen=True, slots=True)
class Call:
    """A command line, taken apart: words that are no options, and each option's values (a switch has none)."""

    command: Command
    words: tuple[str, ...]
    options: Mapping[str, tuple[str, ...]]

    def has(self, flag: str) -> bool:
        return flag in self.options

    def value(self, flag: str) -> str | None:
        values: Sequence[str] = self.options.get(flag, ())
        return values[-1] if values else None


@dataclass(frozen=True, slots=True)
class Services:
    """What the subcommands work with, made once by `bot/wiring.py`. `store` None: nothing outlives this process."""

    connectors: "ConnectorSource"
    tools: "Tools"
    allowance: Allowance
    memory: Memory = field(default_factory=Memory)
    store: Store | None = None
