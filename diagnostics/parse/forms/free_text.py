"""Codes outside of any known form: typed, in a sentence, in a log line. Each is an error of its own or part of the last one."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice

from diagnostics.parse.forms import error_string
from diagnostics.parse.forms.statement import Statement
from diagnostics.parse.tokens import reply_codes
from diagnostics.parse.tokens.reply_codes import Place

Span = tuple[int, int]

_LEADS_TO_IT = re.compile(r"(?:\b(?:responded|Frontend)\swith:?|->|<(?= {0,2}#))\s{0,3}['\"#]{0,2}\Z")
_FIELD_IN_LINE = re.compile(
    r"(?<!Expected)(?<!Presented)(?<!->) "
    rf"(?!Last\s?Attempted|(?:Root|Mismatch|Expired|Chain|Socket[A-Za-z]{{0,40}}):|{error_string.MESSAGE_FIELD})"
    r"(?=[^\x00-@\[-\x7f][^\s:]{1,30}\s?:\s)"
)
_GOES_ON = re.compile(r"(?:->|-|-> {0,3}[45][0-9]{2}(?: [45]\.[0-9]\.[0-9]{1,3})?)\s{0,8}\Z")
_WAITS = re.compile(r"(?:[,:]|\b(?:responded|Frontend) with|[45][0-9]{2} [45]\.[0-9]\.[0-9]{1,3})\s{0,8}\Z")
_TAKES_UP = re.compile(r"\s{0,40}(?:[a-z0-9<]|[A-Z][a-z]{1,20}[A-Z]|Attempted\b|Either\b|The\b|Socket\b|Winsock\b|Win32\b)")
"""Words that begin no sentence of anybody else: small letters, Exchange's own names, sentences of Exchange on premises."""

_QUOTES = re.compile(r"(?:with|with:|address:) {0,3}\"\w")
_LEADS_ON = ("->", "[", "(", "Message:")
_FIELDS = ("[Message", "LastAttempted")
FULL, LONGEST = 50, 120
"""Characters of a line that a program broke, with its next word: mails are 60 to 80 wide and quoted, terminals up to 120."""

_REPLY_NEXT = re.compile(r"\s{1,3}(?:smtp|SMTP);\s{0,3}[45][0-9]{2}[ -]")
"""`#5.5.0 smtp;550 5.7.1 …`: the status before the reply that it is about."""

MAX_LINES = 16
MAX_REPLIES = 4096
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
    found = {place.start: place for place in islice(reply_codes.replies(text), MAX_REPLIES)} | {
        p.start: p for p in reply_codes.find(text)
    }
    for _, place in sorted(found.items()):
        while span and span[1] <= place.start:
            span = next(spans, None)
        if (not span or place.start < span[0]) and not _REPLY_NEXT.match(text, place.end):
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
    return min(following, taken[after][0] if after < len(taken) else following, head.end + error_string.MAX_CORE)


def _statement(text: str, head: Place, limit: int) -> Statement:
    """A field that follows in the same line is not its own."""
    column = head.end - 1 - text.rfind("\n", max(0, head.end - LONGEST), head.end)
    said = _lines(text[head.end : error_string.next_line(text, head.end, limit)], head.code.basic, column)
    field = _FIELD_IN_LINE.search(said)
    if field and "[" not in said[: field.start()]:
        said = said[: field.start()]
    return Statement(
        form="prose", start=head.start, end=head.end + len(said), code=head.code, core=error_string.parts(said, head)
    )


def _lines(said: str, basic: str, column: int) -> str:
    """The error string ends with its line, unless that is broken, or fields or the code come next."""
    whole, *more = said.split("\n", MAX_LINES)
    for number, line in enumerate(more[: MAX_LINES - 1]):
        begins = line.lstrip().startswith((*_LEADS_ON, basic)) or any(field in line for field in _FIELDS)
        if not (begins or _GOES_ON.search(whole[-40:]) or _open(whole, more[number:]) or _broken(whole, line, column)):
            break
        whole += "\n" + line
    return whole


def _open(said: str, rest: Sequence[str]) -> bool:
    """Whether a bracket waits for its other half; of a round one or a quotation mark that half must be there."""
    if said.count("[") > said.count("]"):
        return True
    waits = [")"] * (said.count("(") > said.count(")")) + ['"'] * (said.count('"') % 2 == 1 and bool(_QUOTES.search(said)))
    return any(half in line for half in waits for line in rest)


def _broken(whole: str, following: str, column: int) -> bool:
    """Whether a line was broken because it was full, by its length and by what stands at its end or comes next."""
    last = whole.rpartition("\n")[2]
    length = len(last) if "\n" in whole else column + len(last)
    word = following.strip().partition(" ")[0]
    full = length < LONGEST and length + len(word) >= FULL
    return bool(word) and full and bool(_WAITS.search(last) or _TAKES_UP.match(following))
