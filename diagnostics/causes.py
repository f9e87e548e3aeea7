"""A catalogue entry and the evidence of a run → ranked causes, and fixes for those who can act. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from diagnostics.catalogue import Catalogue, CauseEntry, Entry, FixEntry
from diagnostics.findings import Finding
from diagnostics.model import Cause, Fix, Likelihood

Audience = Literal["everyone", "on-premises", "partner"]

_RANKS: tuple[Likelihood, ...] = ("confirmed", "likely", "possible", "ruled-out")


def rank(
    entry: Entry, findings: Sequence[Finding], words: Mapping[str, str], audience: Audience, catalogue: Catalogue
) -> tuple[Cause, ...]:
    """Best first; within a rank the catalogue's order. Without evidence a cause is possible, never more (contract 3)."""
    rows = [row for row in entry.causes if _concerns(row, audience)]
    found = [(row, _cause(row, findings, words, catalogue)) for row in rows]
    listed = (cause for row, cause in found if cause.evidence or not row.only_if_shown)
    return ranked(listed)


def ranked(found: Iterable[Cause]) -> tuple[Cause, ...]:
    """Best first; within a rank as they come."""
    return tuple(sorted(found, key=lambda cause: _RANKS.index(cause.likelihood)))


def fixes(
    entry: Entry, causes: Sequence[Cause], words: Mapping[str, str], audience: Audience, catalogue: Catalogue
) -> tuple[Fix, ...]:
    """Steps for the likeliest cause first; none for causes that are ruled out.

    For a partner's connector the partner acts on our asking, and we only where the connector itself may be wrong.
    """
    asked = {"ask": entry.partner.format_map(words)}
    ask = Fix(id="contact-partner", text=catalogue.summaries.say("ask-partner", asked), owner="partner", url=entry.page)
    ranks = {cause.id: _RANKS.index(cause.likelihood) for cause in causes}
    absent = {row.id for row in entry.causes if row.only_if_shown} - set(ranks)
    fitting = (f for f in entry.fixes if not f.mends or set(f.mends) - absent)
    wanted = [f for f in fitting if _concerns(f, audience) and _rank(f, ranks) < _RANKS.index("ruled-out")]
    wanted.sort(key=lambda f: _rank(f, ranks))
    if audience == "partner" and entry.partner:
        return (ask, *(_fix(f, words) for f in wanted if f.ours))
    steps = tuple(_fix(f, words) for f in wanted)
    if audience == "everyone" and entry.partner:
        return (*steps, ask.model_copy(update={"text": catalogue.summaries.say("ask-partner-if", asked)}))
    return steps


def _rank(fix: FixEntry, ranks: Mapping[str, int]) -> int:
    """The rank of the best cause that it mends; a step for no cause in particular stands with the likely ones."""
    return min((ranks[cause] for cause in fix.mends if cause in ranks), default=_RANKS.index("likely"))


def _fix(fix: FixEntry, words: Mapping[str, str]) -> Fix:
    return Fix(id=fix.id, text=fix.text.format_map(words), owner=fix.owner, url=fix.url)


def _concerns(row: CauseEntry | FixEntry, audience: Audience) -> bool:
    return row.audience == "everyone" or audience in ("everyone", row.audience)


def _cause(row: CauseEntry, findings: Sequence[Finding], words: Mapping[str, str], catalogue: Catalogue) -> Cause:
    seen = {finding.tag for finding in findings}
    ranks: tuple[tuple[Likelihood, tuple[str, ...]], ...] = (
        ("confirmed", row.confirmed_by),
        ("ruled-out", row.ruled_out_by),
        ("likely", row.likely_by if seen.isdisjoint(row.not_likely_by) else ()),
    )
    text = row.text.format_map(words)
    for likelihood, tags in ranks:
        lines = (catalogue.evidence(f) for f in findings if f.tag in tags)
        evidence = tuple(dict.fromkeys(line for line in lines if line))
        if evidence:
            return Cause(id=row.id, text=text, likelihood=likelihood, evidence=evidence[:5])
    return Cause(id=row.id, text=text, likelihood="possible")
