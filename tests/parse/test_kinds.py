"""Files that are not read are named as what they are, wherever they stand; a text that only looks like one of them is read."""

import base64
import struct

import pytest

from diagnostics.findings import Unread
from diagnostics.parse import read_file
from diagnostics.parse.report import Note
from tests.parse.making import ATTEMPT, NDR, codes, compound, mail, multipart, outlook, part, primary, zipped

TYPES = "[Content_Types].xml"
REST = bytes(range(256)) * 8
FEW = REST[:256]
ISO = struct.pack(">I", 24) + b"ftyp"
DOCUMENTS = {
    "shot.png": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + REST, Unread.PICTURE),
    "shot.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0" + REST, Unread.PICTURE),
    "shot.gif": (b"GIF89a" + REST, Unread.PICTURE),
    "shot.webp": (b"RIFF\x24\x10\0\0WEBPVP8 " + REST, Unread.PICTURE),
    "shot.heic": (ISO + b"heic\0\0\0\0mif1heic" + REST, Unread.PICTURE),
    "shot.bmp": (b"BM" + struct.pack("<IHHI", 4000, 0, 0, 54) + struct.pack("<IiiHH", 40, 9, 9, 1, 24) + REST, Unread.PICTURE),
    "shot.tif": (b"II*\0\x08\0\0\0" + REST, Unread.PICTURE),
    "fax.tiff": (b"MM\0*\0\0\0\x08" + REST, Unread.PICTURE),
    "call.mp4": (ISO + b"isom\0\0\2\0isomiso2" + REST, Unread.RECORDING),
    "call.wav": (b"RIFF\x24\x10\0\0WAVEfmt " + REST, Unread.RECORDING),
    "bounce.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n" + REST, Unread.PDF),
    "bounce.docx": (zipped({TYPES: "<Types/>", "_rels/.rels": "", "word/document.xml": ATTEMPT}), Unread.WORD),
    "deck.pptx": (zipped({TYPES: "<Types/>", "_rels/.rels": "", "ppt/presentation.xml": ATTEMPT}), Unread.PRESENTATION),
    "trace.xlsb": (zipped({TYPES: "<Types/>", "xl/workbook.bin": b"\x83\1"}), Unread.OLD_WORKBOOK),
    "trace.ods": (
        zipped({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": ATTEMPT}),
        Unread.OFFICE_DOCUMENT,
    ),
    "bounce.doc": (compound({"WordDocument": ATTEMPT.encode("cp1252"), "1Table": FEW, "ObjectPool/x": b""}), Unread.WORD),
    "trace.xls": (compound({"Workbook": FEW}), Unread.OLD_WORKBOOK),
    "deck.ppt": (compound({"PowerPoint Document": FEW, "Current User": b"x"}), Unread.PRESENTATION),
    "locked.xlsx": (compound({"EncryptedPackage": FEW, "EncryptionInfo": FEW}), Unread.PROTECTED_DOCUMENT),
    "setup.msi": (compound({"Stream": FEW}), Unread.UNKNOWN_FILE),
    "logs.7z": (b"7z\xbc\xaf\x27\x1c\0\4" + REST, Unread.ARCHIVE),
    "logs.rar": (b"Rar!\x1a\x07\1\0" + REST, Unread.ARCHIVE),
    "logs.tar": (b"bounce.txt".ljust(100, b"\0") + b"0000644\0".ljust(157, b"\0") + b"ustar\x0000" + REST, Unread.ARCHIVE),
    "logs.tar.xz": (b"\xfd7zXZ\0\0\4" + REST, Unread.ARCHIVE),
    "logs.tar.bz2": (b"BZh91AY&SY" + REST, Unread.ARCHIVE),
    "logs.zst": (b"\x28\xb5\x2f\xfd" + REST, Unread.ARCHIVE),
    "box.pst": (b"!BDN" + REST, Unread.OUTLOOK_STORE),
    "system.evtx": (b"ElfFile\0" + REST, Unread.EVENT_LOG),
}


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
