"""The systemd unit and the Containerfile, as far as they can be judged without running them."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

UNIT = (ROOT / "deploy/mailflow.service").read_text()
CONTAINERFILE = (ROOT / "deploy/Containerfile").read_text()
PROGRAM = "/opt/mailflow/bin/mailflow"
EXPOSURE = 1.5
"""Of 10, as systemd counts; a bot must at least reach the network, and read files."""

systemd = pytest.mark.needs("systemd-analyze")


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there."""
    assert UNIT.count(PROGRAM) == 1
    path = tmp_path / "mailflow.service"
    path.write_text(UNIT.replace(PROGRAM, sys.executable))
    return path


def analyze(*argv: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *argv], capture_output=True, text=True, timeout=30, check=False)


@systemd
def test_systemd_understands_the_unit(unit: Path) -> None:
    done = analyze("verify", "--man=no", unit)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@systemd
def test_that_check_can_fail(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    assert "ProtectHouse" in analyze("verify", "--man=no", unit).stderr


@systemd
def test_little_is_open_to_it(unit: Path) -> None:
    done = analyze("security", "--offline=yes", "--no-pager", f"--threshold={round(EXPOSURE * 10)}", unit)
    assert done.returncode == 0, done.stdout


def test_a_mistake_in_the_settings_is_not_tried_again() -> None:
    parsed = configparser.RawConfigParser(strict=False)
    parsed.optionxform = str  # type: ignore[assignment,method-assign]
    parsed.read_string(UNIT)
    service = parsed["Service"]
    assert service["RestartPreventExitStatus"] == "2"
    assert float(service["TimeoutStopSec"]) > 20
    assert service["CapabilityBoundingSet"] == ""


# ---- the image


def instructions() -> list[tuple[str, str]]:
    joined = re.sub(r"\\\n\s*", "", CONTAINERFILE)
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in lines)]


def test_it_is_nobody_and_writes_to_one_place() -> None:
    last = instructions()[max(n for n, (word, _) in enumerate(instructions()) if word == "FROM") :]
    found = dict(last)
    assert found["USER"] == "65532:65532"
    assert found["VOLUME"] == found["WORKDIR"] == "/var/lib/mailflow"
    assert "sqlite:////var/lib/mailflow/" in found["ENV"]
    assert found["ENTRYPOINT"] == f'["{PROGRAM}"]'
    assert not any(word in ("RUN", "ADD") for word, _ in last)


def test_no_registry_is_named() -> None:
    images = {rest.split()[0] for word, rest in instructions() if word == "FROM"}
    assert images == {"python:3.12-slim"}
    assert "://" not in re.sub(r"sqlite:///", "", CONTAINERFILE)


def test_all_that_it_copies_is_there() -> None:
    copied = [rest.split() for word, rest in instructions() if word == "COPY" and not rest.startswith("--from")]
    sources = [source for words in copied for source in words[:-1]]
    assert {"mailflow", "manifest.yaml", "bot", "commands", "diagnostics", "uv.lock", "pyproject.toml"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []


def test_what_installs_is_held_to_its_hashes() -> None:
    run = " ".join(rest for word, rest in instructions() if word == "RUN")
    assert "--require-hashes" in run
    assert "uv sync --frozen --no-dev --no-editable" in run
