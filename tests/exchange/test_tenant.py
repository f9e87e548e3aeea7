"""The lab's tenant, spoken to without mailflow's client: Microsoft's traps are there, and every misbehaviour shows."""

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.demo.lab.tenant import App, LabTenant, Trouble, tokens, troubles

GET, SET = "Get-OutboundConnector", "Set-OutboundConnector"
PARTIAL = 1 << 20


@dataclass(frozen=True, slots=True)
class Seen:
    """A reply, at most PARTIAL bytes of its body; status 0: none."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] | None = None

    @property
    def names(self) -> list[str]:
        return [row["Name"] for row in json.loads(self.body)["value"]]


class Client:
    """Raw requests as one of the apps."""

    def __init__(self, tenant: LabTenant, session: aiohttp.ClientSession) -> None:
        self.tenant, self.session = tenant, session
        self.context = ssl.create_default_context(cafile=tenant.ca_file)

    async def token(self, app: App, **form: str) -> Seen:
        asked = {"grant_type": "client_credentials", "client_id": app.client_id, "client_secret": app.secret}
        url = f"{self.tenant.login_url}/{self.tenant.domain}/oauth2/v2.0/token"
        return await self.post(url, data={**asked, "scope": f"{self.tenant.url}/.default", **form})

    async def run(self, cmdlet: str, app: App | None = None, url: str = "", /, **parameters: object) -> Seen:
        token = self.tenant.tokens.made(app or self.tenant.reader)["access_token"]
        headers = {"Authorization": f"Bearer {token}", "X-AnchorMailbox": "APP:SystemMailbox{x}@y"}
        body = {"CmdletInput": {"CmdletName": cmdlet, "Parameters": parameters}}
        return await self.post(url or self.url, json=body, headers=headers)

    @property
    def url(self) -> str:
        return f"{self.tenant.url}/adminapi/beta/{self.tenant.guid}/InvokeCommand"

    async def post(self, url: str, **asked: Any) -> Seen:
        try:
            async with self.session.post(url, ssl=self.context, allow_redirects=False, **asked) as response:
                body = b""
                while len(body) < PARTIAL and (piece := await response.content.read(PARTIAL)):
                    body += piece
                return Seen(response.status, body, response.headers)
        except (aiohttp.ClientError, TimeoutError):
            return Seen(0)


@pytest.fixture
async def client(tenant: LabTenant) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession(auto_decompress=False, timeout=aiohttp.ClientTimeout(total=5, sock_read=0.3)) as session:
        yield Client(tenant, session)


# --- The token service ---


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({}, 200, '"access_token"'),
        ({"client_secret": "wrong"}, 401, "AADSTS7000215"),
        ({"client_id": "nobody"}, 400, "AADSTS700016"),
        ({"scope": "https://graph.microsoft.com/.default"}, 400, "AADSTS70011"),
        ({"grant_type": "password"}, 400, "AADSTS70011"),
        ({"client_assertion_type": tokens.ASSERTION, "client_assertion": "a.b.c"}, 401, "AADSTS700027"),
        ({"client_assertion_type": tokens.ASSERTION, "client_assertion": ""}, 401, "AADSTS700027"),
    ],
)
async def test_only_who_proves_it_gets_a_token(client: Client, form: dict[str, str], status: int, said: str) -> None:
    seen = await client.token(client.tenant.reader, **form)
    assert seen.status == status
    assert said.encode() in seen.body


# --- The admin API ---


async def test_identities_that_find_nothing_find_everything(client: Client) -> None:
    guid = client.tenant.guid_of("connector", "Partner")
    assert (await client.run(GET, Identity=guid)).names == ["Partner"]
    assert (await client.run(GET, Identity="partner")).names == ["Partner"]
    for identity in (None, "", "nobody"):
        assert (await client.run(GET, Identity=identity)).names == ["On premises", "Partner"]


async def test_test_mode_is_a_list_of_its_own(client: Client) -> None:
    assert (await client.run(GET, IncludeTestModeConnectors=True)).names == ["Rehearsal"]


async def test_pages(client: Client) -> None:
    client.tenant.page_size = 1
    first = await client.run(GET)
    second = await client.run(GET, None, json.loads(first.body)["@odata.nextLink"])
    assert first.names + second.names == ["On premises", "Partner"]
    assert "@odata.nextLink" not in json.loads(second.body)


async def test_a_filter_that_it_does_not_know_is_passed_over(client: Client) -> None:
    assert (await client.run("Get-MailUser", Filter="ExternalEmailAddress -like '*@contoso.test'")).names == ["bob@contoso.test"]
    assert len((await client.run("Get-MailUser", Filter="Odd -matches 'x'")).names) == 2


@pytest.mark.parametrize(
    ("cmdlet", "parameters", "status"),
    [
        (SET, {"Identity": "On premises", "Enabled": False}, 200),
        (SET, {"Identity": "nobody", "Enabled": False}, 404),
        (SET, {"Identity": "", "Enabled": False}, 404),
        (SET, {"Identity": "On premises", "Enabled": "no"}, 400),
        (SET, {"Identity": "On premises", "Enabled": False, "Odd": 1}, 400),
        ("Set-AcceptedDomain", {"Identity": "contoso.test", "DomainType": "Authoritative"}, 200),
        ("Set-AcceptedDomain", {"Identity": "contoso.test", "DomainType": "Odd"}, 400),
        ("Remove-OutboundConnector", {"Identity": "On premises"}, 403),
    ],
)
async def test_writes(client: Client, cmdlet: str, parameters: dict[str, object], status: int) -> None:
    seen = await client.run(cmdlet, client.tenant.writer, **parameters)
    assert seen.status == status
    assert len(client.tenant.changes) == (status == 200)
    assert (seen.body == b"") == (status == 200)


async def test_two_of_one_name_are_not_written_to(client: Client) -> None:
    client.tenant.change("connector", "Partner", "Name", "On premises")
    assert (await client.run(SET, client.tenant.writer, Identity="On premises", Enabled=False)).status == 400


@pytest.mark.parametrize("cmdlet", [SET, "Get-Nothing"])
async def test_what_an_app_may_not_run_is_nul_bytes_called_gzip(client: Client, cmdlet: str) -> None:
    seen = await client.run(cmdlet, Identity="On premises", Enabled=False)
    assert (seen.status, seen.body.strip(b"\0")) == (403, b"")
    assert (seen.headers or {})["Content-Encoding"] == "gzip"
    assert not client.tenant.changes


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}, {"Authorization": "Bearer"}])
async def test_without_a_token_nothing_is_done(client: Client, headers: dict[str, str]) -> None:
    body = {"CmdletInput": {"CmdletName": SET, "Parameters": {"Identity": "Partner", "Enabled": False}}}
    assert (await client.post(client.url, json=body, headers=headers)).status == 401
    assert not client.tenant.changes


async def test_replication(client: Client) -> None:
    """By reads, by time; what somebody else did is seen at once."""

    async def enabled() -> bool:
        (row,) = json.loads((await client.run(GET, Identity="On premises")).body)["value"]
        return bool(row["Enabled"])

    client.tenant.lag(reads=1)
    await client.run(SET, client.tenant.writer, Identity="On premises", Enabled=False)
    assert [await enabled() for _ in range(2)] == [True, False]
    client.tenant.lag(seconds=0.2)
    await client.run(SET, client.tenant.writer, Identity="On premises", Enabled=True)
    assert not await enabled()
    await asyncio.sleep(0.2)
    assert await enabled()
    client.tenant.change("connector", "On premises", "Enabled", False)
    assert not await enabled()
    assert client.tenant.effective("On premises", "Enabled") == 2
    assert len(client.tenant.changes) == 3


# --- Misbehaviour ---

SEEN: Mapping[str, tuple[int, bytes, bool]] = {
    "busy": (429, b"TooManyRequests", False),
    "unavailable": (503, b"ServiceUnavailable", False),
    "failing": (500, b"InternalServerError", False),
    "expired": (401, b"", False),
    "forbidden": (403, bytes(96), False),
    "not-found": (404, b"NotFound", False),
    "refused": (400, b"details", False),
    "errors": (200, b"@adminapi.errors", False),
    "errors-after": (200, b"@adminapi.errors", True),
    "ineffective": (200, b"", False),
    "silent": (0, b"", False),
    "silent-after": (0, b"", True),
    "late": (200, b"", True),
    "cut": (0, b"", False),
    "cut-after": (0, b"", True),
    "cut-body": (0, b"", True),
    "html": (200, b"<html>", False),
    "half-json": (200, b'{"value": [{', False),
    "no-rows": (200, b'{"value": "none"}', False),
    "list": (200, b"[1, 2]", False),
    "deep": (200, b"[[[[", False),
    "large": (200, b"xxxx", False),
    "bomb": (200, b"\x1f\x8b", False),
    "zipped": (200, gzip.compress(b"", mtime=0)[:2], True),
    "link-elsewhere": (200, b"https://elsewhere.example/", True),
    "link-back": (200, b"@odata.nextLink", True),
    "links-for-ever": (200, b"@odata.nextLink", True),
    "redirect": (307, b"", False),
    "drip": (200, b"     ", False),
}
"""Trouble → status (0: no reply), what stands in the body, whether the write was done."""


@pytest.mark.parametrize("name", troubles.TROUBLES)
async def test_every_trouble_shows(client: Client, name: str) -> None:
    status, body, done = SEEN[name]
    client.tenant.spoil(Trouble(SET, name, seconds=0.01))
    if name == "drip":
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await client.run(SET, client.tenant.writer, Identity="On premises", Enabled=False)
    else:
        seen = await client.run(SET, client.tenant.writer, Identity="On premises", Enabled=False)
        assert (seen.status, body in seen.body) == (status, True)
    assert len(client.tenant.changes) == done
    assert (await client.run(GET)).names == ["On premises", "Partner"]


async def test_troubles_queue_up_and_can_be_healed(client: Client) -> None:
    client.tenant.spoil(Trouble(GET, "busy", times=2, retry_after="7"), Trouble("*", "failing", times=None))
    seen = [await client.run(GET) for _ in range(3)]
    assert [(one.status, (one.headers or {}).get("Retry-After")) for one in seen] == [(429, "7"), (429, "7"), (500, None)]
    client.tenant.heal()
    assert (await client.run(GET)).status == 200
    with pytest.raises(ValueError, match="no trouble 'bussy'; known are busy"):
        client.tenant.spoil(Trouble(GET, "bussy"))


async def test_one_can_wait_for_a_request(client: Client) -> None:
    waiting = asyncio.create_task(client.tenant.arrived(GET, times=2))
    await client.run(GET)
    assert not waiting.done()
    await client.run(GET)
    await asyncio.wait_for(waiting, 1)
    assert [asked.app for asked in client.tenant.asked(GET)] == [client.tenant.reader.client_id] * 2


# --- Start and end ---


def descriptors() -> set[str]:
    return {file.name for file in Path("/proc/self/fd").iterdir()}


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    before, tasks = descriptors(), asyncio.all_tasks()
    lab = LabTenant(tmp_path, troubles=[Trouble("*", "silent", times=None)])
    async with lab as tenant, aiohttp.ClientSession() as session:
        asking = asyncio.create_task(Client(tenant, session).run(GET))
        await tenant.arrived(GET)
        await tenant.stop()
        assert (await asking).status == 0
    assert descriptors() == before
    assert asyncio.all_tasks() == tasks
