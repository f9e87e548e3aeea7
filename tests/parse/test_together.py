"""A text and the files that came with it: one report, in which what several of them say counts once."""

import pytest

from diagnostics.parse import read
from diagnostics.parse.read import MAX_FILE, MAX_PASTE, form, read_all
from tests.parse.making import ATTEMPT, CLOSING, NDR, bounce, codes, outlook, primary

HEAD = "date_time,recipient_address,connector_id,source_context,event_id"


def table(*hours: int, code: str = "450 4.4.316 Connection refused", host: str = "a.test") -> bytes:
    rows = (
        f'2026-11-24T{hour:02d}:00:00Z,bob@contoso.test,Out,"{code} [LastAttemptedServerName={host}]",DEFER' for hour in hours
    )
    return "\n".join((HEAD, *rows)).encode()


def counts(text: str, *contents: bytes) -> list[tuple[str, int]]:
    report = read_all(text, [(f"{number}.csv", content) for number, content in enumerate(contents)])
    return [(error.code, error.count) for error in report.errors]


REFUSED = "450 4.4.316"


@pytest.mark.parametrize(
    ("text", "files", "told"),
    [
        (NDR, [bounce()], [("550 5.4.316", 1), (REFUSED, 1)]),
        (NDR, [outlook({"1000001F": NDR}), bounce()], [("550 5.4.316", 1), (REFUSED, 1)]),
        (f"what is this?\n{ATTEMPT}", [bounce()], [(REFUSED, 1), ("550 5.4.316", 1)]),
        ("", [table(1, 2), table(2, 3)], [(REFUSED, 3)]),
        ("", [table(1, 1, 2), table(1)], [(REFUSED, 3)]),
        ("", [table(1), table(1, 1, 2)], [(REFUSED, 3)]),
        (table(1, 2).decode(), [table(1, 2)], [(REFUSED, 2)]),
        ("", [table(1), table(1, host="b.test")], [(REFUSED, 1), (REFUSED, 1)]),
        ("550 5.1.1 User unknown", [bounce()], [("550 5.1.1", 1), ("550 5.4.316", 1), (REFUSED, 1)]),
    ],
    ids=["pasted-too", "three-ways", "a-line-of-it", "days-overlap", "more-first", "more-later", "same", "hosts", "other"],
)
def test_what_both_say_counts_once(text: str, files: list[bytes], told: list[tuple[str, int]]) -> None:
    assert counts(text, *files) == told


def test_the_cause_is_found_wherever_it_stands() -> None:
    """The paste has only the end; the file says why."""
    report = read_all(CLOSING, [("bounce.eml", bounce())])
    assert primary(report).code == REFUSED
    assert report.recipient_domains == ("contoso.com",)


def test_each_has_its_own_bound() -> None:
    long = "nothing\n" * (MAX_PASTE // 8 + 1)
    report = read_all(long, [("a.txt", long.encode() * (MAX_FILE // len(long) + 1)), ("b.txt", ATTEMPT.encode())])
    assert codes(report) == [REFUSED]
    assert len(report.notes) == 2


def test_a_text_alone_is_read_as_ever() -> None:
    assert read_all(NDR, []) == read(NDR)


@pytest.mark.parametrize(
    ("content", "readable"),
    [
        (bounce(), True),
        (outlook({"1000001F": NDR}), True),
        (table(1), True),
        (NDR.encode("utf-16"), True),
        (b"", True),
        (b"PK\x03\x04" + bytes(100), True),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), False),
    ],
)
def test_what_is_read_at_all(content: bytes, readable: bool) -> None:
    assert (form(content) is None) is readable
