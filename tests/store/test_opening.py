"""What is refused at start, in one line that names setting, place and mend, and never a password."""

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.store import StoreFault, schema
from diagnostics.store import postgresql as pg
from diagnostics.store import sqlite as lite
from diagnostics.store.opening import open_store
from diagnostics.store.records import Records
from diagnostics.store.tables import metadata
from tests.store.factories import NOW, answer, entry, fix, result, watch
from tests.store.server import PASSWORD, QUOTED, Server

ROOT = Path(__file__).parents[2]


async def refused(url: str, *, data_dir: Path | None = None) -> StoreFault:
    with pytest.raises(StoreFault) as caught:
        async with open_store(url, data_dir=data_dir):
            pass
    said = str(caught.value)
    assert said.startswith("MAILFLOW_DATABASE_URL")
    assert said.endswith(".")
    assert len(said.splitlines()) == 1
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


# ---- the setting


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("", "is not set"),
        ("mysql://u:SECRET@h/x", "no database that mailflow can use"),
        ("SECRET", "no database that mailflow can use"),
        ("postgresql+asyncpg://u:SECRET@h/x", "no driver"),
        ("sqlite+aiosqlite:///x", "no driver"),
        ("sqlite://", "needs a file"),
        ("sqlite:///", "needs a file"),
        ("sqlite:///:memory:", "needs a file"),
        ("sqlite:///?mode=SECRET", "needs a file"),
        ("postgresql://u:SECRET/x@h/db", "no PostgreSQL URL"),
        ("postgresql://u:x/SECRET@h/db", "no PostgreSQL URL"),
        ("postgres://u:a@SECRET@h/db", "no PostgreSQL URL"),
        ("postgresql://u:12/SECRET@h/db", "no PostgreSQL URL"),
        ("postgresql://u:a?SECRET@127.0.0.1:1/db", "no connection"),
        ("postgresql://u:a#SECRET@127.0.0.1:1/db", "no connection"),
        ("postgresql://u:[SECRET@127.0.0.1:1/db", "no connection"),
        ("postgresql://u:SECRET@[h/db", "no PostgreSQL URL"),
        ("postgresql://u:%SECRET@h/db", "no PostgreSQL URL"),
        ("postgresql://127.0.0.1:1/db?password=SECRET", "no connection"),
        ("postgresql://127.0.0.1:1/db?SECRET=x", "no PostgreSQL URL"),
    ],
)
async def test_urls(url: str, says: str) -> None:
    fault = await refused(url)
    assert says in str(fault)
    assert "SECRET" not in str(fault)
    assert fault.passing == (says == "no connection")


async def test_without_a_url_it_is_a_file_of_ours(tmp_path: Path) -> None:
    async with open_store(None, data_dir=tmp_path / "data/mailflow") as store:
        await store.ping()
        files = list((tmp_path / "data/mailflow").iterdir())
        assert {file.name for file in files} == {f"mailflow.sqlite3{end}" for end in ("", "-wal", "-shm")}
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "data/mailflow").stat().st_mode) == 0o700


async def test_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with open_store("sqlite:///sub/st%6Fre #1?.db"[:-4]):
        pass
    assert (tmp_path / "sub/st%6Fre #1").is_file()


async def test_every_connection_is_durable(tmp_path: Path) -> None:
    async with open_store(None, data_dir=tmp_path) as store:
        assert isinstance(store, Records)
        for pragma, value in {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 3000}.items():
            (row,) = await store._database.rows(text(f"PRAGMA {pragma}"), reads=True)
            assert next(iter(row.values())) == value


# ---- the file


async def test_a_damaged_file(tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    async with open_store(f"sqlite:///{file}") as store:
        for n in range(300):
            await store.keep_result(result(f"r-{n}"))
    damaged = bytearray(file.read_bytes())
    for at in range(4096 * 3, len(damaged), 4096):
        damaged[at : at + 200] = bytes(range(200))
    file.write_bytes(damaged)
    fault = await refused(f"sqlite:///{file}")
    assert f"the file {file} is damaged" in str(fault)
    assert not fault.passing
    assert file.read_bytes() == damaged


async def test_no_database_at_all(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Not a database, but somebody's notes. " * 100)
    assert "no SQLite database" in str(await refused(f"sqlite:///{tmp_path}/notes.txt"))
    assert (tmp_path / "notes.txt").read_text().startswith("Not a database")


async def test_a_path_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "cannot be written (Not a directory)" in str(await refused(f"sqlite:///{tmp_path}/file/store.db"))
    assert "cannot be written (Is a directory)" in str(await refused(f"sqlite:///{tmp_path}"))


@pytest.mark.timeout(60)
async def test_a_file_that_another_process_keeps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lite, "BUSY", 0.2)
    monkeypatch.setattr("diagnostics.store.opening.STARTING", 0.5)
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        fault = await refused(f"sqlite:///{tmp_path}/store.db")
        assert "another process keeps the database locked; stop the other process" in str(fault)
        assert fault.passing
    finally:
        holder.close()
    async with open_store(f"sqlite:///{tmp_path}/store.db"):
        pass


# ---- the server


@pytest.mark.needs("postgresql")
async def test_a_server_that_refuses(server: Server) -> None:
    wrong = await refused(server.url("postgres", password="not-the-" + QUOTED))
    assert "refuses the user name or the password" in str(wrong)
    assert "there is no such database" in str(await refused(server.url("nothing_here")))
    latin = server.new_database("ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0")
    assert "has the encoding LATIN1" in str(await refused(latin))
    server.execute("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    locked_up = server.new_database().replace(f"mailflow:{QUOTED}", "guest:guest")
    assert "may not do that; give the database user the right to create tables" in str(await refused(locked_up))
    server.kill()
    away = await refused(server.url("postgres"))
    assert away.passing
    for fault in (wrong, away):
        assert PASSWORD not in str(fault)
        assert QUOTED not in str(fault)
        assert f"postgres at 127.0.0.1:{server.port}" in str(fault)


@pytest.mark.needs("postgresql")
async def test_both_schemes_are_known(server: Server) -> None:
    async with open_store(server.new_database().replace("postgresql://", "postgres://")) as store:
        await store.ping()


# ---- the schema


def test_the_head_is_the_newest_migration() -> None:
    assert ScriptDirectory(str(schema.MIGRATIONS)).get_heads() == [schema.HEAD]


async def test_migrations_make_the_tables_that_are_described(url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(
            compare_metadata(MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE}), metadata)
        )

    async with open_store(url) as store:
        assert isinstance(store, Records)
        assert await store._database.run(lambda connection: connection.run_sync(differences)) == []


@pytest.mark.parametrize("revision", ["0001", "0002"])
async def test_from_an_older_revision(url: str, revision: str) -> None:
    """What an older version wrote is still there afterwards."""
    if url.startswith("sqlite"):
        lite.create(Path(url.removeprefix("sqlite:///")))
        engine = lite.engine(Path(url.removeprefix("sqlite:///")))
        await schema.bring_up_to_date(engine, lite.lock, "here", to=revision)
    else:
        engine = pg.engine(pg.address(url))
        await schema.bring_up_to_date(engine, pg.lock, "here", to=revision)
    async with engine.begin() as connection:
        assert await connection.run_sync(schema.current) == revision
        await connection.exec_driver_sql("INSERT INTO mailflow_seen VALUES ('event', 'Ev1', '2026-11-24 10:00:00.000000')")
        if revision >= "0002":
            await connection.exec_driver_sql(
                "INSERT INTO mailflow_watches (id, word, place, actor, until, every, due, last) VALUES "
                "('w-1', 'contoso.com', 'slack:C1:2', 'U1', '2026-11-25 10:00:00.000000', 60, '2026-11-24 10:00:00.000000', '')"
            )
    await engine.dispose()
    async with open_store(url) as store:
        assert isinstance(store, Records)
        assert await store._database.run(lambda connection: connection.run_sync(schema.current)) == schema.HEAD
        assert not await store.claim("event", "Ev1", at=NOW)
        assert await store.begin_answer(answer(), owner="one", now=NOW)
        due = await store.take_due_watches("one", now=NOW)
        assert [(one.word, one.last) for one in due] == ([] if revision == "0001" else [("contoso.com", "")])
        assert await store.add_watch(watch("w-2"), now=NOW)
        assert await store.add_fix(fix(), entry())


async def test_a_newer_schema(url: str) -> None:
    async with open_store(url) as store:
        assert isinstance(store, Records)

        async def work(connection: AsyncConnection) -> None:
            await connection.exec_driver_sql("UPDATE mailflow_schema SET version_num = '0099'")

        await store._database.run(work)
    fault = await refused(url)
    assert f"was written by a newer mailflow (schema 0099; this one knows {schema.HEAD})" in str(fault)
    assert not fault.passing


async def test_a_migration_that_fails_leaves_nothing(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    broken = tmp_path / "migrations"
    shutil.copytree(schema.MIGRATIONS, broken)
    file = broken / "versions/r0002_watches.py"
    file.write_text(
        file.read_text().replace("def upgrade() -> None:\n", "def upgrade() -> None:\n    op.execute('DROP TABLE nothing')\n")
    )
    with monkeypatch.context() as patch:
        patch.setattr(schema, "MIGRATIONS", broken)
        await refused(url)
    async with open_store(url) as store:  # had the first one stayed, its tables would be in the way
        await store.ping()


# ---- what is loaded


def loaded(code: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return {name.partition(".")[0] for name in done.stdout.split()}


async def test_nothing_is_loaded_before_it_is_needed(tmp_path: Path) -> None:
    assert not loaded("import diagnostics.store") & {"sqlalchemy", "alembic", "psycopg", "aiosqlite", "pydantic"}
    url = f"sqlite:///{tmp_path}/store.db"
    async with open_store(url):
        pass
    code = "import asyncio\nfrom diagnostics.store.opening import open_store\n"
    code += f"async def main():\n    async with open_store({url!r}): pass\nasyncio.run(main())"
    assert not await asyncio.to_thread(loaded, code) & {"alembic", "psycopg"}
