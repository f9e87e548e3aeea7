"""Characters of foreign texts: what no screen shows goes, what Slack reads as control is escaped, lengths are Slack's. Pure."""

from diagnostics.text import on_screen

_ENTITIES = {"&": len("&amp;"), "<": len("&lt;"), ">": len("&gt;")}


def clean(raw: str, *, strip: bool = True) -> str:
    """Without what a screen cannot show or what turns its direction; one kind of line end."""
    text = on_screen(raw)
    return text.strip() if strip else text


def one_line(raw: str) -> str:
    return " ".join(clean(raw).split())


def escaped(text: str) -> str:
    """The three characters that Slack gives a meaning to; no others may be encoded."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(raw: str, most: int) -> str:
    """Not escaped yet, but short enough to be at most `most` once it is."""
    if units(escaped(raw)) <= most:
        return raw
    return raw[: _reach(raw, 0, most - 1)] + "…"


def units(text: str) -> int:
    """Length as the strictest reader counts it: an emoji is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def _reach(raw: str, start: int, most: int) -> int:
    """Where the longest piece from `start` ends that takes no more than `most` once escaped."""
    room = most
    for end in range(start, len(raw)):
        character = raw[end]
        room -= _ENTITIES.get(character, 1 if character <= "\uffff" else 2)
        if room < 0:
            return end
    return len(raw)


def split(raw: str, most: int) -> list[str]:
    """Escaped pieces of at most `most`, parted at a line or a word where there is one, never within an entity."""
    pieces: list[str] = []
    start = 0
    while start < len(raw):
        end = _reach(raw, start, most)
        if end < len(raw):
            gaps = (raw.rfind(gap, (start + end) // 2, end) for gap in "\n ")
            end = next((gap + 1 for gap in gaps if gap >= 0), end)
        if (piece := escaped(raw[start:end])).strip():
            pieces.append(piece.strip("\n"))
        start = end
    return pieces
