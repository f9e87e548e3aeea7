"""`mailflow serve` as a process, where there is no Slack: what it says on standard error, and with which exit code it ends."""

import asyncio
import os
import socket
import sys
from pathlib import Path

from tests.conftest import ROOT

CANARY = "canary7f3a"


async def served(folder: Path, **changes: str) -> tuple[int | None, str]:
    """Exit code and standard error of a process that cannot reach Slack."""
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
    argv = (sys.executable, "-m", "bot", "serve")
    process = await asyncio.create_subprocess_exec(
        *argv, cwd=folder, env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(30):
        out, said = await process.communicate()
    assert CANARY not in out.decode() + said.decode()
    return process.returncode, said.decode()


async def test_an_ops_address_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = await served(tmp_path, MAILFLOW_OPS_ADDRESS=address)
    assert code == 2
    assert f"MAILFLOW_OPS_ADDRESS: {address}: address already in use." in said.splitlines()[-1]


async def test_no_slack(tmp_path: Path) -> None:
    code, said = await served(tmp_path)
    assert code == 1
    assert "Slack cannot be reached" in said.splitlines()[-1]


async def test_a_database_that_is_none(tmp_path: Path) -> None:
    code, said = await served(tmp_path, MAILFLOW_DATABASE_URL=f"mysql://bob:{CANARY}@127.0.0.1/x")
    assert code == 2
    assert "MAILFLOW_DATABASE_URL" in said.splitlines()[-1]
