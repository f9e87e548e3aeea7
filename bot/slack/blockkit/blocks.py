"""Lines → Block Kit, a block at a time. Pure; the limits of Slack that concern text and messages live here.

Only section, context and divider are used: stable for years, drawn by every client (docs.slack.dev, Block Kit).
mrkdwn has an escape for `& < >` but none for `* _ ~ :` and the backtick: `*.contoso.com` would lose its star and
`fd00:100::1` turn into an emoji. So a text is mrkdwn only while nothing in it could be read as markup (`_MARKUP`), and
plain_text, which parses nothing, otherwise; evidence is always plain_text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, Literal
from urllib.parse import urlsplit

from bot.slack.blockkit.characters import clean, escaped, one_line, split, units
from bot.slack.conversation_ref import PEOPLE
from commands.reply import Section

Block = dict[str, Any]
Kind = Literal["plain", "bold", "link", "person", "time", "own"]
"""The last four are live: an https address, an id of a person or a user group, an ISO time, one whose UTC text precedes it."""
Line = tuple[tuple[Kind, str], ...]

SECTION = 3000  # a text object
CONTEXT = 2000  # a text in a context block
BLOCKS = 48  # Slack takes 50
TOTAL = 12_000  # Slack answers msg_blocks_too_long at about 13,200 characters over all blocks (bolt-js issue 2509)
TEXT = 3500  # chat.update answers msg_too_long above 4,000

_LIVE = ("link", "person", "time", "own")
_MARKUP = re.compile(r"[*_~`]|:[^\s:]+:|^\s*>", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Message:
    """What chat.postMessage, chat.update or a response_url takes. Phones and screen readers use `text` alone."""

    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Piece:
    """A block, and its words for the top-level text (escaped)."""

    block: Block
    words: str


def code(section: Section) -> list[Piece]:
    """Lines as they are. Only three backticks mean anything within a fence: they are parted by a zero-width space."""
    pieces = paragraphs([(("bold", title),)]) if (title := one_line(section.title)) else []
    lines = [
        row
        for item in section.items
        for row in (" ".join(filter(None, (item.tag, item.text, item.url))), *(f"  {note}" for note in item.notes))
    ]
    raw = re.sub(r"`(?=``)|(?<=`)`(?=`)", "`\u200b", clean("\n".join(lines), strip=False))
    for words in split(raw, SECTION - len("```\n\n```")):
        text: Block = {"type": "mrkdwn", "text": f"```\n{words}\n```", "verbatim": True}
        pieces.append(Piece({"type": "section", "text": text}, words))
    return pieces


def context(raw: str) -> list[Piece]:
    """Small text that nothing is parsed in."""
    return [
        Piece({"type": "context", "elements": [{"type": "plain_text", "text": words, "emoji": False}]}, words)
        for words in split(clean(raw), CONTEXT)
    ]


def small(line: Line) -> Piece:
    """One short line of context with something live in it; there must be no markup from outside."""
    text: Block = {"type": "mrkdwn", "text": _mrkdwn(line), "verbatim": True}
    return Piece({"type": "context", "elements": [text]}, _plain(line))


def people(ids: Iterable[str]) -> Line:
    """Each named as Slack shows them; what is no id of Slack's is text. Commas between."""
    named: list[tuple[Kind, str]] = []
    for id in ids:
        named += [("plain", ", " if named else " "), ("person", id) if PEOPLE.fullmatch(id) else ("plain", one_line(id))]
    return tuple(named)


def paragraphs(lines: Sequence[Line]) -> list[Piece]:
    """Lines → section blocks, as many lines in one as it holds."""
    groups = groupby((line for line in lines if _plain(line).strip()), key=_is_inert)
    return [piece for inert, group in groups for piece in (_marked(group) if inert else _unmarked(group))]


def _is_inert(line: Line) -> bool:
    """Whether nothing from outside would be read as markup, and one section holds it."""
    outside = "".join(text for kind, text in line if kind not in _LIVE)
    return not _MARKUP.search(outside) and max(units(_mrkdwn(line)), units(_plain(line))) <= SECTION


def _marked(lines: Iterable[Line]) -> Iterator[Piece]:
    # verbatim: Slack must not make links of names that it was given as text
    for text, words in _filled((_mrkdwn(line), _plain(line)) for line in lines):
        yield _section({"type": "mrkdwn", "text": text, "verbatim": True}, words)


def _unmarked(lines: Iterable[Line]) -> Iterator[Piece]:
    """plain_text parses nothing, so a link or a person has to stand in a block of its own."""
    texts: list[str] = []
    for line in lines:
        texts += split("".join(text for kind, text in line if kind not in _LIVE).rstrip(), SECTION)
        for run in (run for run in line if run[0] in _LIVE and run[0] != "own"):
            yield from _plain_sections(texts)
            texts = []
            yield small((run,))
    yield from _plain_sections(texts)


def _plain_sections(texts: Iterable[str]) -> Iterator[Piece]:
    for words, _ in _filled((text, "") for text in texts):
        yield _section({"type": "plain_text", "text": words, "emoji": False}, words)


def _filled(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Lines joined, as many as a section holds; the second of each pair goes with the first."""
    text = words = ""
    for line, said in lines:
        if text and max(units(text) + units(line), units(words) + units(said)) >= SECTION:
            yield text, words
            text = words = ""
        text, words = (f"{text}\n{line}", f"{words}\n{said}") if text else (line, said)
    if text:
        yield text, words


def _section(text: Block, words: str) -> Piece:
    # expand: causes and fix steps must not hide behind "see more"
    return Piece({"type": "section", "text": text, "expand": True}, words)


def _plain(line: Line) -> str:
    return "".join(_words(kind, text) for kind, text in line)


def _words(kind: Kind, text: str) -> str:
    """A phone that shows the text alone names people too."""
    if kind == "person":
        return _live(kind, text)
    if kind == "own":
        return ""
    return f"{_moment(text):%Y-%m-%d %H:%M} UTC" if kind == "time" else escaped(text)


def _mrkdwn(line: Line) -> str:
    return "".join(
        f"*{escaped(text)}*" if kind == "bold" else _live(kind, text) if kind in _LIVE else escaped(text) for kind, text in line
    )


def _live(kind: Kind, text: str) -> str:
    """Slack's control sequences (docs.slack.dev/messaging/formatting-message-text); a time in each reader's own zone."""
    if kind == "person":
        return f"<!subteam^{text}>" if text.startswith("S") else f"<@{text}>"
    if kind in ("time", "own"):
        moment = _moment(text)
        here = f"<!date^{moment.timestamp():.0f}^{{date_short_pretty}} {{time}}|{moment:%Y-%m-%d %H:%M} UTC>"
        return here if kind == "time" else f" ({here})"
    return f"<{escaped(text)}|{escaped(urlsplit(text).hostname or text)}>"


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def pages(head: Sequence[Piece], body: Sequence[Piece]) -> list[Message]:
    """Head and body in as many messages as Slack's limits ask for; each begins with the head and says which it is."""
    top = sum(map(weight, head)) + 20
    parted: list[list[Piece]] = [[]]
    held = top
    for piece in body:
        full = len(head) + len(parted[-1]) >= BLOCKS - 1 or held + weight(piece) > TOTAL
        if full and parted[-1]:
            parted.append([])
            held = top
        parted[-1].append(piece)
        held += weight(piece)
    if len(parted) == 1:
        return [message([*head, *parted[0]])]
    return [message([*head, *context(f"{number} of {len(parted)}"), *page]) for number, page in enumerate(parted, 1)]


def message(pieces: Sequence[Piece]) -> Message:
    """The text is the blocks' own words, so that both carry the verdict."""
    return Message(shortened("\n".join(piece.words for piece in pieces if piece.words)), tuple(piece.block for piece in pieces))


def shortened(escaped_text: str, most: int = TEXT) -> str:
    """It ends at a line that still fits, so never within an entity."""
    text = ""
    for words in escaped_text.split("\n"):
        if text and units(text) + units(words) > most:
            return text + "\n…"
        text = f"{text}\n{words}" if text else words
    return text


def weight(piece: Piece) -> int:
    """What it adds to the total that Slack counts."""
    return sum(units(words) for words in _texts(piece.block))


def _texts(value: Any) -> Iterator[str]:
    """Every text of a block, those of its buttons included."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "text" and isinstance(inner, str):
                yield inner
            else:
                yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
