"""tests/faults.toml is whole and true: every row is there, and every test and scenario that it names exists."""

import functools
import subprocess
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]


def table() -> Mapping[str, Mapping[str, Any]]:
    rows: Mapping[str, Mapping[str, Any]] = tomllib.loads((ROOT / "tests/faults.toml").read_text(encoding="utf-8"))["row"]
    return rows


ROWS = [int(number) for number in table()]


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


def test_every_row_is_there_in_order() -> None:
    assert sorted(set(ROWS)) == ROWS
    assert ROWS[:167] == list(range(1, 168))


@pytest.mark.parametrize("number", ROWS)
def test_a_row_says_what_it_is_and_where_it_is_shown_or_why_not(number: int) -> None:
    row = table()[str(number)]
    assert set(row) <= {"trigger", "answer", "shown_by", "left_out"}
    assert row["trigger"]
    assert bool(row.get("shown_by")) != bool(row.get("left_out"))


def test_every_name_in_it_exists() -> None:
    assert not unknown(shown_by(table()))


def test_a_name_that_does_not_exist_is_found() -> None:
    wrong = [
        "tests/test_faults.py::test_that_is_not_there",
        "tests/test_gone.py::test_every_row_is_there_in_order",
        "tests/test_faults.py::test_a_row_says_what_it_is_and_where_it_is_shown_or_why_not[168]",
        "tests/scenarios/dns.toml#no such target",
        "tests/scenarios/gone.toml#nxdomain",
    ]
    right = [
        "tests/test_faults.py::test_every_row_is_there_in_order",
        "tests/test_faults.py::test_a_row_says_what_it_is_and_where_it_is_shown_or_why_not",
        "tests/test_faults.py::test_a_row_says_what_it_is_and_where_it_is_shown_or_why_not[102]",
        "tests/scenarios/dns.toml#nxdomain",
    ]
    assert unknown(wrong + right) == wrong
