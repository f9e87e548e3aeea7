"""While it runs: the database goes away, is locked, is full. Every call ends, says why, and the next good moment is used."""

import asyncio
import contextlib
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.store import PATIENCE, Report, Store, StoreUnavailable, circuit
from diagnostics.store import postgresql as pg
from diagnostics.store import sqlite as lite
from diagnostics.store.database import Database
from diagnostics.store.opening import open_store
from diagnostics.store.records import Records
from tests.store import full_disk
from tests.store.factories import MINUTE, NOW, answer, entry, fix, result, watch
from tests.store.server import PASSWORD, QUOTED, Server

ROOT = Path(__file__).parents[2]

CALLS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "ping": lambda s: s.ping(),
    "keep_result": lambda s: s.keep_result(result()),
    "result": lambda s: s.result("r-1"),
    "claim": lambda s: s.claim("event", "Ev1", at=NOW),
    "is_claimed": lambda s: s.is_claimed("event", "Ev1"),
    "begin_answer": lambda s: s.begin_answer(answer(), owner="one", now=NOW),
    "move_answer": lambda s: s.move_answer("a-1", owner="one", place=""),
    "finish_answer": lambda s: s.finish_answer("a-1", owner="one", now=NOW),
    "take_unfinished": lambda s: s.take_unfinished("one", now=NOW),
    "add_watch": lambda s: s.add_watch(watch(), now=NOW),
    "watch": lambda s: s.watch("w-1"),
    "take_due_watches": lambda s: s.take_due_watches("one", now=NOW),
    "put_off": lambda s: s.put_off("w-1", owner="one", due=NOW, last=""),
    "end_watch": lambda s: s.end_watch("w-1", told=True, now=NOW, answer=answer("a-2"), owner="one"),
    "add_fix": lambda s: s.add_fix(fix(), entry()),
    "fix": lambda s: s.fix("f-1"),
    "fixes": lambda s: s.fixes(),
    "take_fix": lambda s: s.take_fix("f-1", owner="one", states=["planned"], now=NOW, lease=MINUTE, grace=MINUTE),
    "save_fix": lambda s: s.save_fix(
        "f-1", owner="one", fence=1, state="done", document="{}", now=NOW, lease=None, entry=entry("x")
    ),
    "owned_fix": lambda s: s.owned_fix("f-1"),
    "audit": lambda s: s.audit(),
    "keep_report": lambda s: s.keep_report(Report("6a1f", NOW, "U1", "450 4.4.316")),
    "report": lambda s: s.report("6a1f", since=NOW),
    "renew": lambda s: s.renew("one", ["a-1"], now=NOW),
    "release": lambda s: s.release("one", now=NOW),
    "prune": lambda s: s.prune(NOW),
}


def test_every_call_is_tried() -> None:
    assert set(CALLS) == {name for name in vars(Store) if not name.startswith("_")}


async def unavailable(call: Awaitable[object], says: str, *, within: float) -> None:
    started = time.monotonic()
    with pytest.raises(StoreUnavailable, match=says) as caught:
        await call
    assert time.monotonic() - started < within
    assert PASSWORD not in str(caught.value)
    assert QUOTED not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


# ---- PostgreSQL


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("how", [signal.SIGQUIT, signal.SIGINT])
async def test_the_server_is_killed_and_comes_back(server: Server, how: signal.Signals) -> None:
    async with open_store(server.new_database()) as store:
        await asyncio.gather(*(store.claim("event", str(n), at=NOW) for n in range(20)))  # several connections
        server.kill(how)
        for name, call in CALLS.items():
            await unavailable(call(store), "no connection to the database server|being stopped", within=4)
            assert name
        server.start()
        for call in CALLS.values():
            await call(store)
        assert not any(await asyncio.gather(*(store.claim("event", str(n), at=NOW) for n in range(20))))


@pytest.mark.needs("postgresql")
async def test_the_server_hangs(server: Server) -> None:
    async with open_store(server.new_database()) as store:
        assert isinstance(store, Records)
        store._database._patience = 1
        await store.ping()
        server.send(signal.SIGSTOP)
        try:
            calls = [unavailable(call(store), "no answer from the database within 1 s", within=3) for call in CALLS.values()]
            await asyncio.gather(*calls)
        finally:
            server.send(signal.SIGCONT)
        await store.ping()
        await store.keep_result(result())
        assert await store.result("r-1") == result()


@pytest.mark.needs("postgresql")
async def test_a_server_that_hangs_is_waited_for_once(server: Server) -> None:
    """Not by each use of each question: 20 of them would be 20 times the time-out."""
    async with open_store(server.new_database()) as store:
        await store.ping()
        server.send(signal.SIGSTOP)
        try:
            await unavailable(store.claim("event", "0", at=NOW), "no answer from the database", within=PATIENCE + 2)
            started = time.monotonic()
            for n in range(10):
                await unavailable(store.claim("event", str(n), at=NOW), "did not answer a moment ago", within=2)
            assert time.monotonic() - started < PATIENCE
            await asyncio.sleep(circuit.OPEN)
            tries = [asyncio.create_task(store.claim("event", str(n), at=NOW)) for n in range(20)]
            done, _ = await asyncio.wait(tries, timeout=PATIENCE / 2)
            assert len(done) == 19, "one of them tries, the others know"
            await asyncio.gather(*tries, return_exceptions=True)
        finally:
            server.send(signal.SIGCONT)
        async with asyncio.timeout(2 * circuit.OPEN):
            while not await recovered(store):
                await asyncio.sleep(0.1)
        assert await store.claim("event", "new", at=NOW)


async def recovered(store: Store) -> bool:
    with contextlib.suppress(StoreUnavailable):
        await store.ping()
        return True
    return False


async def test_a_peer_that_takes_connections_and_is_silent() -> None:
    """A caller that left early does not hide that there was no answer."""
    held: list[asyncio.StreamWriter] = []

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    listener = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    database = Database(pg.engine(pg.address(f"postgresql://u:x@127.0.0.1:{port}/d")))
    store = Records(database)
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await store.ping()
        await asyncio.sleep(4)
        await unavailable(store.ping(), "did not answer a moment ago", within=1)
    finally:
        for writer in held:
            writer.close()
        listener.close()
        await database.close()


@pytest.mark.needs("postgresql")
async def test_a_cut_connection_is_not_noticed(server: Server) -> None:
    async with open_store(server.new_database()) as store:
        await store.ping()
        server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mailflow'")
        await store.ping()


@pytest.mark.needs("postgresql")
async def test_others_keep_a_row_locked(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.store.postgresql._SETTINGS", "SET lock_timeout = 200")
    url = server.new_database()
    async with open_store(url) as store, open_store(url) as other:
        assert isinstance(other, Records)
        await store.begin_answer(answer(), owner="one", now=NOW)
        held, done = asyncio.Event(), asyncio.Event()

        async def hold(connection: AsyncConnection) -> None:
            await connection.exec_driver_sql("UPDATE mailflow_answers SET attempts = 1")
            held.set()
            await done.wait()

        holding = asyncio.create_task(other._database.run(hold))
        await held.wait()
        await unavailable(store.finish_answer("a-1", owner="one", now=NOW), "others keep the rows locked", within=3)
        assert await store.take_unfinished("two", now=NOW.replace(year=2027)) == []  # left to them
        done.set()
        await holding
        assert await store.finish_answer("a-1", owner="one", now=NOW)


# ---- SQLite


async def test_another_process_writes_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "BUSY", 0.2)
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        await store.keep_result(result())
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        try:
            other.execute("BEGIN EXCLUSIVE")
            await unavailable(store.claim("event", "Ev1", at=NOW), "another process keeps the database locked", within=3)
            assert await store.result("r-1") == result()
        finally:
            other.close()
        assert await store.claim("event", "Ev1", at=NOW)


async def test_the_file_is_deleted(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    async with open_store(f"sqlite:///{file}") as store:
        for path in tmp_path.iterdir():
            path.rename(path.with_name("moved-" + path.name))
        await unavailable(store.keep_result(result()), "the database file cannot be opened", within=1)
        assert not file.exists()
        for path in tmp_path.iterdir():
            path.rename(path.with_name(path.name.removeprefix("moved-")))
        await store.keep_result(result())
        assert await store.result("r-1") == result()


@pytest.mark.needs("namespaces")
@pytest.mark.parametrize("what", ["full", "read-only"])
def test_a_small_disk(tmp_path: Path, what: str) -> None:
    """In a mount namespace of its own, on a disk of a megabyte."""
    script = 'mount -t tmpfs -o size=1m tmpfs "$3" && exec "$0" -W error "$1" "$2" "$3"'
    inside = [sys.executable, full_disk.__file__, what, str(tmp_path)]
    argv = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, *inside]
    done = subprocess.run(argv, env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}, timeout=60, check=False)
    assert done.returncode == 0


# ---- both


async def test_cancelled_in_the_middle(store: Store) -> None:
    for pause in (0.0, 0.001, 0.003):
        calls = [asyncio.create_task(store.claim("event", f"{pause}-{n}", at=NOW)) for n in range(20)]
        await asyncio.sleep(pause)
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
    await store.ping()


async def test_closed_in_the_middle(url: str) -> None:
    async with open_store(url) as store:
        calls = [asyncio.create_task(store.claim("event", str(n), at=NOW)) for n in range(20)]
        await asyncio.sleep(0.002)
        for call in calls:
            call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
