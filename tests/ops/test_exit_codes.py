"""How `serve` ends when it cannot start: 1 for what may pass by itself, 2 for what a person must change.

With 2 systemd gives up.
Real processes, and peers with real sockets.
"""

import asyncio
import contextlib
import json
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from diagnostics.store import sqlite as lite
from diagnostics.store.opening import open_store
from tests.conftest import ROOT
from tests.ops.harness import served
from tests.store.conftest import _server, server  # noqa: F401 - the fixtures
from tests.store.server import Server

postgresql = pytest.mark.needs("postgresql")


@contextlib.asynccontextmanager
async def peer(serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]) -> AsyncIterator[int]:
    """The port of a server that treats each connection like that."""
    listener = await asyncio.start_server(serve, "127.0.0.1", 0)  # type: ignore[arg-type]
    try:
        yield listener.sockets[0].getsockname()[1]
    finally:
        listener.close()


# ---- Slack


def slack(status: str, body: str, kind: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]:
    answer = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nRetry-After: 60\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{answer}Connection: close\r\n\r\n{body}".encode())
        writer.close()

    return serve


def word(error: str) -> str:
    return json.dumps({"ok": False, "error": error})


JSON, TEXT, HTML = "application/json", "text/plain", "text/html"

SLACK = {
    "internal_error": ("200 OK", word("internal_error"), JSON, 1),
    "fatal_error": ("200 OK", word("fatal_error"), JSON, 1),
    "service_unavailable": ("200 OK", word("service_unavailable"), JSON, 1),
    "ratelimited": ("200 OK", word("ratelimited"), JSON, 1),
    "request_timeout": ("200 OK", word("request_timeout"), JSON, 1),
    "team_added_to_org": ("200 OK", word("team_added_to_org"), JSON, 1),
    "429": ("429 Too Many Requests", word("ratelimited"), JSON, 1),
    "503 text": ("503 Service Unavailable", "upstream", TEXT, 1),
    "502 html": ("502 Bad Gateway", "<html>", HTML, 1),
    "500 empty": ("500 Internal Server Error", "", JSON, 1),
    "500 list": ("500 Internal Server Error", "[1]", JSON, 1),
    "500 with a word": ("500 Internal Server Error", word("invalid_auth"), JSON, 1),
    "200 text": ("200 OK", "hello", TEXT, 1),
    "200 list": ("200 OK", "[1]", JSON, 1),
    "200 half": ("200 OK", '{"ok": fa', JSON, 1),
    "invalid_auth": ("200 OK", word("invalid_auth"), JSON, 2),
    "token_revoked": ("200 OK", word("token_revoked"), JSON, 2),
    "account_inactive": ("200 OK", word("account_inactive"), JSON, 2),
    "missing_scope": ("200 OK", word("missing_scope"), JSON, 2),
}


@pytest.mark.parametrize("how", SLACK)
async def test_slack(how: str, tmp_path: Path) -> None:
    *answer, expected = SLACK[how]
    async with peer(slack(*answer)) as port:
        code, said = await served(tmp_path, SLACK_API_URL=f"http://127.0.0.1:{port}/api/", patience="50")
    assert code == expected, said
    assert "Traceback" not in said
    assert ("SLACK_API_URL" if expected == 1 else "SLACK_BOT_TOKEN") in said.splitlines()[-1]


# ---- PostgreSQL


def refusing(state: str, message: str) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]:
    """PostgreSQL's protocol up to its first error (postgresql.org/docs/current/protocol-message-formats.html)."""
    fields = b"".join(kind + text.encode() + b"\0" for kind, text in ((b"S", "FATAL"), (b"C", state), (b"M", message)))
    error = b"E" + struct.pack("!i", len(fields) + 5) + fields + b"\0"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                length, code = struct.unpack("!ii", await reader.readexactly(8))
                await reader.readexactly(length - 8)
                if code not in (80877103, 80877104):  # requests for encryption
                    break
                writer.write(b"N")
            writer.write(error)
        except asyncio.IncompleteReadError:
            pass  # a client that has gone
        finally:
            writer.close()

    return serve


@pytest.mark.parametrize(
    ("state", "message", "expected"),
    [
        ("57P03", "the database system is starting up", 1),
        ("57P03", "the database system is in recovery mode", 1),
        ("57P01", "terminating connection due to administrator command: shutting down", 1),
        ("53300", "sorry, too many clients already", 1),
        ("53300", 'too many connections for role "mailflow"', 1),
        ("53300", "remaining connection slots are reserved", 1),
        ("28P01", 'password authentication failed for user "mailflow"', 2),
        ("28000", 'no pg_hba.conf entry for host "127.0.0.1"', 2),
        ("3D000", 'database "x" does not exist', 2),
    ],
)
async def test_a_database_server_that_refuses(state: str, message: str, expected: int, tmp_path: Path) -> None:
    async with peer(refusing(state, message)) as port:
        code, said = await served(tmp_path, MAILFLOW_DATABASE_URL=f"postgresql://mailflow:x@127.0.0.1:{port}/x")
    assert code == expected, said
    assert said.splitlines()[-1].startswith("mailflow: MAILFLOW_DATABASE_URL") or "MAILFLOW_DATABASE_URL" in said.splitlines()[-1]


async def test_a_database_server_that_is_away_silent_or_without_tls(tmp_path: Path) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    url = "postgresql://mailflow:x@127.0.0.1:{}/x"
    assert (await served(tmp_path, MAILFLOW_DATABASE_URL=url.format(9)))[0] == 1
    async with peer(silent) as port:
        assert (await served(tmp_path, MAILFLOW_DATABASE_URL=url.format(port)))[0] == 1
    async with peer(refusing("28000", "")) as port:
        code, said = await served(tmp_path, MAILFLOW_DATABASE_URL=url.format(port) + "?sslmode=require")
    assert code == 2
    assert "no TLS" in said


@postgresql
async def test_a_real_database_server(server: Server, tmp_path: Path) -> None:  # noqa: F811
    wrong = {server.url("postgres", password="wrong"): 2, server.url("nothing_here"): 2}
    for url, expected in wrong.items():
        assert (await served(tmp_path, MAILFLOW_DATABASE_URL=url))[0] == expected
    url = server.new_database()
    server.send(signal.SIGSTOP)
    try:
        code, said = await served(tmp_path, MAILFLOW_DATABASE_URL=url)
    finally:
        server.send(signal.SIGCONT)
    assert code == 1, said
    async with open_store(url):
        pass
    server.execute("UPDATE mailflow_schema SET version_num = '0099'", url.rpartition("/")[2])
    code, said = await served(tmp_path, MAILFLOW_DATABASE_URL=url)
    assert code == 2
    assert "newer mailflow" in said


# ---- SQLite


async def test_a_file_that_another_process_keeps(tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        code, said = await served(tmp_path, MAILFLOW_DATABASE_URL=f"sqlite:///{tmp_path}/store.db")
    finally:
        holder.close()
    assert code == 1
    assert "locked" in said.splitlines()[-1]


async def test_files_that_a_person_must_look_at(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("somebody's notes" * 1000)
    for path in ("file", "file/store.db", ""):
        code, said = await served(tmp_path, MAILFLOW_DATABASE_URL=f"sqlite:///{tmp_path}/{path}")
        assert code == 2, said


@pytest.mark.needs("namespaces")
@pytest.mark.parametrize("room", ["16", "1"], ids=["full", "no inode"])
async def test_a_full_disk(room: str, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    inodes = ",nr_inodes=2" if room == "1" else ""
    mount = f'mount -t tmpfs -o size=64k{inodes} tmpfs disk && (head -c {room}0000 /dev/zero > disk/filler; true) && exec "$@"'
    code, said = await served(
        tmp_path,
        before=("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, "sh"),
        MAILFLOW_DATABASE_URL=f"sqlite:///{tmp_path}/disk/store.db",
    )
    assert code == 1, said
    assert "MAILFLOW_DATABASE_URL" in said.splitlines()[-1]


def test_a_folder_without_room_is_told_from_one_without_rights(tmp_path: Path) -> None:
    lite.has_room(tmp_path / "store.db")
    with pytest.raises(FileNotFoundError):
        lite.has_room(tmp_path / "nothing/store.db")
    script = f"""
import resource
from pathlib import Path
from diagnostics.store import sqlite as lite
resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
try:
    lite.has_room(Path({str(tmp_path)!r}) / "store.db")
except OSError as error:
    print(error.errno)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.strip() == "27"  # EFBIG


# ---- settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAILFLOW_TIMEOUT", "soon"),
        ("MAILFLOW_CA_FILE", "/nothing/here.pem"),
        ("MAILFLOW_OPS_ADDRESS", "nowhere"),
        ("MAILFLOW_READERS", "alice"),
    ],
)
async def test_settings(name: str, value: str, tmp_path: Path) -> None:
    code, said = await served(tmp_path, **{name: value})
    assert code == 2
    assert name in said.splitlines()[-1]


# ---- ports


async def test_a_port_that_stays_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        async with peer(slack("200 OK", json.dumps({"ok": True, "user_id": "U0", "user": "x", "team_id": "T0"}), JSON)) as port:
            http = {"SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "s" * 32, "MAILFLOW_HTTP_ADDRESS": address}
            both = await asyncio.gather(
                served(tmp_path, MAILFLOW_OPS_ADDRESS=address, patience="60"),
                served(tmp_path, SLACK_API_URL=f"http://127.0.0.1:{port}/api/", patience="60", **http),
            )
    for (code, said), setting in zip(both, ("MAILFLOW_OPS_ADDRESS", "MAILFLOW_HTTP_ADDRESS"), strict=True):
        assert code == 1, said
        assert setting in said.splitlines()[-1]
        assert "address already in use" in said.splitlines()[-1]


async def test_a_port_that_becomes_free(tmp_path: Path) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    address = f"127.0.0.1:{taken.getsockname()[1]}"
    running = asyncio.create_task(served(tmp_path, MAILFLOW_OPS_ADDRESS=address))
    await asyncio.sleep(4)
    assert not running.done()
    taken.close()
    code, said = await running
    assert code == 1
    assert "Slack cannot be reached" in said.splitlines()[-1], "it went on to where it had been bound for"


async def test_told_to_end_while_it_waits(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        code, said = await served(tmp_path, MAILFLOW_OPS_ADDRESS=address, end_when="in use; waiting")
    assert code == 0, said
