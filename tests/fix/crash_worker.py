"""The program in processes that die, stop, or fill the disk at a named point of a write: python crash_worker.py

A line of JSON on standard input starts one: {"argv", "env", "out" (a file), "at": [point, times before, one of ACTIONS] | null}.
Beside `out` stand out.pid and, at its end, out.code. With all modules loaded, a process is but a fork.
"""

import contextlib
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

from bot.__main__ import main
from diagnostics.fix import ledger, writing

LOADED = (
    *("bot.settings", "bot.terminal.ask", "bot.terminal.show", "bot.wiring", "bot.exchange"),
    *("commands.fix", "commands.fixes", "diagnostics.connectors.exchange_admin", "diagnostics.store.opening"),
    *("aiosqlite", "psycopg", "sqlalchemy.dialects.sqlite.aiosqlite", "sqlalchemy.dialects.postgresql.psycopg"),
)
LEASE, GRACE = timedelta(seconds=0.8), timedelta(seconds=0.4)
STALE = LEASE.total_seconds()
LAG = 1.0
RETRY = (0.2, 0.5, 1.0, 2.0)  # seconds


def serve() -> None:
    for name in LOADED:
        importlib.import_module(name)
    ledger.LEASE, ledger.GRACE, ledger.RETRY, writing.STALE = LEASE, GRACE, RETRY, STALE
    writing.Patience.__init__.__defaults__ = (LAG, 0.05, 0.2, 5, 10)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if os.fork() == 0:
            watch(asked)


def watch(asked: dict[str, Any]) -> NoReturn:
    """Waits for a process, and tells of it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        os._exit(run(**asked))
    tell(f"{asked['out']}.pid", pid)
    tell(f"{asked['out']}.code", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    os._exit(0)


def tell(name: str, number: int) -> None:
    """The whole number at once, for those who look for the file."""
    Path(f"{name}.new").write_text(str(number))
    Path(f"{name}.new").rename(name)


def run(argv: list[str], env: dict[str, str], out: str, at: list[Any] | None) -> int:
    os.environ.update(env)
    for number, name in enumerate((os.devnull, out, f"{out}.err")):
        os.dup2(os.open(name, os.O_RDWR | os.O_CREAT, 0o600), number)
    if at:
        setattr(writing, "passed", _at(*at))  # noqa: B010 - to mypy a function is no variable
    code = main(argv)
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def _at(point: str, before: int, what: str) -> Callable[[str], None]:
    left = before

    def passed(name: str) -> None:
        nonlocal left
        if name == point:
            left -= 1
            if left == -1:
                ACTIONS[what]()

    return passed


def fill() -> None:
    """The disk of the user's data."""
    with contextlib.suppress(OSError), Path(os.environ["XDG_DATA_HOME"], "filler").open("wb", buffering=0) as filler:
        while filler.write(b"x" * 4096):
            pass


ACTIONS: Mapping[str, Callable[[], object]] = {
    "kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stop": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "fill": fill,
}


if __name__ == "__main__":
    serve()
