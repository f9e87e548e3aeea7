"""Whatever stands in the place of Slack's answer: it is a failure of Slack's, known as that, in bounded time and memory."""

import contextlib
from collections.abc import AsyncIterator
from types import SimpleNamespace

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError

from bot.slack.transport import web_api
from bot.slack.transport.client import Slack, open_slack
from bot.slack.transport.web_api import FAILURES, SlackFault, error_code, may_pass, part, retry_after
from tests.e2e.strict_proxy import ODD, Fault

OK = Fault(200, raw=b'{"ok": true, "channel": "C1", "ts": "1.2"}', headers={"Content-Type": "application/json"})


class Peer:
    """Answers with what is left in `faults`, then with `OK`."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.asked = 0

    async def answer(self, request: web.Request) -> web.Response:
        await request.read()
        self.asked += 1
        fault = self.faults.pop(0) if self.faults else OK
        return web.Response(status=fault.status, body=fault.raw, headers=fault.headers)


@contextlib.asynccontextmanager
async def talking() -> AsyncIterator[tuple[Peer, Slack]]:
    peer, app = Peer(), web.Application()
    app.router.add_route("*", "/{path:.*}", peer.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with open_slack(f"http://127.0.0.1:{runner.addresses[0][1]}/api/", "xoxb-1") as slack:
            yield peer, slack
    finally:
        await runner.cleanup()


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_api, "PAUSE", 0.0)


@pytest.mark.parametrize("name", ODD)
async def test_what_is_no_answer_is_asked_once_more_and_then_a_failure_that_may_pass(name: str) -> None:
    async with talking() as (peer, slack):
        peer.faults = [ODD[name]]
        assert (await slack.retrying.chat_postMessage(channel="C1", text="x"))["ts"] == "1.2"
        assert peer.asked == 2
        peer.faults = [ODD[name]] * 3
        with pytest.raises(FAILURES) as caught:
            await slack.retrying.chat_postMessage(channel="C1", text="x")
        assert (error_code(caught.value), retry_after(caught.value), may_pass(caught.value)) == ("", 0, True)
        assert peer.asked == 4, "one retry"
        with pytest.raises(FAILURES):
            await slack.no_retry.chat_update(channel="C1", ts="1.2", text="x")
        assert peer.asked == 5


@pytest.mark.parametrize("code", ["internal_error", "fatal_error", "service_unavailable", "request_timeout"])
async def test_what_slack_failed_at_is_asked_once_more(code: str) -> None:
    async with talking() as (peer, slack):
        peer.faults = [
            Fault(200, raw=b'{"ok": false, "error": "%s"}' % code.encode(), headers={"Content-Type": "application/json"})
        ]
        await slack.retrying.auth_test()
        assert peer.asked == 2


async def test_a_lookup_that_slack_failed_at_is_told_at_once() -> None:
    async with talking() as (peer, slack):
        peer.faults = [Fault(200, raw=b'{"ok": false, "error": "internal_error"}', headers={"Content-Type": "application/json"})]
        with pytest.raises(SlackApiError):
            await slack.retrying.users_info(user="U1")
        assert peer.asked == 1


async def test_what_slack_refused_is_not_asked_again() -> None:
    async with talking() as (peer, slack):
        peer.faults = [Fault(200, raw=b'{"ok": false, "error": "is_archived"}', headers={"Content-Type": "application/json"})]
        with pytest.raises(SlackApiError) as caught:
            await slack.retrying.chat_postMessage(channel="C1", text="x")
        assert (error_code(caught.value), may_pass(caught.value), peer.asked) == ("is_archived", False, 1)


@pytest.mark.parametrize("retry", ["soon", "-1", "", "9" * 400, "٣"])
async def test_a_429_that_does_not_say_for_how_long_in_numbers(retry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(web_api, "asyncio", SimpleNamespace(sleep=sleep))
    async with talking() as (peer, slack):
        headers = {"Content-Type": "text/html", "Retry-After": retry}
        peer.faults = [Fault(429, raw=b"<html>", headers=headers)]
        await slack.retrying.auth_test()
    assert peer.asked == 2
    assert all(1 <= seconds <= 2 for seconds in slept)


async def test_an_endless_answer_is_read_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web_api, "MOST", 1000)
    async with talking() as (peer, slack):
        peer.faults = [Fault(200, raw=b'{"ok": true, "x": "' + b"x" * 2000 + b'"}', headers={"Content-Type": "application/json"})]
        with pytest.raises(SlackFault, match="longer than"):
            await slack.retrying.auth_test()


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    async with talking() as (peer, slack):
        peer.faults = [Fault(302, raw=b"", headers={"Location": "/elsewhere"})] * 2
        with pytest.raises(SlackApiError):
            await slack.retrying.auth_test()
        assert peer.asked == 2


async def test_deeply_nested_json_is_no_answer() -> None:
    async with talking() as (peer, slack):
        peer.faults = [Fault(200, raw=b"[" * 200_000, headers={"Content-Type": "application/json"})]
        await slack.retrying.auth_test()
        assert peer.asked == 2


def test_what_an_error_may_hold() -> None:
    for held in (
        None,
        "text",
        b"bytes",
        ["ok"],
        [],
        5,
        {"error": None},
        {"error": ["x"]},
        {"error": "<b>"},
        {"error": "x" * 999},
    ):
        for response in (held, SimpleNamespace(data=held, status_code=502, headers=None), SimpleNamespace(data=held)):
            error = SlackApiError("no", response)  # type: ignore[no-untyped-call]
            assert (error_code(error), retry_after(error), may_pass(error)) == ("", 0, True)
    for other in (TimeoutError(), aiohttp.ClientError(), ValueError("x")):
        assert (error_code(other), retry_after(other)) == ("", 0)
    told = SlackApiError("no", {"ok": False, "error": "not_in_channel"})  # type: ignore[no-untyped-call]
    assert (error_code(told), may_pass(told)) == ("not_in_channel", False)


@pytest.mark.parametrize("found", [{}, {"ts": None}, {"ts": ""}, {"ts": 1.5}, {"ts": ["1.2"]}])
def test_a_part_that_is_missing_or_of_another_kind(found: dict[str, object]) -> None:
    with pytest.raises(SlackFault):
        part(found, "ts", str)


async def test_an_error_of_the_sdks_own_code_is_a_failure_of_slack(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*args: object, **more: object) -> None:
        raise AttributeError("'str' object has no attribute 'get'")

    async with talking() as (_, slack):
        monkeypatch.setattr("slack_sdk.web.async_base_client.AsyncBaseClient._send", broken)
        with pytest.raises(SlackFault, match=r"auth\.test: AttributeError"):
            await slack.retrying.auth_test()


async def test_whether_slack_answers_at_all() -> None:
    async with talking() as (peer, slack):
        assert await slack.answers()
        peer.faults = [ODD["502 text"]]
        assert not await slack.answers()
        peer.faults = [Fault(200, raw=b'{"ok": false, "error": "token_revoked"}', headers={"Content-Type": "application/json"})]
        assert await slack.answers()
