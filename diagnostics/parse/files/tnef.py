"""`winmail.dat` ([MS-OXTNEF]): the body and the attached files of a mail that Exchange or Outlook sent in its own format.

Every length is checked against what is left, and each byte is looked at once.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

from diagnostics.parse.files import file_types
from diagnostics.parse.text.charset import decode

MAX_ATTRIBUTES = 10_000
_BODY, _PROPERTIES = 0x0002800C, 0x00069003
_TITLE, _CONTENT = 0x00018010, 0x0006800F
_NAMED = 0x8000
_TAGS = {0x1000: "body", 0x1013: "html", 0x1009: "rtf"}
"""PidTagBody, PidTagHtml (PidTagBodyHtml), PidTagRtfCompressed"""

_FIXED = {
    **dict.fromkeys((0x0002, 0x0003, 0x0004, 0x000A, 0x000B), 4),
    **dict.fromkeys((0x0005, 0x0006, 0x0007, 0x0014, 0x0040), 8),
    0x0048: 16,
}
"""Bytes of each type of property that has always the same ([MS-OXCDATA] section 2.11.1), padded to four."""

_SEVERAL = 0x1000
_VARIABLE = (0x000D, 0x001E, 0x001F, 0x0102)
_UNICODE = 0x001F


class Message(NamedTuple):
    """The texts, and names and contents of attached files. `rtf` is compressed."""

    texts: tuple[str, ...]
    rtf: bytes
    files: tuple[tuple[str, bytes], ...]


class Malformed(ValueError):
    """It has no attribute that can be read."""


def message(data: bytes) -> Message:
    """What it says. Raises Malformed."""
    texts: dict[str, None] = {}
    rtf = b""
    files: list[tuple[str, bytes]] = []
    name = ""
    found = False
    for kind, content in _attributes(data):
        found = True
        if kind == _BODY:
            texts[decode(content.rstrip(b"\0"))] = None
        elif kind == _TITLE:
            name = decode(content.rstrip(b"\0"))
        elif kind == _CONTENT:
            files.append((name, content))
        elif kind == _PROPERTIES:
            for tag, text, raw in _properties(content):
                if tag == "rtf":
                    rtf = rtf or raw
                elif text.strip():
                    texts[text] = None
    if not found:
        raise Malformed("no attribute")
    return Message(tuple(texts), rtf, tuple(files))


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Level, id, length, content and checksum of each (section 2.1.3.4); of one that is cut off, what is there."""
    if not data.startswith(file_types.TNEF):
        return
    at = 6
    for _ in range(MAX_ATTRIBUTES):
        if at + 9 > len(data) or data[at] not in (1, 2):
            return
        kind, length = struct.unpack_from("<II", data, at + 1)
        yield kind, data[at + 9 : at + 9 + length]
        at += 9 + length + 2


def _properties(data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """The bodies among the properties of a message (section 2.1.3.3.11): which, as text, as bytes."""
    if len(data) < 4:
        return
    at = 4
    for _ in range(min(struct.unpack_from("<I", data)[0], MAX_ATTRIBUTES)):
        if at + 4 > len(data):
            return
        kind, tag = struct.unpack_from("<HH", data, at)
        at += 4
        if tag >= _NAMED:
            at = _after_name(data, at)
        values, at = _values(data, at, kind)
        if at < 0:
            return
        if tag in _TAGS and values:
            raw = values[0]
            text = raw.decode("utf-16-le", "replace") if kind == _UNICODE else decode(raw)
            yield _TAGS[tag], text.rstrip("\0"), raw


def _after_name(data: bytes, at: int) -> int:
    """Behind the GUID, kind and number or name of a named property."""
    if at + 24 > len(data):
        return len(data)
    kind, length = struct.unpack_from("<II", data, at + 16)
    return at + 24 if kind == 0 else at + 24 + _padded(length)


def _values(data: bytes, at: int, kind: int) -> tuple[list[bytes], int]:
    """The values that can be texts, and where the next property begins; -1 where that is not known."""
    several, kind = bool(kind & _SEVERAL), kind & ~_SEVERAL
    count = 1
    if several or kind in _VARIABLE:
        if at + 4 > len(data):
            return [], -1
        count = struct.unpack_from("<I", data, at)[0]
        at += 4
    if kind in _FIXED:
        return [], at + count * _FIXED[kind]
    if kind not in _VARIABLE:
        return [], -1
    found: list[bytes] = []
    for _ in range(min(count, MAX_ATTRIBUTES)):
        if at + 4 > len(data):
            return found, -1 if not found else len(data)
        length = struct.unpack_from("<I", data, at)[0]
        found.append(data[at + 4 : at + 4 + length])
        at += 4 + _padded(length)
    return found, at


def _padded(length: int) -> int:
    return -(-length // 4) * 4
