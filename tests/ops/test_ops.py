"""The ops address, asked over real HTTP."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot import ops as module
from bot import ports
from bot.ops import Ready, ops, readiness
from commands.command import CommandError
from diagnostics.store import StoreUnavailable
from diagnostics.store.opening import open_store
from diagnostics.store.sql_store import Records


async def yes() -> str | None:
    return None


@contextlib.asynccontextmanager
async def asking(ready: Ready = yes) -> AsyncIterator[aiohttp.ClientSession]:
    async with ops("127.0.0.1:0", ready) as where:
        assert where is not None
        async with aiohttp.ClientSession(f"http://{where[0]}:{where[1]}") as session:
            yield session


async def get(session: aiohttp.ClientSession, path: str, method: str = "GET") -> tuple[int, str]:
    async with session.request(method, path) as response:
        assert response.headers["Server"] == "mailflow"
        return response.status, (await response.text()).strip()


async def test_alive_and_ready() -> None:
    async with asking() as session:
        assert await get(session, "/healthz") == (200, "ok")
        assert await get(session, "/readyz") == (200, "ok")
        assert await get(session, "/readyz", "HEAD") == (200, "")


async def test_alive_and_not_ready() -> None:
    async def ready() -> str | None:
        return "slack not connected"

    async with asking(ready) as session:
        assert await get(session, "/readyz") == (503, "slack not connected")
        assert await get(session, "/healthz") == (200, "ok")


async def test_a_question_that_hangs_or_fails(caplog: pytest.LogCaptureFixture) -> None:
    async def hang() -> str | None:
        await asyncio.sleep(60)
        return None

    async def fail() -> str | None:
        raise ValueError("a mistake")

    async with asking(hang) as session:
        started = time.monotonic()
        assert await get(session, "/readyz") == (503, "no answer in time")
        assert time.monotonic() - started < 1
    async with asking(fail) as session:
        assert await get(session, "/readyz") == (503, "unknown")
    assert "a mistake" in caplog.text


async def test_metrics() -> None:
    async with asking() as session, session.get("/metrics") as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        assert "mailflow_check_seconds" in await response.text()


@pytest.mark.parametrize("path", ["/", "/metrics/", "/healthz/x", "/debug", "/..%2fetc/passwd"])
async def test_nothing_else(path: str) -> None:
    async with asking() as session:
        assert (await get(session, path))[0] == 404


async def test_nothing_can_be_sent() -> None:
    async with asking() as session:
        assert (await get(session, "/healthz", "POST"))[0] == 405


@pytest.mark.parametrize("address", ["off", ""])
async def test_off(address: str) -> None:
    async with ops(address, yes) as where:
        assert where is None


async def test_a_port_that_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "WAIT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(CommandError) as caught:
            async with ops(address, yes):
                raise AssertionError("it started")
    assert str(caught.value).startswith(f"MAILFLOW_OPS_ADDRESS: {address}: address already in use. Write another")
    assert caught.value.passing


NO_ADDRESSES = ("9464", ":9464", "localhost", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:65536", "::1:9464", "127.0.0.1:-1")


@pytest.mark.parametrize("address", NO_ADDRESSES)
async def test_what_is_no_address(address: str) -> None:
    with pytest.raises(CommandError, match="is no HOST:PORT"):
        async with ops(address, yes):
            raise AssertionError("it started")


async def test_an_address_of_another_machine() -> None:
    with pytest.raises(CommandError, match=r"MAILFLOW_OPS_ADDRESS: 192\.0\.2\.1:9464: "):
        async with ops("192.0.2.1:9464", yes):
            raise AssertionError("it started")


async def ended(connections: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]) -> None:
    """Returns when the other side has closed all of them."""
    for reader, writer in connections:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()


async def test_whoever_holds_connections_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 2.0)
    async with asking() as session:
        port = session._base_url.port  # type: ignore[union-attr]
        started = time.monotonic()
        held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2 * module.MAX_CONNECTIONS)]
        for _, writer in held[-3:]:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: ")
        assert await get(session, "/healthz") == (200, "ok")
        async with asyncio.timeout(5):
            await ended(held[: module.MAX_CONNECTIONS])
            assert time.monotonic() - started < 2  # the oldest had to go for the others
            await ended(held[module.MAX_CONNECTIONS :])


async def test_each_answer_closes_its_connection() -> None:
    async with asking() as session:
        reader, writer = await asyncio.open_connection("127.0.0.1", session._base_url.port)  # type: ignore[union-attr]
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(2):
            assert (await reader.read()).endswith(b"ok\n")
        writer.close()


async def test_the_end_waits_for_nobody() -> None:
    started = time.monotonic()
    async with ops("127.0.0.1:0", yes) as where:
        assert where is not None
        _, writer = await asyncio.open_connection(*where)
        writer.write(b"GET /heal")
        await asyncio.sleep(0.05)
    assert time.monotonic() - started < 3
    writer.close()


async def test_what_ready_means() -> None:
    class Asked(Records):
        def __init__(self, *, away: bool) -> None:
            self.away = away

        async def ping(self) -> None:
            if self.away:
                raise StoreUnavailable("no connection")

    assert await readiness(lambda: True, None)() is None
    assert await readiness(lambda: True, Asked(away=False))() is None
    assert await readiness(lambda: True, Asked(away=True))() == "store unreachable"
    assert await readiness(lambda: False, Asked(away=True))() == "slack not connected"
    assert await readiness(lambda: True, Asked(away=False), lambda: "slack: token_revoked")() == "slack: token_revoked"


async def test_however_often_it_is_asked_the_store_is_asked_once() -> None:
    class Counted(Records):
        def __init__(self) -> None:
            self.pings = 0

        async def ping(self) -> None:
            self.pings += 1
            await asyncio.sleep(0.1)

    store = Counted()
    ready = readiness(lambda: True, store)
    assert await asyncio.gather(*(ready() for _ in range(50))) == [None] * 50
    assert await ready() is None
    assert store.pings == 1


async def test_a_store_that_can_only_be_read_is_not_ready(tmp_path: Path) -> None:
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        ready = readiness(lambda: True, store)
        assert await ready() is None
        await asyncio.sleep(module.KEPT + 0.1)
        assert isinstance(store, Records)
        await store._database.run(lambda connection: connection.exec_driver_sql("PRAGMA query_only = ON"))
        assert await ready() == "store not writable: the database cannot be written"
