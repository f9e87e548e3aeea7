"""What can be opened, and what is told when it cannot."""

import asyncio
import re
import stat
from pathlib import Path

import pytest

from diagnostics.durable import DurableUnavailable, Job
from diagnostics.durable.opening import open_durable
from tests.durable.harness import nothing_left, opened, soon
from tests.store.server import PASSWORD, QUOTED, Server


async def test_its_own_file(tmp_path: Path) -> None:
    async with open_durable(None, data_dir=tmp_path / "new", handlers={}) as durable:
        assert await durable.start(Job("one", "kind", "key", (soon(600),)))
        file = tmp_path / "new/mailflow-jobs.sqlite3"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        with pytest.raises(RuntimeError, match="once a process"):
            async with open_durable(None, data_dir=tmp_path / "another", handlers={}):
                pass
        file.unlink()
        with pytest.raises(DurableUnavailable, match="cannot be opened"):
            await durable.start(Job("two", "kind", "key", (soon(600),)))
    assert [path.name for path in (tmp_path / "new").iterdir() if not path.name.endswith(("-wal", "-shm"))] == []


@pytest.mark.parametrize("seconds", [0.0, 0.1])
async def test_cancelled_while_it_opens(file: str, seconds: float) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(seconds), opened(file):
            await asyncio.sleep(60)
    await nothing_left()
    async with opened(file):
        pass


async def refused(url: str, says: str) -> None:
    with pytest.raises(DurableUnavailable, match=says) as caught:
        async with open_durable(url, handlers={}):
            pass
    assert not re.search(f"{re.escape(PASSWORD)}|{re.escape(QUOTED)}", str(caught.value))
    await nothing_left()


async def test_files_that_will_not_do(tmp_path: Path) -> None:
    (tmp_path / "store-jobs.db").write_bytes(b"no database" * 100)
    await refused(f"sqlite:///{tmp_path}/store.db", "the file is no SQLite database")
    (tmp_path / "folder-jobs.db").mkdir()
    await refused(f"sqlite:///{tmp_path}/folder.db", "cannot be written")


@pytest.mark.needs("postgresql")
async def test_servers_that_will_not_do(server: Server) -> None:
    await refused(server.url("nowhere"), "there is no such database")
    await refused(server.url("postgres", password="wrong"), "refuses the user name or the password")
    await refused("postgresql://a:b@c:d@/e", "is no PostgreSQL URL")
    server.kill()
    await refused(server.url("postgres"), "no connection to the database server")


@pytest.mark.needs("postgresql")
async def test_a_user_who_may_not(server: Server) -> None:
    """Needs a schema that somebody else has made, or the right to make it."""
    url = server.new_database()
    name = url.rpartition("/")[2]
    server.execute("DO $$ BEGIN CREATE ROLE guest LOGIN PASSWORD 'guest'; EXCEPTION WHEN duplicate_object THEN END $$")
    guest = f"postgresql://guest:guest@127.0.0.1:{server.port}/{name}"
    await refused(guest, "may not do that")
    server.execute("CREATE SCHEMA mailflow_jobs AUTHORIZATION guest", name)
    async with open_durable(guest, handlers={}) as durable:
        assert await durable.start(Job("one", "kind", "key", (soon(600),)))
