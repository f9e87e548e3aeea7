"""The endpoints web service, by a stand-in that speaks HTTPS: asked rarely, believed little, waited for by nobody."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from aiohttp import web

from bot.demo.lab.certificates import RECIPES, ca_pem, issue
from bot.settings import Settings
from bot.wiring import fresh_ranges, open_services
from commands.request import Actor, Request
from commands.run import run
from diagnostics.catalogue import load
from diagnostics.endpoints import SHIPPED, Ranges, service
from diagnostics.endpoints.service import keep_fresh
from tests.endpoints.factories import MAIL, WEB

NEWER = "2026112400"


class StandIn:
    """`version`, `entries`: what it tells, after `pause` seconds. `answer` says something else. `asked`: every request."""

    def __init__(self) -> None:
        self.version, self.entries = NEWER, [WEB, MAIL]
        self.answer: Callable[[web.Request], web.StreamResponse | None] = lambda _: None
        self.asked: list[web.Request] = []
        self.url = ""
        self.pause = 0.0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        await asyncio.sleep(self.pause)
        if (other := self.answer(request)) is not None:
            return other
        if request.path == "/version/Worldwide":
            return web.json_response({"instance": "Worldwide", "latest": self.version})
        return web.json_response(self.entries)


@pytest.fixture
async def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    made, file = StandIn(), tmp_path / "server.pem"
    file.write_bytes(issue(RECIPES["good"], ("127.0.0.1",)).pem())
    (tmp_path / "ca.pem").write_bytes(ca_pem())
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file)
    app = web.Application()
    app.router.add_get("/{path:.*}", made.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    made.url = f"https://127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


async def taken(stand_in: StandIn, *, rounds: int = 1) -> list[Ranges]:
    """What came of asking so many times."""
    found: list[Ranges] = []
    task = asyncio.create_task(keep_fresh(stand_in.url, SHIPPED, found.append, every=0.01))
    async with asyncio.timeout(10):
        while len([r for r in stand_in.asked if r.path.startswith("/version")]) <= rounds:
            await asyncio.sleep(0.01)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    return found


async def test_a_newer_list_is_taken_once(stand_in: StandIn) -> None:
    assert await taken(stand_in, rounds=3) == [Ranges(NEWER, ("40.92.0.0/15", "2a01:111:f400::/48"))]
    lists = [request for request in stand_in.asked if request.path == "/endpoints/Worldwide"]
    assert len(lists) == 1
    assert lists[0].query["ServiceAreas"] == "Exchange"
    assert len({request.query["clientrequestid"] for request in stand_in.asked}) == 1


@pytest.mark.parametrize("version", [SHIPPED.version, "2026010100"])
async def test_a_list_that_is_not_newer_is_not_read(stand_in: StandIn, version: str) -> None:
    stand_in.version = version
    assert await taken(stand_in) == []
    assert {request.path for request in stand_in.asked} == {"/version/Worldwide"}


async def test_serve_names_the_new_ranges_once_it_is_ready(stand_in: StandIn) -> None:
    settings, ready = Settings(dns=("127.0.0.1:9",), control_host="", endpoints_url=stand_in.url + "/"), asyncio.Event()
    somebody = Actor("U1", frozenset({"reader"}))
    async with open_services(settings) as services, fresh_ranges(settings, services.tools, ready):
        await asyncio.sleep(0.05)
        assert stand_in.asked == []
        ready.set()
        async with asyncio.timeout(10):
            while services.tools.catalogue is load():
                await asyncio.sleep(0.01)
        reply = await run(Request(("explain", "450 4.4.316"), somebody), services, lambda _: None)
    assert reply.document
    assert f"40.92.0.0/15, 2a01:111:f400::/48 (Microsoft's list of version {NEWER})" in reply.document.model_dump_json()


async def test_serve_may_be_kept_from_asking() -> None:
    settings, ready = Settings(dns=("127.0.0.1:9",), control_host="", endpoints_url=""), asyncio.Event()
    ready.set()
    before = len(asyncio.all_tasks())
    async with open_services(settings) as services, fresh_ranges(settings, services.tools, ready):
        assert len(asyncio.all_tasks()) == before


async def test_no_more_than_once_an_hour() -> None:
    assert service.EVERY == 3600


BODY = b'{"latest": "2026112400"}'
WRONG: dict[str, Callable[[], web.Response]] = {
    "429": lambda: web.Response(status=429),
    "500": lambda: web.Response(status=500),
    "no JSON": lambda: web.Response(text="<html>"),
    "another shape": lambda: web.json_response([1]),
    "no version": lambda: web.json_response({"latest": 7}),
    "too large": lambda: web.Response(body=BODY + b" " * service.MAX_BODY),
    "nested": lambda: web.Response(body=b"[" * 200_000),
    "packed": lambda: web.Response(body=BODY, headers={"Content-Encoding": "gzip"}),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("path", ["/version/Worldwide", "/endpoints/Worldwide"])
async def test_a_wrong_answer_changes_nothing(stand_in: StandIn, wrong: str, path: str) -> None:
    stand_in.answer = lambda request: WRONG[wrong]() if request.path == path else None
    if (wrong, path) == ("packed", "/version/Worldwide"):
        assert len(await taken(stand_in)) == 1  # bytes are read as they are, whatever the header says
    else:
        assert await taken(stand_in) == []


async def test_a_redirect_is_not_followed(stand_in: StandIn) -> None:
    def elsewhere(request: web.Request) -> web.Response | None:
        return web.Response(status=302, headers={"Location": "/elsewhere"}) if request.path != "/elsewhere" else None

    stand_in.answer = elsewhere
    assert await taken(stand_in) == []
    assert "/elsewhere" not in {request.path for request in stand_in.asked}


async def test_a_service_that_is_silent_is_given_up(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "SECONDS", 0.1)
    stand_in.pause = 30
    assert await taken(stand_in, rounds=2) == []


async def test_a_certificate_that_is_not_trusted(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    found: list[Ranges] = []
    task = asyncio.create_task(keep_fresh(stand_in.url, SHIPPED, found.append, every=0.01))
    await asyncio.sleep(0.3)
    assert not task.done()
    task.cancel()
    assert (found, stand_in.asked) == ([], [])


async def test_a_proxy_of_the_environment_is_not_asked(stand_in: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    assert len(await taken(stand_in)) == 1
