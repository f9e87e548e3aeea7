"""Points in time as Exchange writes them. All are UTC; a date that could be read two ways is none."""

import re
from datetime import UTC, datetime, timedelta

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NOON = {"am": 0, "上午": 0, "午前": 0, "오전": 0, "pm": 12, "下午": 12, "午後": 12, "오후": 12}
_MONTH = r"(?P<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]{0,6}"
_CLOCK = r"(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2})(?::(?P<second>[0-9]{2}))?(?:\.[0-9]{1,9})?"
_HALF = r"(?P<half>[AaPp](?:[Mm]|\. ?[Mm]\.)|上午|下午|午前|午後|오전|오후)"
_ZONE = r"(?P<zone>Z|[+-][0-9]{2}:?[0-9]{2})"
_FORMS = (
    re.compile(
        r"(?P<year>[0-9]{4})[-/](?P<month>[0-9]{1,2})[-/](?P<day>[0-9]{1,2})"
        rf"(?:T|[ ,]{{1,2}}){_HALF}? ?{_CLOCK}(?: ?{_ZONE}| ?(?P<late>[AaPp](?:[Mm]\b|\. ?[Mm]\.)))?"
    ),
    re.compile(
        rf"(?P<a>[0-9]{{1,2}})(?P<mark>[-/.])(?P<b>[0-9]{{1,2}})[-/.](?P<year>[0-9]{{4}}),? {{1,2}}{_CLOCK}(?: ?{_HALF})?"
    ),
    re.compile(rf"(?P<day>[0-9]{{1,2}}) {_MONTH} (?P<year>[0-9]{{4}}) {_CLOCK}(?: {_ZONE})?"),
    re.compile(rf"{_MONTH} (?P<day>[0-9]{{1,2}}), (?P<year>[0-9]{{4}}),? {_CLOCK}(?: ?{_HALF})?"),
)
_EPOCH = re.compile(r"/Date\(([0-9]{12,13})\)")
"""Milliseconds since 1970, as ConvertTo-Json of PowerShell 5 writes a time."""

_DASH = re.compile(r" {0,3}-\s{1,3}\Z")
_LONGEST = 64


def moment(text: str) -> datetime | None:
    """The first time in the first characters of the text; None without one, or if it could be read two ways."""
    head = " ".join(text[: 2 * _LONGEST].split())[:_LONGEST]
    if epoch := _EPOCH.search(head):
        return datetime.fromtimestamp(int(epoch[1]) // 1000, UTC)
    found = next((match for form in _FORMS if (match := form.match(head))), None)
    if found is None:
        found = min((match for form in _FORMS if (match := form.search(head))), key=lambda match: match.start(), default=None)
    return _built(found.groupdict()) if found else None


def before(text: str) -> tuple[int, datetime | None]:
    """Where the time starts that ends the text, as `6/19/2018 7:26:11 AM - `, and that time. (len(text), None) without one."""
    tail = text[-_LONGEST:].replace("\n", " ").replace("\t", " ")
    if dash := _DASH.search(tail):
        for form in _FORMS:
            for match in form.finditer(tail[: dash.start()]):
                if match.end() == dash.start():
                    return len(text) - len(tail) + match.start(), _built(match.groupdict())
    return len(text), None


def _built(part: dict[str, str | None]) -> datetime | None:
    order = _month_and_day(part)
    half = (part.get("half") or part.get("late") or "").lower().replace(".", "").replace(" ", "")
    hour = int(part["hour"] or 0)
    if half:
        hour = hour % 12 + _NOON[half]
    if order is None:
        return None
    try:
        told = datetime(int(part["year"] or 0), *order, hour, int(part["minute"] or 0), int(part["second"] or 0), tzinfo=UTC)
        return told - _offset(part.get("zone"))
    except (ValueError, OverflowError):
        return None


def _month_and_day(part: dict[str, str | None]) -> tuple[int, int] | None:
    """Microsoft 365 writes the month first and AM or PM behind; a server on premises writes as its country does.

    Dots stand between day, month and year wherever they are written.
    """
    if "a" not in part:
        month = part["month"] or ""
        return int(month) if month.isdigit() else _MONTHS.index(month.lower()) + 1, int(part["day"] or 0)
    a, b = int(part["a"] or 0), int(part["b"] or 0)
    if a > 12 or part["mark"] == ".":
        return b, a
    return (a, b) if part.get("half") or b > 12 or a == b else None


def _offset(zone: str | None) -> timedelta:
    if not zone or zone == "Z":
        return timedelta()
    size = timedelta(hours=int(zone[1:3]), minutes=int(zone[-2:]))
    return size if zone[0] == "+" else -size
