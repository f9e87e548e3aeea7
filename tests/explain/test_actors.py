"""Short texts of mail errors: who was sending, what became of the mail, and who must act first.

`actors.toml` is the table. A text is read and explained without a live check, as a person who pastes it gets it.
"""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from diagnostics.explain import ExplainedError
from diagnostics.parse import read
from tests.explain.making import document

TEXTS: list[dict[str, Any]] = tomllib.loads((Path(__file__).parent / "actors.toml").read_text(encoding="utf-8"))["texts"]
NEEDED = {"text", "sender", "class", "state", "actor", "why"}
OWNERS = {"you", "partner", "network", "dns-host", "microsoft"}

TENANT = re.compile(
    r"Set-OutboundConnector|outbound connector|accepted domain|Authoritative|from Microsoft 365|Fix now|If Microsoft 365 sent",
    re.IGNORECASE,
)
"""Words about Exchange Online as the sender: its connectors, its addresses, what it does with mail for the tenant's domains."""


def name(row: dict[str, Any]) -> str:
    """Number in the table and the beginning of the text, so that a failure names its row."""
    return f"{TEXTS.index(row) + 1}-{' '.join(row['text'].split())[:40]}"


def every(*rows: dict[str, Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("row", rows, ids=name)


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
        assert set(row) >= NEEDED, row
        assert set(row) <= NEEDED | {"to_microsoft", "title_not"}, row
        assert set(among(row["actor"])) <= OWNERS, row


@every(*TEXTS)
def test_the_class_and_what_became_of_the_mail(row: dict[str, Any]) -> None:
    error = why_it_failed(row)
    assert error.enhanced.startswith(f"{row['class']}.")
    assert error.state in among(row["state"])


@every(*TEXTS)
def test_who_was_sending(row: dict[str, Any]) -> None:
    error = why_it_failed(row)
    assert error.sender in among(row["sender"])
    assert error.to_microsoft is row.get("to_microsoft", error.to_microsoft)


@every(*TEXTS)
def test_the_title_claims_nothing_untrue(row: dict[str, Any]) -> None:
    title = why_it_failed(row).title.lower()
    assert title
    assert not [words for words in row.get("title_not", ()) if words.lower() in title]


@every(*TEXTS)
def test_who_acts_first(row: dict[str, Any]) -> None:
    fixes = why_it_failed(row).fixes
    assert fixes, "nobody acts"
    assert fixes[0].owner in among(row["actor"]), fixes[0].text


@every(*(row for row in TEXTS if row["state"] in ("rejected", "expired")))
def test_mail_that_came_back_is_not_tried_again(row: dict[str, Any]) -> None:
    assert why_it_failed(row).clock.next_retry is None


@every(*(row for row in TEXTS if row["state"] == "queued"))
def test_mail_that_waits_is_not_sent_again_by_hand(row: dict[str, Any]) -> None:
    assert "resend" not in {fix.id for fix in why_it_failed(row).fixes}


@every(*(row for row in TEXTS if row["sender"] == "other"))
def test_another_sender_is_not_sent_into_the_tenant(row: dict[str, Any]) -> None:
    """Nothing of outbound connectors, accepted domains or Microsoft's addresses, no Fix now, not Microsoft's retry times."""
    error = why_it_failed(row)
    said = [error.summary, error.meaning, *(cause.text for cause in error.causes), *(fix.text for fix in error.fixes)]
    assert not [text for text in said if TENANT.search(text)]
    assert not error.fix_now.offered
    assert error.clock.next_retry is None
