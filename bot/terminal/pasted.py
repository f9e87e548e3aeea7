"""What a command explains, from standard input: for what is too long, or too full of quotes, for a command line; or a file."""

import codecs
import sys
from itertools import chain

from commands.command import Call
from commands.request import Attached
from commands.words import MAX_TEXT

_MAX_FILE = 5 * 1024 * 1024
_UTF_8 = codecs.getincrementaldecoder("utf-8-sig")


def line(call: Call) -> tuple[tuple[str, ...], tuple[Attached, ...]]:
    """The command line with what standard input holds as its text, if the words ask for it or there are none; else its file.

    One byte more is read than is taken, so that it can be told that there was more.
    """
    asked = call.words == ("-",) or (not call.words and sys.stdin is not None and not sys.stdin.isatty())
    if not asked or call.has("--file"):
        return _of(call, call.words), ()
    raw = sys.stdin.buffer.read(_MAX_FILE + 1)
    text = _text(raw)
    return (_of(call, ()), (Attached("", raw),)) if text is None else (_of(call, (text,)), ())


def _text(raw: bytes) -> str | None:
    """None of a file whose kind or character set has to be found out."""
    if b"\0" in raw[:4096]:
        return None
    try:
        return _UTF_8().decode(raw[: MAX_TEXT + 1])
    except UnicodeDecodeError:
        return None


def _of(call: Call, words: tuple[str, ...]) -> tuple[str, ...]:
    options = chain.from_iterable((flag, *values) for flag, values in call.options.items())
    return (call.command.name, *options, "--", *words)
