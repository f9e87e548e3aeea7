"""Lines of a bounce: `6/19/2018 7:26:11 AM - Server at HOST (IP) returned '450 4.4.316 …'`. They are English in any language."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from diagnostics.parse.forms import error_string
from diagnostics.parse.forms.statement import Statement
from diagnostics.parse.tokens import reply_codes
from diagnostics.parse.tokens.times import before

_RETURNED = re.compile(
    r"[Ss]erver(?:\s{1,4}at\s{1,4}([^'\"`]{1,300}?))?\s{0,8}returned\s{0,4}:?\s{0,4}(['\"`]?)"
    r"(?=\s{0,2}#?[245][0-9]{2}[\s\-;:,'])"
)
_REMOTE = re.compile(r"[Rr]emote\s{1,16}\Z")
_WITH_ADDRESS = re.compile(r"(.{1,260}?)\s{0,4}\(([^()]{1,64})\)?", re.DOTALL)


class Opening(NamedTuple):
    """Where such a line begins, where its error string begins, and what stands between."""

    start: int
    body: int
    server: str
    ip: str
    quote: str
    remote: bool
    time: datetime | None


def openings(text: str) -> Iterator[Opening]:
    """Where these lines begin, their time included."""
    if "returned" not in text:
        return
    for match in _RETURNED.finditer(text):
        remote = _REMOTE.search(text, max(0, match.start() - 24), match.start())
        start = remote.start() if remote else match.start()
        window = text[max(0, start - 64) : start]
        at, time = before(window)
        named = _WITH_ADDRESS.fullmatch(match[1] or "")
        server, ip = named.groups() if named else (match[1] or "", "")
        yield Opening(start - len(window) + at, match.end(), server, ip, match[2], bool(remote), time)


def statement(text: str, opening: Opening, limit: int) -> Statement | None:
    """The line's error, which ends where its quote closes, else with the paragraph."""
    end = _closing(text, opening, min(limit, opening.body + error_string.MAX_CORE))
    said = text[opening.body : end]
    place = reply_codes.leading(said)
    if place is None or place.code.basic[0] == "2":
        return None
    return Statement(
        form="attempt",
        start=opening.start,
        end=end,
        code=place.code,
        core=error_string.parts(said[place.end :], place),
        server=opening.server,
        ip=opening.ip,
        by_prefix=not opening.remote,
        time=opening.time,
    )


def _closing(text: str, opening: Opening, limit: int) -> int:
    """A quote closes at the end of a word and opens before one; apostrophes stand inside."""
    depth = 1
    position = opening.body
    while opening.quote and (position := text.find(opening.quote, position, limit)) >= 0:
        in_front, behind = text[position - 1 : position], text[position + 1 : position + 2]
        if not (in_front.isalnum() and behind.isalnum()):
            depth += 1 if in_front in " (=:" and behind.isalnum() else -1
        if not depth:
            return position
        position += 1
    return error_string.next_line(text, opening.body, limit)
