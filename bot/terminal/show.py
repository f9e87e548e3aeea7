"""Prints a Reply: plain where it is piped or NO_COLOR is set, with colour otherwise, JSON when it was asked for."""

import shutil
import sys

from bot import settings_sources
from bot.terminal.text import WIDTH, clean, lines
from commands.reply import Reply

_ANSI = {
    "good": "\033[1;32m",
    "mixed": "\033[1;33m",
    "bad": "\033[1;31m",
    "unknown": "\033[1;35m",
    "info": "\033[1m",
    "title": "\033[1m",
    "evidence": "\033[2m",
}


def show(reply: Reply) -> None:
    """The answer on standard output; an error of the asker's as one line on standard error (contract 1)."""
    if reply.as_json and reply.document is not None:
        print(reply.document.model_dump_json(indent=1))
    elif reply.exit_code and reply.document is None:
        print(f"mailflow: {clean(reply.headline)}", file=sys.stderr)
    else:
        print(render(reply, color=wants_color()))
    sys.stdout.flush()


def render(reply: Reply, *, color: bool, width: int | None = None) -> str:
    """The whole answer as one string."""
    width = width or min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH)
    return "\n".join(_colored(style, text) if color else text for style, text in lines(reply, width))


def wants_color() -> bool:
    """https://no-color.org, and no colour into a pipe."""
    return sys.stdout.isatty() and settings_sources.wants_color()


def _colored(style: str, text: str) -> str:
    return f"{_ANSI[style]}{text}\033[0m" if style in _ANSI and text else text
