"""`winmail.dat`: the body of a mail in Outlook's own format, and the files in it; whatever it claims, reading ends."""

import base64
import random
import struct
import time

import pytest

from diagnostics.findings import Unread
from diagnostics.parse import read_file
from diagnostics.parse.report import Note
from tests.parse.making import ATTEMPT, NDR, bounce, codes, lzfu, mail, multipart, part, primary, rtf_of_html
from tests.parse.unread_files import DOCUMENTS

BODY, PROPERTIES, TITLE, CONTENT, CLASS = 0x0002800C, 0x00069003, 0x00018010, 0x0006800F, 0x00078008
BOTH = ["550 5.4.316", "450 4.4.316"]


def attribute(kind: int, content: bytes, level: int = 1) -> bytes:
    return struct.pack("<BII", level, kind, len(content)) + content + struct.pack("<H", sum(content) & 0xFFFF)


def tnef(*attributes: bytes) -> bytes:
    return struct.pack("<IH", 0x223E9F78, 1) + b"".join(attributes)


def variable(kind: int, tag: int, *values: bytes, name: bytes = b"") -> bytes:
    padded = (struct.pack("<I", len(value)) + value + bytes(-len(value) % 4) for value in values)
    return struct.pack("<HH", kind, tag) + name + struct.pack("<I", len(values)) + b"".join(padded)


def properties(*each: bytes) -> bytes:
    return attribute(PROPERTIES, struct.pack("<I", len(each)) + b"".join(each))


IMPORTANCE = struct.pack("<HHI", 3, 0x17, 1)
TIME = struct.pack("<HHQ", 0x40, 0x39, 1 << 60)
SUBJECT = variable(0x1F, 0x37, "canary 550 5.1.1\0".encode("utf-16-le"))
NUMBERED = struct.pack("<HH16sIII", 3, 0x8001, bytes(16), 0, 7, 0)
NAMED = variable(0x1E, 0x8002, b"x\0", name=bytes(16) + struct.pack("<II", 1, 6) + "ab\0".encode("utf-16-le") + bytes(2))
SEVERAL = struct.pack("<HHIII", 0x1003, 0x18, 2, 5, 6)
OBJECT = variable(0x0D, 0x3701, bytes(16) + b"object")
AROUND = (IMPORTANCE, TIME, SUBJECT, NUMBERED, NAMED, SEVERAL, OBJECT)
HTML = ("<html><p>" + "<br>".join(NDR.split("\n")) + "</p></html>").encode()
READ = {
    "body": tnef(attribute(CLASS, b"IPM.Note\0"), attribute(BODY, NDR.encode() + b"\0")),
    "property": tnef(properties(*AROUND, variable(0x1F, 0x1000, (NDR + "\0").encode("utf-16-le")))),
    "eight-bit": tnef(properties(*AROUND, variable(0x1E, 0x1000, NDR.encode() + b"\0"))),
    "html": tnef(properties(*AROUND, variable(0x102, 0x1013, HTML))),
    "rtf": tnef(properties(*AROUND, variable(0x102, 0x1009, lzfu(rtf_of_html(NDR))))),
    "attached": tnef(attribute(TITLE, b"bounce.eml\0", 2), attribute(CONTENT, bounce(), 2)),
    "cut-off": tnef(attribute(BODY, NDR.encode() + bytes(900)))[:-500],
}


@pytest.mark.parametrize("case", READ)
def test_what_it_says_is_read(case: str) -> None:
    report = read_file("winmail.dat", READ[case])
    assert codes(report) == BOTH
    assert (report.notes, report.not_read) == ((), None)
    assert "canary" not in report.model_dump_json()


def test_one_that_hangs_on_a_mail_is_read() -> None:
    head = b'Content-Type: application/ms-tnef; name="winmail.dat"\nContent-Transfer-Encoding: base64\n\n'
    attached = head + base64.encodebytes(READ["rtf"])
    assert codes(read_file("x.eml", mail(multipart("multipart/mixed", part("text/plain", "see"), attached)))) == BOTH


def test_what_is_in_it_and_not_read_is_named() -> None:
    picture = (attribute(TITLE, b"a.png\0", 2), attribute(CONTENT, DOCUMENTS["shot.png"][0], 2))
    assert read_file("winmail.dat", tnef(*picture)).not_read is Unread.PICTURE
    report = read_file("winmail.dat", tnef(attribute(BODY, ATTEMPT.encode()), *picture))
    assert (primary(report).code, report.notes) == ("450 4.4.316", (Note(Unread.PICTURE),))


@pytest.mark.parametrize("data", [tnef(), tnef(b"\1\2"), tnef(b"\7" * 40), tnef()[:4]])
def test_a_fragment_says_that_it_is_one(data: bytes) -> None:
    report = read_file("winmail.dat", data)
    assert (report.notes, report.not_read) == ((Note(Unread.DAMAGED_TNEF),), Unread.DAMAGED_TNEF)


LIES = {
    "many-properties": tnef(attribute(PROPERTIES, struct.pack("<I", 0xFFFFFFFF) + IMPORTANCE * 500_000)),
    "many-values": tnef(attribute(PROPERTIES, struct.pack("<IHHI", 1, 0x101E, 0x1000, 0xFFFFFFFF) + bytes(4_000_000))),
    "long-value": tnef(attribute(PROPERTIES, struct.pack("<IHHII", 1, 0x1E, 0x1000, 1, 0xFFFFFFFF) + b"x" * 4_000_000)),
    "many-attributes": tnef(attribute(BODY, b"") * 400_000),
    "many-files": tnef(attribute(CONTENT, b"\x78\x9f\x3e\x22" + bytes(20), 2) * 100_000),
    "in-each-other": tnef(),
}
for _ in range(40):
    LIES["in-each-other"] = tnef(attribute(CONTENT, LIES["in-each-other"], 2) * 2)[:4_000_000]


@pytest.mark.parametrize("case", LIES)
def test_lengths_that_are_none_end(case: str) -> None:
    began = time.thread_time()
    read_file("winmail.dat", LIES[case])
    assert time.thread_time() - began < 4


def test_any_bytes_are_read_or_not() -> None:
    chance = random.Random(15)  # noqa: S311
    for case in READ.values():
        for _ in range(200):
            data = bytearray(case)
            for _ in range(chance.randint(1, 8)):
                data[chance.randrange(6, len(data))] = chance.randrange(256)
            read_file("winmail.dat", bytes(data))
