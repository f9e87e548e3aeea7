"""Words as people type and paste them → a Call. Pure; standard library only."""

import re
import shlex
from collections import deque

from commands.command import Call, Command, CommandError, Front, Option
from commands.registry import find
from diagnostics.mailboxes import without_mailboxes
from diagnostics.text import as_typed

MAX_TEXT = 256 * 1024
_FREE = ("TEXT", "FILE")
"""Values that name no target."""

_OPTION = re.compile(r"--[a-z][a-z-]{0,40}(?:=\S{0,300})?")


def split(text: str) -> tuple[str, ...]:
    """Words of one line, quotes respected; somebody's text is left as it is, but for options in its first line.

    Phones and Slack turn quotes and dashes into their typographic twins. Raises CommandError on text over 256 KiB or an open
    quote.
    """
    name, *text_of_it = text.split(None, 1) or [""]
    if (command := find(name.lower())) and command.text:
        return (name, *_text(*text_of_it))
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


def at_the_door(text: str) -> str:
    """A line as it may be kept and shown: without the local parts of mail addresses, unless it is somebody's text."""
    name, *_ = text.split(None, 1) or [""]
    command = find(name.lower())
    return text if command and command.text else without_mailboxes(text)


def _text(text: str = "") -> tuple[str, ...]:
    """The words of the first line, and the rest as one word that begins with the end of that line."""
    first, _, more = text.partition("\n")
    words = (typed if _OPTION.fullmatch(typed := as_typed(word)) else word for word in first.split())
    return (*words, "\n" + more) if more.strip() else tuple(words)


def take_apart(command: Command, words: tuple[str, ...], *, front: Front = "terminal", options: tuple[Option, ...] = ()) -> Call:
    """Split words into options and the rest. `options` are taken besides the command's own on that front; `--` ends them.

    Of a mail address its domain alone is left, except in texts. In somebody's text only what can be nothing else counts as an
    option: mails are full of dashes. Raises CommandError that names
    the word and shows the usage.
    """
    known = {option.flag: option for option in command.options_on(front) + options}
    rest: list[str] = []
    found: dict[str, tuple[str, ...]] = {}
    queue = deque(words)
    kept = _as_it_is if command.text else without_mailboxes
    while queue:
        word = queue.popleft()
        if word == "--":
            rest += map(kept, queue)
            break
        if not word.startswith("--") or (command.text and not _OPTION.fullmatch(word)):
            rest.append(kept(word))
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
            value = queue.popleft()
        if flag in found and not option.repeatable:
            raise CommandError(f"{flag} is given twice.")
        found[flag] = (*found.get(flag, ()), value if option.metavar in _FREE or option in options else without_mailboxes(value))
    if len(rest) > command.max_words:
        raise CommandError(f"{command.name} takes no word {rest[command.max_words]!r}. Usage: {command.usage}")
    return Call(command, tuple(rest), found)


def _as_it_is(word: str) -> str:
    return word
