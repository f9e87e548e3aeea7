"""What /readyz says of the token, and what an answer still has to load: nothing."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from bot.demo.lab.lab import Lab
from bot.demo.local_slack import LocalSlack, eventually
from bot.ops import ops, readiness
from bot.slack import app
from bot.slack.transport import auth_check
from bot.slack.transport.auth_check import Standing
from bot.slack.transport.client import open_slack
from bot.wiring import open_services
from tests.conftest import ROOT
from tests.e2e.conftest import both_transports, over_http, settings_for
from tests.e2e.strict_proxy import Fault, StrictProxy

pytestmark = pytest.mark.needs("local-slack", "namespaces")

REVOKED = Fault(200, {"ok": False, "error": "token_revoked"})


@asynccontextmanager
async def watched_over(lab: Lab, proxy: StrictProxy, transport: str) -> AsyncIterator[aiohttp.ClientSession]:
    """The bot with its ops address."""
    settings = settings_for(lab, proxy.api, **(over_http() if transport == "http" else {}))
    stop, ready, standing = asyncio.Event(), asyncio.Event(), Standing()
    async with (
        open_services(settings) as services,
        ops("127.0.0.1:0", readiness(ready.is_set, services.store, lambda: standing.why_not)) as where,
    ):
        assert where
        work = asyncio.create_task(app.serve(settings, services, stop=stop, ready=ready, standing=standing))
        async with asyncio.timeout(20):
            await ready.wait()
        async with aiohttp.ClientSession(f"http://{where[0]}:{where[1]}") as session:
            yield session
        stop.set()
        await work


async def says(session: aiohttp.ClientSession) -> tuple[int, str]:
    async with session.get("/readyz") as response:
        return response.status, (await response.text()).strip()


@both_transports
async def test_a_token_that_is_revoked_while_it_runs(
    slack: LocalSlack, proxy: StrictProxy, lab: Lab, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth_check, "EVERY", 0.2)
    async with watched_over(lab, proxy, transport) as session:
        assert await says(session) == (200, "ok")
        proxy.fail("auth.test", *[REVOKED] * 10)
        await eventually(lambda: is_now(session, (503, "slack: token_revoked")))
        proxy.faults["auth.test"].clear()
        await eventually(lambda: is_now(session, (200, "ok")))


async def is_now(session: aiohttp.ClientSession, expected: tuple[int, str]) -> bool:
    return await says(session) == expected


async def test_one_failure_says_nothing_of_the_token(slack: LocalSlack, proxy: StrictProxy) -> None:
    standing = Standing()
    async with open_slack(proxy.api, "xoxb-test-token") as client:
        proxy.fail("auth.test", Fault(500, {"ok": False, "error": "internal_error"}), Fault(503, {}))
        assert await standing.ask(client) == auth_check.SOON
        assert standing.why_not == ""
        assert await standing.ask(client) == auth_check.SOON
        assert standing.why_not == "slack unreachable"
        assert await standing.ask(client) == auth_check.EVERY
        assert standing.why_not == ""


QUESTIONS = (
    "help",
    "check",
    "check b\u00fccher.lab.test",
    "connectors",
    "fixes",
    "undo f-1",
    'fix "Branch office"',
    "explain 450 4.4.316 Connection refused &amp;amp; =?iso-2022-jp?q?x?=",
    "explain --check mail.contoso.lab.test 450 4.4.317 Connection refused",
    "watch r-1",
)


async def test_nothing_is_imported_for_an_answer(slack: LocalSlack, proxy: StrictProxy, lab: Lab, tmp_path: Path) -> None:
    """With no descriptor left an import fails: so there must be none."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    log = tmp_path / "log"
    env = {
        **{"SLACK_BOT_TOKEN": "xoxb-test-token", "SLACK_APP_TOKEN": "xapp-test-token", "SLACK_API_URL": proxy.api},
        **{"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "MAILFLOW_ENDPOINTS_URL": ""},
        "MAILFLOW_OPS_ADDRESS": f"127.0.0.1:{port}",
    }
    argv = (sys.executable, "-X", "importtime", "-m", "bot", "serve", "--allow-private", "--control-host", "", "--timeout", "5")
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *argv,
            *("--connectors", str(lab.connectors_file), "--dns", lab.dns, "--smtp-port", str(lab.smtp_port)),
            *("--ca-file", str(lab.ca_file)),
            cwd=tmp_path,
            env=env,
            stderr=out,
        )
        try:
            async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
                await eventually(lambda: ready(session), seconds=40)
            await asyncio.sleep(1)
            before = log.stat().st_size
            answers = len(proxy.made("chat.postMessage"))
            for text in QUESTIONS:
                await slack.command("C02INC", "U01ALICE", text)
                await asyncio.sleep(1)
            await asyncio.sleep(6)
            assert len(proxy.made("chat.postMessage")) > answers + 5
            loaded = [line for line in log.read_bytes()[before:].decode().splitlines() if line.startswith("import time:")]
            assert loaded == []
        finally:
            process.terminate()
            await process.wait()


async def ready(session: aiohttp.ClientSession) -> bool:
    try:
        return await says(session) == (200, "ok")
    except aiohttp.ClientError:
        return False
