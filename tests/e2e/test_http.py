"""Signed HTTP: what is not Slack's is refused before it is parsed; what Slack sends twice is done once."""

import asyncio
import io
import json
import time
from urllib.parse import urlencode

import aiohttp
import pytest

from bot import ports
from bot.demo.lab.lab import Lab
from bot.demo.local_slack import LocalSlack
from tests.e2e.conftest import over_http
from tests.e2e.reading import Bot, Message, done_reply, final_parent, thread_of
from tests.e2e.strict_proxy import StrictProxy, signature
from tests.e2e.test_serve import refused

pytestmark = [
    pytest.mark.needs("local-slack", "namespaces"),
    pytest.mark.parametrize("transport", ["http"], indirect=True),
]

FORM = "application/x-www-form-urlencoded"
LINE = 'check "Branch office"'


def typed(trigger: str = "1.2.f00", text: str = LINE) -> bytes:
    fields = {"command": "/mailflow", "text": text, "user_id": "U01ALICE", "channel_id": "C02INC", "team_id": "T01TEST"}
    return urlencode({**fields, "trigger_id": trigger, "api_app_id": "A01MAILFLOW"}).encode()


async def send(proxy: StrictProxy, body: bytes, headers: dict[str, str], *, kind: str = FORM) -> tuple[int, str]:
    sent = {"Content-Type": kind, **headers}
    async with aiohttp.ClientSession() as http, http.post(proxy.target, data=body, headers=sent) as answer:
        return answer.status, await answer.text()


async def parents(slack: LocalSlack) -> list[Message]:
    return [m for m in await slack.messages("C02INC") if m["user"] == "U0BOT" and not m.get("thread_ts")]


async def test_a_request_of_slacks_own_making(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    body = typed()
    assert (await send(proxy, body, signature(body)))[0] == 200
    assert "450 4.4.316" in (await final_parent(slack, "C02INC"))["text"]


@pytest.mark.parametrize(
    "wrong",
    [
        "none",
        "other secret",
        "other body",
        "too old",
        "too early",
        "no number",
        "no ascii",
        "no utf-8",
    ],
)
async def test_forged_requests(wrong: str, slack: LocalSlack, proxy: StrictProxy, lab: Lab, bot: Bot) -> None:
    body, headers = typed(), signature(typed())
    if wrong == "none":
        headers = {}
    elif wrong == "other secret":
        headers = signature(body, secret="somebody-elses")
    elif wrong == "other body":
        body = typed(text="check mail.contoso.lab.test")
    elif wrong == "too old":
        headers = signature(body, at=time.time() - 310)
    elif wrong == "too early":
        headers = signature(body, at=time.time() + 310)
    elif wrong == "no number":
        headers["X-Slack-Request-Timestamp"] = "soon"
    elif wrong == "no ascii":
        headers["X-Slack-Signature"] = "v0=é"
    else:
        body = b"\xff\xfe"
    assert (await send(proxy, body, headers))[0] == 401
    await asyncio.sleep(0.5)
    assert await parents(slack) == []
    assert not lab.queries


async def test_too_large_a_body_is_not_read(proxy: StrictProxy, bot: Bot) -> None:
    body = b"text=" + b"x" * (1 << 20)
    sent = {"Content-Type": FORM, **signature(body)}
    async with aiohttp.ClientSession() as http, http.post(proxy.target, data=io.BytesIO(body), headers=sent) as answer:
        assert answer.status == 413


async def test_a_body_that_comes_too_slowly(proxy: StrictProxy, bot: Bot) -> None:
    host, port = proxy.target.removeprefix("http://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /slack/events HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nx")
    async with asyncio.timeout(5):
        assert b" 408 " in await reader.readline()
    writer.close()


async def test_signed_nonsense_is_answered_and_does_nothing(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    for body, kind in (
        (b"", FORM),
        (b"payload=%7B", FORM),
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"payload=%5B%5D", FORM),
        (json.dumps({"type": "event_callback", "event": {"type": "app_mention"}}).encode(), "application/json"),
    ):
        status, _ = await send(proxy, body, signature(body), kind=kind)
        assert status < 500, body
    await asyncio.sleep(0.3)
    assert await parents(slack) == []


async def test_a_replayed_request_is_done_once(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", LINE)
    await thread_of(slack, await final_parent(slack, "C02INC"))
    body, headers = proxy.requests[-1]
    for _ in range(3):
        assert (await send(proxy, body, headers))[0] == 200
    await asyncio.sleep(1)
    assert len(await parents(slack)) == 1


async def test_slack_asks_for_the_address(proxy: StrictProxy, bot: Bot) -> None:
    body = json.dumps({"type": "url_verification", "challenge": "c-1"}).encode()
    status, text = await send(proxy, body, signature(body), kind="application/json")
    assert status == 200
    assert "c-1" in text


async def test_other_paths_and_methods(proxy: StrictProxy, bot: Bot) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(proxy.target) as answer:
            assert answer.status == 405
        async with http.post(proxy.target + "/x") as answer:
            assert answer.status == 404


@pytest.mark.parametrize("address", ["", "3000", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x"])
async def test_an_address_that_is_none(address: str, lab: Lab, proxy: StrictProxy) -> None:
    error = await refused(lab, proxy, **over_http() | {"http_address": address})
    assert "MAILFLOW_HTTP_ADDRESS" in str(error)
    assert error.exit_code == 2


async def test_an_address_that_is_taken(lab: Lab, proxy: StrictProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "WAIT", 0.1)
    taken = proxy.api.removeprefix("http://").partition("/")[0]
    error = await refused(lab, proxy, **over_http() | {"http_address": taken})
    assert f"cannot listen on {taken}" in str(error)
    assert error.passing


async def test_the_shortcut(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    text = "Server at gone.contoso.lab.test (127.0.11.2) returned '450 4.4.316 Connection refused'"
    await slack.post("C02INC", "U02BOB", text)
    (message,) = [m for m in await slack.messages("C02INC") if m["text"] == text]
    payload = {
        "type": "message_action",
        "callback_id": "diagnose-mail-error",
        "trigger_id": "1.2.f00",
        "team": {"id": "T01TEST"},
        "user": {"id": "U01ALICE", "team_id": "T01TEST"},
        "channel": {"id": "C02INC"},
        "message": message,
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    assert (await send(proxy, body, signature(body)))[0] == 200
    await done_reply(slack, message | {"channel": "C02INC"}, "450 4.4.316", after=0)
    assert (await send(proxy, body, signature(body)))[0] == 200
    await asyncio.sleep(0.5)
    assert len(await thread_of(slack, message | {"channel": "C02INC"})) == 1
