"""`mailflow serve` from its start to its end."""

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab.lab import Lab
from bot.demo.local_slack import LocalSlack, eventually
from bot.slack import app
from bot.slack.transport import socket_mode
from bot.wiring import open_services
from commands.command import CommandError
from tests.e2e.conftest import Serving, settings_for
from tests.e2e.reading import Bot, final_parent, running_parents, thread_of
from tests.e2e.strict_proxy import ODD, Fault, StrictProxy

pytestmark = pytest.mark.needs("local-slack", "namespaces")

ROOT = Path(__file__).parents[2]


async def refused(lab: Lab, proxy: StrictProxy, **wrong: Any) -> CommandError:
    """Why `serve` does not start with these settings."""
    settings = settings_for(lab, proxy.api).model_copy(update=dict(settings_for(lab, proxy.api, **wrong)))
    async with open_services(settings) as services:
        with pytest.raises(CommandError) as caught:
            async with asyncio.timeout(15):
                await app.serve(settings, services, stop=asyncio.Event(), ready=asyncio.Event())
    return caught.value


# ---- start


@pytest.mark.parametrize(
    ("setting", "token", "sentence"),
    [
        ("slack_bot_token", None, "SLACK_BOT_TOKEN is not set"),
        ("slack_app_token", None, "SLACK_APP_TOKEN is not set"),
        ("slack_bot_token", "xoxb-of-another", "Slack does not accept SLACK_BOT_TOKEN: invalid_auth."),
        ("slack_app_token", "xapp-of-another", "Slack does not accept SLACK_APP_TOKEN: invalid_auth."),
    ],
)
async def test_a_token_that_is_missing_or_refused(
    setting: str, token: str | None, sentence: str, *, lab: Lab, proxy: StrictProxy, caplog: pytest.LogCaptureFixture
) -> None:
    error = await refused(lab, proxy, **{setting: token})
    assert sentence in str(error)
    assert error.exit_code == 2
    assert "of-another" not in caplog.text + str(error)


@pytest.mark.parametrize("method", ["auth.test", "apps.connections.open"])
@pytest.mark.parametrize("kind", ["502 text", "503 html", "200 list", "200 text", "200 empty", "200 error of another kind"])
async def test_a_start_while_something_else_answers_in_slacks_place(kind: str, method: str, lab: Lab, proxy: StrictProxy) -> None:
    proxy.fail(method, *[ODD[kind]] * 5)
    error = await refused(lab, proxy)
    assert "(SLACK_API_URL)" in str(error)
    assert "\n" not in str(error)
    assert error.exit_code == 1, "it may pass"


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("auth.test", {"ok": True}),
        ("auth.test", {"ok": True, "user_id": ["U0BOT"], "user": "mailflow", "team_id": "T01TEST"}),
        ("apps.connections.open", {"ok": True}),
        ("apps.connections.open", {"ok": True, "url": {"wss": 1}}),
        ("apps.connections.open", {"ok": True, "url": "ws://slack.example/"}),
    ],
)
async def test_a_start_with_half_an_answer(method: str, said: dict[str, Any], lab: Lab, proxy: StrictProxy) -> None:
    proxy.fail(method, Fault(200, said))
    error = await refused(lab, proxy)
    assert "(SLACK_API_URL)" in str(error)
    assert error.exit_code == 1


@pytest.mark.parametrize("code", ["internal_error", "service_unavailable"])
async def test_a_start_while_slack_fails(code: str, lab: Lab, proxy: StrictProxy) -> None:
    proxy.fail("auth.test", *[Fault(200, {"ok": False, "error": code})] * 2)
    error = await refused(lab, proxy)
    assert code in str(error)
    assert error.exit_code == 1


async def test_slack_that_cannot_be_reached(lab: Lab, proxy: StrictProxy) -> None:
    error = await refused(lab, proxy, slack_api_url="http://127.0.0.1:9/api/")
    assert "cannot be reached (SLACK_API_URL)" in str(error)
    assert error.exit_code == 1


async def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    slack: LocalSlack, serving: Serving, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-read-by-bolt-itself")
    async with serving():
        await slack.command("G03PRIV", "U01ALICE", "help")
        await slack.command("C02INC", "U01ALICE", 'check "Branch office"')
        await final_parent(slack, "C02INC")
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == []


async def test_the_log_has_no_secrets_and_no_warnings(
    slack: LocalSlack, proxy: StrictProxy, serving: Serving, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    async with serving():
        proxy.fail("response_url", Fault(429, {}, {"Retry-After": "0"}))
        await slack.command("C02INC", "U01ALICE", "help")
        await slack.command("G03PRIV", "U01ALICE", 'check "Branch office"')

        async def answered() -> bool:
            return any("4.4.316" in call.args["text"] for call in proxy.made("response_url"))

        await eventually(answered)
    ours = [record for record in caplog.records if record.name.startswith("mailflow")]
    text = "\n".join(record.getMessage() for record in ours)
    assert not [secret for secret in ("xoxb-", "xapp-", "/hooks/", "Branch office", "U01ALICE") if secret in text]
    assert [record.getMessage() for record in ours if record.levelname != "INFO"] == []


# ---- while it runs


async def test_a_lost_connection_is_made_again(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await proxy.drop_sockets()

    async def again() -> bool:
        return len(proxy.made("apps.connections.open")) == 2

    await eventually(again, seconds=20)
    await asyncio.sleep(0.2)
    await slack.command("C02INC", "U01ALICE", 'check "Branch office"')
    await final_parent(slack, "C02INC")


async def test_a_connection_that_stays_lost_ends_the_process(
    serving: Serving, proxy: StrictProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket_mode, "LOST", 1.0)
    with pytest.raises(CommandError, match="has been lost") as caught:  # noqa: PT012
        async with serving() as task:
            proxy.fail("apps.connections.open", *[Fault(200, {"ok": False, "error": "internal_error"})] * 100)
            await proxy.drop_sockets()
            await asyncio.wait({task}, timeout=20)
    assert caught.value.exit_code == 1


# ---- end


async def test_a_running_check_is_finished_first(slack: LocalSlack, serving: Serving, proxy: StrictProxy) -> None:
    async with serving():
        await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
        await eventually(lambda: running_parents(slack, "C02INC"))
    parent = await final_parent(slack, "C02INC")
    assert "450 4.4.315" in parent["text"]
    assert await thread_of(slack, parent)


async def test_a_check_that_takes_too_long_to_end_says_that_it_was_stopped(
    slack: LocalSlack, serving: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "DRAIN", 0.2)
    async with serving():
        await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
        await eventually(lambda: running_parents(slack, "C02INC"))
    assert "was stopped before this was answered" in (await final_parent(slack, "C02INC"))["text"]


SURROUNDINGS = {"MAILFLOW_ENDPOINTS_URL": "", "PYTHONPATH": str(ROOT)}
"""The ranges of Microsoft come from outside this machine."""


@contextlib.asynccontextmanager
async def program(lab: Lab, **variables: str):  # type: ignore[no-untyped-def]
    """`mailflow serve` as its own process, on this lab."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "serve", "--allow-private", "--control-host", "", "--timeout", "5"),
        *("--connectors", str(lab.connectors_file), "--dns", lab.dns, "--smtp-port", str(lab.smtp_port)),
        cwd=lab.ca_file.parent,
        env={
            "MAILFLOW_ENDPOINTS_URL": "",
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": os.environ["HOME"],
            **variables,
        },
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_program(slack: LocalSlack, proxy: StrictProxy, lab: Lab) -> None:
    tokens = {"SLACK_BOT_TOKEN": "xoxb-test-token", "SLACK_APP_TOKEN": "xapp-test-token", "SLACK_API_URL": proxy.api}
    async with program(lab, **tokens) as process:

        async def connected() -> bool:
            assert process.returncode is None, await process.stderr.read()
            return bool(proxy.made("apps.connections.open"))

        await eventually(connected, seconds=20)
        await asyncio.sleep(0.3)
        await slack.command("C02INC", "U01ALICE", 'check "Branch office"')
        assert "450 4.4.316" in (await final_parent(slack, "C02INC"))["text"]
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert b"Traceback" not in await process.stderr.read()


async def test_the_program_without_a_token(lab: Lab) -> None:
    async with program(lab) as process:
        assert await asyncio.wait_for(process.wait(), 20) == 2
        (line,) = (await process.stderr.read()).decode().splitlines()
        assert "SLACK_BOT_TOKEN is not set" in line
