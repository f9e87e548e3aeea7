"""Explanation → Reply: the words of an explanation, in the order in which a person needs them. Pure."""

from collections.abc import Sequence
from datetime import datetime

from commands import wording
from commands.reply import Action, Item, Reply, Section, Severity
from diagnostics import codes
from diagnostics.explain import Clock, ExplainedError, Explanation, Live

_STATE = {"queued": "Queued", "delivered": "Delivered", "expired": "Expired", "rejected": "Rejected", "unknown": "Reported"}
_SEVERITY: dict[str, Severity] = {
    "queued": "mixed",
    "delivered": "good",
    "expired": "bad",
    "rejected": "bad",
    "unknown": "unknown",
}
_AGREED = {
    "same": "the same from here",
    "refused-for-microsoft": "works from here, refused for Microsoft",
    "mended": "fixed since",
    "different": "another fault now",
    "not-told": "not seen from here",
}
NO_CODE = "This text names no error code of a mail server"
MISSING = (
    "A code has three numbers, such as 450 4.4.316 or 550 5.4.316. Give the line that holds it, better the whole bounce or the "
    "whole detail of the message trace: server, time and the words behind the code count as well."
)
ROWS = 20
"""Errors of one text that get a line; JSON has all of them."""


def reply(explanation: Explanation, *, as_json: bool) -> Reply:
    """The answer of `explain`: the primary error whole, the others in a line each."""
    notes = tuple(Item(note) for note in explanation.notes)
    if explanation.primary is None:
        missing = (Section("", (Item(MISSING), *notes)),)
        return Reply(
            NO_CODE,
            "unknown",
            missing,
            actions=(Action("explain-error", "text"),),
            document=explanation,
            as_json=as_json,
            exit_code=3,
            audience="asker",
        )
    error = explanation.errors[explanation.primary]
    said = [Item(text) for text in (error.summary, error.meaning) if text]
    sections = [
        Section("For the sender", (Item(_for_the_sender(error)),)),
        Section("For the admin", (*said, *notes)),
        *_from_here(error),
        *wording.advice(error.causes, error.fixes, error.fix_now),
        Section("When", tuple(Item(line) for line in _when(error, error.clock)), "bullets"),
        Section("As reported", tuple(Item(line) for line in _reported(error)), "code"),
        *_others(explanation),
    ]
    live = error.live
    # another fault has its words and its buttons in an answer of its own
    apart = live is not None and live.agreement == "different"
    return Reply(
        _line(error),
        _SEVERITY[error.state],
        tuple(section for section in sections if section.items),
        parts=(wording.result(live.result, reported=True),) if live and apart else (),
        actions=wording.actions(live.result) if live and not apart else (),
        document=explanation,
        as_json=as_json,
    )


def noted(notes: Sequence[str]) -> tuple[Section, ...]:
    """What is said beside a headline that is the answer."""
    return (Section("", tuple(map(Item, notes))),) if notes else ()


def alert(explanation: Explanation, checked: Reply | None = None, *, as_json: bool) -> Reply:
    """What is said of an alert that names no error; `checked`: the check of all connectors."""
    said = [Item("The alert says that mail is waiting, but names neither an error nor a server.")]
    if checked is None:
        said.append(Item("Run check without a target to check all connectors, or paste the error that a message trace shows."))
    return Reply(
        f"Microsoft's alert “{explanation.alert}”" + (f" — {checked.headline}" if checked else ""),
        checked.severity if checked else "unknown",
        (Section("", (*said, *map(Item, explanation.notes))), *(checked.sections if checked else ())),
        parts=checked.parts if checked else (),
        actions=checked.actions if checked else (Action("explain-error", "text"),),
        document=explanation,
        as_json=as_json,
        exit_code=3,
        audience="thread" if checked else "asker",
    )


def _line(error: ExplainedError) -> str:
    agreed = f" ({_AGREED[error.live.agreement]})" if error.live else ""
    place = _place(error)
    return f"{_STATE[error.state]}{f': {place}' if place else ''} — {error.code} {error.title}{agreed}"


def _place(error: ExplainedError) -> str:
    return error.server or error.ip or error.domain or error.connector or ""


def _from_here(error: ExplainedError) -> list[Section]:
    """How the check agrees, in a sentence, and its paths."""
    live = error.live
    if live is None:
        return []
    said = Section("Checked from here just now", (Item(_agreement(error, live)),))
    return [said] if live.agreement == "different" or not live.result.paths else [said, wording.paths(live.result.paths)]


def _agreement(error: ExplainedError, live: Live) -> str:
    seen = live.result.summary
    since = f" since {_moment(error.last or error.time)}" if error.last or error.time else " since"
    match live.agreement:
        case "same":
            return f"The same fault. {seen}"
        case "refused-for-microsoft":
            return (
                f"{seen} So the server, or a filter before it, seems to refuse the addresses of Microsoft 365 and not this "
                f"machine's. It may also have been fixed{since}: then queued mail is delivered automatically."
            )
        case "mended":
            doubt = "" if error.reason else " The report does not say what failed, so a filter by address may be left."
            return f"{seen} It seems to have been fixed{since}.{doubt}"
        case "different":
            return f"Another fault than the reported one: {live.result.title}. {seen}"
        case "not-told":
            return f"A check from here cannot tell whether that is so still. {seen}"


def _for_the_sender(error: ExplainedError) -> str:
    """What a help desk can read out: queued or returned, until when, and whether to send again."""
    if error.state == "rejected" and codes.is_submission(error.enhanced, error.text):
        return "Not sent: the device or application could not hand it over, and has to send it again once this is fixed."
    match error.state:
        case "queued":
            return f"{_waits(error)} Don't send it again."
        case "expired":
            return "Returned: it could not be delivered in time. Send it again once the cause is fixed."
        case "rejected":
            return "Returned: it was refused and isn't tried again. Send it again once the cause is fixed."
        case "delivered":
            return "Delivered: nothing has to be sent again."
        case "unknown":
            return "The text doesn't say what became of the message."


def _waits(error: ExplainedError) -> str:
    until = f" until {_moment(error.clock.expires)} at the latest" if error.clock.expires else ""
    if error.sender == "exchange-online":
        return f"Queued at Microsoft 365, not lost: it's tried again{until or ' for a day'}, then returned."
    where = "at the sending server" if error.sender == "other" else "so far"
    return f"Queued {where}, not lost: it's tried again{until or ' for some time'}, then returned."


def _when(error: ExplainedError, clock: Clock) -> list[str]:
    lines = [f"Last try: {_moment(clock.last_retry)}."] if clock.last_retry else []
    if error.state == "queued":
        return lines + (_waiting(clock) if error.sender == "exchange-online" else [])
    if clock.expires:
        lines.append(f"Given up: {_moment(clock.expires)}, a day after it arrived, unless the organization has set less.")
    return lines


def _waiting(clock: Clock) -> list[str]:
    lines = []
    if clock.next_retry:
        start, end = clock.next_retry
        lines.append(f"Next try: between {_moment(start)} and {_moment(end)}. Nothing can force it.")
    elif clock.expires:
        lines.append(f"Its day in the queue ended: {_moment(clock.expires)}. It was delivered, or went back to its sender.")
    else:
        lines.append("Exchange Online tries again every 15 to 60 minutes, for a day from its arrival. Nothing can force it.")
    if clock.next_retry and clock.expires:
        lines.append(f"Expires: {_moment(clock.expires)}, a day after it was first seen, unless the organization has set less.")
    lines.append("Queued mail is delivered automatically once this is fixed. Returned mail must be sent again.")
    return lines


def _reported(error: ExplainedError) -> list[str]:
    """The words of the text, which are data: whose they are cannot be told."""
    message = error.message if error.message not in (None, error.text) else None
    named = [
        ("server", error.server),
        ("address", error.ip),
        ("domain", error.domain),
        ("connector", error.connector),
        ("reported by", error.reported_by),
        ("message", message),
        ("times", _times(error)),
    ]
    lines = [f"{error.code} {error.text}".rstrip(), *(f"-> {link}" for link in error.chain)]
    return lines + [f"{name:<11} {value}" for name, value in named if value]


def _times(error: ExplainedError) -> str:
    if error.count > 1:
        span = f", {_moment(error.first)} to {_moment(error.last)}" if error.first and error.last else ""
        return f"{error.count}{span}"
    return _moment(error.time) if error.time else ""


def _others(explanation: Explanation) -> list[Section]:
    """A line each; where the text is a report of many mails, a table with the most frequent first."""
    errors = explanation.errors
    if any(error.count > 1 for error in errors) and len(errors) > 1:
        ranked = sorted(errors, key=lambda error: -error.count)
        return [Section("All errors of this text", tuple(map(Item, _table(ranked[:ROWS]))), "code"), *_more(errors)]
    rest = [error for number, error in enumerate(errors) if number != explanation.primary]
    return [Section("Also in this text", tuple(Item(_line(error)) for error in rest[:ROWS]), "bullets"), *_more(rest)]


def _more(errors: Sequence[ExplainedError]) -> list[Section]:
    left = len(errors) - ROWS
    return [Section("", (Item(f"And {left} more: --json lists them."),))] if left > 0 else []


def _table(errors: Sequence[ExplainedError]) -> list[str]:
    rows: list[tuple[str, ...]] = [("count", "code", "destination", "connector", "first", "last", "")]
    for error in errors:
        span = tuple(f"{moment:%Y-%m-%d %H:%M}" if moment else "-" for moment in (error.first, error.last))
        where = (error.server or error.ip or error.domain or "-")[:40]
        rows.append((str(error.count), error.code, where, (error.connector or "-")[:30], *span, error.title))
    wide = [max(len(row[column]) for row in rows) for column in range(6)]
    return ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, [*wide, 0], strict=True)).rstrip() for row in rows]


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "-"
