"""Files that are not read are named as what they are, wherever they stand; a text that only looks like one of them is read."""

import base64

import pytest

from diagnostics.findings import Unread
from diagnostics.parse import read_file
from diagnostics.parse.report import Note
from tests.parse.making import ATTEMPT, NDR, codes, mail, multipart, outlook, part, primary
from tests.parse.unread_files import DOCUMENTS


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("told", ["its-own-name", "no-name"])
def test_a_file_that_is_not_read_is_named(name: str, told: str) -> None:
    data, kind = DOCUMENTS[name]
    report = read_file(name if told == "its-own-name" else "bounce.eml", data)
    assert not report.errors
    assert (report.notes, report.not_read) == ((Note(kind),), kind)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_one_that_is_attached_is_a_note(name: str) -> None:
    data, kind = DOCUMENTS[name]
    head = f'Content-Type: application/octet-stream; name="{name}"\nContent-Transfer-Encoding: base64\n\n'
    attached = head.encode() + base64.encodebytes(data)
    report = read_file("x.eml", mail(multipart("multipart/mixed", part("text/plain", NDR), attached)))
    assert codes(report) == ["550 5.4.316", "450 4.4.316"]
    assert (report.notes, report.not_read) == ((Note(kind),), None)


def test_a_mail_that_holds_nothing_else_is_named_after_it() -> None:
    picture = b'Content-Type: image/png; name="a.png"\n\n' + DOCUMENTS["shot.gif"][0]
    for body in ("", "  \n"):
        report = read_file("x.eml", mail(multipart("multipart/mixed", part("text/plain", body), picture)))
        assert report.not_read is Unread.PICTURE
    report = read_file("x.eml", mail(multipart("multipart/mixed", part("text/plain", "see the picture"), picture)))
    assert (report.notes, report.not_read) == ((Note(Unread.PICTURE),), None)


@pytest.mark.parametrize(
    "start", ["BM25 is a ranking. ", "PK is short for Phil Katz. ", "ID3 tag ", "%PDF-1.7 is a version. ", "GIF87 ", "RIFF "]
)
def test_a_text_that_begins_alike_is_a_text(start: str) -> None:
    assert codes(read_file("x.txt", f"{start}\n{ATTEMPT}".encode())) == ["450 4.4.316"]


def test_a_message_that_holds_a_document_is_a_message() -> None:
    document = DOCUMENTS["bounce.doc"][0]
    attachment = "__attach_version1.0_#00000000"
    whole = outlook({"1000001F": NDR, f"{attachment}/37010102": document, f"{attachment}/3707001F": "a.doc"}, "IPM.Note")
    report = read_file("x.msg", whole)
    assert codes(report) == ["550 5.4.316", "450 4.4.316"]
    assert report.notes == (Note(Unread.WORD),)


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("bounce.doc", DOCUMENTS["bounce.doc"][0][:600], Unread.WORD),
        ("a.bin", DOCUMENTS["trace.xls"][0][:30] + b"\xff\xff" + DOCUMENTS["trace.xls"][0][32:], Unread.OLD_WORKBOOK),
        ("a.msg", outlook({"1000001F": NDR})[:700], Unread.DAMAGED_MESSAGE),
    ],
)
def test_a_damaged_one_is_named_by_what_is_left(name: str, data: bytes, kind: Unread) -> None:
    assert read_file(name, data).not_read is kind


def test_rich_text_is_read() -> None:
    rows = r"\par ".join(row.replace("Connection refused", r"{\b Connection}\b0  ref\'75sed") for row in NDR.split("\n"))
    report = read_file("bounce.rtf", rf"{{\rtf1\ansi\deff0{{\fonttbl{{\f0 550 5.1.1;}}}}\f0 {rows}}}".encode("cp1252"))
    assert codes(report) == ["550 5.4.316", "450 4.4.316"]
    assert primary(report).text.startswith("Connection refused")
