"""What the tests of the parser make: bounces as mails and .msg files, from parts; and short ways to what was read."""

import base64
import io
import quopri
import struct
import textwrap
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from diagnostics.parse import ErrorReport, Reported

CLOSING = (
    "8/23/2025 1:23:09 PM - Server at AS2P250MB1014.EURP250.PROD.OUTLOOK.COM returned "
    "'550 5.4.316 Message expired, connection refused(Socket error code 10061)'"
)
ATTEMPT = (
    "8/23/2025 1:12:14 PM - Server at mail.contoso.com (203.0.113.87) returned '450 4.4.316 Connection refused "
    "[Message=Socket error code 10061] [LastAttemptedServerName=mail.contoso.com] [LastAttemptedIP=203.0.113.87:25] "
    "[SmtpSecurity=-2;-2] [DB8EUR05FT066.eop-eur05.prod.protection.outlook.com 2025-08-23T13:13:09.045Z 08DDE19030BB9C29]"
    "(Socket error code 10061)'"
)
NDR = f"""Delivery has failed to these recipients or groups:

someone@contoso.com
Your message couldn't be delivered. The receiving server refused to accept a connection.

Diagnostic information for administrators:

Generating server: AS2P250MB1014.EURP250.PROD.OUTLOOK.COM
Receiving server: AS2P250MB1014.EURP250.PROD.OUTLOOK.COM

someone@contoso.com
{CLOSING}
{ATTEMPT}

Original message headers:

Received: from AM0PR01MB1234.eurprd01.prod.outlook.com (2603:10a6::1) id 15.20.5.4
Subject: the merger of 5.1.1 and 550 5.7.1
Message-ID: <4.4.315.20250823@fabrikam.com>
"""
DSN = """Reporting-MTA: dns;AS2P250MB1014.EURP250.PROD.OUTLOOK.COM
Received-From-MTA: dns;AM0PR01MB1234.eurprd01.prod.outlook.com
Arrival-Date: Fri, 22 Aug 2025 13:20:00 +0000

Final-Recipient: rfc822;someone@contoso.com
Action: failed
Status: 5.4.316
Diagnostic-Code: smtp;550 5.4.316 Message expired, connection refused
X-Display-Name: Some One
"""
FT = "DB8EUR05FT066.eop-eur05.prod.protection.outlook.com"
"""One of Microsoft's own servers, as ATTEMPT names it."""

RETURNED = "From: boss@fabrikam.com\nSubject: old news\nMIME-Version: 1.0\n\nWe had 550 5.1.1 User unknown last year.\n"


def utc(*parts: int) -> datetime:
    year, month, day, hour, minute, second = (*parts, 0, 0)[:6]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def holds(error: Reported, expected: dict[str, Any]) -> None:
    assert {name: getattr(error, name) for name in expected} == expected


def primary(report: ErrorReport) -> Reported:
    assert report.primary is not None
    return report.errors[report.primary]


def codes(report: ErrorReport) -> list[str]:
    return [error.code for error in report.errors]


def part(kind: str, body: str, encoding: str = "7bit", charset: str = "utf-8") -> bytes:
    """A MIME part, its body encoded."""
    raw = body.encode(charset)
    encoded = {"base64": base64.encodebytes, "quoted-printable": quopri.encodestring}.get(encoding, bytes)(raw)
    quoted = f'; charset="{charset}"' if kind.startswith("text/") else ""
    return f"Content-Type: {kind}{quoted}\nContent-Transfer-Encoding: {encoding}\n\n".encode() + encoded


def multipart(kind: str, *parts: bytes, boundary: str = "=_edge") -> bytes:
    """A multipart entity with its headers."""
    edge = b"\n--" + boundary.encode()
    return (
        f'Content-Type: {kind};\n\tboundary="{boundary}"\n'.encode()
        + b"".join(edge + b"\n" + each for each in parts)
        + edge
        + b"--\n"
    )


def mail(entity: bytes) -> bytes:
    """A message around an entity, with line ends as on the wire."""
    head = b"From: postmaster@contoso.com\nTo: sender@fabrikam.com\nSubject: Undeliverable: plans\nMIME-Version: 1.0\n"
    return (head + entity).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def bounce(text: str = NDR, encoding: str = "quoted-printable") -> bytes:
    """A bounce as Exchange Online sends it: text and HTML, the machine's part, the message that came back."""
    html = "<html><body><style>p{margin:5.1.1}</style><p>" + "<br>\n".join(text.split("\n")) + "</p></body></html>"
    return mail(
        multipart(
            "multipart/report; report-type=delivery-status",
            multipart(
                "multipart/alternative", part("text/plain", text, encoding), part("text/html", html, "base64"), boundary="=_inner"
            ),
            part("message/delivery-status", DSN),
            part("message/rfc822", RETURNED),
            boundary="=_bounce",
        )
    )


def compound(streams: Mapping[str, bytes]) -> bytes:
    """A compound file of these streams; `/` in a name makes storages. Everything stands in the mini stream: keep it small.

    [MS-CFB]: header, one sector of allocation table, then directory, mini allocation table and mini stream in that order.
    """
    names = sorted({"/".join(name.split("/")[:depth]) for name in streams for depth in range(1, name.count("/") + 2)})
    starts: dict[str, int] = {}
    mini, mini_fat = b"", list[int]()
    for name, content in streams.items():
        assert len(content) < 4096
        count = -(-len(content) // 64)
        starts[name] = len(mini_fat) if count else 0xFFFFFFFE
        mini_fat += [*range(len(mini_fat) + 1, len(mini_fat) + count), 0xFFFFFFFE] if count else []
        mini += content.ljust(count * 64, b"\0")
    directory = b"".join(
        (
            _entry("Root Entry", 5, (_child("", names), 0xFFFFFFFF), (0, len(mini))),
            *(_own(name, names, starts, streams) for name in names),
        )
    )
    parts = [_padded(directory), _padded(struct.pack(f"<{len(mini_fat)}I", *mini_fat), b"\xff"), _padded(mini)]
    fat, first = [0xFFFFFFFD], []
    for each in parts:
        first.append(len(fat))
        fat += [*range(len(fat) + 1, len(fat) + len(each) // 512), 0xFFFFFFFE]
    assert len(fat) <= 128
    head = (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
        + bytes(16)
        + struct.pack("<HHHHH6xIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, first[0], 0, 4096)
    )
    head += struct.pack("<IIII", first[1], len(parts[1]) // 512, 0xFFFFFFFE, 0) + struct.pack("<I", 0) + b"\xff" * 432
    root = bytearray(parts[0])
    root[116:120] = struct.pack("<I", first[2])
    return head + _padded(struct.pack(f"<{len(fat)}I", *fat), b"\xff") + bytes(root) + parts[1] + parts[2]


def _own(name: str, names: list[str], starts: Mapping[str, int], streams: Mapping[str, bytes]) -> bytes:
    parent = name.rpartition("/")[0]
    siblings = [n for n in names if n.rpartition("/")[0] == parent]
    following = siblings.index(name) + 1
    right = names.index(siblings[following]) + 1 if following < len(siblings) else 0xFFFFFFFF
    last = name.rpartition("/")[2]
    if name in streams:
        return _entry(last, 2, (0xFFFFFFFF, right), (starts[name], len(streams[name])))
    return _entry(last, 1, (_child(name, names), right), (0, 0))


def _child(parent: str, names: list[str]) -> int:
    return next((n + 1 for n, name in enumerate(names) if name.rpartition("/")[0] == parent), 0xFFFFFFFF)


def _entry(name: str, kind: int, links: tuple[int, int], content: tuple[int, int]) -> bytes:
    """`links`: the first entry inside, the next one beside; `content`: first sector, length."""
    raw = (name + "\0").encode("utf-16-le")
    return raw.ljust(64, b"\0") + struct.pack("<HBB3I36xIQ", len(raw), kind, 1, 0xFFFFFFFF, *reversed(links), *content)


def _padded(raw: bytes, filler: bytes = b"\0") -> bytes:
    return raw.ljust(-(-len(raw) // 512) * 512, filler) or filler * 512


def outlook(properties: Mapping[str, str | bytes], message_class: str = "REPORT.IPM.Note.NDR") -> bytes:
    """A .msg with these properties by tag and type, such as 1000001F; storages stand before them, as in a path."""
    contents = {"001A001F": message_class, **properties}
    return compound({_path(name): text.encode("utf-16-le") if isinstance(text, str) else text for name, text in contents.items()})


def _path(name: str) -> str:
    storages, slash, tag = name.rpartition("/")
    return f"{storages}{slash}__substg1.0_{tag}"


def rtf_of_html(body: str) -> bytes:
    """HTML wrapped into RTF as Outlook does it ([MS-OXRTFEX]): tags in groups of their own, what Word shows for them beside."""
    rows = rb"{\*\htmltag116 <br>\par}\htmlrtf\line\htmlrtf0 ".join(_escaped(row) for row in body.split("\n"))
    head = rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0\fswiss Arial;}}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 "
    return head + rows + rb"{\*\htmltag72 </p>}\htmlrtf }\htmlrtf0 }"


def _escaped(row: str) -> bytes:
    return row.replace("\\", "\\\\").replace("{", "\\{").replace("}", "\\}").encode("cp1252")


def lzfu(plain: bytes) -> bytes:
    """As [MS-OXRTFCP] section 2.2.3 writes what repeats nothing; lengths and checksum are zero."""
    eights = (plain[start : start + 8] for start in range(0, len(plain), 8))
    return bytes(8) + b"LZFu" + bytes(4) + b"".join(b"\0" + eight for eight in eights)


def zipped(files: Mapping[str, str | bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An archive of these files by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def broken(text: str, width: int, quote: str) -> str:
    """As a mail program breaks lines: between words, none longer than the width if its words are not."""
    return "\n".join(
        quote + row
        for line in text.split("\n")
        for row in textwrap.wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    )
