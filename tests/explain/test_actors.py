"""Short texts of mail errors: who was sending, what became of the mail, and who must act first.

`actors.toml` is the table. A text is read and explained without a live check, as a person who pastes it gets it.
"""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from diagnostics.explain import ExplainedError
from diagnostics.parse import read
from tests.explain.making import document

TEXTS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "actors.toml").read_text(encoding="utf-8"))["texts"]


def name(row: dict[str, Any]) -> str:
    """Number in the table and the beginning of the text, so that a failure names its row."""
    return f"{TEXTS.index(row) + 1}-{' '.join(row['text'].split())[:40]}"


def why_it_failed(row: dict[str, Any]) -> ExplainedError:
    told = document(read(row["text"]))
    assert told.primary is not None, "no error is read"
    return told.errors[told.primary]


def among(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]


def test_the_table_says_what_each_row_needs() -> None:
    assert len(TEXTS) >= 170
    assert len({row["text"] for row in TEXTS}) == len(TEXTS)
    for row in TEXTS:
        assert {"text", "sender", "class", "state", "actor", "why"} <= set(row), row
        assert set(row) <= {"text", "sender", "to_microsoft", "class", "state", "actor", "title_not", "why"}, row
        assert set(among(row["actor"])) <= {"you", "partner", "network", "dns-host", "microsoft"}, row


@pytest.mark.parametrize("row", TEXTS, ids=name)
def test_the_class_and_what_became_of_the_mail(row: dict[str, Any]) -> None:
    error = why_it_failed(row)
    assert (error.enhanced[:2], error.state) == (f"{row['class']}.", row["state"])


@pytest.mark.parametrize("row", TEXTS, ids=name)
def test_who_was_sending(row: dict[str, Any]) -> None:
    error = why_it_failed(row)
    assert error.sender in among(row["sender"])
    assert error.to_microsoft is row.get("to_microsoft", error.to_microsoft)


@pytest.mark.parametrize("row", TEXTS, ids=name)
def test_the_title_claims_nothing_untrue(row: dict[str, Any]) -> None:
    title = why_it_failed(row).title.lower()
    assert title
    assert not [words for words in row.get("title_not", ()) if words.lower() in title]


@pytest.mark.parametrize("row", TEXTS, ids=name)
def test_who_acts_first(row: dict[str, Any]) -> None:
    fixes = why_it_failed(row).fixes
    assert fixes, "nobody acts"
    assert fixes[0].owner in among(row["actor"]), fixes[0].text


@pytest.mark.parametrize("row", [row for row in TEXTS if row["class"] == 5], ids=name)
def test_a_final_refusal_is_not_tried_again(row: dict[str, Any]) -> None:
    assert why_it_failed(row).clock.next_retry is None
