"""`read_all` in a process of its own: a hostile file of 5 MiB takes seconds of CPU, and a thread would take them from the loop.

`python -m diagnostics.parse.isolated` is that process: what is to be read comes in on standard input, the report goes out as
JSON.
It ends with its file, so that its memory goes back to the machine.
"""

import asyncio
import contextlib
import os
import pickle
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from diagnostics.parse.read import read_all
from diagnostics.parse.report import ErrorReport

SECONDS = 60.0
"""The worst file known takes 4."""

MEMORY = 768 * 1024 * 1024
"""Bytes of address space. A trace of 5 MiB takes 300 MiB as a workbook; what needs more is made to need it."""

_KEPT = ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")
"""Variables that Python needs; the secrets of the service are not among them."""

_NICE = 10


class NotRead(Exception):
    """The process was stopped, or took too long."""


async def read_apart(text: str, files: Sequence[tuple[str, bytes]]) -> ErrorReport:
    """Like `read_all`. Raises NotRead, and OSError where no process can be started."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "diagnostics.parse.isolated"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={name: os.environ[name] for name in _KEPT if name in os.environ} | {"PYTHONPATH": _path()},
    )
    try:
        async with asyncio.timeout(SECONDS):
            told, _ = await process.communicate(pickle.dumps((text, list(files))))
    except TimeoutError:
        raise NotRead(f"it takes more than {SECONDS:g} s to read") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise NotRead("reading it was stopped")
    return ErrorReport.model_validate_json(told)


def _path() -> str:
    """PYTHONPATH under which the new process finds this module: a wheel's packages are not on Python's own path."""
    root = str(Path(__file__).parents[2])
    return os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))


def main() -> None:
    # whoever stops the service stops what reads for it by closing the pipe
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    bound()
    text, files = pickle.load(sys.stdin.buffer)  # noqa: S301 (our own process wrote it)
    sys.stdout.buffer.write(read_all(text, files).model_dump_json().encode())


def bound() -> None:
    """Limits that the kernel keeps, also where nobody waits for this process any more."""
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, int(SECONDS))):
        with contextlib.suppress(ValueError, OSError):  # a lower one is set already
            resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    main()
