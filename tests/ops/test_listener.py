"""A port stays of use when descriptors are used up, and says so once."""

import asyncio
import contextlib
import errno
import socket
import time

import pytest
from aiohttp import web

from bot import listener as module
from bot.listener import Limits, listening


def app() -> web.Application:
    async def yes(request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    made = web.Application()
    made.router.add_route("*", "/", yes)
    return made


async def asked(where: tuple[str, int]) -> bytes:
    reader, writer = await asyncio.open_connection(*where)
    writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ECONNABORTED])
async def test_where_no_connection_can_be_accepted_it_waits_and_says_so_once(
    number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    loop = asyncio.get_running_loop()
    tries = 0
    accept = loop.sock_accept

    async def failing(sock: socket.socket) -> tuple[socket.socket, object]:
        nonlocal tries
        tries += 1
        if tries <= 5:
            await asyncio.sleep(0)
            raise OSError(number, "no more")
        return await accept(sock)

    monkeypatch.setattr(loop, "sock_accept", failing)
    monkeypatch.setattr(module, "_BACK_OFF", 0.05)
    began = time.monotonic()
    async with listening(app(), "127.0.0.1", 0, Limits(8, 5, 5), end=1) as where:
        assert (await asked(where)).endswith(b"\r\n\r\n0")
    waits = number != errno.ECONNABORTED
    assert (time.monotonic() - began >= 0.25) or not waits
    assert len([r for r in caplog.records if r.levelname == "WARNING"]) == waits


async def test_an_answer_says_that_its_connection_ends() -> None:
    async with listening(app(), "127.0.0.1", 0, Limits(8, 5, 5), end=1) as where:
        assert b"\r\nConnection: close\r\n" in await asked(where)


async def test_idle_connections_go_for_new_ones_and_trusted_requests_stay() -> None:
    released = asyncio.Event()

    async def known(request: web.Request) -> web.Response:
        module.trusted(request)
        await released.wait()
        return web.Response(text="known")

    made = app()
    made.router.add_get("/known", known)
    async with listening(made, "127.0.0.1", 0, Limits(8, 5, 5), end=1) as where:
        reader, writer = await asyncio.open_connection(*where)
        writer.write(b"GET /known HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        held = [await asyncio.open_connection(*where) for _ in range(40)]
        assert (await asked(where)).endswith(b"\r\n\r\n0")
        released.set()
        async with asyncio.timeout(3):
            assert (await reader.read()).endswith(b"known")
        for _, each in (*held, (reader, writer)):
            each.close()


async def test_what_is_no_http_fills_no_log(caplog: pytest.LogCaptureFixture) -> None:
    async with listening(app(), "127.0.0.1", 0, Limits(8, 5, 5), end=1) as where:
        for _ in range(50):
            reader, writer = await asyncio.open_connection(*where)
            writer.write(b"GET / HTTP/1.1\r\nA\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                await reader.read()
            writer.close()
    assert len(caplog.records) <= 10
