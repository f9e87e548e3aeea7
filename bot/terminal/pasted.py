"""Text that a command explains, from standard input: for what is too long, or too full of quotes, for a command line."""

import sys
from itertools import chain

from commands.command import Call
from commands.words import MAX_TEXT


def line(call: Call) -> tuple[str, ...]:
    """The command line with what standard input holds as its text, if the words ask for it or there are none.

    One byte more is read than is taken, so that it can be told that there was more.
    """
    asked = call.words == ("-",) or (not call.words and sys.stdin is not None and not sys.stdin.isatty())
    if not asked or call.has("--file"):
        return _of(call, call.words)
    return _of(call, (sys.stdin.buffer.read(MAX_TEXT + 1).decode("utf-8-sig", "replace"),))


def _of(call: Call, words: tuple[str, ...]) -> tuple[str, ...]:
    options = chain.from_iterable((flag, *values) for flag, values in call.options.items())
    return (call.command.name, *options, "--", *words)
