"""Text that is still as it was on the wire: quoted-printable, base64, HTML, the XML of trace data. Each in linear time."""

import base64
import binascii
import re

from diagnostics.parse.text.charset import decode

_EQUALS = re.compile(r"=(\n|[2-9A-Fa-f][0-9A-Fa-f]|0[9ADad])?")
_BASE64 = re.compile(r"[A-Za-z0-9+/]{1,1024}={0,2}")
_BASE64_LINE = re.compile(r"[A-Za-z0-9+/]{40,1024}={0,2}")
_MARKUP = re.compile(
    r"</?(?:html|body|head|meta|div|p|br|span|table|tbody|tr|td|th|font|b|i|a|pre|li|ul|strong|h[1-6])\b[^<>]{0,4000}>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<(?:(/?[A-Za-z][A-Za-z0-9:]{0,20})(?![\w.@:-])|!)[^<>]{0,4000}>")
_BLOCKS = ("p", "div", "tr", "td", "th", "li", "table", "pre", "h1", "h2", "h3", "h4")
_BREAKS = frozenset(("br", "hr", *_BLOCKS, *(f"/{block}" for block in _BLOCKS)))
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8});")
_MEP = re.compile(
    r"<MEP\s{1,8}Name\s?=\s?\"([^\"<>]{1,128})\"\s{1,8}[A-Za-z]{1,32}\s?=\s?\"([^\"<>]{0,8192})\"[^<>]{0,64}>", re.IGNORECASE
)
_BREAKS_BY_TAG = re.compile(r"<br|</p>|</div|</td", re.IGNORECASE)
_HIDDEN = (("<!--", "-->"), ("<style", "</style"), ("<script", "</script"))


def paragraphs(text: str) -> str:
    """Quoted-printable and base64 undone, paragraph by paragraph: of a pasted bounce often only a part is encoded."""
    if "=" not in text and not _BASE64_LINE.search(text):
        return text
    return "\n\n".join(_printable(_from_base64(part)) for part in text.split("\n\n"))


def markup(text: str) -> str:
    """HTML without tags, breaks and table cells as line breaks; the XML of trace data as `Name: value` lines."""
    if "<MEP" in text:
        text = _MEP.sub(r"\n\1: \2\n", text)
    if _MARKUP.search(text):
        for opening, closing in _HIDDEN:
            text = _without(text, opening, closing)
        text = _TAG.sub(_break, text.replace("\n", " ") if _BREAKS_BY_TAG.search(text) else text)
    if "&" in text and _ENTITY.search(text):
        import html  # noqa: PLC0415 - two thousand names, which plain text does not need

        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return text


def _printable(text: str) -> str:
    """A paragraph is quoted-printable if all its equals signs are."""
    if "=\n" not in text and "=3D" not in text:
        return text
    whole = text + "\n" if text.endswith("=") else text
    if not all(_encodes(match[1]) for match in _EQUALS.finditer(whole)):
        return text
    return decode(binascii.a2b_qp(whole.encode("utf-8", "replace")), "utf-8")


def _encodes(what: str | None) -> bool:
    """Line breaks and what is no letter or digit: nobody encodes those (RFC 2045 section 6.7), so `LED=450` is no letter E."""
    return bool(what) and (what == "\n" or not chr(int(what or "", 16)).isalnum() or int(what or "", 16) > 0x7F)


def _from_base64(text: str) -> str:
    """A paragraph of nothing but base64 lines that hold text."""
    rows = text.strip("\n").split("\n")
    if not _BASE64_LINE.fullmatch(rows[0]) or not all(map(_BASE64.fullmatch, rows)):
        return text
    try:
        raw = base64.b64decode("".join(rows) + "==")
        found = raw.decode("utf-8")
    except (ValueError, UnicodeDecodeError):
        return text
    return found.replace("\r\n", "\n") if sum(c.isprintable() or c in "\n\r\t" for c in found) > 0.95 * len(found) else text


def _without(text: str, opening: str, closing: str) -> str:
    """Without what stands between; an opening without its closing takes nothing away."""
    lower = text.lower()
    if len(lower) != len(text) or opening not in lower:
        return text
    kept, position = [], 0
    while (start := lower.find(opening, position)) >= 0:
        end = lower.find(closing, start)
        if end < 0:
            break
        kept.append(text[position:start])
        position = end
    return "".join((*kept, text[position:]))


def _break(match: re.Match[str]) -> str:
    return "\n" if (match[1] or "").lower() in _BREAKS else ""
