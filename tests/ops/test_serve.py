"""`mailflow serve` as a process, where there is no Slack: what it says on standard error, and with which exit code it ends."""

from pathlib import Path

from tests.ops.harness import CANARY, served


async def test_no_slack(tmp_path: Path) -> None:
    code, said = await served(tmp_path)
    assert code == 1
    assert "Slack cannot be reached" in said.splitlines()[-1]


async def test_a_database_that_is_none(tmp_path: Path) -> None:
    code, said = await served(tmp_path, MAILFLOW_DATABASE_URL=f"mysql://bob:{CANARY}@127.0.0.1/x")
    assert code == 2
    assert "MAILFLOW_DATABASE_URL" in said.splitlines()[-1]
