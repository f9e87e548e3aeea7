"""The Makefile on machines that lack something: one line that names what to install."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OLD = "import sys; sys.version_info = (3, 10, 9)"
NO_VENV = "import sys; sys.modules['ensurepip'] = None"


def make(tmp_path: Path, *argv: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".ci").mkdir(exist_ok=True)
    (tmp_path / ".ci/uv.txt").touch()
    env = {"PATH": path or os.environ["PATH"], "LC_ALL": "C"}
    tool = shutil.which("make") or "make"
    return subprocess.run([tool, *argv], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)


def python_where(tmp_path: Path, first: str) -> Path:
    """A Python that runs `first` before whatever it is asked to run."""
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nshift\nexec python3 -c "{first}; $1"\n')
    wrapper.chmod(0o755)
    return wrapper


@pytest.mark.parametrize(
    ("first", "package"),
    [(OLD, "Python 3.11 or newer is needed: on Debian 12"), (NO_VENV, "apt-get install python3-venv")],
)
def test_python_will_not_do(tmp_path: Path, first: str, package: str) -> None:
    done = make(tmp_path, ".venv/bin/uv", f"PYTHON={python_where(tmp_path, first)}")
    assert done.returncode == 2
    assert package in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / ".venv").exists()


def test_no_python(tmp_path: Path) -> None:
    done = make(tmp_path, ".venv/bin/uv", "PYTHON=python-that-is-not-there")
    assert "apt-get install python3 python3-venv" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("npm", [None, "#!/bin/sh\nexit 1\n"])
def test_without_the_local_slack_it_goes_on(tmp_path: Path, npm: str | None) -> None:
    (tmp_path / "bot/demo").mkdir(parents=True)
    (tmp_path / "bot/demo/package-lock.json").touch()
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sh").symlink_to("/bin/sh")
    if npm is not None:
        (tools / "npm").write_text(npm)
        (tools / "npm").chmod(0o755)
    done = make(tmp_path, "SHELL=/bin/sh", "bot/demo/node_modules/.installed", path=str(tools))
    assert done.returncode == 0, done.stderr
    assert "going on without the local Slack" in done.stderr
    assert not (tmp_path / "bot/demo/node_modules/.installed").exists()


def test_help_is_the_default_and_names_each_target(tmp_path: Path) -> None:
    done = make(tmp_path)
    names = ["help", "demo", "test", "quick", "coverage", "lint", "format", "bench", "attack", "breaks"]
    assert [line.split()[1] for line in done.stdout.splitlines()] == names


def test_every_shell_script_is_checked_and_every_path_of_make_quick_exists() -> None:
    made = {name: value.split() for name, _, value in (line.partition(" := ") for line in variables().splitlines())}
    scripts = {str(path.relative_to(ROOT)) for path in (ROOT / ".ci").iterdir() if path.read_bytes().startswith(b"#!/bin/bash")}
    assert set(made["SHELL_SCRIPTS"]) == scripts
    assert len(made["QUICK"]) > 10
    assert [path for path in made["QUICK"] if not (ROOT / path).exists()] == []


def variables() -> str:
    """What make makes of its simple variables."""
    done = subprocess.run(
        ["make", "-f", "-", "print"],
        cwd=ROOT,
        input="include Makefile\nprint:\n\t@echo 'SHELL_SCRIPTS := $(SHELL_SCRIPTS)'; echo 'QUICK := $(QUICK)'\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout
