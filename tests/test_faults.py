"""tests/faults.toml is whole and true: every row is there, and every test and scenario that it names exists."""

import pytest

from tests.fault_table import shown_by, table, unknown

ROWS = [int(number) for number in table()]


def test_every_row_is_there_in_order() -> None:
    assert ROWS[:167] == list(range(1, 168))
    assert sorted(ROWS) == ROWS


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
        "tests/test_faults.py::test_a_row_says_what_it_is_and_where_it_is_shown_or_why_not[1000]",
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
