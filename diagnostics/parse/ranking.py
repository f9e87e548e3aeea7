"""Told errors → the report: repetitions in fewer words folded in, and the one that says why delivery failed in front."""

from collections.abc import Sequence

from diagnostics import codes
from diagnostics.findings import Unread
from diagnostics.parse.counting import Told, filled, key
from diagnostics.parse.report import MAX_ERRORS, ErrorReport, Note, Reported


def report(told: Sequence[Told], notes: Sequence[Note], domains: Sequence[str]) -> ErrorReport:
    """The report, errors in order of appearance."""
    _end_waiting(told)
    _share_arrival(told)
    errors = _folded(told)
    if len(errors) > MAX_ERRORS:
        notes = (*notes, Note(Unread.TOO_MANY_ERRORS, len(errors)))
        errors = errors[:MAX_ERRORS]
    return ErrorReport(
        errors=tuple(error.counted() for error in errors),
        primary=_primary(errors),
        recipient_domains=tuple(domains),
        notes=tuple(notes),
    )


def _end_waiting(told: Sequence[Told]) -> None:
    """What was tried before the same mail expired waits no more."""
    ends = [each for each in told if each.closing and each.error.state == "expired"]
    for each in told:
        if each.error.state == "queued" and not each.closing and any(_ends(end, each) for end in ends):
            each.error = each.error.model_copy(update={"state": "expired"})


def _ends(end: Told, attempt: Told) -> bool:
    """In a trace the end comes after the attempts, at the same destination; a delivery-status part names their family alone."""
    if end.form == "dsn":
        return attempt.form == "attempt" and attempt.error.family == end.error.family
    same = end.form == "trace" and not end.several and _where(end.error) == _where(attempt.error)
    return same and attempt.last is not None and attempt.last <= end.newest


def _share_arrival(told: Sequence[Told]) -> None:
    """The delivery-status part alone tells when the mail came; its attempts are of the same family."""
    arrivals = {each.error.family: each.error.arrival for each in told if each.error.arrival}
    for each in told:
        if not each.error.arrival and each.error.family in arrivals:
            each.error = each.error.model_copy(update={"arrival": arrivals[each.error.family]})


def _where(error: Reported) -> str:
    return error.server or error.ip or ""


def _folded(told: Sequence[Told]) -> list[Told]:
    """The delivery-status part and a mention in prose say again, with less, what another place says of the same code."""
    by_code: dict[str, list[Told]] = {}
    for each in told:
        by_code.setdefault(each.error.code, []).append(each)
    kept = []
    for each in told:
        richer = next((other for other in by_code[each.error.code] if _says_more(other, each)), None)
        if richer is None:
            kept.append(each)
            continue
        richer.error = filled(richer.error, each.error)
        if each.error.state == "expired" and richer.error.state == "queued":
            richer.error = richer.error.model_copy(update={"state": "expired"})
        if richer.last is None:
            richer.first, richer.last = each.first, each.last
    return kept


def _says_more(other: Told, told: Told) -> bool:
    mine, theirs = told.error, other.error
    if other is told or told.form not in ("dsn", "prose") or mine.server or mine.ip or mine.connector:
        return False
    if mine.domain not in (None, theirs.domain) or mine.reason not in (None, theirs.reason):
        return False
    return other.form in ("attempt", "trace") or key(theirs) != key(mine)


def _primary(errors: Sequence[Told]) -> int | None:
    """The newest cause; what a program of Exchange wrote counts more than a mention in prose."""
    causes = [told for told in errors if not told.closing]
    families = {told.error.family for told in causes}

    def explained(told: Told) -> bool:
        """Whether another error says what this closing line does not."""
        row = codes.row(told.error.enhanced, "")
        generic = row is not None and row.waits and bool(causes)
        return told.closing and (told.explained or generic or told.error.family in families)

    numbers = range(len(errors))
    candidates = [number for number in numbers if not explained(errors[number])] or numbers
    return max(candidates, key=lambda n: (errors[n].form != "prose", errors[n].newest, -n), default=None)
