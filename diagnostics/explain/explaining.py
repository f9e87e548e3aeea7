"""Report + catalogue + what was checked from here → the document of contract 5. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from diagnostics import causes
from diagnostics.catalogue import Addition, Catalogue, Entry, FixEntry
from diagnostics.connectors.connector import Connector
from diagnostics.explain import advice, enforcement
from diagnostics.explain.clock import clock
from diagnostics.explain.document import ExplainedError, Explanation, Live
from diagnostics.findings import NO_FACTS, Clue, Finding
from diagnostics.fix.cmdlet import is_guid
from diagnostics.model import Cause, Fix, FixNow
from diagnostics.parse import ErrorReport, Reported
from diagnostics.parse.report import MAX_ERRORS, Note

Advice = tuple[tuple[Cause, ...], tuple[Fix, ...]]


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside an error of the text: the check of its destination, and the connector that lists that, if one does."""

    connector: Connector | None
    live: Live


def explain(report: ErrorReport, catalogue: Catalogue, now: datetime, beside: Mapping[int, Beside]) -> Explanation:
    """The document, with what was checked from here by the error's index."""
    told = [_explained(error, catalogue, now, beside.get(number), report) for number, error in enumerate(report.errors)]
    return Explanation(
        primary=report.primary, errors=tuple(told), alert=report.alert, notes=tuple(_left_out(n, catalogue) for n in report.notes)
    )


def _left_out(note: Note, catalogue: Catalogue) -> str:
    return catalogue.unread.say(note.what, {"count": str(note.number), "most": str(MAX_ERRORS)})


def _explained(
    error: Reported, catalogue: Catalogue, now: datetime, beside: Beside | None, report: ErrorReport
) -> ExplainedError:
    connector, live = (beside.connector, beside.live) if beside else (None, None)
    if connector is not None and error.sender == "unknown":
        error = error.model_copy(update={"sender": "exchange-online"})  # its destination is one of the tenant's own connectors
    say = catalogue.summaries.say
    guid = connector.Guid if connector and is_guid(connector.Guid) else say("guid", NO_FACTS)
    name = connector.Name if connector else error.connector or say("connector", NO_FACTS)
    words = advice.words_for(error, name, guid, say("destination", NO_FACTS))
    audience: causes.Audience = "everyone" if connector is None else "partner" if connector.is_partner else "on-premises"
    entry = _with_filter(_told_alone(advice.entry(error, catalogue, report.said_apart), live), live, catalogue)
    entry = _for_sender(entry, error, catalogue)
    ranked = causes.rank(entry, [*advice.findings(error), *_works(live)], words, audience, catalogue)
    steps = causes.fixes(entry, ranked, words, audience, catalogue)
    if live:
        ranked, steps = _joined(error, live, (ranked, steps), catalogue, words)
    if error.state in ("expired", "rejected"):
        steps = _and(steps, _fix(catalogue.explained.returned, words))
    return ExplainedError(
        **error.model_dump(exclude={"submessage", "last_retry", "arrival", "retry_until", "code_inferred"}),
        code_basis="inferred" if error.code_inferred else entry.basis,
        title=entry.title,
        summary=_as_reported(advice.holds(entry.reported or entry.summary, error), words, catalogue),
        meaning=f"{entry.meaning} {enforcement.told(error.enhanced, report.builds, catalogue)}".strip(),
        page=entry.page,
        clock=clock(error, now),
        live=live,
        causes=ranked,
        fixes=steps,
        fix_now=_fix_now(error, live, catalogue),
    )


def _fix_now(error: Reported, live: Live | None, catalogue: Catalogue) -> FixNow:
    """Never for mail of another sender: no connector of the tenant's carries it."""
    if live is not None and error.sender != "other":
        return live.result.fix_now
    why = "fix-now-other-sender" if error.sender == "other" else "fix-now-not-checked"
    return FixNow(offered=False, why=catalogue.summaries.say(why, NO_FACTS))


def _for_sender(entry: Entry, error: Reported, catalogue: Catalogue) -> Entry:
    """Without what does not hold for whoever was sending; where that is not known, steps in the tenant say what they presume."""

    def said(fix: FixEntry) -> FixEntry:
        if error.sender != "unknown" or not fix.tenant:
            return fix
        step = fix.text[:1].lower() + fix.text[1:]
        return fix.model_copy(update={"text": catalogue.summaries.say("if-microsoft-sent", {"step": step})})

    causes = tuple(cause for cause in entry.causes if error.sender in cause.senders)
    holding = (fix for fix in entry.fixes if error.sender in fix.senders and (not fix.states or error.state in fix.states))
    fixes = tuple(map(said, holding))
    return entry.model_copy(
        update={"causes": causes, "fixes": fixes, "partner": "" if error.sender == "other" else entry.partner}
    )


def _joined(error: Reported, live: Live, by_text: Advice, catalogue: Catalogue, words: Mapping[str, str]) -> Advice:
    """Causes and fixes once a check stands beside the report. A fault of another kind has its own in the result."""
    told, steps = by_text
    result = live.result
    if live.agreement == "same" and result.reason and (error.reason is None or advice.alike(error.reason, result.reason)):
        joined = advice.joined(told, result.causes)
        return joined, _needed(result.fixes, catalogue[result.reason], joined)
    added = {"mended": catalogue.explained.mended, "refused-for-microsoft": catalogue.explained.refused_for_microsoft}
    addition = added.get(live.agreement)
    if addition is None:
        return told, steps
    first = _fix(addition, words)
    return told, (first, *(step for step in steps if step.id != first.id))


def _needed(steps: tuple[Fix, ...], entry: Entry, joined: tuple[Cause, ...]) -> tuple[Fix, ...]:
    """The steps without those whose causes the report has ruled out."""
    out = {cause.id for cause in joined if cause.likelihood == "ruled-out"}
    idle = {fix.id for fix in entry.fixes if fix.mends and out.issuperset(fix.mends)}
    return tuple(step for step in steps if step.id not in idle)


def _told_alone(entry: Entry, live: Live | None) -> Entry:
    """Without what explains a check alone, unless one saw the same fault."""
    if live is not None and live.agreement == "same":
        return entry
    causes = tuple(cause for cause in entry.causes if Clue.REPORTED not in cause.ruled_out_by)
    known = {cause.id for cause in causes}
    fixes = tuple(fix for fix in entry.fixes if not fix.mends or known & set(fix.mends))
    return entry.model_copy(update={"causes": causes, "fixes": fixes})


def _with_filter(entry: Entry, live: Live | None, catalogue: Catalogue) -> Entry:
    """What works from here and not for Microsoft has a cause that the report alone does not suggest."""
    cause = catalogue.explained.refused_for_microsoft.cause
    if cause is None or live is None or live.agreement != "refused-for-microsoft":
        return entry
    return entry.model_copy(update={"causes": (cause, *entry.causes)})


def _works(live: Live | None) -> tuple[Finding, ...]:
    """The path that would take the mail now, if every one would."""
    if live is None or live.result.verdict != "healthy" or not live.result.paths:
        return ()
    path = live.result.paths[0]
    where = path.host if path.address in (None, path.host) else f"{path.host} [{path.address}]"
    return (Finding(Clue.WORKS_FROM_HERE, {"where": where}),)


def _fix(addition: Addition, words: Mapping[str, str]) -> Fix:
    row = addition.fix
    return Fix(id=row.id, text=row.text.format_map(words), owner=row.owner, url=row.url)


def _and(steps: tuple[Fix, ...], step: Fix) -> tuple[Fix, ...]:
    return steps if any(known.id == step.id for known in steps) else (*steps, step)


def _as_reported(summary: str, words: Mapping[str, str], catalogue: Catalogue) -> str:
    """The catalogue tells a fault as present, and from a text alone it is not known to be; what a check sees, the check tells."""
    said = summary if summary.startswith(("{", "Microsoft")) else summary[:1].lower() + summary[1:]
    return said and catalogue.summaries.say("as-reported", {"summary": said.format_map(words)})
