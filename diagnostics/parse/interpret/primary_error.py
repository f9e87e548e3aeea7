"""Told errors → the report: repetitions in fewer words folded in, and the one that says why delivery failed in front."""

from collections.abc import Sequence

from diagnostics import codes
from diagnostics.findings import Unread
from diagnostics.parse.interpret.aggregate import Told, directed, filled, key
from diagnostics.parse.report import MAX_ERRORS, ErrorReport, Note, Reported


def report(told: Sequence[Told], notes: Sequence[Note], domains: Sequence[str]) -> ErrorReport:
    """The report, errors in order of appearance. Words stand for a code only where no part has one."""
    told = [each for each in told if not each.error.code_inferred] or told
    _end_waiting(told)
    _share_arrival(told)
    _share_sender(told)
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
    """What was tried before the same mail expired waits no more; nor does what was said of mail whose status is `failed`."""
    statuses = [each.error for each in told if each.form == "dsn" and not each.several]
    back = bool(statuses) and all(error.state == "expired" and error.code[0] == "4" for error in statuses)
    ends = [each for each in told if each.closing and each.error.state == "expired"]
    for each in told:
        ended = not each.closing and any(_ends(end, each) for end in ends)
        if each.error.state == "queued" and (ended or (back and each.form in ("attempt", "prose"))):
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


def _share_sender(told: Sequence[Told]) -> None:
    """Of one mail the parts have one sender, whichever of them names it."""
    proved = {each.error.sender for each in told if each.proved}
    if len(proved) != 1 or any(each.several for each in told):
        return
    sender = proved.pop()
    for each in told:
        if each.error.sender == "unknown":
            each.error = each.error.model_copy(update={"sender": sender})


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
        richer = richer or (_only_other(each, told) if _empty(each) else None)
        if richer is None:
            kept.append(each)
        else:
            _fold(each, richer)
    return kept


def _fold(each: Told, richer: Told) -> None:
    """What only the poorer one says: where the mail was to go, who sent it, what became of it, when."""
    sent = directed(richer.error, each.error, proved=richer.proved, other_proved=each.proved)
    place = {} if richer.error.server or richer.error.ip else {"server": each.error.server, "ip": each.error.ip}
    richer.error = filled(richer.error, each.error).model_copy(update=sent | place)
    richer.proved = richer.proved or each.proved
    if each.error.state == "expired" and richer.error.state == "queued":
        richer.error = richer.error.model_copy(update={"state": "expired"})
    if richer.last is None:
        richer.first, richer.last = each.first, each.last


def _says_more(other: Told, told: Told) -> bool:
    mine, theirs = told.error, other.error
    if other is told or told.form not in ("dsn", "prose") or mine.connector:
        return False
    if mine.domain not in (None, theirs.domain) or mine.reason not in (None, theirs.reason):
        return False
    if mine.server or mine.ip:
        # a bounce's own line often names no host, and Remote-MTA below it does
        return told.form == "dsn" and other.form == "attempt" and not (theirs.server or theirs.ip)
    return other.form in ("attempt", "trace") or key(theirs) != key(mine)


def _empty(told: Told) -> bool:
    """Whether it is a status that says no more than its class (RFC 3463 section 3.1)."""
    return told.error.enhanced.endswith(".0.0") and not told.error.text and not told.error.message


def _only_other(empty: Told, told: Sequence[Told]) -> Told | None:
    """The one error of its class, which an empty status repeats, unless it was another host's."""
    others = [
        each for each in told if each is not empty and each.error.enhanced[0] == empty.error.enhanced[0] and not _empty(each)
    ]
    if empty.form != "dsn" or len(others) != 1:
        return None
    names = {_where(empty.error), _where(others[0].error)} - {""}
    return others[0] if len(names) < 2 else None


def _primary(errors: Sequence[Told]) -> int | None:
    """The newest cause; what a program wrote counts more than a mention in prose, and words more than an empty status."""
    causes = [told for told in errors if not told.closing]
    families = {told.error.family for told in causes}

    def explained(told: Told) -> bool:
        """Whether another error says what this closing line does not."""
        row = codes.row(told.error.enhanced, "")
        generic = row is not None and row.waits and bool(causes)
        return told.closing and (told.explained or generic or told.error.family in families)

    numbers = range(len(errors))
    candidates = [number for number in numbers if not explained(errors[number])] or numbers
    return max(candidates, key=lambda n: (not _empty(errors[n]), errors[n].form != "prose", errors[n].newest, -n), default=None)
