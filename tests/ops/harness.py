"""`mailflow serve` as a process, where there is no Slack."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.conftest import ROOT

CANARY = "canary7f3a"


async def served(
    folder: Path, *, before: Sequence[str] = (), patience: str = "30", end_when: str = "", **changes: str
) -> tuple[int | None, str]:
    """Exit code and standard error of a process that cannot reach Slack.

    `before` is a command line that runs it; once it says `end_when` it is told to end.
    """
    env = {
        "PATH": os.defpath,
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "SLACK_BOT_TOKEN": f"xoxb-{CANARY}",
        "SLACK_APP_TOKEN": f"xapp-1-{CANARY}",
        "SLACK_API_URL": f"http://127.0.0.1:9/api/?token={CANARY}",
        "MAILFLOW_OPS_ADDRESS": "off",
        "MAILFLOW_ENDPOINTS_URL": "",
        "MAILFLOW_CONTROL_HOST": "",
        "MAILFLOW_DNS": "127.0.0.1:9",
        **changes,
    }
    argv = (*before, sys.executable, "-m", "bot", "serve")
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, env=env, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr
    said = b""
    try:
        async with asyncio.timeout(float(patience)):
            while line := await process.stderr.readline():
                said += line
                if end_when and end_when.encode() in line:
                    process.terminate()
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
    assert CANARY not in said.decode()
    return process.returncode, said.decode()
