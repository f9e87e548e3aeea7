"""The body that Outlook keeps as compressed RTF ([MS-OXRTFCP]), and the text or HTML inside of it ([MS-OXRTFEX]).

Both readers go once through what they read, stop at MAX_RTF bytes and give what stands before damage. The checksum and the two
lengths in the header are not looked at: a damaged bounce still tells its error, and a forger would write fitting ones.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_RTF = 1024 * 1024
"""Bytes of RTF in one file. LZFu makes up to eight of one; a bounce has a tenth of this and says its error early."""

MAX_DEPTH = 500
"""Groups in groups. Word nests a few dozen."""

_HEADER, _KIND = 16, slice(8, 12)
_PRESET = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArial"
    rb"Times New RomanCourier{\colortbl\red0\green0\blue0" + b"\r\n" + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
"""What the dictionary holds before the first byte ([MS-OXRTFCP] section 2.1.2.1)."""

_DICTIONARY = 4096

_TOKEN = re.compile(
    rb"([{}])|\\([A-Za-z]{1,32})(-?[0-9]{1,10})? ?|\\'([0-9A-Fa-f]{2})|\\([^A-Za-z])|([^\\{}\r\n]{1,4096})|[\r\n]{1,4096}|\\",
    re.DOTALL,
)
_HIDDEN = frozenset((b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"fldinst"))
_WORDS = {
    **dict.fromkeys((b"par", b"line", b"sect", b"page", b"row"), "\n"),
    **dict.fromkeys((b"tab", b"cell"), "\t"),
    **{b"lquote": "\u2018", b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d"},
    **{b"bullet": "\u2022", b"endash": "\u2013", b"emdash": "\u2014"},
}
_SYMBOLS = {b"~": "\u00a0", b"_": "-", b"\n": "\n", b"\r": "\n", b"\t": "\t", b"\\": "\\", b"{": "{", b"}": "}"}
_PAGES = {
    **{page: f"cp{page}" for page in (437, 850, 852, 866, 874, 932, 936, 949, 950, *range(1250, 1259))},
    10000: "mac_roman",
    65001: "utf-8",
}


def decompress(data: bytes, limit: int = MAX_RTF) -> bytes:
    """The RTF in a PidTagRtfCompressed, at most `limit` bytes of it; nothing if it is neither LZFu nor MELA."""
    if data[_KIND] == b"MELA":
        return data[_HEADER : _HEADER + limit]
    return _lzfu(data, limit) if data[_KIND] == b"LZFu" else b""


def text(rtf: bytes) -> str:
    """The HTML inside of a `\\fromhtml1`, else the text; without fonts, pictures and what Word itself shows for the HTML."""
    reader = _Reader()
    position = 0
    while (token := _TOKEN.match(rtf, position)) and reader.take(token):
        position = token.end() + reader.binary
    return reader.text()


def _lzfu(data: bytes, limit: int) -> bytes:
    """Section 2.2.3: eight runs behind a byte of flags, each a byte of its own or a place in the last 4096 bytes and a length.

    A run at the place that is written next ends it; so does one before the first byte, or a cut one.
    """
    found = bytearray(_PRESET)
    limit += len(_PRESET)
    position = _HEADER
    while position < len(data) and len(found) < limit:
        flags = data[position]
        position += 1
        for bit in range(8):
            if not flags >> bit & 1:
                found += data[position : position + 1]
                position += 1
                continue
            run = int.from_bytes(data[position : position + 2], "big")
            position += 2
            start = len(found) - (len(found) - (run >> 4)) % _DICTIONARY
            if start == len(found) or start < 0 or position > len(data):
                return bytes(found[len(_PRESET) : limit])
            length = (run & 15) + 2
            seen = found[start : start + length]
            found += (seen * length)[:length]
    return bytes(found[len(_PRESET) : limit])


class _Group(NamedTuple):
    """What holds to the closing brace: whether its words are shown, and how many characters stand in for one of Unicode."""

    hidden: bool = False
    rendering: bool = False
    fallback: int = 1

    @property
    def shown(self) -> bool:
        return not self.hidden and not self.rendering


@dataclass(slots=True)
class _Reader:
    """Where one is in the groups, and what was said so far; bytes wait for their neighbours, as two may make a letter."""

    group: _Group = field(default_factory=_Group)
    around: list[_Group] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    waiting: bytearray = field(default_factory=bytearray)
    page: str = "cp1252"
    starred: bool = False
    skip: int = 0
    binary: int = 0

    def text(self) -> str:
        """Halves of surrogate pairs joined: `\\u` has 16 bits."""
        self._decode()
        return "".join(self.said).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def take(self, token: re.Match[bytes]) -> bool:
        """One token; false where reading ends."""
        brace, word, number, code, symbol, plain = token.groups()
        self.binary = 0
        if plain:
            self._bytes(plain[min(self.skip, len(plain)) :] if self.skip else plain)
            self.skip = max(0, self.skip - len(plain))
        elif brace:
            return self._brace(brace)
        elif self.skip and (word or code or symbol):
            self.skip -= 1
        elif code:
            self._bytes(bytes((int(code, 16),)))
        elif symbol == b"*":
            self.starred = True
        elif symbol:
            self._say(_SYMBOLS.get(symbol, ""))
        elif word:
            self._word(word, int(number) if number else None)
        return True

    def _brace(self, brace: bytes) -> bool:
        self.skip = 0
        self.starred = False
        if brace == b"{":
            self.around.append(self.group)
            return len(self.around) <= MAX_DEPTH
        if self.around:
            self.group = self.around.pop()
        return bool(self.around)

    def _word(self, word: bytes, number: int | None) -> None:
        starred, self.starred = self.starred, False
        if word == b"u" and number is not None:
            self._say(chr(number % 0x10000))
            self.skip = self.group.fallback
        elif word == b"uc":
            self.group = self.group._replace(fallback=max(0, number or 0))
        elif word == b"htmlrtf":
            self.group = self.group._replace(rendering=number != 0)
        elif word == b"bin":
            self.binary = max(0, number or 0)
        elif word == b"ansicpg":
            self.page = _PAGES.get(number or 0, self.page)
        elif word in _HIDDEN or (starred and word != b"htmltag"):
            self.group = self.group._replace(hidden=True)
        else:
            self._say(_WORDS.get(word, ""))

    def _bytes(self, raw: bytes) -> None:
        self.starred = False
        if self.group.shown:
            self.waiting += raw

    def _say(self, words: str) -> None:
        if words and self.group.shown:
            self._decode()
            self.said.append(words)

    def _decode(self) -> None:
        if self.waiting:
            self.said.append(self.waiting.decode(self.page, "replace"))
            self.waiting.clear()
