"""A Slack workspace that is as strict as the real one, and the bot in it."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab.lab import Lab
from bot.demo.lab.tenant import LabTenant
from bot.demo.lab.world import parse
from bot.demo.local_slack import BINARY, LocalSlack
from bot.settings import Settings
from bot.slack.app import serve
from bot.wiring import open_services
from tests.e2e import outward
from tests.e2e.strict_proxy import SIGNING_SECRET, StrictProxy

WORKSPACE: dict[str, Any] = {
    "workspace": {"name": "Lab", "domain": "mailflow-lab", "teamId": "T01TEST"},
    "app": {
        "appId": "A01MAILFLOW",
        "botUserId": "U0BOT",
        "botName": "mailflow",
        "botToken": "xoxb-test-token",
        "appToken": "xapp-test-token",
        "signingSecret": SIGNING_SECRET,
        "mode": "socket",
    },
    "users": [
        {"id": "U01ALICE", "name": "alice", "real_name": "Alice Anderson"},
        {"id": "U02BOB", "name": "bob", "real_name": "Bob Brown"},
        {"id": "U03CAROL", "name": "carol", "real_name": "Carol Clark"},
    ],
    "channels": [
        {"id": "C01GEN", "name": "general", "members": ["U01ALICE", "U02BOB", "U0BOT"]},
        {"id": "C02INC", "name": "inc-mail", "members": ["U01ALICE", "U02BOB", "U03CAROL", "U0BOT"]},
        {"id": "C03OUT", "name": "not-invited", "members": ["U01ALICE"]},
        {"id": "G03PRIV", "name": "secret", "is_private": True, "members": ["U01ALICE"]},
    ],
}

WORLD: dict[str, Any] = {
    "title": "What the Slack front is shown",
    "dns": {
        "mail.contoso.lab.test": ["A 127.0.11.1"],
        "gone.contoso.lab.test": ["A 127.0.11.2"],
        "rude.contoso.lab.test": ["A 127.0.11.3"],
        "slow.contoso.lab.test": ["A 127.0.11.4"],
        "mx.fabrikam.lab.test": ["A 127.0.11.5"],
        # switched off, and back again at the fourth look
        "back.contoso.lab.test": [["A 127.0.11.6"], ["A 127.0.11.6"], ["A 127.0.11.6"], ["A 127.0.11.1"]],
    },
    "mail": {
        "127.0.11.1": {},
        "127.0.11.3": {"behaviour": "banner-421", "banner": "<!channel> & <https://evil.example|bank> `x` *.example :x:"},
        "127.0.11.4": {"behaviour": "black-hole"},
        "127.0.11.5": {"behaviour": "banner-421"},
    },
    "connectors": [
        {"Name": "Healthy one", "SmartHosts": ["mail.contoso.lab.test"], "TlsSettings": "EncryptionOnly"},
        {"Name": "Branch office", "SmartHosts": ["gone.contoso.lab.test"]},
        {"Name": "<!channel> & *rude* :one:", "SmartHosts": ["rude.contoso.lab.test"]},
        {"Name": "Black hole", "SmartHosts": ["slow.contoso.lab.test"]},
        {"Name": "Fabrikam", "ConnectorType": "Partner", "SmartHosts": ["mx.fabrikam.lab.test"]},
    ],
}

Serving = Callable[..., contextlib.AbstractAsyncContextManager[asyncio.Task[None]]]

both_transports = pytest.mark.parametrize("transport", ["socket", "http"], indirect=True)


@pytest.fixture
def transport(request: pytest.FixtureRequest) -> str:
    """How Slack's requests come to the bot: "socket" unless `both_transports` says otherwise."""
    return str(getattr(request, "param", "socket"))


@pytest.fixture
async def slack(transport: str, tmp_path: Path) -> AsyncIterator[LocalSlack]:
    if transport == "socket":
        async with LocalSlack(WORKSPACE) as running:
            yield running
        return
    app = WORKSPACE["app"] | {"mode": "events", "requestUrl": f"http://127.0.0.1:{outward.PORT}/slack/events"}
    binary = outward.wrapper(tmp_path, tmp_path / "out", BINARY)
    async with LocalSlack(WORKSPACE | {"app": app}, binary=binary) as running:
        yield running


@pytest.fixture
async def proxy(slack: LocalSlack, transport: str, tmp_path: Path) -> AsyncIterator[StrictProxy]:
    """Strict to the end: what it holds against the bot fails the test."""
    running = StrictProxy(slack.base, outlet=str(tmp_path / "out") if transport == "http" else "")
    async with running:
        yield running
    assert running.violations == []


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    async with Lab(parse(WORLD), tmp_path) as running:
        yield running


def settings_for(lab: Lab, api: str, **more: Any) -> Settings:
    """Settings of `serve` for this lab and this Slack. A black hole takes `timeout` seconds."""
    return Settings(
        **{
            "slack_bot_token": "xoxb-test-token",
            "slack_app_token": "xapp-test-token",
            "slack_api_url": api,
            "connectors": lab.connectors_file,
            "dns": (lab.dns,),
            "smtp_port": lab.smtp_port,
            "ca_file": lab.ca_file,
            "ehlo_name": "probe.lab.test",
            "timeout": 5,
            "allow_private": True,
            "control_host": "",
            **more,
        }
    )


def over_http() -> dict[str, Any]:
    """Settings for signed HTTP, on a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    return {"slack_app_token": None, "slack_signing_secret": SIGNING_SECRET, "http_address": f"127.0.0.1:{port}"}


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/mailflow.sqlite3"


@pytest.fixture
def serving(lab: Lab, proxy: StrictProxy, transport: str) -> Serving:
    """`async with serving() as task:` the bot is connected; at the end it is told to stop, and has to."""

    @contextlib.asynccontextmanager
    async def run(**more: Any) -> AsyncIterator[asyncio.Task[None]]:
        stop, ready = asyncio.Event(), asyncio.Event()
        settings = settings_for(lab, proxy.api, **(over_http() if transport == "http" else {}), **more)
        proxy.target = f"http://{settings.http_address}/slack/events"
        async with open_services(settings) as services:
            task = asyncio.create_task(serve(settings, services, stop=stop, ready=ready))
            waiting = asyncio.create_task(ready.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=10)
            waiting.cancel()
            if not ready.is_set():
                task.cancel()
                await task
                raise AssertionError("the bot did not connect")
            try:
                yield task
            finally:
                stop.set()
                async with asyncio.timeout(30):
                    await task

    return run


@pytest.fixture
async def bot(serving: Serving) -> AsyncIterator[asyncio.Task[None]]:
    async with serving() as task:
        yield task


# ---- a tenant to mend


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[LabTenant]:
    """Two connectors whose servers are gone, and a third that serves several domains."""

    def connector(name: str, host: str, *domains: str) -> dict[str, Any]:
        return {"Name": name, "RecipientDomains": list(domains), "SmartHosts": [host]}

    rows = [
        connector("Contoso on-premises", "gone.contoso.lab.test", "contoso.lab.test"),
        connector("Contoso in the cellar", "back.contoso.lab.test", "cellar.lab.test"),
        connector("Contoso branches", "gone.contoso.lab.test", "east.lab.test", "west.lab.test"),
    ]
    domains = [{"DomainName": d, "DomainType": "InternalRelay"} for row in rows for d in row["RecipientDomains"]]
    async with LabTenant(tmp_path, connectors=rows, accepted_domains=domains) as running:
        yield running


@pytest.fixture
def fixing(serving: Serving, tenant: LabTenant, store_url: str) -> Serving:
    """`async with fixing(fix_approvals=2):` the bot, with credentials to read and to write; Bob may approve."""

    def start(**more: Any) -> contextlib.AbstractAsyncContextManager[asyncio.Task[None]]:
        settings = {
            "database_url": store_url,
            **tenant.variables,
            "fix_approvers": ("U02BOB",),
        }
        return serving(**settings | more)

    return start
