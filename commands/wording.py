"""Diagnosis → Reply: the words of an answer, in the order in which a person needs them. Pure."""

from collections.abc import Sequence
from dataclasses import replace

from commands.reply import Action, Found, Item, Reply, Section, Severity
from diagnostics.findings import Reason
from diagnostics.model import STEPS, Cause, Certificate, Diagnosis, Fix, FixNow, Path, Result, Verdict

_SEVERITY: dict[str, Severity] = {"healthy": "good", "degraded": "mixed", "failing": "bad", "unknown": "unknown"}
_VERDICT = {"healthy": "Healthy", "degraded": "Degraded", "failing": "Failing", "unknown": "Could not tell"}
_COUNTED = {"failing": "failing", "degraded": "degraded", "unknown": "not checked", "healthy": "healthy"}
_NOT_FOUND, _OFF = "Not found", "Switched off"
_MISSING = frozenset({Reason.DNS_NXDOMAIN, Reason.DOMAIN_NXDOMAIN})
_OWNER = {"you": "you", "network": "network team", "dns-host": "DNS host", "partner": "partner", "microsoft": "Microsoft"}
_MARK = {"ok": "✓", "failed": "✗", "warning": "!", "skipped": "·"}
_WAITS = "Mail queues at Microsoft 365 and bounces after 24 hours."  # its default; Set-TransportConfig -MessageExpiration
RECENT = 10.0
"""Seconds: a typed check takes nothing older, and what is older says its age."""

PARTS = 10
"""Bad targets that get an answer of their own; the rest stands in one table."""


def check(diagnosis: Diagnosis, *, as_json: bool) -> Reply:
    """The answer of `check`: one target whole, or several as one line each with the bad ones in parts."""
    results = diagnosis.results
    code = exit_code(results)
    if len(results) == 1:
        return replace(result(results[0]), document=diagnosis, as_json=as_json, exit_code=code)
    if not results:
        said = "No connector is switched on, so there is nothing to check: name a target to check it all the same."
        return Reply(said, "unknown", document=diagnosis, as_json=as_json, exit_code=3)
    groups = _groups(results)
    bad = [r for group in groups.values() for r in group]
    good = [r.target for r in results if r.verdict == "healthy"]
    sections = [Section("By cause", tuple(_group(*entry) for entry in groups.items()), "bullets")] if len(bad) > 1 else []
    if len(bad) > PARTS:
        sections.append(Section("More that are not healthy", tuple(_table(bad[PARTS:])), "code"))
    if good:
        sections.append(Section("Healthy", (Item(", ".join(good)),)))
    return Reply(
        _headline(results),
        _worst(results),
        tuple(sections),
        parts=tuple(result(r) for r in bad[:PARTS]),
        document=diagnosis,
        as_json=as_json,
        exit_code=code,
        verdict=_worst_verdict(results),
        results=tuple(map(found, results)),
    )


def _groups(results: Sequence[Result]) -> dict[tuple[str, str], list[Result]]:
    """What is not healthy, by its cause and by who has to act, in the order in which they first come."""
    groups: dict[tuple[str, str], list[Result]] = {}
    for r in results:
        if r.verdict != "healthy":
            groups.setdefault((_what(r), _OWNER[r.fixes[0].owner] if r.fixes else ""), []).append(r)
    return groups


def _group(key: tuple[str, str], group: Sequence[Result]) -> Item:
    what, owner = key
    return Item(f"{what}: {', '.join(r.target for r in group)}", tag=owner)


def _table(results: Sequence[Result]) -> list[Item]:
    wide = min(40, max(len(r.target) for r in results))
    return [Item(f"{r.target:<{wide}}  {r.verdict:<8}  {r.code or '-':<11}  {r.reason or '-'}") for r in results]


def exit_code(results: Sequence[Result]) -> int:
    """Contract 1: 1 failing or degraded, 3 something could not be told, 0 all healthy."""
    verdicts = {r.verdict for r in results}
    if verdicts & {"failing", "degraded"}:
        return 1
    return 3 if "unknown" in verdicts else 0


def result(r: Result, *, reported: bool = False) -> Reply:
    """One target: verdict, meaning, causes with evidence, steps with owners, the path, the certificate, warnings.

    `reported`: Microsoft 365 names it in a report, so nobody has mistyped it.
    """
    if r.reason is Reason.CONNECTOR_DISABLED:
        return _switched_off(r)
    seen_before = (Item(f"Seen {ago(r.age)}. For a fresh look: check --again {r.id}"),) if r.age >= 1 else ()
    meaning = " ".join(part for part in (r.meaning, _WAITS if (r.code or "").startswith("4") else "") if part)
    sections = [Section("", (Item(r.summary), *([Item(meaning)] if meaning else []), *seen_before))]
    sections += advice(r.causes, r.fixes, r.fix_now)
    if r.paths:
        sections.append(paths(r.paths))
    seen = next((p.certificate for p in r.paths if p.certificate and p.verdict == r.verdict), None)
    seen = seen or next((p.certificate for p in r.paths if p.certificate), None)
    if seen:
        sections.append(Section("Certificate", tuple(Item(line) for line in certificate(seen)), "code"))
    if r.warnings:
        sections.append(Section("Also seen", tuple(Item(w.text) for w in r.warnings), "bullets"))
    severity = "unknown" if _is_missing(r) and not reported else _SEVERITY[r.verdict]
    return Reply(
        _line(r, reported=reported), severity, tuple(sections), actions=actions(r), verdict=r.verdict, results=(found(r),)
    )


def found(r: Result) -> Found:
    """The result in short, with its connector where that is not what was asked for."""
    name = r.connector.name if r.connector and r.connector.name != r.target else ""
    return Found(f"{r.target}{f' ({name})' if name else ''}", r.verdict, _what(r))


def ago(seconds: float) -> str:
    """An age as people say it."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _switched_off(r: Result) -> Reply:
    """Two lines: it is off, and since when by whom and why, or how to turn it on."""
    off = r.switched_off
    if off is None:
        more = Item(r.fixes[0].text, url=r.fixes[0].url) if r.fixes else Item("")
    else:
        why = f" ({off.reason})" if off.reason else ""
        more = Item(f"Since {off.at:%Y-%m-%d %H:%M} UTC, by Fix now {off.fix}{why}. Asked for and approved by", people=off.people)
    said = (Section("", (Item(r.summary), *((more,) if more.text else ()))),)
    return Reply(_line(r), "unknown", said, actions=(Action("check-again", r.id),), verdict=r.verdict, results=(found(r),))


def advice(causes: Sequence[Cause], fixes: Sequence[Fix], fix_now: FixNow) -> list[Section]:
    """Causes with their evidence, best first, and numbered steps with the one who has to take them."""
    sections = []
    if causes:
        likely = tuple(Item(c.text, tag=c.likelihood.replace("-", " "), notes=c.evidence) for c in causes)
        sections.append(Section("Likely causes", likely, "bullets"))
    if fixes:
        sections.append(Section("What to do", tuple(Item(f.text, tag=_OWNER[f.owner], url=f.url) for f in fixes), "steps"))
    if fix_now.offered:
        sections.append(Section("Fix now", (Item(fix_now.why),)))
    return sections


def actions(r: Result) -> tuple[Action, ...]:
    """What can be done with a result: healthy ones need no watch, and no partner."""
    verbs = ["check-again", *(["fix-now"] if r.fix_now.offered else [])]
    if any(fix.id == "contact-partner" for fix in r.fixes) and r.verdict in ("failing", "degraded"):
        verbs.append("copy-for-partner")
    verbs += ["transcript", "json"]
    if r.verdict != "healthy":
        verbs.append("watch")
    return tuple(Action(verb, r.id) for verb in verbs)


def transcript(r: Result) -> list[str]:
    """Every path's conversation, `S:` the server, `C:` mailflow."""
    lines = []
    for path in r.paths:
        lines += [
            f"{_place(path)}",
            *(f"  {line}" for line in path.transcript),
            *(() if path.transcript else (f"  -- {_stopped(path)}",)),
        ]
    return lines


def certificate(facts: Certificate) -> list[str]:
    """The certificate as lines for a person."""
    more = f" and {facts.sans_total - len(facts.sans)} more" if facts.sans_total > len(facts.sans) else ""
    left = (
        f"{facts.days_left} days left"
        if facts.days_left >= 0
        else f"expired {-facts.days_left - 1} days ago"
        if facts.days_left < -1
        else "expired today"
    )
    return [
        f"subject   {facts.subject}",
        f"names     {', '.join(facts.sans) or '(none: no subject alternative name)'}{more}",
        *([f"wanted    {facts.wanted}"] if facts.wanted else []),
        f"issuer    {facts.issuer}",
        f"valid     {facts.not_before:%Y-%m-%d} to {facts.not_after:%Y-%m-%d} ({left})",
        f"key       {facts.key}, signed with {facts.signature}",
        f"SHA-1     {facts.sha1}",
        f"SHA-256   {facts.sha256}",
        f"chain     {' ← '.join(facts.chain)}",
    ]


def _what(r: Result) -> str:
    return f"{r.code} {r.title}" if r.code else r.title


def _line(r: Result, *, reported: bool = False) -> str:
    word = _VERDICT[r.verdict] if reported else _word(r)
    what = {_OFF: "", _NOT_FOUND: " — no such name in the DNS"}.get(word, f" — {_what(r)}")
    return f"{word}: {found(r).subject}{what}{f' (seen {ago(r.age)})' if r.age > RECENT else ''}"


def _word(r: Result) -> str:
    """The verdict in words."""
    if r.reason is Reason.CONNECTOR_DISABLED:
        return _OFF
    return _NOT_FOUND if _is_missing(r) else _VERDICT[r.verdict]


def _is_missing(r: Result) -> bool:
    """A name that no connector lists and that does not exist was most likely mistyped: that is no outage."""
    return r.connector is None and r.verdict == "failing" and r.reason in _MISSING


def _headline(results: Sequence[Result]) -> str:
    """Counts; or, where all that fails has one cause, that cause: it is the news."""
    kinds = [_kind(r) for r in results]
    bad = [r for r, kind in zip(results, kinds, strict=True) if kind in ("failing", "degraded")]
    if len(bad) > 1 and len({_what(r) for r in bad}) == 1:
        failing = " or ".join(kind for kind in ("failing", "degraded") if kind in kinds)
        return f"{len(bad)} of {len(results)} {failing}: {_what(bad[0])}"
    order = ("failing", "degraded", _NOT_FOUND.lower(), "not checked", _OFF.lower(), "healthy")
    return f"{len(results)} targets: " + ", ".join(f"{kinds.count(kind)} {kind}" for kind in order if kind in kinds)


def _kind(r: Result) -> str:
    word = _word(r)
    return word.lower() if word in (_NOT_FOUND, _OFF) else _COUNTED[r.verdict]


def _worst_verdict(results: Sequence[Result]) -> Verdict:
    order: tuple[Verdict, ...] = ("failing", "degraded", "unknown", "healthy")
    return next(verdict for verdict in order if any(r.verdict == verdict for r in results))


def _worst(results: Sequence[Result]) -> Severity:
    verdicts = {"unknown" if _is_missing(r) else r.verdict for r in results}
    if "failing" in verdicts:
        return "mixed" if "healthy" in verdicts else "bad"
    return "mixed" if "degraded" in verdicts else "unknown" if "unknown" in verdicts else "good"


def paths(tried: Sequence[Path], title: str = "Paths") -> Section:
    """One line an address, one mark a step."""
    wide = max((len(_place(p)) for p in tried), default=0)
    lines = (Item(f"{_place(p):<{wide}}  {_marks(p)}", notes=(_stopped(p),) if p.verdict != "healthy" else ()) for p in tried)
    return Section(title, tuple(lines), "code")


def _place(path: Path) -> str:
    return path.host if path.address in (None, path.host) else f"{path.host} {path.address}"


def _marks(path: Path) -> str:
    steps = {s.step: s.status for s in path.steps}
    return " ".join(f"{name} {_MARK[steps.get(name, 'skipped')]}" for name in STEPS)


def _stopped(path: Path) -> str:
    failed = next((s for s in path.steps if s.status == "failed"), None)
    return f"{failed.step}: {failed.detail}" if failed else str(path.reason or "")
