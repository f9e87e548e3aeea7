"""Bytes of a file → text."""

import codecs

from diagnostics.connectors.export.fault import ExportFault
from diagnostics.connectors.words import say

_BINARY = {
    b"PK\x03\x04": "zip",
    b"\x1f\x8b": "gzip",
    b"\xd0\xcf\x11\xe0": "ole",
    b"%PDF": "pdf",
}


def decode(raw: bytes) -> str:
    """Text of a file that PowerShell wrote: UTF-8 or UTF-16, with or without a byte order mark, or cp1252.

    Raises ExportFault for other files, UnicodeDecodeError for bytes that are none of these.
    """
    for magic, kind in _BINARY.items():
        if raw.startswith(magic):
            raise ExportFault(f"this is {say('binary', {'how': kind})}, not text")
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if raw.startswith(mark):
            return raw.decode(encoding)
    # every format starts with an ASCII character: the place of its zero byte tells UTF-16 without a mark (RFC 4627 section 3)
    if raw[1:2] == b"\0":
        return raw.decode("utf-16-le")
    if raw[:1] == b"\0":
        return raw.decode("utf-16-be")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        # Windows PowerShell's `-Encoding Default` is the ANSI code page; bytes that cp1252 leaves undefined are no text in it
        try:
            return raw.decode("cp1252")
        except UnicodeDecodeError:
            pass
        raise
