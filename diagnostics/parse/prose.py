"""Codes outside of any known form: typed, in a sentence, in a log line. Each is an error of its own or part of the last one."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from diagnostics.parse import codes, core
from diagnostics.parse.codes import Place
from diagnostics.parse.statement import Statement

Span = tuple[int, int]

_LEADS_TO_IT = re.compile(r"(?:\b(?:responded|Frontend) with:?|->)\s{0,3}['\"]?\Z")
_FIELD_IN_LINE = re.compile(r"(?<!Expected)(?<!Presented) (?=[^\x00-@\[-\x7f][^\s:]{1,30}\s?:\s)")
_GOES_ON = re.compile(r"(?:->|-|-> {0,3}[45][0-9]{2} [45]\.[0-9]\.[0-9]{1,3})\s{0,8}\Z")
_LEADS_ON = ("->", "[", "(")
_FIELDS = ("[Message", "[LastAttempted")
MAX_LINES = 16
REACH = 1024
"""Characters behind a code within which another one can belong to it."""


def statements(text: str, taken: Sequence[Span]) -> Iterator[Statement]:
    """Errors at codes that no other form has taken. `taken`: spans in order, without overlap."""
    head: Place | None = None
    last = 0
    for place in _free(text, taken):
        if head is None or not _belongs(text, head, last, place):
            if head is not None:
                yield _statement(text, head, _limit(head, place.start, taken))
            head = place
        last = place.end
    if head is not None:
        yield _statement(text, head, _limit(head, len(text), taken))


def _free(text: str, taken: Sequence[Span]) -> Iterator[Place]:
    spans = iter(taken)
    span = next(spans, None)
    for place in codes.find(text):
        while span and span[1] <= place.start:
            span = next(spans, None)
        if not span or place.start < span[0]:
            yield place


def _belongs(text: str, head: Place, last: int, place: Place) -> bool:
    """Whether it stands inside the other's error string: behind an arrow, in brackets, as the next line of one reply."""
    if place.start - head.end > REACH or "\n\n" in text[last : place.start]:
        return False
    between = text[head.end : place.start]
    if between.count("[") > between.count("]") or between.count("(") > between.count(")"):
        return True
    return bool(_LEADS_TO_IT.search(between[-20:])) or (place.code == head.code and (head.continued or "\n" not in between))


def _limit(head: Place, following: int, taken: Sequence[Span]) -> int:
    after = bisect_left(taken, (head.end,))
    return min(following, taken[after][0] if after < len(taken) else following, head.end + core.MAX_CORE)


def _statement(text: str, head: Place, limit: int) -> Statement:
    """A field that follows in the same line is not its own."""
    said = _lines(text[head.end : core.next_line(text, head.end, limit)], head.code.basic)
    field = _FIELD_IN_LINE.search(said)
    if field and "[" not in said[: field.start()]:
        said = said[: field.start()]
    return Statement(form="prose", start=head.start, end=head.end + len(said), code=head.code, core=core.parts(said, head))


def _lines(said: str, basic: str) -> str:
    """The error string ends with its line, unless a bracket is open, an arrow leads on, or fields or the code come next."""
    whole, *more = said.split("\n", MAX_LINES)
    for line in more[: MAX_LINES - 1]:
        goes_on = _GOES_ON.search(whole) or whole.count("[") > whole.count("]")
        if not (goes_on or line.lstrip().startswith((*_LEADS_ON, basic)) or any(field in line for field in _FIELDS)):
            break
        whole += "\n" + line
    return whole
