"""Words as people type and paste them → a Call. Pure; standard library only."""

import shlex

from commands.command import Call, Command, CommandError, Option
from diagnostics.typed import as_typed

MAX_TEXT = 256 * 1024


def split(text: str) -> tuple[str, ...]:
    """Words of one line, quotes respected. Phones and Slack turn quotes and dashes into their typographic twins.

    Raises CommandError on text over 256 KiB or an open quote.
    """
    if len(text) > MAX_TEXT:
        raise CommandError(f"That is {len(text)} characters; at most {MAX_TEXT} can be read.")
    plain = as_typed(text)
    lexer = shlex.shlex(plain, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    lexer.escape = ""
    if "'" in plain and plain.count("'") % 2:
        lexer.quotes = '"'  # an apostrophe is a letter of a name, not the start of a quote
    try:
        return tuple(lexer)
    except ValueError:
        raise CommandError('A quote is open: close it, for example check "Contoso on-premises".') from None


def take_apart(command: Command, words: tuple[str, ...], *, options: tuple[Option, ...] = ()) -> Call:
    """Split words into options and the rest. `options` are taken besides the command's own; `--` ends them.

    Raises CommandError that names the word and shows the usage.
    """
    known = {option.flag: option for option in command.options + options}
    rest: list[str] = []
    found: dict[str, tuple[str, ...]] = {}
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if word == "--":
            rest += queue
            break
        if not word.startswith("--"):
            rest.append(word)
            continue
        flag, equals, value = word.partition("=")
        option = known.get(flag)
        if option is None:
            raise CommandError(
                f"Unknown option {flag[:40] if flag.isprintable() else ascii(flag)} of {command.name}. Usage: {command.usage}"
            )
        if not option.metavar:
            if equals:
                raise CommandError(f"{flag} takes no value.")
            found[flag] = ()
            continue
        if not equals:
            if not queue:
                raise CommandError(f"{flag} wants a value: {flag} {option.metavar}")
            value = queue.pop(0)
        if flag in found and not option.repeatable:
            raise CommandError(f"{flag} is given twice.")
        found[flag] = (*found.get(flag, ()), value)
    if len(rest) > command.max_words:
        raise CommandError(f"{command.name} takes no word {rest[command.max_words]!r}. Usage: {command.usage}")
    return Call(command, tuple(rest), found)
