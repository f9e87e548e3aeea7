"""The lab starts whole and ends without a trace, whatever happens in between."""

import asyncio
import socket
from pathlib import Path

import pytest

from bot.demo.lab import Lab, parse
from bot.demo.lab.mailserver import BlackHole

HOSTS = {f"127.0.32.{number}": {"behaviour": name} for number, name in enumerate(("healthy", "black-hole", "banner-never"), 1)}


def descriptors() -> set[str]:
    return {file.name for file in Path("/proc/self/fd").iterdir()}


async def hold(lab: Lab, address: str) -> socket.socket:
    """A connection that stays open."""
    client = socket.socket()
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, (address, lab.smtp_port))
    return client


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    before, tasks = descriptors(), asyncio.all_tasks()
    async with Lab(parse({"mail": HOSTS}), tmp_path) as lab:
        clients = [await hold(lab, address) for address in ("127.0.32.1", "127.0.32.3")]
        assert descriptors() > before
    for client in clients:
        client.close()
    assert descriptors() == before
    assert asyncio.all_tasks() == tasks


async def test_one_port_on_every_address(tmp_path: Path) -> None:
    world = parse({"dns": {"none.lab.test": ["A 127.0.32.9"]}, "mail": HOSTS})
    async with Lab(world, tmp_path) as lab, Lab(world, tmp_path) as other:
        assert lab.smtp_port != other.smtp_port
        for address in ("127.0.32.1", "127.0.32.9"):
            with socket.socket() as thief, pytest.raises(OSError, match="in use"):
                thief.bind((address, lab.smtp_port))


async def test_a_port_may_be_asked_for(tmp_path: Path) -> None:
    async with Lab(parse({"mail": HOSTS}), tmp_path) as first:
        port = first.smtp_port
        (await hold(first, "127.0.32.1")).close()
    async with Lab(parse({"mail": HOSTS}), tmp_path, smtp_port=port) as second:
        assert second.smtp_port == port
        with pytest.raises(OSError, match=f"127.0.32.1 port {port}"):
            await Lab(parse({"mail": HOSTS}), tmp_path, smtp_port=port).__aenter__()


async def test_a_failed_start_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_: BlackHole) -> None:
        raise OSError("this kernel does not")

    monkeypatch.setattr(BlackHole, "start", fails)
    before, tasks = descriptors(), asyncio.all_tasks()
    with pytest.raises(OSError, match="this kernel does not"):
        await Lab(parse({"mail": HOSTS}), tmp_path).__aenter__()
    assert descriptors() == before
    assert asyncio.all_tasks() == tasks


async def test_a_fault_of_the_lab_itself_is_not_kept_quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("bot.demo.lab.mailserver.BEHAVIOURS", {"healthy": broken})
    lab = Lab(parse({"mail": {"127.0.32.1": {}}}), tmp_path)
    await lab.__aenter__()
    with await hold(lab, "127.0.32.1") as client:
        assert await asyncio.get_running_loop().sock_recv(client, 10) == b""
    with pytest.raises(ZeroDivisionError):
        await lab.__aexit__(None, None, None)
