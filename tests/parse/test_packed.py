"""Archives: what is in them is read, within limits that are measured and not believed; hostile ones cost little and say why."""

import base64
import gzip
import struct
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Mapping

import pytest

from diagnostics.findings import Unread
from diagnostics.parse import read_file
from diagnostics.parse.files import archives
from diagnostics.parse.read import MAX_DEPTH, MAX_FILE, Packed, read_all
from diagnostics.parse.report import Note
from tests.parse.making import ATTEMPT, NDR, bounce, codes, mail, multipart, outlook, part, primary, zipped
from tests.parse.unread_files import DOCUMENTS

BOTH = ["550 5.4.316", "450 4.4.316"]
UNKNOWN = "550 5.1.1 <someone@contoso.com>: unknown"
ROW = "date,recipient_status\n2026-09-01T10:00:00Z,450 4.4.315 Connection timed out [LastAttemptedServerName=mx.contoso.com]\n"


def nested(levels: int, inside: bytes) -> bytes:
    for level in range(levels):
        inside = zipped({f"{level}.zip": inside}, zipfile.ZIP_STORED)
    return inside


# --- What is in them ---

READ: dict[str, tuple[bytes, list[str]]] = {
    "mail": (zipped({"bounce.eml": bounce()}), BOTH),
    "text": (zipped({"bounce.txt": ATTEMPT}), ["450 4.4.316"]),
    "stored": (zipped({"bounce.txt": ATTEMPT}, zipfile.ZIP_STORED), ["450 4.4.316"]),
    "outlook": (zipped({"bounce.msg": outlook({"1000001F": NDR})}), BOTH),
    "several": (zipped({"a.eml": bounce(), "b.txt": UNKNOWN, "c.csv": ROW}), [*BOTH, "550 5.1.1", "450 4.4.315"]),
    "folders": (zipped({"a/": "", "a/b/c.txt": ATTEMPT}), ["450 4.4.316"]),
    "zip-in-zip": (nested(3, zipped({"bounce.eml": bounce()})), BOTH),
    "gzip": (gzip.compress(bounce()), BOTH),
    "gzip-of-two": (gzip.compress(f"{ATTEMPT}\n".encode()) + gzip.compress(UNKNOWN.encode()), ["450 4.4.316", "550 5.1.1"]),
    "gzip-in-zip": (zipped({"log.gz": gzip.compress(ATTEMPT.encode())}), ["450 4.4.316"]),
    "gzip-cut-off": (gzip.compress(ATTEMPT.encode())[:-4], ["450 4.4.316"]),
}


@pytest.mark.parametrize("case", READ)
def test_what_is_in_an_archive_is_read(case: str) -> None:
    data, expected = READ[case]
    report = read_file("bounces.zip", data)
    assert codes(report) == expected
    assert (report.notes, report.not_read) == ((), None)


def test_an_archive_that_hangs_on_a_mail_is_read() -> None:
    content = base64.encodebytes(zipped({"bounce.eml": bounce()}))
    attached = b'Content-Type: application/zip; name="b.zip"\nContent-Transfer-Encoding: base64\n\n' + content
    report = read_file("x.eml", mail(multipart("multipart/mixed", part("text/plain", "see the file"), attached)))
    assert codes(report) == BOTH


def test_a_table_is_known_by_its_name_there_too() -> None:
    error = primary(read_file("x.zip", zipped({"R.CSV": "when,status\nx,450 4.4.316 Refused\n" * 1})))
    assert error.code == "450 4.4.316"
    assert error.text == "Refused"


def test_what_two_of_them_say_counts_once() -> None:
    one = "\n".join(ROW.splitlines()[:1] + ROW.splitlines()[1:] * 3)
    two = "\n".join(ROW.splitlines()[:1] + ROW.splitlines()[1:] * 2)
    report = read_file("x.zip", zipped({"monday.csv": one, "week.csv": two}))
    assert [error.count for error in report.errors] == [3]


def test_what_systems_leave_in_it_is_no_file() -> None:
    left = dict.fromkeys(("__MACOSX/._bounce.txt", "a/.DS_Store", "Thumbs.db"), bytes(50))
    assert not read_file("x.zip", zipped({**left, "bounce.txt": ATTEMPT})).notes


def test_what_is_not_read_in_it_is_a_note_or_the_answer() -> None:
    picture = DOCUMENTS["shot.png"][0]
    report = read_file("x.zip", zipped({"a.png": picture, "b.txt": ATTEMPT}))
    assert (codes(report), report.notes, report.not_read) == (["450 4.4.316"], (Note(Unread.PICTURE),), None)
    assert read_file("x.zip", zipped({"a.png": picture, "b.png": picture})).not_read is Unread.PICTURE
    assert read_file("x.zip", zipped({"a.docx": DOCUMENTS["bounce.docx"][0]})).not_read is Unread.WORD
    assert read_file("x.tgz", gzip.compress(DOCUMENTS["logs.tar"][0])).not_read is Unread.ARCHIVE


NAMES = [
    "../../etc/passwd",
    "/etc/passwd",
    "C:\\Windows\\x",
    "a\0b",
    "..\\..\\x",
    "\u202etxt.exe",
    "ann.canary@contoso.com.txt",
    "x" * 5000,
]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_neither_a_path_nor_shown(name: str) -> None:
    report = read_file("x.zip", zipped({name: ATTEMPT}))
    assert codes(report) == ["450 4.4.316"]
    assert "canary" not in report.model_dump_json()
    assert "passwd" not in report.model_dump_json()


def test_archives_wait_for_a_process_of_their_own() -> None:
    content = base64.encodebytes(zipped({"b.txt": ATTEMPT}))
    attached = b'Content-Type: application/zip; name="b.zip"\nContent-Transfer-Encoding: base64\n\n' + content
    for data in (zipped({"b.txt": ATTEMPT}), gzip.compress(ATTEMPT.encode()), mail(multipart("multipart/mixed", attached))):
        with pytest.raises(Packed):
            read_all("", [("x", data)], unpack=False)
    assert codes(read_all("", [("x", bounce())], unpack=False)) == BOTH


# --- Damaged and hostile ones ---


def encrypted() -> bytes:
    """With the flag set in both headers: the content is then never looked at."""
    raw = bytearray(zipped({"bounce.txt": ATTEMPT}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = raw.index(mark) + place
        raw[at] |= 1
    return bytes(raw)


def patched(mark: bytes, place: int, value: bytes, files: Mapping[str, str | bytes] | None = None) -> bytes:
    raw = bytearray(zipped(files or {"bounce.txt": ATTEMPT}))
    at = raw.index(mark) + place
    raw[at : at + len(value)] = value
    return bytes(raw)


WHOLE = zipped({"bounce.txt": ATTEMPT, "noise": bytes(range(256)) * 40})
BROKEN = {
    "password": (encrypted(), Unread.ENCRYPTED),
    "truncated": (WHOLE[: len(WHOLE) // 2], Unread.DAMAGED_ARCHIVE),
    "head-alone": (b"PK\x03\x04" + bytes(100), Unread.DAMAGED_ARCHIVE),
    "nothing-in-it": (zipped({}), Unread.DAMAGED_ARCHIVE),
    "directory-elsewhere": (patched(b"PK\x05\x06", 16, b"\xff\xff\xff\x00"), Unread.DAMAGED_ARCHIVE),
    "directory-too-long": (patched(b"PK\x05\x06", 12, b"\xff\xff\xff\x00"), Unread.DAMAGED_ARCHIVE),
    "file-elsewhere": (patched(b"PK\x01\x02", 42, b"\xff\xff\x00\x00"), Unread.DAMAGED_ARCHIVE),
    "another-name-inside": (patched(b"PK\x03\x04", 30, b"BOUNCE.TXT"), Unread.DAMAGED_ARCHIVE),
    "wrong-checksum": (patched(b"PK\x01\x02", 16, b"\1\2\3\4"), Unread.DAMAGED_ARCHIVE),
    "unknown-method": (patched(b"PK\x01\x02", 10, b"\x63\0"), Unread.ARCHIVE),
    "lzma": (zipped({"bounce.txt": ATTEMPT}, zipfile.ZIP_LZMA), Unread.ARCHIVE),
    "bad-utf-8": (
        patched(b"PK\x01\x02", 8, b"\0\x08", {"\u00e4" * 9: ATTEMPT}).replace("\u00e4".encode(), b"\xff\xfe"),
        Unread.DAMAGED_ARCHIVE,
    ),
    "gzip-of-noise": (b"\x1f\x8b\x08" + bytes(range(250)), Unread.DAMAGED_ARCHIVE),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_archive_says_so(case: str) -> None:
    data, kind = BROKEN[case]
    report = read_file("x.zip", data)
    assert not report.errors
    assert (report.notes, report.not_read) == ((Note(kind),), kind)


def test_what_is_whole_beside_it_is_read() -> None:
    raw = bytearray(zipped({"a.txt": UNKNOWN, "b.txt": ATTEMPT}, zipfile.ZIP_STORED))
    raw[raw.index(b"5.1.1")] = 0x37
    report = read_file("x.zip", bytes(raw))
    assert (codes(report), report.notes) == (["450 4.4.316"], (Note(Unread.DAMAGED_ARCHIVE),))


def overlapping(count: int, kernel: bytes) -> bytes:
    """Many records of a directory that all point at the same file (D. Fifield, "A better zip bomb")."""
    raw = zipped({"a": kernel})
    directory, end = raw.index(b"PK\x01\x02"), raw.index(b"PK\x05\x06")
    record = raw[directory:end]
    told = min(count, 65535)
    tail = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, told, told, len(record) * count, directory, 0)
    return raw[:directory] + record * count + tail


ZEROS = bytes(80 * 1024 * 1024)
LENGTH = struct.pack("<I", len(ZEROS))
HOSTILE: dict[str, Callable[[], bytes]] = {
    "flat": lambda: zipped({"a": ZEROS}),
    "flat-lying": lambda: zipped({"a": ZEROS}).replace(LENGTH, struct.pack("<I", 4096)),
    "nested": lambda: zipped(dict.fromkeys(map(str, range(40)), zipped(dict.fromkeys(map(str, range(20)), ZEROS[: 4 << 20])))),
    "overlapping": lambda: overlapping(900, b"450 4.4.316 x\n" * 100_000),
    "deep": lambda: nested(300, zipped({"a.txt": ATTEMPT})),
    "gzip": lambda: gzip.compress(ZEROS),
    "gzip-of-gzip": lambda: gzip.compress(gzip.compress(ZEROS)),
    "entries": lambda: overlapping(100_000, b"x"),
    "entries-told-to-be-few": lambda: overlapping(100_000, b"x").replace(b"\xff\xff\xff\xff", b"\1\0\1\0"),
    "texts": lambda: zipped({f"{n}.txt": f"{n:03}\n".encode() * 10_000 for n in range(900)}),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_bomb_costs_little(case: str) -> None:
    data = HOSTILE[case]()[:MAX_FILE]
    began = time.thread_time()
    report = read_file("x.zip", data)
    assert time.thread_time() - began < 10
    assert report.notes


@pytest.mark.parametrize("case", ["flat", "nested", "gzip", "entries", "overlapping"])
def test_a_bomb_takes_little_memory(case: str) -> None:
    data = HOSTILE[case]()[:MAX_FILE]
    tracemalloc.start()
    read_file("x.zip", data)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 60 * 1024 * 1024


def test_so_many_levels_are_read_and_no_more() -> None:
    assert codes(read_file("x.zip", nested(MAX_DEPTH - 1, zipped({"a.txt": ATTEMPT})))) == ["450 4.4.316"]
    report = read_file("x.zip", nested(MAX_DEPTH, zipped({"a.txt": ATTEMPT})))
    assert (report.notes, report.not_read) == ((Note(Unread.TOO_DEEP),), Unread.TOO_DEEP)


def test_so_many_files_are_read_and_no_more() -> None:
    many = {f"{n}.txt": "x" for n in range(archives.MAX_FILES - 1)}
    assert codes(read_file("x.zip", zipped({**many, "z.txt": ATTEMPT}))) == ["450 4.4.316"]
    assert read_file("x.zip", zipped({**many, "y.txt": "x", "z.txt": ATTEMPT})).not_read is Unread.ARCHIVE_CUT


def test_all_archives_of_one_question_share_the_room() -> None:
    many = zipped({f"{n}.txt": "x" for n in range(600)})
    report = read_all("", [("a.zip", many), ("b.zip", many)])
    assert report.notes == (Note(Unread.ARCHIVE_CUT),)


def test_a_ratio_that_no_text_has_is_refused_and_one_of_a_table_is_not() -> None:
    rows = "".join(f"2026-09-01T10:00:{n % 60:02}Z,450 4.4.316 Connection refused\n" for n in range(60_000))
    table = zipped({"r.csv": f"date,recipient_status\n{rows}"})
    assert len(rows) > 100 * len(table)
    assert codes(read_file("x.zip", table)) == ["450 4.4.316"]
    report = read_file("x.zip", zipped({"a.txt": ATTEMPT + " " * 4_000_000}))
    assert (codes(report), report.not_read) == ([], Unread.ARCHIVE_CUT)


def test_a_long_file_in_it_is_cut_as_ever() -> None:
    noise = base64.b64encode(bytes(range(256)) * 20)
    text = ATTEMPT.encode() + b"\n" + b"\n".join(noise[n % 99 : 6000 - n % 97] for n in range(850))
    report = read_file("x.zip", zipped({"a.txt": text + b"\n" + UNKNOWN.encode()}, zipfile.ZIP_STORED))
    assert len(text) < MAX_FILE
    longer = zipped({"a.txt": text * 2 + b"\n" + UNKNOWN.encode()})
    assert codes(report) == ["450 4.4.316", "550 5.1.1"]
    assert (codes(read_file("x.zip", longer)), read_file("x.zip", longer).notes) == (["450 4.4.316"], (Note(Unread.FILE_CUT),))
