"""`mailflow demo`, whole: with Slack where that is to be had, and without."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.demo import in_slack, local_slack, run
from bot.demo.in_terminal import Keyboard
from bot.settings import VARIABLES

ROOT = Path(__file__).parents[2]
IN_SLACK = pytest.mark.needs("local-slack", "namespaces")
CODES = ["-", *(f"450 4.4.{n}" for n in (312, 315, 316, 317, 318, 317)), "450 4.7.320"]


@pytest.fixture
def no_slack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(local_slack, "BINARY", tmp_path / "not-there")


def codes(out: str) -> list[str]:
    return [[cell.strip() for cell in line.split("  ") if cell][2] for line in out.splitlines()]


@pytest.mark.usefixtures("no_slack")
async def test_once_in_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run.demo(once=True) == 0
    out, err = capsys.readouterr()
    assert codes(out) == CODES
    assert "No Slack here: local-slack is not installed" in err


@IN_SLACK
async def test_once_in_slack(capsys: pytest.CaptureFixture[str]) -> None:
    assert await run.demo(once=True) == 0
    out, err = capsys.readouterr()
    assert codes(out) == CODES
    assert "Slack: http://127.0.0.1:" in err


@IN_SLACK
async def test_once_in_slack_fails_without_a_final_thread(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(slack: local_slack.LocalSlack) -> None:
        await slack.post(in_slack.CHANNEL, in_slack.BOT, "⏳ Running: check …")

    monkeypatch.setattr(in_slack, "ask", ask)
    monkeypatch.setattr(in_slack, "FINAL_SECONDS", 0.5)
    assert await run.demo(once=True) == 1
    assert "The Slack thread is not final after 0 s: the bot's message says '⏳ Running" in capsys.readouterr().err


@pytest.mark.usefixtures("no_slack")
async def test_once_names_what_is_not_as_built(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = tmp_path / "other.toml"
    other.write_text(run.WORLD.read_text().replace('reason = "dns-nxdomain"', 'reason = "dns-timeout"'))
    monkeypatch.setattr(run, "WORLD", other)
    assert await run.demo(once=True) == 1
    out, err = capsys.readouterr()
    assert codes(out) == CODES
    assert (
        "Northwind partner: the lab built failing 450 4.4.312 dns-timeout, the check says failing 450 4.4.312 dns-nxdomain."
        in err
    )


@pytest.mark.usefixtures("no_slack")
async def test_a_lab_that_cannot_be_is_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_text('[mail."127.0.0.1"]\nbehaviour = "unheard-of"')
    monkeypatch.setattr(run, "WORLD", tmp_path / "bad.toml")
    assert await run.demo(once=True) == 1
    assert "The demo cannot run here: mail.\"127.0.0.1\": behaviour 'unheard-of' is not known" in capsys.readouterr().err


@pytest.mark.usefixtures("no_slack")
async def test_the_environment_changes_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, "nonsense")
    assert await run.demo(once=True) == 0
    assert codes(capsys.readouterr().out) == CODES


@pytest.mark.usefixtures("no_slack")
async def test_the_prompt(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    typed = tmp_path / "typed"
    typed.write_text('help\n\n/mailflow check "Contoso branch office"\nserve\ncheck "open\nquit\nhelp\n')
    with typed.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert await run.demo(once=False) == 0
    out = capsys.readouterr().out
    assert "No Slack here: " in out
    assert "450 4.4.316" in out
    assert "There is no command 'serve'. Try check, " in out
    assert "A quote is open" in out
    assert out.count("mailflow> ") == 6


async def test_lines_of_a_keyboard() -> None:
    there, ours = os.pipe()
    try:
        keyboard = Keyboard(there)
        waiting = asyncio.create_task(keyboard.line())
        await asyncio.sleep(0.05)
        os.write(ours, b"one\ntwo\nlast")
        assert [await waiting, await keyboard.line()] == ["one", "two"]
        waiting = asyncio.create_task(keyboard.line())
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    finally:
        os.close(ours)
    assert [await keyboard.line(), await keyboard.line()] == ["last", None]
    os.close(there)


@asynccontextmanager
async def started(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program as people start it, warnings as errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "bot", "demo", *words),
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@IN_SLACK
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_it_stays_up_until_told_to_end(number: signal.Signals) -> None:
    async with started() as process:
        assert process.stdout
        said = b""
        while b"Ctrl-C ends everything." not in said:
            said += await process.stdout.readline()
        assert b"Slack: http://127.0.0.1:" in said
        process.send_signal(number)
        begun = time.monotonic()
        _, err = await process.communicate()
        assert (process.returncode, err) == (0, b"")
        # a running answer is finished first
        assert time.monotonic() - begun < 10


@IN_SLACK
async def test_an_interrupted_comparison_is_none() -> None:
    async with started("--once") as process:
        assert process.stderr
        await process.stderr.readline()
        process.send_signal(signal.SIGINT)
        await process.communicate()
        assert process.returncode == 1
