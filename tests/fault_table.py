"""tests/faults.toml, and whether the tests and scenarios that it names exist."""

import functools
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def table() -> Mapping[str, Mapping[str, Any]]:
    rows: Mapping[str, Mapping[str, Any]] = tomllib.loads((ROOT / "tests/faults.toml").read_text(encoding="utf-8"))["row"]
    return rows


def shown_by(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [place for row in rows.values() for place in row.get("shown_by", ())]


@functools.cache
def collected(files: tuple[str, ...]) -> frozenset[str]:
    """The ids of all tests in these files, and for each parametrized one its name alone."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "--no-header", "-p", "no:cacheprovider", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]
    ids = [line for line in done.stdout.splitlines() if "::" in line]
    return frozenset(ids) | {line.partition("[")[0] for line in ids}


def unknown(places: Sequence[str]) -> list[str]:
    """Those that name neither a test nor a scenario's target that is expected to say something."""
    tests = [place for place in places if "::" in place]
    files = tuple(sorted({file for place in tests if (ROOT / (file := place.partition("::")[0])).is_file()}))
    known = collected(files) if files else frozenset()
    return [place for place in places if (place not in known if "::" in place else not expected(place))]


def expected(place: str) -> bool:
    file, _, target = place.partition("#")
    if not (ROOT / file).is_file():
        return False
    world = tomllib.loads((ROOT / file).read_text(encoding="utf-8"))
    return target in [expectation["target"] for expectation in world.get("expect", ())]
