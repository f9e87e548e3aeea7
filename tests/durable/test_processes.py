"""Several processes, some of which die, or freeze, or lose the database."""

import asyncio
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.durable import full_disk
from tests.durable.worker_processes import AT_ONCE, ROOT, TAKEN_OVER, Worker, working
from tests.store.server import Server

IDS = [f"job-{n}" for n in range(25)]


async def first_to_hear(line: str, *workers: Worker) -> Worker:
    heard = {asyncio.create_task(worker.hear(line)): worker for worker in workers}
    done, late = await asyncio.wait(heard, return_when=asyncio.FIRST_COMPLETED)
    for task in late:
        task.cancel()
    return heard[done.pop()]


async def test_started_once_and_done_once(url: str) -> None:
    async with working(url, lease=60) as one, working(url, lease=60) as two:
        for id in IDS:
            for worker in (one, two, one, two):
                worker.tell("start", id, "note", "key", 0.5)
        for worker in (one, two):
            for id in IDS:
                await worker.hear(f"started {id} False")
        await asyncio.sleep(3)
        said = Counter([*one.said, *two.said])
    assert {id: said[f"started {id} True"] for id in IDS} == dict.fromkeys(IDS, 1)
    assert {id: said[f"begins {id} 0"] for id in IDS} == dict.fromkeys(IDS, 1)


@pytest.mark.needs("postgresql")
async def test_one_of_two_dies(server: Server) -> None:
    """What it was doing is done by the other one, and what was waiting is done on time."""
    url = server.new_database()
    async with working(url) as one, working(url) as two:
        await one.start("under-way", "slow", 0.5, 0)
        dead = await first_to_hear("begins under-way 0", one, two)
        alive = two if dead is one else one
        await dead.start("waiting", "note", "key", 2)
        due = time.monotonic() + 2
        dead.send(signal.SIGKILL)
        assert -0.5 < await alive.hear("ends waiting 0", 2 + AT_ONCE) - due < AT_ONCE
        await alive.hear("ends under-way 0", TAKEN_OVER)
        await alive.hear("ends under-way 1")
        assert Counter(alive.said)["begins under-way 0"] == 1


async def test_the_only_one_dies_and_comes_back(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/store.db"
    async with working(url) as one:
        await one.start("under-way", "slow", 60, 0)
        await one.start("waiting", "note", "key", 4)
        due = time.monotonic() + 4
        await one.hear("begins under-way 0")
        one.send(signal.SIGKILL)
        await one.ended()
    async with working(url) as again:
        assert -0.5 < await again.hear("ends waiting 0", 4 + AT_ONCE) - due < AT_ONCE
        await again.hear("begins under-way 0", TAKEN_OVER)


@pytest.mark.needs("postgresql")
async def test_one_of_two_freezes(server: Server) -> None:
    """The same slot is done twice, in two processes; what follows it once."""
    url = server.new_database()
    async with working(url) as one, working(url) as two:
        await one.start("frozen", "slow", 0.5, 0)
        frozen = await first_to_hear("begins frozen 0", one, two)
        frozen.send(signal.SIGSTOP)
        other = two if frozen is one else one
        await other.hear("ends frozen 0", TAKEN_OVER)
        frozen.send(signal.SIGCONT)
        await frozen.hear("ends frozen 0")
        await first_to_hear("ends frozen 1", one, two)
        for worker in (one, two):
            worker.tell("end")
        assert [await worker.ended() for worker in (one, two)] == [0, 0]
    calls = Counter(line for line in (*one.said, *two.said) if line.endswith((" 0", " 1")))
    assert calls == {f"{what} frozen {slot}": 2 - slot for what in ("begins", "ends") for slot in (0, 1)}


@pytest.mark.needs("postgresql")
async def test_the_server_comes_back(server: Server) -> None:
    async with working(server.new_database()) as worker:
        await worker.start("under-way", "slow", 1, 0)
        await worker.start("waiting", "note", "key", 2)
        await worker.hear("begins under-way 0")
        server.kill()
        await worker.hear("ends under-way 0")
        worker.tell("start", "refused", "note", "key", 0)
        await worker.hear("unavailable refused")
        await asyncio.sleep(1)
        server.start()
        await worker.hear("ends waiting 0", 2 * AT_ONCE)
        await worker.start("later", "note", "key", 0)
        await worker.hear("ends later 0")
        assert Counter(worker.said)["begins under-way 0"] == 1, "that it was done could be recorded in the end"


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize(("away", "seconds"), [("killed", 5), ("frozen", 15)])
async def test_it_ends_without_the_server(server: Server, away: str, seconds: float) -> None:
    """Also while threads wait for the database, whatever they want to record."""
    async with working(server.new_database()) as worker:
        await worker.start("under-way", "slow", 1, 0)
        await worker.hear("begins under-way 0")
        if away == "killed":
            server.kill()
        else:
            server.send(signal.SIGSTOP)
        try:
            await worker.hear("ends under-way 0")
            worker.tell("end")
            assert await worker.ended(seconds) == 0
        finally:
            if away == "frozen":
                server.send(signal.SIGCONT)


@pytest.mark.needs("namespaces")
def test_a_full_disk(tmp_path: Path) -> None:
    """In a mount namespace of its own."""
    script = 'mount -t tmpfs -o size=2m tmpfs "$2" && exec "$0" -W error "$1" "$2"'
    argv = [
        "unshare",
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        script,
        sys.executable,
        full_disk.__file__,
        str(tmp_path),
    ]
    done = subprocess.run(argv, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}, timeout=60, check=False)
    assert done.returncode == 0
