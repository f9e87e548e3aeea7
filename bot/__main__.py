"""argv → front. Imports only the standard library until it knows what is asked: help must come at once."""

import gc
import io
import os
import sys
from collections import deque
from collections.abc import Sequence
from pathlib import Path

from commands.command import Call, CommandError
from commands.registry import COMMANDS, OWNER_OPTIONS
from commands.reply import Reply
from commands.request import Actor, Request
from commands.run import mistake, parse
from commands.words import take_apart

PREFIX = "mailflow"
ROLES = frozenset({"reader", "owner"})


def main(argv: Sequence[str] | None = None) -> int:
    """The program. Returns the exit code of contract 1."""
    words = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")  # or every installed package is asked for some
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # an output that knows only ASCII gets escapes, JSON's own in JSON
    try:
        return _main(words)
    except CommandError as error:
        return _complain(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # the reader of a pipe went away: nothing to tell it any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except OSError as error:
        print(f"mailflow: the answer cannot be written: {error.strerror}.", file=sys.stderr)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 2


def _main(words: list[str]) -> int:
    if words and words[0] in ("--help", "-h"):
        words[0] = "help"
    if words and words[0] in ("--version", "-V"):
        return _version()
    line, flags = _owner_flags(words)
    command, call = parse(line, prefix=PREFIX, front="terminal")
    if isinstance(call, Reply):
        return _show(call)
    if command.name == "completion":
        return _completion(call)
    if command.name == "manifest":
        return _manifest(call)
    if command.name == "serve":
        return _serve(flags)
    if command.name == "demo":
        return _demo(call)
    return _ask(line, call, flags)


def _owner_flags(words: list[str]) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """The line as anybody may say it, and the flags that only this machine's owner has."""
    owned = {option.flag: option for option in OWNER_OPTIONS}
    theirs: list[str] = []
    ours: list[str] = []
    queue = deque(words)
    while queue:
        word = queue.popleft()
        if word == "--":
            theirs += [word, *queue]
            break
        option = owned.get(word.partition("=")[0])
        target = theirs if option is None else ours
        target.append(word)
        if option and option.metavar and "=" not in word and queue:
            ours.append(queue.popleft())
    pseudo = COMMANDS[0]
    taken = take_apart(pseudo, tuple(ours), options=OWNER_OPTIONS) if ours else None
    return tuple(theirs), dict(taken.options) if taken else {}


def _ask(line: tuple[str, ...], call: Call, flags: dict[str, tuple[str, ...]]) -> int:
    """One command of anybody's, answered in the terminal."""
    from bot.settings_sources import given
    from bot.terminal import ask, pasted

    words, files = pasted.line(call) if call.command.text else (line, ())
    request = Request(words, Actor(_user(), ROLES), files=files)
    if call.command.text and not call.has("--check") and not given(flags):
        gc.disable()  # one text, and the process ends: what a collection would free is next to nothing
        try:
            return _show(ask.answer_at_once(request))
        finally:
            gc.enable()
    import asyncio

    from bot.settings import load

    ledger = call.command.ledger or call.has("--yes")
    probing = not call.command.text
    return _show(asyncio.run(ask.answer(request, load(flags), quiet=call.has("--json"), ledger=ledger, probing=probing)))


def _serve(flags: dict[str, tuple[str, ...]]) -> int:
    """0 when it was told to end, 1 for what may pass by itself, 2 for what a person must change."""
    import asyncio

    from bot.serving import serving
    from bot.settings import load

    try:
        return asyncio.run(serving(load(flags, dotenv=True)))
    except CommandError as error:
        raise CommandError(str(error), exit_code=1 if error.passing else error.exit_code) from None
    except OSError as error:
        raise CommandError(f"The system refused something: {error.strerror or type(error).__name__}.", exit_code=1) from error


def _completion(call: Call) -> int:
    from bot.terminal.completion import script

    print(script(call.words[0] if call.words else ""), end="")
    return 0


def _manifest(call: Call) -> int:
    name = "manifest.http.yaml" if call.has("--http") else "manifest.yaml"
    print((Path(__file__).parents[1] / name).read_text(encoding="utf-8"), end="")
    return 0


def _demo(call: Call) -> int:
    import asyncio

    from bot.demo.run import demo

    return asyncio.run(demo(once=call.has("--once")))


def _show(reply: Reply) -> int:
    from bot.terminal.show import show

    show(reply)
    return reply.exit_code


def _complain(error: CommandError) -> int:
    return _show(mistake(str(error), error.exit_code))


def _version() -> int:
    from importlib.metadata import PackageNotFoundError, version

    try:
        print(f"mailflow {version('mailflow')}")
    except PackageNotFoundError:
        print("mailflow, not installed: run from its source")
    return 0


def _user() -> str:
    """Who sits there, for the audit of fixes: the system's user, the machine, the terminal."""
    import pwd
    import socket

    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    try:
        tty = os.ttyname(sys.stdin.fileno())
    except (OSError, AttributeError, ValueError):
        tty = "no tty"
    return f"{name}@{socket.gethostname()} ({tty})"


if __name__ == "__main__":
    sys.exit(main())
