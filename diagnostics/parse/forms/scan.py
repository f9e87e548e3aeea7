"""All statements of a text, in order: each form takes its characters, what is left is prose."""

from bisect import bisect_right
from collections.abc import Iterable
from itertools import islice

from diagnostics.parse.forms import dsn, error_string, free_text, help_text, message_trace, mta_log, ndr
from diagnostics.parse.forms.free_text import Span
from diagnostics.parse.forms.statement import Statement
from diagnostics.parse.tokens import reply_codes
from diagnostics.parse.tokens.times import moment

MAX_STATEMENTS = 4096
"""Of one form in one text. More is an attack, or a log that repeats itself."""

_INDENT = " \t*`|-"
MAX_BEFORE = 80
"""Characters of a line in which its time stands."""


def statements(text: str) -> list[Statement]:
    """Sorted by place; the cause that only a closing line's chain names stands behind that line."""
    traces, machine = list(message_trace.records(text)), list(dsn.records(text))
    lines = list(islice(ndr.openings(text), MAX_STATEMENTS))
    starts = sorted([*(record.start for record in (*traces, *machine)), *(line.start for line in lines)])
    told = [
        *(ndr.statement(text, line, _following(starts, line.body, len(text))) for line in lines),
        *map(message_trace.statement, traces[:MAX_STATEMENTS]),
        *map(dsn.statement, machine[:MAX_STATEMENTS]),
        *mta_log.statements(text),
    ]
    found = [statement for statement in told if statement]
    taken = _apart([*((record.start, record.end) for record in (*traces, *machine)), *((each.start, each.end) for each in found)])
    found += islice(free_text.statements(text, taken), MAX_STATEMENTS)
    found = help_text.without(text, sorted(found, key=lambda statement: statement.start))
    whole: list[Statement] = []
    named = {statement.code for statement in found}
    for statement, after in zip(found, [*found[1:], None], strict=False):
        whole.append(_timed(text, statement))
        if after is None or after.form != "attempt" or after.closes:
            whole += _cause(statement, named)
    return whole


def _following(starts: list[int], position: int, end: int) -> int:
    after = bisect_right(starts, position)
    return starts[after] if after < len(starts) else end


def _apart(spans: Iterable[Span]) -> list[Span]:
    apart: list[Span] = []
    for start, end in sorted(spans):
        if apart and start <= apart[-1][1]:
            apart[-1] = (apart[-1][0], max(end, apart[-1][1]))
        else:
            apart.append((start, end))
    return apart


def _timed(text: str, statement: Statement) -> Statement:
    """A line of a table or a log starts with its time, behind what a terminal or a list puts in front."""
    if statement.time or statement.form not in ("trace", "prose"):
        return statement
    line = text.rfind("\n", 0, statement.start) + 1
    before = text[line : min(statement.start, line + MAX_BEFORE)].lstrip(_INDENT)
    return statement._replace(time=moment(before[:40])) if before[:1].isdigit() else statement


def _cause(statement: Statement, named: set[reply_codes.Code]) -> list[Statement]:
    """`550 5.4.300 Message expired -> 451 4.4.397 … -> …`: the first link is the error, unless a line of its own tells it."""
    links = statement.core.links
    place = reply_codes.leading(links[0]) if links and statement.expired else None
    if place is None or place.code in named:
        return []
    words = error_string.tidy(links[0][place.end :])
    return [statement._replace(code=place.code, core=statement.core._replace(words=words), derived=True)]
