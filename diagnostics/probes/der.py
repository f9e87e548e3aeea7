"""Elements of DER (X.690): just enough to walk a certificate, whose odd parts must not hide its sound ones.

A library refuses the whole certificate, or all of its extensions, for one malformed part; TLS libraries and Windows take it.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, OID = 0x01, 0x02, 0x03, 0x04, 0x06
UTC_TIME, GENERALIZED_TIME = 0x17, 0x18
SEQUENCE, SET = 0x30, 0x31

_ENCODINGS = {0x0C: "utf-8", 0x1E: "utf-16-be", 0x1C: "utf-32-be"}
"""UTF8String, BMPString, UniversalString; every other string type is read as Latin-1, which TeletexString is in practice."""


class DerError(ValueError):
    """These bytes are no DER."""


class Element(NamedTuple):
    """One element: its tag byte, its content, and the whole of it with its header."""

    tag: int
    content: bytes
    whole: bytes

    def parts(self) -> list["Element"]:
        """The elements inside. Raises DerError."""
        return list(elements(self.content))

    def text(self) -> str:
        return self.content.decode(_ENCODINGS.get(self.tag, "latin-1"), "replace")

    def oid(self) -> str:
        """Dotted, whatever the tag (an OBJECT IDENTIFIER may be tagged implicitly)."""
        return _dotted(self.content[:64])


def elements(data: bytes) -> Iterator[Element]:
    """The elements that follow each other in `data`. Raises DerError at the first that is broken, after those before it."""
    at, end = 0, len(data)
    while at < end:
        if end - at < 2 or data[at] & 0x1F == 0x1F:
            raise DerError("header")
        size, start = data[at + 1], at + 2
        if size >= 0x80:
            count = size & 0x7F
            if not 1 <= count <= 4:
                raise DerError("length")
            size, start = int.from_bytes(data[start : start + count], "big"), start + count
        if start + size > end:
            raise DerError("length")
        yield Element(data[at], data[start : start + size], data[at : start + size])
        at = start + size


@lru_cache(maxsize=1024)
def _dotted(content: bytes) -> str:
    numbers, value = [], 0
    for byte in content:
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(value)
            value = 0
    if not numbers:
        return ""
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, (first, numbers[0] - first * 40, *numbers[1:])))


def only(data: bytes, tag: int) -> Element:
    """The first element of `data`, which must have that tag. Raises DerError."""
    element = next(elements(data), None)
    if element is None or element.tag != tag:
        raise DerError("tag")
    return element
