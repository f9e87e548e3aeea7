"""Reply → lines of (style, text). Pure: no colour is chosen and nothing is printed here.

Foreign text was made readable where it came in; what is left of control characters is taken out here once more, because a
terminal obeys them.
"""

import textwrap
from collections.abc import Iterator

from commands.reply import Item, Reply, Section
from diagnostics.text import replaced

WIDTH = 100

Line = tuple[str, str]
"""(style, text); styles: good mixed bad unknown info title tag plain evidence code."""


def lines(reply: Reply, width: int = WIDTH) -> Iterator[Line]:
    """The whole answer, top down: headline, sections, parts."""
    yield reply.severity, clean(reply.headline)
    for section in reply.sections:
        yield from _section(section, width)
    for part in reply.parts:
        yield "plain", ""
        yield from lines(part, width)


def clean(text: str) -> str:
    """One line without characters that move a cursor or turn the direction of writing."""
    return replaced(text.replace("\n", " "), "�")


def _section(section: Section, width: int) -> Iterator[Line]:
    if section.title:
        yield "plain", ""
        yield "title", clean(section.title)
    for number, item in enumerate(section.items, 1):
        if section.kind == "code":
            yield "code", "  " + clean(item.text)
        else:
            mark = {"bullets": "• ", "steps": f"{number}. ", "text": ""}[section.kind]
            yield from _paragraph(item, mark, width)
        for note in item.notes:
            yield "evidence", "     " + clean(note)


def _paragraph(item: Item, mark: str, width: int) -> Iterator[Line]:
    indent = "  " if mark else ""
    tag = f"[{item.tag}] " if item.tag else ""
    people = f" {', '.join(item.people)}" if item.people else ""
    text = textwrap.wrap(
        clean(tag + item.text + people),
        width,
        initial_indent=indent + mark,
        subsequent_indent=indent + " " * len(mark),
        break_long_words=False,
        break_on_hyphens=False,
    )
    for row in text or [""]:
        yield "plain", row
    if item.url:
        yield "evidence", "     " + clean(item.url)
