"""A catalogue entry and the evidence of a run → ranked causes, and fixes for those who can act. Pure."""

from collections.abc import Mapping, Sequence
from typing import Literal

from diagnostics.catalogue import CauseEntry, Entry, FixEntry
from diagnostics.findings import Finding
from diagnostics.model import Cause, Fix, Likelihood

Audience = Literal["everyone", "on-premises", "partner"]

_RANKS: tuple[Likelihood, ...] = ("confirmed", "likely", "possible", "ruled-out")


def rank(entry: Entry, findings: Sequence[Finding], words: Mapping[str, str], audience: Audience) -> tuple[Cause, ...]:
    """Best first; within a rank the catalogue's order. Without evidence a cause is possible, never more (contract 3)."""
    found = [_cause(row, findings, words) for row in entry.causes if _concerns(row, audience)]
    return tuple(sorted(found, key=lambda cause: _RANKS.index(cause.likelihood)))


def fixes(entry: Entry, words: Mapping[str, str], audience: Audience) -> tuple[Fix, ...]:
    """For a partner's connector the partner acts, on our asking; else our own steps, and the partner as an afterthought."""
    ask = Fix(
        id="contact-partner",
        text=f"Contact the partner and send the text for the partner: {entry.partner.format_map(words)}.",
        owner="partner",
        url=entry.page,
    )
    if audience == "partner" and entry.partner:
        return (ask,)
    ours = tuple(
        Fix(id=f.id, text=f.text.format_map(words), owner=f.owner, url=f.url) for f in entry.fixes if _concerns(f, audience)
    )
    if audience == "everyone" and entry.partner:
        return (*ours, ask.model_copy(update={"text": f"If the server is a partner's, {ask.text[0].lower()}{ask.text[1:]}"}))
    return ours


def _concerns(row: CauseEntry | FixEntry, audience: Audience) -> bool:
    return row.audience == "everyone" or audience in ("everyone", row.audience)


def _cause(row: CauseEntry, findings: Sequence[Finding], words: Mapping[str, str]) -> Cause:
    ranks: tuple[tuple[Likelihood, tuple[str, ...]], ...] = (
        ("confirmed", row.confirmed_by),
        ("ruled-out", row.ruled_out_by),
        ("likely", row.likely_by),
    )
    text = row.text.format_map(words)
    for likelihood, tags in ranks:
        evidence = tuple(dict.fromkeys(f.evidence for f in findings if f.tag in tags and f.evidence))
        if evidence:
            return Cause(id=row.id, text=text, likelihood=likelihood, evidence=evidence[:5])
    return Cause(id=row.id, text=text, likelihood="possible")
