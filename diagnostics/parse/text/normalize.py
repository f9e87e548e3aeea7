"""Pasted text as Exchange wrote it: what mail programs, chats, terminals and keyboards of other scripts made of it is undone.

Not NFKC: that turns footnote marks and circled numbers into digits, and digits make codes.
"""

import re
from itertools import pairwise

from diagnostics.text import BREAKS, CONTROLS, DIRECTIONS, JOINERS, SPACES, SURROGATES

_QUOTES = {"'": "\u2018\u2019\u201a\u201b\u2032\u00b4", '"': "\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb"}
_PLAIN = str.maketrans(
    {
        **{chr(wide): chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)},
        **dict.fromkeys(CONTROLS + DIRECTIONS + JOINERS),
        **dict.fromkeys(SPACES, " "),
        **dict.fromkeys(BREAKS, "\n"),
        **{mark: plain for plain, marks in _QUOTES.items() for mark in marks},
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u2192\u2794\u21d2\u279c", "->"),
        **dict.fromkeys("\u3010\u3014", "["),
        **dict.fromkeys("\u3011\u3015", "]"),
        **dict.fromkeys(map(chr, SURROGATES), "\ufffd"),
    }
)
_CONTROL = re.compile(r"[^\t\n -~]")
_COLOUR = re.compile(r"\x1b\[[0-9;?]{0,32}[A-Za-z]")
_QUOTED = re.compile(r"^[ \t>]{0,64}>[ \t]?", re.MULTILINE)
_ESCAPE = re.compile(r"\\(?=[*_\[\]<>#{}|()\"'])")
_JSON_LETTER = re.compile(r"\\u00([2-7][0-9A-Fa-f])")
_LINK = re.compile(r"<(?:https?://|mailto:|tel:)[^<>|\s]{1,2048}(?:\|([^<>|]{1,512}))?>", re.IGNORECASE)
_MARKDOWN_LINK = re.compile(r"\[([^\[\]()\n]{1,256})\]\((?:https?://|mailto:)[^()\s]{1,2048}\)", re.IGNORECASE)

WIDEST = 120
"""Characters of the lines into which programs break a text."""


def lines(text: str) -> str:
    """One kind of line break, none doubled, no NUL (UTF-16 pasted as bytes), no colours, no marks of quoting before lines."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    if "\x1b" in text:
        text = _COLOUR.sub("", text)
    return _single_spaced(_QUOTED.sub("", text) if ">" in text else text)


def plain(text: str) -> str:
    """Letters and marks as a plain keyboard writes them, escapes of JSON and Markdown undone, links as what was seen of them."""
    if _CONTROL.search(text):
        text = text.translate(_PLAIN)
    if "\\" in text:
        text = _JSON_LETTER.sub(lambda match: chr(int(match[1], 16)), text)
        text = _ESCAPE.sub("", text.replace("\\r\\n", "\n").replace("\\n", "\n"))
    if "<" in text:
        text = _LINK.sub(lambda match: match[1] or "", text)
    return _MARKDOWN_LINK.sub(r"\1", text) if "](" in text else text


def _single_spaced(text: str) -> str:
    """Without the empty line that some pages add behind every line, where most lines were broken for their length."""
    if len(start := text.split("\n", 2)) < 3 or start[1].strip():
        return text
    rows = text.rstrip("\n").split("\n")
    if any(map(str.strip, rows[1::2])):
        return text
    kept = rows[::2]
    pairs = [(row, after.split(" ", 1)[0]) for row, after in pairwise(kept) if row.strip() and after.strip()]
    width = max(map(len, kept))
    full = sum(len(row) + len(word) >= width for row, word in pairs)
    return "\n".join(kept) if width <= WIDEST and full > 1 and full * 2 > len(pairs) else text
