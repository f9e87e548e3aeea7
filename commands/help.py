"""COMMANDS → help as a Reply. `help` is no row that runs a module: it reads the table that would name it."""

from commands.command import CommandError, Option
from commands.registry import OWNER_OPTIONS, find, on
from commands.reply import Item, Reply, Section


def overview(prefix: str, *, owner: bool) -> Reply:
    """All commands. `prefix` is what is typed before them ("mailflow", "/mailflow"); `owner`: this is the terminal."""
    rows = on("terminal" if owner else "chat")
    said = [Item(f"{prefix} {c.usage}", notes=(c.summary,)) for c in rows]
    if owner:
        said.append(Item(f"{prefix} --version", notes=("print the version",)))
    sections = [
        Section("Commands", tuple(said), "bullets"),
        Section("Examples", tuple(_example(prefix, line, why) for c in rows for line, why in c.examples[:1]), "code"),
    ]
    return Reply(
        "mailflow tells why Microsoft 365 cannot deliver mail through a connector", sections=tuple(sections), audience="asker"
    )


def of(name: str, prefix: str, *, owner: bool) -> Reply:
    """One command, whole. Raises CommandError when there is none of that name on this front."""
    command = find(name.lower())
    if command is None or command not in on("terminal" if owner else "chat"):
        raise CommandError(f"There is no command {name!r}. {suggestion(owner=owner)}")
    sections = [Section("Usage", (Item(f"{prefix} {command.usage}"),), "code")]
    if options := command.options_on("terminal" if owner else "chat"):
        sections.append(_options("Options", options))
    if owner and command.name in ("check", "explain", "serve"):
        sections.append(_options("Options of this machine's owner (each also a variable)", OWNER_OPTIONS))
    examples = (*command.examples, *(command.terminal_examples if owner else ()))
    sections.append(Section("Examples", tuple(_example(prefix, line, why) for line, why in examples), "code"))
    if not owner:
        sections.append(Section("Other ways", tuple(Item(does, tag=way) for way, does in command.chat_ways), "bullets"))
    return Reply(f"{command.name}: {command.summary}", sections=tuple(s for s in sections if s.items), audience="asker")


def suggestion(*, owner: bool) -> str:
    """One sentence that lists what can be said."""
    return "Try " + ", ".join(c.name for c in on("terminal" if owner else "chat")) + "."


def _options(title: str, options: tuple[Option, ...]) -> Section:
    return Section(title, tuple(Item(_option(option)) for option in options), "code")


def _option(option: Option) -> str:
    left = f"{option.flag} {option.metavar}".strip()
    right = option.summary + (f" [{option.variable}]" if option.variable else "")
    return f"{left:<24} {right}"


def _example(prefix: str, line: str, why: str) -> Item:
    return Item(f"{prefix} {line:<32} # {why}")
