"""Characters of foreign text: which of them nobody sees, and what is done about them. Pure; standard library only."""

import unicodedata

SPACES = "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000\v\f"
BREAKS = "\u0085\u2028\u2029"
CONTROLS = "".join(map(chr, (*range(0x09), *range(0x0B, 0x0D), *range(0x0E, 0x20), *range(0x7F, 0xA0))))
"""C0 and C1 but tab and the ends of lines CR and LF."""

DIRECTIONS = "\u061c\u200e\u200f" + "".join(map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A))))
"""Marks, embeddings, overrides and isolates: what stands behind them is shown elsewhere than it stands."""

JOINERS = "\u00ad\u034f\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff" + "".join(map(chr, range(0xFE00, 0xFE10)))
"""Soft hyphens, joiners, variation selectors: they change nothing that is read; some scripts and emoji are shown by them."""

SURROGATES = range(0xD800, 0xE000)

_TYPED_AS = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "—": "--", "–": "-", "\u00a0": " "})  # noqa: RUF001
_ON_SCREEN = dict.fromkeys(map(ord, CONTROLS + DIRECTIONS)) | dict.fromkeys(SURROGATES, "\ufffd")


def as_typed(text: str) -> str:
    """As a plain keyboard writes it: phones and Slack turn quotes, dashes and blanks into their typographic twins, and NFKC folds
    widths and ligatures."""
    return unicodedata.normalize("NFKC", text.translate(_TYPED_AS))


def readable(data: bytes, most: int = 2048) -> str:
    """The first bytes as one line of text, what is no UTF-8 and what nobody sees as escapes."""
    return visible(data[:most].decode("utf-8", "backslashreplace"))


def visible(text: str) -> str:
    """One line that cannot move a cursor or turn the direction of writing: what nobody sees becomes \\xNN or \\uNNNN."""
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(ord(c)) for c in text)


def replaced(text: str, by: str) -> str:
    """Likewise, with one sign for each of them."""
    return text if text.isprintable() else "".join(c if c.isprintable() else by for c in text)


def on_screen(text: str) -> str:
    """Lines without controls and without what turns their direction; joiners stay, and all ends of lines are LF."""
    for end in ("\r\n", "\r", *BREAKS):
        text = text.replace(end, "\n")
    return text.translate(_ON_SCREEN)


def _escape(number: int) -> str:
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
