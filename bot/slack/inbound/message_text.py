"""A message of Slack's → the text that people read in it (words, blocks, attachments, names of files), and its files. Pure.

Alerts come from bots, which say the same thing more than once: in `text` for telephones, in blocks or attachments for
screens. A line that an earlier place has is not taken again, or each error would be counted twice.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from bot.conversation.question import File

MOST = 256 * 1024
"""Characters; the parser reads no more bytes than that."""

_DEPTH = 12  # attachments hold blocks, and rich text lists hold lists
_PIECES = 5_000
_FILES = 20  # Slack takes 10 in one message
_FILE = re.compile(r"F[A-Z0-9]{1,30}")
_WITHOUT_WORDS = ("actions", "input", "image", "divider")
_PARAGRAPHS = ("rich_text_section", "rich_text_preformatted", "rich_text_quote")
_SHOWN = ("pretext", "author_name", "title", "text", "value", "fields", "elements", "rows", "blocks", "message_blocks", "message")
_MARKS = re.compile(r"[\s*_~`>•]+")

Plain = Callable[[str], str]


def text_of(message: Mapping[str, Any], plain: Plain) -> str:
    """At most `MOST` characters and one. `plain` takes back what Slack's markup makes of a text."""
    places = (
        _strings(message.get("text"), plain),
        _strings(message.get("blocks"), plain),
        _strings(message.get("attachments"), plain),
        _only(message.get("attachments"), "fallback", plain),
        _only(message.get("files"), "name", str),
    )
    seen: set[str] = set()
    kept: list[str] = []
    room = MOST
    for place in places:
        lines = [line for piece in islice(place, _PIECES) for line in piece[: MOST + 1].split("\n")]
        keys = [_MARKS.sub("", line) for line in lines]
        for line, key in zip(lines, keys, strict=True):
            if room >= 0 and (not key or key not in seen):
                kept.append(line)
                room -= len(line) + 1
        seen.update(keys)
    return "\n".join(kept)[: MOST + 1].strip()


def files_of(message: Mapping[str, Any]) -> tuple[File, ...]:
    """The files that hang on it, and those of messages that are shared in it."""
    shared = message.get("attachments")
    holders = [message, *(shared if isinstance(shared, list) else ())]
    lists = [holder.get("files") for holder in holders if isinstance(holder, Mapping)]
    nodes = (node for files in lists if isinstance(files, list) for node in files)
    found = (file_of(node) for node in nodes if isinstance(node, Mapping))
    return tuple({file.id: file for file in islice(found, _FILES) if _FILE.fullmatch(file.id)}.values())


def file_of(node: Mapping[str, Any]) -> File:
    """A file object of Slack's, whatever is missing in it."""
    given = (node.get(name) for name in ("id", "name", "mimetype", "filetype"))
    return File(*(value if isinstance(value, str) else "" for value in given))


def _strings(node: Any, plain: Plain, depth: int = _DEPTH) -> Iterator[str]:
    """Words in the order in which they are read."""
    if isinstance(node, str):
        yield plain(node)
    elif depth and isinstance(node, Sequence):
        for inner in node:
            yield from _strings(inner, plain, depth - 1)
    elif depth and isinstance(node, Mapping) and node.get("type") not in _WITHOUT_WORDS:
        if node.get("type") in _PARAGRAPHS:
            yield _paragraph(node.get("elements"))
        else:
            for name in _SHOWN:
                yield from _strings(node.get(name), plain, depth - 1)


def _paragraph(elements: Any) -> str:
    """Rich text is not escaped; a link shows its label, or else its address."""
    runs = [run for run in elements if isinstance(run, Mapping)] if isinstance(elements, list) else []
    words = (run.get("text") or run.get("url") for run in runs)
    return "".join(word for word in words if isinstance(word, str)).removesuffix("\n")


def _only(nodes: Any, name: str, plain: Plain) -> Iterator[str]:
    for node in nodes if isinstance(nodes, list) else ():
        if isinstance(node, Mapping) and isinstance(node.get(name), str):
            yield plain(node[name])
