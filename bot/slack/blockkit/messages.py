"""Reply → messages: a Reply's own order of things, its verdict first, its buttons last. Pure."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from bot.slack.blockkit.blocks import (
    BLOCKS,
    TEXT,
    TOTAL,
    Block,
    Kind,
    Line,
    Message,
    Piece,
    code,
    context,
    message,
    pages,
    paragraphs,
    people,
    shortened,
    small,
)
from bot.slack.blockkit.buttons import row
from bot.slack.blockkit.characters import clean, cut, escaped, one_line, units
from bot.slack.conversation_ref import PERSON
from commands.reply import Document, Item, Progress, Reply, Section, Severity

_HEADLINE = 1000  # characters; it is on every page of a long answer; a longer one is repeated in full below
_LINE = 200  # what was typed, repeated under the verdict
_JSON_MESSAGES = 2  # a longer document is for a program, and a program asks in a terminal
_OWN_REPLIES = 10  # parts that get a thread reply each; Slack takes about one message a second in a channel

_MARKS: dict[Severity, str] = {"good": "✅ ", "mixed": "⚠️ ", "bad": "🔴 ", "unknown": "❔ ", "info": ""}
_LEFT_OUT = "Not all of it fits here. Ask again in a channel that I am a member of."

_LONG_JSON = (
    "The JSON document is {} KiB long, more than two messages hold, so it is not shown here. "
    "Ask for it in a terminal (mailflow … --json), or ask for less."
)

_UTC = re.compile(r"\b(20\d\d-\d\d-\d\d \d\d:\d\d) UTC\b", re.ASCII)
_LINK = re.compile(r"https://[\x21-\x7e]{1,500}")


# ---- messages


def working(line: str, progress: Progress | None = None) -> Message:
    """The parent while the work runs."""
    runs = f"⏳ Running: {one_line(line)[:_LINE]} …"
    if progress is not None:
        of = f"of {progress.total}" if progress.total else "done"
        count = f"{progress.done} {of}" if progress.done or progress.total else ""
        runs = f"{runs} {': '.join(part for part in (count, one_line(progress.text)[:_LINE]) if part)}"
    return message(paragraphs([(("plain", runs),)]))


def parent(reply: Reply, line: str, user: str) -> Message:
    """The parent at the end: the verdict, and who asked what."""
    return message([*_head(reply), _asked(line, user), *([] if _body(reply) else _buttons(reply))])


def thread(reply: Reply) -> tuple[Message, ...]:
    """The replies below the parent: the answer's own sections, then its parts, a message each while they are few."""
    return tuple(_answers([*([reply] if _body(reply) else []), *_parts(reply)], reply))


def inline(reply: Reply, line: str, user: str) -> tuple[Message, ...]:
    """An answer without a parent of its own, in somebody's thread or in a direct message: the first message says who asked.

    Without a `line` nobody did: it is the clock's.
    """
    asked = [_asked(line, user)] if line else []
    first = pages(_head(reply), [*_body(reply), *asked, *_buttons(reply)])
    return (*first, *_answers(_parts(reply), reply))


def private(reply: Reply, most: int, hint: str = "", *, buttons: bool = True) -> tuple[Message, ...]:
    """The whole answer in at most `most` messages for the asker alone. What does not fit is said to be left out."""
    top = [*_head(reply), *(context(hint) if hint else [])]
    parts = _parts(reply)
    whole = [*_body(reply), *(_buttons(reply, thread=False) if buttons else [])]
    for part in parts:
        whole += _with_head(part) + (_buttons(part, thread=False) if buttons else [])
    messages = pages(top, whole)
    if len(messages) > most:
        heads = [piece for part in parts for piece in _head(part)]
        messages = pages(top, [*context(_LEFT_OUT), *heads, *whole])[:most]
    return tuple(messages)


def sentence(text: str) -> Message:
    """One sentence, and nothing else."""
    return message(paragraphs([(("plain", clean(text) or "…"),)])[:1])


def whole(reply: Reply) -> list[Piece]:
    """Verdict and sections without parts and buttons, for a form."""
    return [*_head(reply), *_body(reply)]


def spent(text: str, given: Sequence[Mapping[str, Any]], words: str, user: str, at: datetime) -> Message:
    """A message of ours once its buttons were used: a line that says who did what, and when, replaces them."""
    who: Line = (("person", user),) if PERSON.fullmatch(user) else (("plain", "somebody"),)
    used = small((("plain", f"{words} by "), *who, ("plain", " at "), ("time", at.isoformat())))
    kept = [dict(block) for block in given if block.get("type") != "actions"][: BLOCKS - 1]
    return Message(f"{shortened(text, TEXT - units(used.words))}\n{used.words}", (*kept, used.block))


# ---- a reply, piece by piece


def _answers(answers: Sequence[Reply], whole: Reply) -> list[Message]:
    alone, together = answers[:_OWN_REPLIES], answers[_OWN_REPLIES:]
    messages = [page for answer in alone for page in pages(_head(answer), [*_body(answer), *_buttons(answer)])]
    if together:
        messages += pages(_head(whole), [piece for answer in together for piece in (*_with_head(answer), *_buttons(answer))])
    return messages


def _buttons(reply: Reply, *, thread: bool = True) -> list[Piece]:
    """What can be done with an answer; one that was asked for as JSON is a document and no more."""
    return [] if _wants_json(reply) else row(reply.actions, reply.headline, thread=thread)


def _head(reply: Reply) -> list[Piece]:
    """The verdict: a mark, and the headline, which has it in words."""
    mark = _MARKS[reply.severity]
    lead: Line = (("plain", mark),) if mark else ()
    return paragraphs([(*lead, ("bold", cut(one_line(reply.headline), _HEADLINE) or "…"))])


def _body(reply: Reply) -> list[Piece]:
    if _wants_json(reply) and reply.document is not None:
        return _json(reply, reply.document)
    headline = one_line(reply.headline)
    pieces = [] if cut(headline, _HEADLINE) == headline else paragraphs([(("plain", headline),)])
    for section in reply.sections:
        if any(clean(item.text) != headline or item.notes or item.tag or item.people for item in section.items):
            pieces += code(section) if section.kind == "code" else _listed(section)
    return pieces


def _json(reply: Reply, document: Document) -> list[Piece]:
    """The document, or where it is to be had: a long one would fill the thread with hundreds of messages."""
    text = document.model_dump_json(indent=2, by_alias=True)
    if len(text) <= _JSON_MESSAGES * TOTAL:  # nothing makes it shorter
        pieces = code(Section("", tuple(Item(line) for line in text.splitlines()), "code"))
        if len(pages(_head(reply), pieces)) <= _JSON_MESSAGES:
            return pieces
    return paragraphs([(("plain", _LONG_JSON.format(len(text) // 1024)),)])


def _parts(reply: Reply) -> list[Reply]:
    """All of them, flat. The JSON document has them in it."""
    return [] if _wants_json(reply) else [answer for part in reply.parts for answer in (part, *_parts(part))]


def _with_head(reply: Reply) -> list[Piece]:
    return [Piece({"type": "divider"}, ""), *_head(reply), *_body(reply)]


def _wants_json(reply: Reply) -> bool:
    return reply.as_json and reply.document is not None


def _listed(section: Section) -> list[Piece]:
    """Title and items in as few blocks as may be; notes stand small below their item."""
    pieces: list[Piece] = []
    lines: list[Line] = [(("bold", title),)] if (title := one_line(section.title)) else []
    for number, item in enumerate(section.items, 1):
        lines.append(_line(item, {"bullets": "• ", "steps": f"{number}. "}.get(section.kind, "")))
        if any(map(clean, item.notes)):
            pieces += paragraphs(lines) + context("\n".join(f"- {clean(note)}" for note in item.notes))
            lines = []
    return pieces + paragraphs(lines)


def _line(item: Item, lead: str) -> Line:
    tag, text = one_line(item.tag), clean(item.text)
    runs: list[tuple[Kind, str]] = [("plain", lead), ("bold", tag), *_timed(f": {text}" if tag else text)]
    if item.url is not None:
        linkable = _LINK.fullmatch(item.url) and not re.search(r"[<>|`\"]", item.url)
        runs += [("plain", " "), ("link", item.url) if linkable else ("plain", clean(item.url))]
    return tuple(run for run in (*runs, *people(item.people)) if run[1])


def _timed(text: str) -> Iterator[tuple[Kind, str]]:
    """Behind each time in UTC the same in each reader's own zone."""
    done = 0
    for found in _UTC.finditer(text):
        with suppress(ValueError):
            moment = datetime.fromisoformat(f"{found[1]}+00:00")
            yield "plain", text[done : found.end()]
            yield "own", moment.isoformat()
            done = found.end()
    yield "plain", text[done:]


def _asked(line: str, user: str) -> Piece:
    typed = escaped(one_line(line)[:_LINE]) or "…"
    elements: list[Block] = [{"type": "plain_text", "text": f"asked: {typed}", "emoji": False}]
    if PERSON.fullmatch(user):
        elements.insert(0, {"type": "mrkdwn", "text": f"<@{user}>", "verbatim": True})
    return Piece({"type": "context", "elements": elements}, "")
