"""The machinery of conftest.py itself: what is left out is named, a full run tolerates nothing left out, nothing gets out."""

import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parent / "conftest.py"


def run(tmp_path: Path, tests: str, *argv: str, lab: str = "") -> subprocess.CompletedProcess[str]:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/conftest.py").write_text(CONFTEST.read_text())
    (tmp_path / "tests/test_it.py").write_text("import asyncio, socket, pytest\n" + tests)
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *argv],
        cwd=tmp_path,
        env={**os.environ, "MAILFLOW_LAB": lab},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


PASSES = "def test_passes(): pass\n"
LACKS = "@pytest.mark.needs('local-slack')\ndef test_chat(): pass\n"


def test_all_run(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES, lab="full")
    assert done.returncode == 0
    assert "Everything was run." in done.stdout


def test_what_is_left_out_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES + LACKS + "def test_other(): pytest.skip('no wind')\n")
    assert done.returncode == 0
    assert "needs local-slack: not installed: npm ci in bot/demo brings it\n    tests/test_it.py::test_chat\n" in done.stdout
    assert "no wind\n    tests/test_it.py::test_other\n" in done.stdout


@pytest.mark.parametrize("processes", ["-n0", "-n2"])
@pytest.mark.parametrize(
    ("tests", "argv"),
    [
        (PASSES + LACKS, ()),
        (PASSES + "def test_other(): pytest.skip('no wind')\n", ()),
        (PASSES + "pytest.importorskip('not_there_at_all')\n", ()),
        (PASSES + "def test_other(): pass\n", ("-k", "passes")),
    ],
)
def test_a_full_run_leaves_nothing_out(tmp_path: Path, tests: str, argv: tuple[str, ...], processes: str) -> None:
    done = run(tmp_path, tests, processes, *argv, lab="full")
    assert done.returncode != 0
    assert "makes this run a failure" in done.stdout


def test_several_processes_name_what_they_left_out_once(tmp_path: Path) -> None:
    done = run(tmp_path, PASSES + LACKS + "def test_other(): pytest.skip('no wind')\n", "-n2", "-k", "not passes")
    assert done.stdout.count("tests/test_it.py::test_chat") == 1
    assert "no wind\n    tests/test_it.py::test_other\n1 deselected" in done.stdout


def test_ci_installs_each_program_that_tests_need() -> None:
    programs = runpy.run_path(str(CONFTEST))["PROGRAMS"]
    assert set(programs.values()) <= set((CONFTEST.parents[1] / ".ci/packages").read_text().splitlines())


def test_an_unknown_capability_is_an_error(tmp_path: Path) -> None:
    assert run(tmp_path, "@pytest.mark.needs('a-pony')\ndef test_it(): pass\n").returncode == 1


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('192.0.2.1', 25), timeout=1)",
        "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b'x', ('2001:db8::1', 53))",
        "socket.getaddrinfo('mail.example.com', 25)",
        "asyncio.run(asyncio.open_connection('192.0.2.1', 25))",
    ],
)
def test_nothing_gets_out_even_where_errors_are_swallowed(tmp_path: Path, attempt: str) -> None:
    done = run(tmp_path, f"def test_it():\n    try:\n        {attempt}\n    except Exception:\n        pass\n")
    assert done.returncode == 1
    assert "tried to leave this machine" in done.stdout


def test_loopback_is_free(tmp_path: Path) -> None:
    body = """
def test_it():
    for family, address in ((socket.AF_INET, '127.0.0.9'), (socket.AF_INET6, '::1')):
        with socket.create_server((address, 0), family=family) as server, socket.create_connection(server.getsockname()[:2]):
            pass
    assert socket.getaddrinfo('localhost', 25)
"""
    done = run(tmp_path, body)
    assert done.returncode == 0, done.stdout


def test_the_owners_environment_is_not_seen(tmp_path: Path) -> None:
    body = """
import os
from pathlib import Path
def test_it():
    assert not [name for name in os.environ if name.startswith(('MAILFLOW_', 'SLACK_')) or name.lower().endswith('_proxy')]
    assert not Path.home().exists()
"""
    done = run(tmp_path, body, lab="full")
    assert done.returncode == 0, done.stdout
