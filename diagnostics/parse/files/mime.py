"""A mail as a file: the parts that say something, from whatever depth, and never the message that was returned.

Not the `email` package: it needs seconds for a header of encoded words and minutes for thousands of parts in each other. Here no
header is looked at but the three that tell what a part is.
"""

import binascii
import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from diagnostics.parse.text.charset import decode

MAX_DEPTH = 10
MAX_PARTS = 200
MAX_HEADERS = 256 * 1024
"""The header block; of one header 4 KiB are read."""

_HEADER_LINE = re.compile(rb"[!-9;-~]{1,76}:")
_FOLD = re.compile(rb"\r?\n[ \t]{1,80}")
_WANTED = re.compile(
    rb"^(Content-Type|Content-Transfer-Encoding|Content-Disposition):([^\r\n]{0,4096})", re.IGNORECASE | re.MULTILINE
)
_BLANK = re.compile(rb"\r?\n\r?\n")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_MIME = re.compile(rb"^(?:MIME-Version|Content-Type):", re.IGNORECASE | re.MULTILINE)
_PARAMETER = r";\s{{0,64}}{0}\s{{0,4}}=\s{{0,4}}(?:\"([^\"\n]{{1,255}})\"|([^\s;\"]{{1,255}}))"
_BOUNDARY, _CHARSET, _NAME, _FILENAME = (
    re.compile(_PARAMETER.format(name), re.IGNORECASE) for name in ("boundary", "charset", "name", "filename")
)
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")


class Part(NamedTuple):
    """A leaf: its media type, its name if it is a file, its text or (of a file that is no text) its bytes."""

    kind: str
    name: str
    data: bytes
    charset: str

    @property
    def text(self) -> str:
        return decode(self.data, self.charset)


class TooDeep(Exception):
    """Parts beyond MAX_DEPTH or MAX_PARTS were left out."""


def is_mail(data: bytes) -> bool:
    """Whether it starts with header lines, a media type or MIME version among them."""
    head = data[:65536].removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n \t")
    if head.startswith(b"From "):
        head = head[head.find(b"\n") + 1 :]
    end = _BLANK.search(head)
    return bool(_HEADER_LINE.match(head)) and bool(_MIME.search(head[: end.start() if end else len(head)]))


def parts(data: bytes) -> Iterator[Part]:
    """The readable leaves in order, all forms of multipart/alternative among them. Raises TooDeep if something was left out."""
    walk = _Walk()
    yield from walk.message(data, 0)
    if walk.left_out:
        raise TooDeep


class _Walk:
    def __init__(self) -> None:
        self.seen = 0
        self.left_out = False

    def message(self, data: bytes, depth: int, *, of_report: bool = False) -> Iterator[Part]:
        """One message or part with its headers. What a report returns is the mail that failed (RFC 6522 section 3)."""
        self.seen += 1
        if depth > MAX_DEPTH or self.seen > MAX_PARTS:
            self.left_out = True
            return
        headers, body = _apart(data)
        kind, encoding = headers["content-type"], headers["content-transfer-encoding"]
        media = kind.partition(";")[0].strip().lower()
        if of_report and media in _RETURNED:
            return
        if media.startswith("multipart/"):
            boundary = _parameter(_BOUNDARY, kind).encode("utf-8", "replace")
            for part in _bodies(body, boundary) if boundary else ():
                yield from self.message(part, depth + 1, of_report=media == "multipart/report")
        elif media in ("message/rfc822", "message/global"):
            yield from self.message(_decoded(body, encoding).lstrip(b"\r\n"), depth + 1)
        else:
            name = _parameter(_FILENAME, headers["content-disposition"]) or _parameter(_NAME, kind)
            if media.startswith("text/") or media in ("message/delivery-status", "message/global-delivery-status", "") or name:
                yield Part(media or "text/plain", name, _decoded(body, encoding), _parameter(_CHARSET, kind))


def _apart(data: bytes) -> tuple[dict[str, str], bytes]:
    """The three headers that matter, unfolded and cut, and the body."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    wanted = dict.fromkeys(("content-type", "content-transfer-encoding", "content-disposition"), "")
    if data[:1] in (b"\r", b"\n"):
        return wanted, data
    end = _BLANK.search(data, 0, MAX_HEADERS)
    block = _FOLD.sub(b" ", data[: end.start() if end else MAX_HEADERS])
    for match in _WANTED.finditer(block):
        name = match[1].decode("ascii").lower()
        wanted[name] = wanted[name] or match[2].decode("ascii", "replace").strip()
    return wanted, data[end.end() if end else len(data) :]


def _bodies(body: bytes, boundary: bytes) -> list[bytes]:
    edge = re.compile(rb"^--" + re.escape(boundary) + rb"(--)?[ \t]{0,64}\r?$", re.MULTILINE)
    lines = list(islice(edge.finditer(body), MAX_PARTS + 2))
    found = []
    for line, after in zip(lines, [*lines[1:], None], strict=False):
        if line[1]:
            break
        found.append(body[line.end() + 1 : after.start() if after else len(body)])
    return found


def _decoded(body: bytes, encoding: str) -> bytes:
    encoding = encoding.strip().lower()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(body)
    if encoding == "base64":
        digits = _NO_BASE64.sub(b"", body)
        return binascii.a2b_base64(digits[: len(digits) - (len(digits) % 4 == 1)] + b"==")
    return body


def _parameter(pattern: re.Pattern[str], header: str) -> str:
    match = pattern.search(header)
    return (match[1] or match[2]) if match else ""
