"""`python -m attack.measured serve …`: the program as it is, with a clock on its event loop.

Each callback of the main thread's loop that takes longer than FLOOR of this thread's own CPU becomes a line of the file in
MFTEST_LAG_FILE: {"at": time.monotonic(), "seconds": …, "what": …}. CPU and not wall time: a busy machine is nobody's fault.
MFTEST_NOFILE limits the descriptors, as a unit or a container would.
"""

import asyncio
import ctypes
import json
import os
import resource
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TextIO

FLOOR = 0.02
PR_SET_PDEATHSIG = 1
MOST_LINES = 20_000


def main() -> int:
    # a bot that outlives an attack cut short would go on for ever
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if limit := os.environ.pop("MFTEST_NOFILE", ""):
        resource.setrlimit(resource.RLIMIT_NOFILE, (int(limit), int(limit)))
    with Path(os.environ.pop("MFTEST_LAG_FILE")).open("a", buffering=1, encoding="utf-8") as file:
        _measure(file)
        from bot.__main__ import main as program  # noqa: PLC0415 - the clock is there first

        return program(sys.argv[1:])


def _measure(file: TextIO) -> None:
    run = asyncio.events.Handle._run
    left = iter(range(MOST_LINES))

    def measured(handle: asyncio.Handle) -> None:
        if threading.current_thread() is not threading.main_thread():
            return run(handle)
        began = time.thread_time()
        try:
            return run(handle)
        finally:
            seconds = time.thread_time() - began
            if seconds > FLOOR and next(left, None) is not None:
                line = {"at": time.monotonic(), "seconds": round(seconds, 4), "what": _what(handle)}
                file.write(json.dumps(line) + "\n")

    asyncio.events.Handle._run = measured  # type: ignore[method-assign, assignment]


def _what(handle: asyncio.Handle) -> str:
    """The coroutine of a task, else the callback."""
    callback = getattr(handle, "_callback", None)
    task = getattr(callback, "__self__", None)
    return (repr(task.get_coro()) if isinstance(task, asyncio.Task) else repr(callback))[:160]


if __name__ == "__main__":
    sys.exit(main())
