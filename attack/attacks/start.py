"""3. Faults at the start: exit code 1 for what may pass by itself, 2 for what a person must change."""

import asyncio
import contextlib
import json
import os
import shlex
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from attack.proxy import Trouble
from attack.report import Case, Figures
from attack.service import ROOT
from attack.stage import Stage, opened

ENDS_WITHIN = 60.0
"""It waits 30 s for a port that the process before it still has."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at the start, and the exit code that is right."""

    title: str
    code: int
    trouble: Trouble | None = None
    variables: Callable[[Stage], Mapping[str, str]] = lambda _: {}
    before: str = ""
    port_taken: bool = False


def _slack(error: str, status: int = 200) -> Trouble:
    return Trouble(status, json.dumps({"ok": False, "error": error}).encode(), "application/json")


FULL_DISK = (
    'mkdir -p "$HOME/disk" && mount -t tmpfs -o size=64k none "$HOME/disk" && head -c 64k /dev/zero > "$HOME/disk/filler";'
)
FAULTS = (
    Fault("Slack: internal_error", 1, _slack("internal_error")),
    Fault("Slack: service_unavailable", 1, _slack("service_unavailable", 503)),
    Fault("Slack: ratelimited", 1, _slack("ratelimited", 429)),
    Fault("Slack: fatal_error", 1, _slack("fatal_error")),
    Fault("Slack: 500 as text", 1, Trouble(500, b"Internal Server Error", "text/plain")),
    Fault("Slack: 502 as HTML", 1, Trouble(502, b"<html>Bad Gateway</html>", "text/html")),
    Fault("Slack: 200 with text", 1, Trouble(200, b"maintenance", "text/plain")),
    Fault("Slack: a JSON list", 1, Trouble(200, b"[]", "application/json")),
    Fault("Slack: not reachable", 1, variables=lambda _: {"SLACK_API_URL": "http://127.0.0.1:9/api/"}),
    Fault("PostgreSQL: away", 1, variables=lambda _: {"MAILFLOW_DATABASE_URL": "postgresql://u:p@127.0.0.1:9/none"}),
    Fault(
        "the disk is full",
        1,
        variables=lambda s: {"MAILFLOW_DATABASE_URL": f"sqlite:///{s.folder}/disk/x.sqlite3"},
        before=FULL_DISK,
    ),
    Fault("the ops port is taken", 1, port_taken=True),
    Fault("Slack: invalid_auth", 2, _slack("invalid_auth")),
    Fault("Slack: account_inactive", 2, _slack("account_inactive")),
    Fault("no bot token", 2, variables=lambda _: {"SLACK_BOT_TOKEN": ""}),
    Fault("the ops address is none", 2, variables=lambda _: {"MAILFLOW_OPS_ADDRESS": "here"}),
    Fault("the database is a folder", 2, variables=lambda s: {"MAILFLOW_DATABASE_URL": f"sqlite:///{s.folder}"}),
)
SHORT = ("Slack: internal_error", "Slack: 500 as text", "PostgreSQL: away", "the disk is full", "Slack: invalid_auth")


def attack(transport: str, *, short: bool) -> list[Case]:
    """Each fault in a process of its own."""
    return [partial(_faults, transport, [fault for fault in FAULTS if not short or fault.title in SHORT])]


async def _faults(transport: str, chosen: Sequence[Fault]) -> Figures:
    figures = Figures("3 faults at the start", transport)
    async with opened(transport, start=False) as stage:
        for fault in chosen:
            code, said = await _started(stage, fault)
            if code != fault.code:
                figures.wrong.append(f"{fault.title}: exit code {code} instead of {fault.code}: {said}")
    figures.notes.append(f"{len(chosen) - len(figures.wrong)} of {len(chosen)} as asked")
    return figures


async def _started(stage: Stage, fault: Fault) -> tuple[int | None, str]:
    """Exit code (None: it did not end) and the end of what it said."""
    trouble = fault.trouble
    stage.proxy.trouble = (lambda _method, _body: trouble) if trouble else None
    with _taken() if fault.port_taken else contextlib.nullcontext("127.0.0.1:0") as ops:
        variables = {**stage.serve.variables, "MAILFLOW_OPS_ADDRESS": ops, **fault.variables(stage)}
        async with _process(stage, variables, fault.before) as process:
            try:
                async with asyncio.timeout(ENDS_WITHIN):
                    said, _ = await process.communicate()
            except TimeoutError:
                return None, f"still there after {ENDS_WITHIN:.0f} s"
            lines = said.decode(errors="replace").strip().splitlines()
            return process.returncode, lines[-1][:120] if lines else ""


@asynccontextmanager
async def _process(stage: Stage, variables: Mapping[str, str], before: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """`mailflow serve`, in mounts of its own where something has to be mounted."""
    program = [sys.executable, "-m", "bot", "serve", *stage.serve.flags]
    if before:
        program = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f"{before} exec {shlex.join(program)}"]
    process = await asyncio.create_subprocess_exec(
        *program,
        cwd=stage.folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(stage.folder), **variables},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@contextlib.contextmanager
def _taken() -> Iterator[str]:
    """An address on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
