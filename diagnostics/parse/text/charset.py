"""Bytes → text, whatever program wrote them."""

import codecs
import re

_TEXT = re.compile(
    r"utf-?(?:8|16|32)(?:-?[lb]e)?|us-ascii|iso-8859-\d{1,2}|windows-125\d|cp125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|"
    r"shift_jis|euc-jp|iso-2022-jp|euc-kr|ks_c_5601-1987"
)
"""Character sets only: Python's names also decode archives, and Punycode in quadratic time."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def decode(data: bytes, charset: str = "") -> str:
    """Text in the declared character set; without a usable one by its mark, else UTF-16, UTF-8, Windows-1252 in that order."""
    declared = charset.strip(" \"'").lower()
    for mark, name in _MARKS:
        if data.startswith(mark):
            return data.decode(name, "replace").removeprefix("\ufeff")
    if _TEXT.fullmatch(declared):
        try:
            return data.decode(declared)
        except (UnicodeDecodeError, LookupError):
            pass
    if unmarked := _without_mark(data):
        return data.decode(unmarked, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def is_text(data: bytes) -> bool:
    """Whether this can be a text: pictures and archives are full of NULs and control characters."""
    head = data[:4096]
    if any(head.startswith(mark) for mark, _ in _MARKS) or _without_mark(head):
        return True
    odd = sum(byte < 9 or 13 < byte < 27 or 27 < byte < 32 for byte in head)
    return odd * 50 <= len(head)


def _without_mark(data: bytes) -> str | None:
    """UTF-16 by the zero bytes of its ASCII letters, as in a file that PowerShell wrote."""
    head = data[:512]
    even, odd = head[::2].count(0), head[1::2].count(0)
    if len(head) >= 8 and max(even, odd) * 2 > len(head) // 2 and min(even, odd) * 8 < max(even, odd):
        return "utf-16-be" if even > odd else "utf-16-le"
    return None
