"""The shapes that a subcommand is made of. Standard library only: help and usage errors must not wait for imports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Literal, Protocol

from commands.allowance import Allowance
from commands.mistake import CommandError
from commands.request import Front
from commands.result_cache import Memory
from diagnostics.store import Store

if TYPE_CHECKING:
    from diagnostics.connectors.source import Admin, ConnectorSource, Tenant
    from diagnostics.durable import Durable
    from diagnostics.tools import Tools

__all__ = ["Approvers", "Call", "Command", "CommandError", "FixRules", "Front", "Option", "Services", "Verb"]

Known = Literal["everywhere", "terminal", "chat", "click"]
"""Where a word is known. "chat": typed or clicked on a chat platform; "click": by a button, a form or the clock alone."""


@dataclass(frozen=True, slots=True)
class Option:
    """A flag of a subcommand, or of the program. `metavar` is empty for a switch; `fronts`: where it is known."""

    flag: str
    metavar: str
    summary: str
    repeatable: bool = False
    variable: str = ""
    fronts: tuple[Front, ...] = ("terminal", "chat", "click")


@dataclass(frozen=True, slots=True)
class Command:
    """A row of the registry: plain data, so that help and completion can be made without loading what it runs.

    `terminal_examples` are of what only a terminal can do; `chat_ways`, what to use and what it does, of what only a chat can.
    `ledger`: it cannot work without the ledger of fixes (no more can whatever has `--yes`). `text`: its words are somebody's
    text, as it is. `cost` is taken from a person's allowance (commands/allowance.py): about as many requests as it makes of a
    tenant, at least 1 for whatever works at all; 0 for what the clock says.
    """

    name: str
    usage: str
    summary: str
    run: str
    options: tuple[Option, ...] = ()
    examples: tuple[tuple[str, str], ...] = ()
    terminal_examples: tuple[tuple[str, str], ...] = ()
    chat_ways: tuple[tuple[str, str], ...] = ()
    front: Known = "everywhere"
    role: str = "reader"
    max_words: int = 1000
    ledger: bool = False
    text: bool = False
    cost: int = 1

    @property
    def changes_tenant(self) -> bool:
        """Whether a click on it may change the tenant."""
        return self.front == "click" or any(option.flag == "--yes" for option in self.options)

    def options_on(self, front: Front) -> tuple[Option, ...]:
        """The options that a front has."""
        return tuple(option for option in self.options if front in option.fronts)


@dataclass(frozen=True, slots=True)
class Verb:
    """What a click says: `words` and the id behind them. A form is for the clicker alone; a menu holds what is seldom needed; of
    several with the same verb a select lets one be chosen.

    `confirm`: what the chat platform asks before the click counts. It is a courtesy, and no right hangs on it.
    """

    name: str
    label: str
    words: tuple[str, ...]
    shows: Literal["button", "form", "menu", "select"] = "button"
    confirm: str = ""
    style: Literal["", "primary", "danger"] = ""


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
class FixRules:
    """What the owner of the machine decided about fixes.

    `terminal`: whether `--yes` is taken there. `approvers`: the front's ids of people and groups that may approve; `approvals`:
    how many people besides the one who asks. `plan_ttl`: how long a plan may wait for them.
    """

    terminal: bool = True
    verify_after: tuple[timedelta, ...] = (timedelta(minutes=30), timedelta(minutes=60))
    approvers: tuple[str, ...] = ()
    approvals: int = 1
    plan_ttl: timedelta = timedelta(minutes=15)


APPROVE = "approve fixes"
"""What approvers do in the first place, in words; the same people take fixes back and finish them."""


class Approvers(Protocol):
    async def why_not(self, id: str, what: str = APPROVE) -> str | None:
        """Why this person may not, asked afresh; None: they may. `what` takes an approver. Never raises but when cancelled."""


@dataclass(frozen=True, slots=True)
class Services:
    """What the subcommands work with, made once by `bot/wiring.py`.

    `store` None: nothing outlives this process. `tenant` None: no credentials to read Exchange Online; `admin`: none to write.
    `approvers`, `jobs`: there are none in a terminal. `toolbox` makes the tools when they are first needed.
    """

    connectors: "ConnectorSource"
    toolbox: "Callable[[], Tools]"
    allowance: Allowance
    memory: Memory = field(default_factory=Memory)
    store: Store | None = None
    tenant: "Tenant | None" = None
    admin: "Admin | None" = None
    fixes: FixRules = field(default_factory=FixRules)
    approvers: Approvers | None = None
    jobs: "Durable | None" = None

    @property
    def tools(self) -> "Tools":
        """What checks are made with."""
        return self.toolbox()
