"""One reported error + catalogue → the entry that explains it, and its causes and fixes. Pure.

By reason where the text proves one; else by the code, with the causes of all its reasons; else, honestly, by what RFC 3463
says of the code's class and subject. A cause gets more than "possible" only by words of the text or by a check.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import TypeVar

from diagnostics import codes
from diagnostics.catalogue import Catalogue, CauseEntry, CodeEntry, Entry, FixEntry, Kind, Way, refusals
from diagnostics.causes import ranked
from diagnostics.findings import NO_FACTS, Clue, Finding, Reason, Tag
from diagnostics.model import Cause, Sender
from diagnostics.parse import Reported
from diagnostics.replies import clues

MAX_CAUSES, MAX_FIXES = 8, 6
"""Of a code with many reasons: more would hide the likeliest."""

_UNTRUSTED = (Reason.CERTIFICATE_UNTRUSTED, Reason.CERTIFICATE_INCOMPLETE_CHAIN)

_ALIKE = (
    frozenset({Reason.TCP_TIMEOUT, Reason.TCP_UNREACHABLE}),
    frozenset({Reason.SMTP_CLOSED, Reason.SMTP_TIMEOUT}),
    frozenset({Reason.CERTIFICATE_UNTRUSTED, Reason.CERTIFICATE_INCOMPLETE_CHAIN}),
    frozenset({Reason.DNS_NXDOMAIN, Reason.DOMAIN_NXDOMAIN}),
)
"""Reasons that Microsoft's words do not tell apart (`UntrustedRoot` is also what it calls a chain that is not whole)."""

_FAILED: Mapping[Reason, str] = {
    Reason.TCP_TIMEOUT: "connect",
    Reason.TCP_UNREACHABLE: "connect",
    Reason.TCP_REFUSED: "connect",
    Reason.SMTP_CLOSED: "dropped",
    Reason.SMTP_TIMEOUT: "dropped",
    Reason.SMTP_UNAVAILABLE: "reply",
    Reason.SMTP_REJECTED: "reply",
    Reason.SMTP_PROTOCOL: "dropped",
    Reason.DNS_NXDOMAIN: "dns",
    Reason.DOMAIN_NXDOMAIN: "dns",
    Reason.DNS_NO_RECORDS: "dns",
    Reason.DNS_NULL_MX: "dns",
    Reason.DNS_SERVER_FAILURE: "dns",
    Reason.DNS_DNSSEC_BOGUS: "dns",
    Reason.DNS_TIMEOUT: "dns",
    Reason.STARTTLS_MISSING: "starttls",
    Reason.STARTTLS_REJECTED: "starttls",
    Reason.TLS_VERSION: "tls",
    Reason.TLS_HANDSHAKE: "tls",
    Reason.CERTIFICATE_UNTRUSTED: "certificate",
    Reason.CERTIFICATE_INCOMPLETE_CHAIN: "certificate",
    Reason.CERTIFICATE_INVALID: "certificate",
    Reason.CERTIFICATE_WEAK: "certificate",
    Reason.CERTIFICATE_EXPIRED: "certificate",
    Reason.CERTIFICATE_NOT_YET_VALID: "certificate",
    Reason.CERTIFICATE_NAME_MISMATCH: "certificate",
}
"""What failed, as `elsewhere` of the catalogue tells it for other senders than Exchange Online."""

_Row = TypeVar("_Row", CauseEntry, FixEntry)


def entry(error: Reported, catalogue: Catalogue, apart: str | None = None) -> Entry:
    """What the catalogue says of an error, for the mail of whoever sent it, in the words of its code where that has any.

    `apart`: the kind of refusal that other words of the text name, for a code that says nothing and has none behind it.
    """
    said = words_of(error)
    row = _row(error, said)
    code = catalogue.codes[row.name] if row else None
    if error.reason is not None:
        if code is not None and row is not None and (row.wraps or row.waits):
            code = code.model_copy(update={"causes": (), "fixes": ()})  # they send to the words that prove the reason
        way = _way(error.reason, error.to_microsoft, catalogue)
        if error.sender != "other":
            return _by_reason(error.reason, error.sender, way, code, catalogue)
        return _on_the_way(error.reason, way, code, catalogue) if way else _by_status(error, catalogue)
    told = refusals.kind(said) or (apart if is_empty(error) else None)
    general = row is None or row.wraps or row.waits or row.plain
    if told and general and not (code and code.often):
        return _by_kind(catalogue.kinds[told], code, catalogue)
    if code is not None and not (error.sender == "other" and code.code):
        return _by_code(error, code, catalogue)
    return _by_status(error, catalogue)


def _row(error: Reported, said: str) -> codes.Row | None:
    """None too for a number of Microsoft's that a server of somebody else's uses in a sense of its own."""
    row = codes.row(error.enhanced, said)
    if row is not None and row.writer == "inbound" and error.server and not error.to_microsoft:
        return None
    if row is not None and row.name == "4.7.0" and not error.to_microsoft:
        return codes.named(codes.PRX)
    if row is not None and row.waits and error.state == "queued":
        return codes.named(codes.DELAYED)
    return row


def is_empty(error: Reported) -> bool:
    """Whether neither the code's detail nor any words say what failed."""
    return error.enhanced.endswith(".0") and not words_of(error).strip()


def words_of(error: Reported) -> str:
    """All that stands behind the code."""
    return "\n".join((error.text, error.message or "", *error.chain))


def findings(error: Reported) -> tuple[Finding, ...]:
    """What the text itself proves, each with the words that do."""
    if error.reason is None:
        return ()
    said = error.message or error.text
    hints = clues(said) if error.submessage.reply else ()
    proved = (Clue.ISSUER_NOT_SENT,) if error.reason in _UNTRUSTED else ()
    tags: tuple[Tag, ...] = (error.reason, *proved, Clue.REPORTED, *hints)
    found = [Finding(tag, {"how": "as-reported", "line": line(error)}) for tag in tags]
    if error.ip and ":" not in error.ip:
        found.append(Finding(Clue.FAILED_OVER_IPV4, {"address": error.ip}))
    return tuple(found)


def line(error: Reported) -> str:
    """Code and words of the text, as one line of at most 400 characters."""
    said = error.message or error.text
    return (f"{error.code} {error.text}".rstrip() + (f" ({said})" if said != error.text else ""))[:400]


def alike(reason: Reason, other: Reason) -> bool:
    """Whether the two are one fault, as far as Microsoft tells."""
    return reason is other or any({reason, other} <= group for group in _ALIKE)


def joined(told: Sequence[Cause], seen: Sequence[Cause]) -> tuple[Cause, ...]:
    """The causes of the same fault by the text and by a check; the check's word counts, and both have evidence."""
    by_id = {cause.id: cause for cause in told}
    return ranked(_with(cause, by_id.get(cause.id)) for cause in seen)


def _with(seen: Cause, told: Cause | None) -> Cause:
    if told is None or not told.evidence or seen.likelihood == "ruled-out":
        return seen
    likelihood = told.likelihood if seen.likelihood == "possible" else seen.likelihood
    return seen.model_copy(update={"likelihood": likelihood, "evidence": (*told.evidence, *seen.evidence)[:5]})


def _by_reason(reason: Reason, sender: Sender, way: Way | None, code: CodeEntry | None, catalogue: Catalogue) -> Entry:
    """What Exchange Online met. Where nothing says that it was Exchange Online, the sending server's own side comes first."""
    known = _untrusted(catalogue) if reason in _UNTRUSTED else catalogue[reason]
    if code is not None:
        known = _with_code(known, code)
    if sender == "exchange-online" or way is None:
        return known
    if code is None:
        known = known.model_copy(update={"title": way.title or known.title, "meaning": ""})
    fixes = [*way.fixes, *(fix for fix in known.fixes if fix.tenant and not fix.mends)]
    causes = _merged(way.causes, [known.causes])
    return known.model_copy(update={"causes": tuple(causes[:MAX_CAUSES]), "fixes": tuple(fixes[:MAX_FIXES])})


def _with_code(known: Entry, code: CodeEntry) -> Entry:
    """In the words of the code, with what it alone suggests behind what the reason proves."""
    said = known.model_copy(update={"title": code.title, "meaning": code.meaning})
    if code.often:  # its own causes stand for all its reasons, and this is one of them
        return said
    causes, fixes = _merged(known.causes, [code.causes]), _merged(known.fixes, [code.fixes])
    return said.model_copy(update={"causes": tuple(causes), "fixes": tuple(fixes)})


def _untrusted(catalogue: Catalogue) -> Entry:
    """`UntrustedRoot` is also what Microsoft calls a chain that is not whole (fix-error-code-450-4-4-317-untrusted-root)."""
    untrusted, incomplete = (catalogue[reason] for reason in _UNTRUSTED)
    both = {
        "summary": catalogue.explained.untrusted,
        "partner": incomplete.partner,
        "causes": tuple(_merged(incomplete.causes, [untrusted.causes])),
        "fixes": tuple(_merged(incomplete.fixes, [untrusted.fixes])),
    }
    return untrusted.model_copy(update=both)


def _on_the_way(reason: Reason, way: Way, code: CodeEntry | None, catalogue: Catalogue) -> Entry:
    """What a server other than Exchange Online met on its way."""
    on_the_way = Entry(
        code=None,
        title=way.title or catalogue[reason].title,
        meaning="",
        summary=way.summary,
        basis="inferred",
        page=catalogue.page,
        causes=way.causes,
        fixes=way.fixes,
    )
    return on_the_way if code is None else _with_code(on_the_way, code).model_copy(update={"meaning": "", "page": code.page})


def _way(reason: Reason, to_microsoft: bool, catalogue: Catalogue) -> Way | None:
    if reason not in _FAILED:
        return None
    both = catalogue.elsewhere[_FAILED[reason]]
    return both.to_microsoft if to_microsoft else both.to_others


def _by_kind(kind: Kind, code: CodeEntry | None, catalogue: Catalogue) -> Entry:
    """What the words say, whatever the number."""
    return Entry(
        code=None,
        title=kind.title,
        meaning=kind.meaning,
        summary="",
        basis="inferred",
        page=code.page if code else catalogue.page,
        causes=kind.causes,
        fixes=kind.fixes,
    )


def _by_code(error: Reported, code: CodeEntry, catalogue: Catalogue) -> Entry:
    """The code's own causes, then those of every reason that it stands for, one of each reason in turn."""
    entries = [catalogue[reason] for reason in catalogue.reasons(error.code)] if error.sender != "other" and code.code else []
    of_reasons = [[cause for cause in entry.causes if not cause.only_if_shown] for entry in entries]
    causes = _merged(code.causes, of_reasons)[:MAX_CAUSES]
    known = {cause.id for cause in causes}
    fixes = _merged(code.fixes, [_for_first_cause(entry) for entry in entries])
    kept = [fix for fix in fixes if not fix.mends or known & set(fix.mends)][:MAX_FIXES]
    return Entry(
        code=code.code,
        title=code.title,
        meaning=code.meaning,
        summary="",
        basis=code.basis,
        page=code.page,
        partner=code.partner or (catalogue.other.partner if entries else ""),
        causes=tuple(causes),
        fixes=tuple(kept),
    )


def _for_first_cause(entry: Entry) -> list[FixEntry]:
    """The fixes of a reason, those of its likeliest cause first."""
    return sorted(entry.fixes, key=lambda fix: bool(fix.mends) and entry.causes[0].id not in fix.mends)


def _by_status(error: Reported, catalogue: Catalogue) -> Entry:
    """RFC 3463 section 2: what is not known of subject or class counts as their most general one.

    A connector can be at fault only where Exchange Online sent, and only for the way there or the conversation (x.4, x.5).
    """
    class_, subject, _ = error.enhanced.split(".")
    about = catalogue.status.subjects.get(subject, catalogue.status.subjects["0"])
    succeeded = class_ == "2"
    connector = error.sender == "exchange-online" and subject in ("4", "5") and not succeeded
    other = catalogue.other
    fixes = (about.fix, *(other.fixes if connector else ()))
    return Entry(
        code=None,
        title=catalogue.summaries.say("success", NO_FACTS) if succeeded else about.title,
        meaning=f"{about.meaning} {_of_class(error, catalogue)}".rstrip(),
        summary="",
        basis=other.basis,
        page=other.page if connector else catalogue.page,
        partner=other.partner if connector else "",
        causes=other.causes if connector and (error.server or error.ip) else (),
        fixes=() if succeeded else fixes,
    )


def _of_class(error: Reported, catalogue: Catalogue) -> str:
    """What the class says, unless the text says otherwise of this mail."""
    class_ = error.enhanced[0]
    contradicted = (class_ == "4" and error.state in ("expired", "rejected")) or (class_ == "5" and error.state == "queued")
    return "" if contradicted else catalogue.status.classes.get(class_, "")


def _merged(first: Sequence[_Row], groups: Sequence[Sequence[_Row]]) -> list[_Row]:
    """What is first, then one of each group in turn; each id once."""
    found: dict[str, _Row] = {}
    for row in chain(first, _in_turn(groups)):
        found.setdefault(row.id, row)
    return list(found.values())


def _in_turn(groups: Iterable[Sequence[_Row]]) -> Iterator[_Row]:
    for rows in zip_longest(*groups):
        yield from (row for row in rows if row is not None)


def holds(summary: str, error: Reported) -> str:
    """The summary, unless it is about a host and no host is named."""
    return summary if error.server or error.ip or error.domain or "{" not in summary else ""


def words_for(error: Reported, connector: str, guid: str, nameless: str) -> Mapping[str, str]:
    """What the words in braces become. `nameless`: what a destination is called that no text names."""
    host = error.server or error.ip or error.domain or nameless
    where = f"{host} [{error.ip}]" if error.ip and error.ip != host else host
    server = error.server or error.ip or "<server>"
    return {"host": host, "server": server, "where": where, "domain": error.domain or host, "connector": connector, "guid": guid}
