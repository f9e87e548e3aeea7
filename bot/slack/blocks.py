"""Reply → Block Kit and the text beside it. Pure; every limit of Slack and all escaping lives here.

Only section, context and divider are used: stable for years, drawn by every client (docs.slack.dev, Block Kit).
mrkdwn has an escape for `& < >` but none for `* _ ~ :` and the backtick: `*.contoso.com` would lose its star and
`fd00:100::1` turn into an emoji. So a text is mrkdwn only while nothing in it could be read as markup (`_MARKUP`), and
plain_text, which parses nothing, otherwise; evidence is always plain_text.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal
from urllib.parse import urlsplit

from commands.reply import Item, Progress, Reply, Section, Severity

Block = dict[str, Any]

_SECTION = 3000  # a text object
_CONTEXT = 2000  # a text in a context block
_BLOCKS = 48  # Slack takes 50
_TOTAL = 12_000  # Slack answers msg_blocks_too_long at about 13,200 characters over all blocks (bolt-js issue 2509)
_TEXT = 3500  # chat.update answers msg_too_long above 4,000
_HEADLINE = 1000  # it stands on every page of a long answer; a longer one is repeated whole below
_LINE = 200  # what was typed, repeated under the verdict
_OWN_REPLIES = 10  # parts that get a thread reply each; Slack takes about one message a second in a channel

_VERDICTS: dict[Severity, tuple[str, str]] = {
    "good": ("✅", "Healthy"),
    "mixed": ("⚠️", "Partly failing"),
    "bad": ("🔴", "Failing"),
    "unknown": ("❔", "Could not tell"),
    "info": ("", ""),
}
_VERDICT_WORDS = {"healthy", "failing", "degraded", "could"}
_LEFT_OUT = "Not all of it fits here. Ask again in a channel that I am a member of."

# C0 and C1 controls but tab and newline; marks, embeddings, overrides and isolates of direction; lone surrogates
_UNPRINTABLE = (
    dict.fromkeys((*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F))
    | dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)))
    | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")
)
_MARKUP = re.compile(r"[*_~`]|:[^\s:]+:|^\s*>", re.MULTILINE)
_ENTITIES = {"&": len("&amp;"), "<": len("&lt;"), ">": len("&gt;")}
_LINK = re.compile(r"https://[\x21-\x7e]{1,500}")
_USER = re.compile(r"[UW][A-Z0-9]{1,30}")

_Kind = Literal["plain", "bold", "link"]
_Line = tuple[tuple[_Kind, str], ...]


@dataclass(frozen=True, slots=True)
class Message:
    """What chat.postMessage, chat.update or a response_url takes. Phones and screen readers use `text` alone."""

    text: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """A block, and its words for the top-level text (escaped)."""

    block: Block
    words: str


# ---- messages


def working(line: str, progress: Progress | None = None) -> Message:
    """The parent while the work runs."""
    runs = f"⏳ Running: {_one_line(line)[:_LINE]} …"
    if progress is not None:
        of = f"of {progress.total}" if progress.total else "done"
        count = f"{progress.done} {of}" if progress.done or progress.total else ""
        runs = f"{runs} {': '.join(part for part in (count, _one_line(progress.text)[:_LINE]) if part)}"
    return _message(_paragraphs([(("plain", runs),)]))


def parent(reply: Reply, line: str, user: str) -> Message:
    """The parent at the end: the verdict, and who asked what. Sent by chat.update, so the name notifies nobody."""
    return _message([*_head(reply), _asked(line, user)])


def thread(reply: Reply) -> tuple[Message, ...]:
    """The replies below the parent: the answer's own sections, then its parts, a message each while they are few."""
    answers = [*([reply] if _body(reply) else []), *_parts(reply)]
    alone, together = answers[:_OWN_REPLIES], answers[_OWN_REPLIES:]
    messages = [message for answer in alone for message in _pages(_head(answer), _body(answer))]
    if together:
        messages += _pages(_head(reply), [piece for answer in together for piece in _with_head(answer)])
    return tuple(messages)


def private(reply: Reply, most: int, hint: str = "") -> tuple[Message, ...]:
    """The whole answer in at most `most` messages for the asker alone. What does not fit is said to be left out."""
    top = [*_head(reply), *(_context(hint) if hint else [])]
    parts = _parts(reply)
    whole = [*_body(reply), *(piece for part in parts for piece in _with_head(part))]
    pages = _pages(top, whole)
    if len(pages) > most:
        heads = [piece for part in parts for piece in _head(part)]
        pages = _pages(top, [*_context(_LEFT_OUT), *heads, *whole])[:most]
    return tuple(pages)


def sentence(text: str) -> Message:
    """One sentence, and nothing else."""
    return _message(_paragraphs([(("plain", _clean(text) or "…"),)])[:1])


# ---- a reply, piece by piece


def _head(reply: Reply) -> list[_Piece]:
    """The verdict, never as an emoji alone: with a word, unless the headline has its own."""
    mark, word = _VERDICTS[reply.severity]
    headline = _one_line(reply.headline)
    said = {token.strip(".-") for token in re.split(r"[^\w.-]+", headline.lower())}
    if word and not said & _VERDICT_WORDS:
        headline = f"{word}: {headline}" if headline else word
    lead: _Line = (("plain", mark + " "),) if mark else ()
    return _paragraphs([(*lead, ("bold", _cut(headline, _HEADLINE) or "…"))])


def _body(reply: Reply) -> list[_Piece]:
    if _wants_json(reply) and reply.document is not None:
        lines = reply.document.model_dump_json(indent=2, by_alias=True).splitlines()
        return _code(Section("", tuple(Item(line) for line in lines), "code"))
    headline = _one_line(reply.headline)
    pieces = [] if _cut(headline, _HEADLINE) == headline else _paragraphs([(("plain", headline),)])
    for section in reply.sections:
        if any(_clean(item.text) != headline or item.notes or item.tag for item in section.items):
            pieces += _code(section) if section.kind == "code" else _listed(section)
    return pieces


def _parts(reply: Reply) -> list[Reply]:
    """All of them, flat. The JSON document has them in it."""
    return [] if _wants_json(reply) else [answer for part in reply.parts for answer in (part, *_parts(part))]


def _with_head(reply: Reply) -> list[_Piece]:
    return [_Piece({"type": "divider"}, ""), *_head(reply), *_body(reply)]


def _wants_json(reply: Reply) -> bool:
    return reply.as_json and reply.document is not None


def _listed(section: Section) -> list[_Piece]:
    """Title and items in as few blocks as may be; notes stand small below their item."""
    pieces: list[_Piece] = []
    lines: list[_Line] = [(("bold", title),)] if (title := _one_line(section.title)) else []
    for number, item in enumerate(section.items, 1):
        lines.append(_line(item, {"bullets": "• ", "steps": f"{number}. "}.get(section.kind, "")))
        if any(map(_clean, item.notes)):
            pieces += _paragraphs(lines) + _context("\n".join(f"- {_clean(note)}" for note in item.notes))
            lines = []
    return pieces + _paragraphs(lines)


def _line(item: Item, lead: str) -> _Line:
    tag, text = _one_line(item.tag), _clean(item.text)
    runs: list[tuple[_Kind, str]] = [("plain", lead), ("bold", tag), ("plain", f": {text}" if tag else text)]
    if item.url is not None:
        linkable = _LINK.fullmatch(item.url) and not re.search(r"[<>|`\"]", item.url)
        runs += [("plain", " "), ("link", item.url) if linkable else ("plain", _clean(item.url))]
    return tuple(run for run in runs if run[1])


def _code(section: Section) -> list[_Piece]:
    """Lines as they are. Only three backticks mean anything within a fence: they are parted by a zero-width space."""
    pieces = _paragraphs([(("bold", title),)]) if (title := _one_line(section.title)) else []
    lines = [
        row
        for item in section.items
        for row in (" ".join(filter(None, (item.tag, item.text, item.url))), *(f"  {note}" for note in item.notes))
    ]
    raw = re.sub(r"`(?=``)|(?<=`)`(?=`)", "`\u200b", _clean("\n".join(lines), strip=False))
    for words in _split(raw, _SECTION - len("```\n\n```")):
        text: Block = {"type": "mrkdwn", "text": f"```\n{words}\n```", "verbatim": True}
        pieces.append(_Piece({"type": "section", "text": text}, words))
    return pieces


def _context(raw: str) -> list[_Piece]:
    """Small text that nothing is parsed in."""
    return [
        _Piece({"type": "context", "elements": [{"type": "plain_text", "text": words, "emoji": False}]}, words)
        for words in _split(_clean(raw), _CONTEXT)
    ]


def _asked(line: str, user: str) -> _Piece:
    typed = _escaped(_one_line(line)[:_LINE]) or "…"
    elements: list[Block] = [{"type": "plain_text", "text": f"asked: {typed}", "emoji": False}]
    if _USER.fullmatch(user):
        elements.insert(0, {"type": "mrkdwn", "text": f"<@{user}>", "verbatim": True})
    return _Piece({"type": "context", "elements": elements}, "")


# ---- text objects


def _paragraphs(lines: Sequence[_Line]) -> list[_Piece]:
    """Lines → section blocks, as many lines in one as it holds."""
    groups = groupby((line for line in lines if _plain(line).strip()), key=_is_inert)
    return [piece for inert, group in groups for piece in (_marked(group) if inert else _unmarked(group))]


def _is_inert(line: _Line) -> bool:
    """Whether nothing from outside would be read as markup, and one section holds it."""
    outside = "".join(text for kind, text in line if kind != "link")
    return not _MARKUP.search(outside) and max(_units(_mrkdwn(line)), _units(_plain(line))) <= _SECTION


def _marked(lines: Iterable[_Line]) -> Iterator[_Piece]:
    # verbatim: Slack must not make links of names that it was given as text
    for text, words in _filled((_mrkdwn(line), _plain(line)) for line in lines):
        yield _section({"type": "mrkdwn", "text": text, "verbatim": True}, words)


def _unmarked(lines: Iterable[_Line]) -> Iterator[_Piece]:
    """plain_text parses nothing, so a link has to stand in a block of its own."""
    texts: list[str] = []
    for line in lines:
        texts += _split("".join(text for kind, text in line if kind != "link").rstrip(), _SECTION)
        for link in (run for run in line if run[0] == "link"):
            yield from _plain_sections(texts)
            texts = []
            label: Block = {"type": "mrkdwn", "text": _mrkdwn((link,)), "verbatim": True}
            yield _Piece({"type": "context", "elements": [label]}, _plain((link,)))
    yield from _plain_sections(texts)


def _plain_sections(texts: Iterable[str]) -> Iterator[_Piece]:
    for words, _ in _filled((text, "") for text in texts):
        yield _section({"type": "plain_text", "text": words, "emoji": False}, words)


def _filled(lines: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Lines joined, as many as a section holds; the second of each pair goes with the first."""
    text = words = ""
    for line, said in lines:
        if text and max(_units(text) + _units(line), _units(words) + _units(said)) >= _SECTION:
            yield text, words
            text = words = ""
        text, words = (f"{text}\n{line}", f"{words}\n{said}") if text else (line, said)
    if text:
        yield text, words


def _section(text: Block, words: str) -> _Piece:
    # expand: causes and fix steps must not hide behind "see more"
    return _Piece({"type": "section", "text": text, "expand": True}, words)


def _plain(line: _Line) -> str:
    return _escaped("".join(text for _, text in line))


def _mrkdwn(line: _Line) -> str:
    forms = {"plain": "{0}", "bold": "*{0}*", "link": "<{0}|{1}>"}
    return "".join(
        forms[kind].format(_escaped(text), _escaped(urlsplit(text).hostname or text) if kind == "link" else "")
        for kind, text in line
    )


def _pages(head: Sequence[_Piece], body: Sequence[_Piece]) -> list[Message]:
    """Head and body in as many messages as Slack's limits ask for; each begins with the head and says which it is."""
    top = sum(map(_weight, head)) + 20
    pages: list[list[_Piece]] = [[]]
    held = top
    for piece in body:
        full = len(head) + len(pages[-1]) >= _BLOCKS - 1 or held + _weight(piece) > _TOTAL
        if full and pages[-1]:
            pages.append([])
            held = top
        pages[-1].append(piece)
        held += _weight(piece)
    if len(pages) == 1:
        return [_message([*head, *pages[0]])]
    return [_message([*head, *_context(f"{number} of {len(pages)}"), *page]) for number, page in enumerate(pages, 1)]


def _message(pieces: Sequence[_Piece]) -> Message:
    """The text is the blocks' own words, so that both carry the verdict; it ends at a line that still fits."""
    text = ""
    for words in "\n".join(piece.words for piece in pieces if piece.words).split("\n"):
        if text and _units(text) + _units(words) > _TEXT:
            text += "\n…"
            break
        text = f"{text}\n{words}" if text else words
    return Message(text, tuple(piece.block for piece in pieces))


def _weight(piece: _Piece) -> int:
    block = piece.block
    texts: Iterable[Block] = block.get("elements", ()) or ([block["text"]] if "text" in block else ())
    return sum(_units(text["text"]) for text in texts)


# ---- characters


def _clean(raw: str, *, strip: bool = True) -> str:
    """Without what a screen cannot show or what turns its direction; one kind of line end."""
    text = re.sub(r"\r\n?|[\u2028\u2029\x85]", "\n", raw).translate(_UNPRINTABLE)
    return text.strip() if strip else text


def _one_line(raw: str) -> str:
    return " ".join(_clean(raw).split())


def _escaped(text: str) -> str:
    """The three characters that Slack gives a meaning to; no others may be encoded."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _cut(raw: str, most: int) -> str:
    """Not escaped yet, but short enough to be at most `most` once it is."""
    if _units(_escaped(raw)) <= most:
        return raw
    return raw[: _reach(raw, 0, most - 1)] + "…"


def _units(text: str) -> int:
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


def _split(raw: str, most: int) -> list[str]:
    """Escaped pieces of at most `most`, parted at a line or a word where there is one, never within an entity."""
    pieces: list[str] = []
    start = 0
    while start < len(raw):
        end = _reach(raw, start, most)
        if end < len(raw):
            gaps = (raw.rfind(gap, (start + end) // 2, end) for gap in "\n ")
            end = next((gap + 1 for gap in gaps if gap >= 0), end)
        if (piece := _escaped(raw[start:end])).strip():
            pieces.append(piece.strip("\n"))
        start = end
    return pieces
