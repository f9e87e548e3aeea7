"""Files: mails, Outlook messages, reports. The content tells what a file is; nothing in it can hurt."""

import base64
import hashlib
import json
import struct
import time

import pytest

from diagnostics.findings import Unread
from diagnostics.parse import read, read_file
from diagnostics.parse.files.ole import Compound
from diagnostics.parse.read import MAX_FILE, MAX_PASTE
from diagnostics.parse.report import Note
from tests.parse.making import (
    ATTEMPT,
    CLOSING,
    DSN,
    NDR,
    RETURNED,
    bounce,
    codes,
    compound,
    lzfu,
    mail,
    multipart,
    outlook,
    part,
    primary,
    rtf_of_html,
)

BOTH = ["550 5.4.316", "450 4.4.316"]

# --- Mails ---


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable", "base64"])
def test_a_bounce_says_each_error_once(encoding: str) -> None:
    """Its text, its HTML and the machine's part say the same; the mail that came back says nothing."""
    report = read_file("bounce.eml", bounce(encoding=encoding))
    assert codes(report) == BOTH
    closing, cause = report.errors
    assert (cause.server, cause.ip, cause.count) == ("mail.contoso.com", "203.0.113.87", 1)
    assert (closing.count, closing.arrival is not None) == (1, True)
    assert report.recipient_domains == ("contoso.com",)
    assert not report.notes


def test_the_source_of_a_mail_may_be_pasted() -> None:
    assert codes(read(bounce().decode())) == BOTH


def test_a_report_without_the_machine_part_still_returns_nothing() -> None:
    report = read_file("x.eml", mail(multipart("multipart/report", part("text/plain", NDR), part("message/rfc822", RETURNED))))
    assert codes(report) == BOTH


def test_a_bounce_with_html_alone() -> None:
    hidden = '<style>a::after {content: "550 5.1.1"}</style><!-- 550 5.7.1 --><script>"550 5.2.2"</script>'
    spans = "<br>".join(f"<span>{line}</span>" for line in (CLOSING, ATTEMPT))
    body = f"<html>{hidden}<p>Your message\n couldn't be delivered</p><p>{spans}</p></html>"
    report = read_file("bounce.eml", mail(part("text/html", body.replace("'", "&#39;"), "quoted-printable", "iso-8859-1")))
    assert codes(report) == BOTH
    assert primary(report).ip == "203.0.113.87"


NESTED = {
    "forwarded": mail(multipart("multipart/mixed", part("text/plain", "see below"), part("message/rfc822", bounce().decode()))),
    "forwarded-as-base64": mail(
        multipart("multipart/mixed", part("text/plain", "see"), part("message/rfc822", bounce().decode(), "base64"))
    ),
    "attached-eml": mail(
        multipart(
            "multipart/mixed",
            part("text/plain", "see"),
            part('application/octet-stream; name="b.eml"', bounce().decode(), "base64"),
        )
    ),
    "twice": mail(part("message/rfc822", mail(part("message/rfc822", bounce().decode())).decode())),
    "mbox": b"From postmaster Sat Aug 23 13:23:09 2025\n" + bounce(),
    "marked-utf-8": b"\xef\xbb\xbf" + bounce(),
    "wrong-name": bounce(),
}


@pytest.mark.parametrize("case", NESTED)
def test_a_bounce_inside_of_something(case: str) -> None:
    assert codes(read_file("picture.png" if case == "wrong-name" else "x.eml", NESTED[case])) == BOTH


def test_an_attached_message_file_is_read() -> None:
    msg = base64.encodebytes(outlook({"1000001F": NDR})).decode()
    entity = f'Content-Type: application/vnd.ms-outlook; name="b.msg"\nContent-Transfer-Encoding: base64\n\n{msg}'.encode()
    assert codes(read_file("x.eml", mail(multipart("multipart/mixed", part("text/plain", "see"), entity)))) == BOTH


def nested(levels: int) -> bytes:
    entity = part("text/plain", ATTEMPT)
    for level in range(levels):
        entity = multipart("multipart/mixed", entity, boundary=f"edge{level}")
    return mail(entity)


def test_ten_levels_are_read_and_more_are_left_out() -> None:
    assert codes(read_file("x.eml", nested(10))) == ["450 4.4.316"]
    for levels in (11, 3000):
        report = read_file("x.eml", nested(levels))
        assert not report.errors
        assert report.notes == (Note(Unread.TOO_DEEP),)


def test_a_header_of_encoded_words_costs_nothing() -> None:
    words = " ".join(["=?utf-8?q?=34=35=30_4.4.315?="] * 20_000)
    started = time.process_time()
    report = read_file("x.eml", f"Subject: {words}\n".encode() + mail(part("text/plain", ATTEMPT)))
    assert time.process_time() - started < 0.5
    assert codes(report) == ["450 4.4.316"]


def test_the_declared_character_set_counts() -> None:
    body = "450 4.4.316 \u043e\u0442\u043a\u0430\u0437\u0430\u043d\u043e"
    assert primary(read_file("x.eml", mail(part("text/plain", body, charset="koi8-r")))).text == body[12:]


@pytest.mark.parametrize("charset", ["unicode_escape", "punycode", "utf-7", "zlib_codec", "no-such-thing"])
def test_what_is_no_character_set_is_not_used(charset: str) -> None:
    entity = part("text/plain", "450 4.4.316 a\\x41 +ADw-").replace(b"utf-8", charset.encode())
    assert primary(read_file("x.eml", mail(entity))).text == "a\\x41 +ADw-"


BROKEN = {
    "no-boundary": mail(b"Content-Type: multipart/mixed\n\n" + ATTEMPT.encode()),
    "no-parts": mail(b'Content-Type: multipart/mixed; boundary="x"\n\nnothing'),
    "cut-base64": mail(part("text/plain", ATTEMPT, "base64")[:-3]),
    "bad-base64": mail(b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n!!!=\n"),
    "unknown-charset": mail(part("text/plain", ATTEMPT).replace(b"utf-8", b"x-klingon")),
    "archive-as-charset": mail(part("text/plain", ATTEMPT).replace(b"utf-8", b"zlib_codec")),
    "headers-alone": b"Content-Type: text/plain",
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_mail_is_read_as_far_as_it_goes(case: str) -> None:
    assert codes(read_file("x.eml", BROKEN[case])) in ([], ["450 4.4.316"])


# --- Outlook ---

RECIPIENT, ATTACHMENT = "__recip_version1.0_#00000000", "__attach_version1.0_#00000000"
EMBEDDED = f"{ATTACHMENT}/__substg1.0_3701000D"
SENTENCE = "Your message did not reach some or all of the intended recipients."
MESSAGES = {
    "body": outlook({"1000001F": NDR}),
    "eight-bit": outlook({"1000001E": NDR.replace("Delivery", "Zustellung f\u00fcr").encode("cp1252")}),
    "html": outlook({"10130102": ("<html><p>" + "<br>".join(NDR.split("\n")) + "</p></html>").encode()}),
    "rtf-alone": outlook({"10090102": lzfu(rtf_of_html(NDR))}),
    "diagnosis-of-the-recipient": outlook({f"{RECIPIENT}/0C1B001F": f"{CLOSING}\r\n{ATTEMPT}", "1000001F": SENTENCE}),
    "report-text": outlook({f"{RECIPIENT}/1001001F": f"{CLOSING}\r\n{ATTEMPT}"}),
    "returned-message-is-left-out": outlook({"1000001F": NDR, f"{EMBEDDED}/1000001F": RETURNED}),
    "forwarded-message-is-read": outlook({"1000001F": "look", f"{EMBEDDED}/1000001F": NDR}, "IPM.Note"),
    "attached-mail": outlook(
        {"1000001F": "look", f"{ATTACHMENT}/37010102": mail(part("text/plain", NDR)), f"{ATTACHMENT}/3707001F": "b.eml"},
        "IPM.Note",
    ),
}


@pytest.mark.parametrize("case", MESSAGES)
def test_an_outlook_message(case: str) -> None:
    assert codes(read_file("bounce.msg", MESSAGES[case])) == BOTH


def test_a_damaged_message_file_is_said_to_be_damaged() -> None:
    whole = outlook({"1000001F": NDR})
    for damaged in (whole[:600], whole[:30] + b"\xff" * 600, compound({})[:512]):
        report = read_file("x.msg", damaged)
        assert not report.errors
        assert report.notes == (Note(Unread.DAMAGED_MESSAGE),)


def test_chains_that_bite_their_tail_end() -> None:
    whole = bytearray(outlook({"1000001F": NDR}))
    for sector in range(4, 60):  # every entry of the allocation table points back to itself
        whole[512 + 4 * sector : 516 + 4 * sector] = sector.to_bytes(4, "little")
    started = time.process_time()
    read_file("x.msg", bytes(whole))
    assert time.process_time() - started < 0.5


def test_a_directory_that_leads_back_ends() -> None:
    raw = bytearray(compound({"a/b": b"", "c": b""}))
    raw[1024 + 128 + 72 : 1024 + 128 + 76] = struct.pack("<I", 1)  # what comes beside the first storage is that storage
    assert len(list(Compound(bytes(raw)).streams())) < 3


def test_streams_that_share_their_sectors_do_not_multiply() -> None:
    """Every entry of the directory is made to claim the whole of what all of them hold."""
    raw = bytearray(compound({"a": bytes(4000), **{f"s{number}": b"" for number in range(200)}}))
    for entry in range(1, 202):
        place = 1024 + 128 * entry
        raw[place + 116 : place + 124] = struct.pack("<II", 0, 4000)
    lengths = [len(content) for _, content in Compound(bytes(raw)).streams()]
    assert set(lengths) == {4000}
    assert sum(lengths) < 3 * len(raw)


# --- Limits, and what is none of these ---


def test_a_long_paste_is_cut_and_says_so() -> None:
    filler = "nothing\n" * (MAX_PASTE // 8)
    report = read(f"{ATTEMPT}\n{filler}550 5.1.1 User unknown")
    assert codes(report) == ["450 4.4.316"]
    assert report.notes == (Note(Unread.TEXT_CUT),)


def test_a_long_file_is_cut_and_says_so() -> None:
    report = read_file("x.txt", ATTEMPT.encode() + b"\nnothing" * (MAX_FILE // 8) + b"\n550 5.1.1 User unknown")
    assert codes(report) == ["450 4.4.316"]
    assert report.notes == (Note(Unread.FILE_CUT),)


@pytest.mark.parametrize("data", [bytes(5000), hashlib.shake_128(b"noise").digest(5000)])
def test_what_is_no_text_is_not_read_and_says_so(data: bytes) -> None:
    report = read_file("bounce.eml", data)
    assert not report.errors
    assert (report.notes, report.not_read) == ((Note(Unread.UNKNOWN_FILE),), Unread.UNKNOWN_FILE)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_any_unicode_is_read(encoding: str) -> None:
    text = "450 4.4.316 \u043e\u0442\u043a\u0430\u0437\u0430\u043d\u043e"
    assert primary(read_file("x.txt", text.encode(encoding))).text == text[12:]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_a_text_is_read_in_its_encoding(encoding: str) -> None:
    assert (
        primary(read_file("x.txt", "450 4.4.316 Verbindung abgelehnt, prüfen".encode(encoding))).text
        == "Verbindung abgelehnt, prüfen"
    )


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff\xfe", b"\xef\xbb\xbf"])
def test_an_empty_file_says_nothing(data: bytes) -> None:
    assert not read_file("x", data).errors


def test_deep_json_is_a_text() -> None:
    assert codes(read('{"a":' * 50_000 + '"450 4.4.316"')) == ["450 4.4.316"]
    assert codes(read(json.dumps({"a": [{"b": {"c": ["450 4.4.316 Connection refused"]}}]}))) == ["450 4.4.316"]


def test_the_machine_part_alone_is_no_mail() -> None:
    assert codes(read_file("details.txt", DSN.encode())) == ["550 5.4.316"]
