"""Target + evidence + catalogue → Result: verdict, code, ranked causes, fixes with owners, warnings. Pure (contract 3)."""

from collections.abc import Sequence

from diagnostics import causes
from diagnostics.catalogue import Catalogue
from diagnostics.connectors.model import Connector, Inventory, Loss
from diagnostics.findings import CERTIFICATE, Clue, Finding, Reason, Warn
from diagnostics.fix.cmdlet import is_guid
from diagnostics.fix.offer import Seen, offer
from diagnostics.judge import Judged, from_this_vantage, judge, needs_control
from diagnostics.model import ConnectorRef, Path, Result, Step, Verdict, Warning
from diagnostics.probes.control import Control
from diagnostics.probes.run import Observed
from diagnostics.target import Target


def asks_control(seen: Observed) -> bool:
    """Whether this result must not be claimed before the control host was asked."""
    return needs_control(_judged(seen, None))


def classify(
    seen: Observed, control: Control | None, catalogue: Catalogue, id: str, inventory: Inventory, *, is_controlled: bool
) -> Result:
    """The result of one target. `control` None: the control host was not needed, or there is none (not `is_controlled`)."""
    target = seen.target
    paths = _judged(seen, control)
    tested = [p for p in paths if p.tested]
    gaps = _gaps(target)
    verdict = _as_far_as_known(_verdict(tested), target)
    bad = _first_bad(tested or paths, verdict)
    reason = bad.reason if bad else target.settled
    if reason is None and verdict == "unknown":
        reason = Reason.NOTHING_TO_CHECK
    findings = _clues(_beside(bad, paths, target)) + [f for p in paths for f in p.warnings] + gaps
    shown = tuple(_path(p, catalogue) for p in paths)
    warnings = _warnings(target, paths, findings, catalogue)
    common = {
        "id": id,
        "target": target.asked,
        "connector": _ref(target.connector),
        "warnings": warnings,
        "paths": shown,
        "age": round(seen.age, 1),
        "fix_now": offer(Seen(target, paths, verdict, reason, control, is_controlled), inventory),
    }
    if reason is None:
        return Result(
            **common,
            verdict=verdict,
            code=None,
            code_basis=None,
            reason=None,
            title="Mail can be delivered",
            summary=_healthy(target, tested, warnings),
        )
    entry = catalogue[reason]
    words = _words(target, bad)
    claimed = verdict in ("failing", "degraded")
    proof = [_shown(p, p.finding) for p in paths if p.finding and p.reason is reason] or [Finding(reason, target.why)]
    told = _incomplete(verdict, target, f"{entry.title}: {words['where']}." if bad else "")
    ranked = causes.rank(entry, [*proof, *findings], words, _audience(target))
    return Result(
        **common,
        verdict=verdict,
        code=entry.code if claimed else None,
        code_basis=entry.basis if claimed and entry.code else None,
        also_seen_as=entry.also_seen_as if claimed else (),
        reason=reason,
        title=entry.title if bad or not told else "The export is incomplete",
        summary=told or _summary(verdict, target, tested, entry.summary.format_map(words)),
        meaning="" if told else entry.meaning,
        causes=ranked,
        fixes=causes.fixes(entry, ranked, words, _audience(target)),
        partner_ask=entry.partner.format_map(words | {"where": _public_where(bad) if bad else target.asked}),
    )


def _judged(seen: Observed, control: Control | None) -> tuple[Judged, ...]:
    return from_this_vantage(tuple(judge(e, seen.target.policy) for e in seen.evidence), control)


def _gaps(target: Target) -> list[Finding]:
    """What is not known of the connector itself."""
    connector, found = target.connector, []
    if connector is None:
        return []
    if not target.policy.known:
        said = f"TlsSettings is {connector.TlsSettings[:64]!r}" if connector.TlsSettings else "the export has no TlsSettings"
        found.append(Finding(Warn.TLS_SETTINGS_UNKNOWN, said))
    if connector.lost:
        found.append(Finding(Warn.EXPORT_CUT, "; ".join(map(_loss, connector.lost[:3]))))
    return found


def _loss(loss: Loss) -> str:
    how = {"cut": "is", "more": "ends early:", "joined": "is one text:", "missing": "is missing"}[loss.kind]
    return f"{loss.field} {how} {loss.value!r}" if loss.value else f"{loss.field} {how}"


def _as_far_as_known(verdict: Verdict, target: Target) -> Verdict:
    """Without all hosts nothing is said of all of them; without TlsSettings nothing passes (contract 2)."""
    if target.connector and target.connector.lost_destinations and verdict in ("healthy", "failing"):
        return "unknown"
    return "unknown" if verdict == "healthy" and not target.policy.known else verdict


def _incomplete(verdict: Verdict, target: Target, seen: str) -> str:
    """The summary where the export is why nothing can be told, else "". `seen`: a sentence on a path that is not fine."""
    gaps = _gaps(target)
    lost = target.connector.lost_destinations if target.connector else ()
    if verdict != "unknown" or not gaps or (target.policy.known and not lost):
        return ""
    what = "; ".join(gap.evidence for gap in gaps)
    so = "its hosts are not all known" if lost else "what TLS it demands is not known"
    return f"{seen} {target.asked} cannot be judged from this export, because {so}: {what}. Export it anew.".strip()


def _verdict(tested: Sequence[Judged]) -> Verdict:
    """Contract 3. A path that could not be told beside healthy ones: nothing fails, but something is not known."""
    kinds = {p.verdict for p in tested}
    if not kinds or kinds == {"unknown"}:
        return "unknown"
    if kinds == {"healthy"}:
        return "healthy"
    if kinds == {"failing"}:
        return "failing"
    return "degraded" if {"failing", "healthy"} <= kinds else "unknown"


def _first_bad(paths: Sequence[Judged], verdict: Verdict) -> Judged | None:
    """Whose code and reason the result has: where a failure is claimed, the first path that fails."""
    wanted = ("failing",) if verdict in ("failing", "degraded") else ("failing", "unknown")
    return next((p for p in paths if p.verdict in wanted), None)


def _path(judged: Judged, catalogue: Catalogue) -> Path:
    evidence = judged.evidence
    code = catalogue[judged.reason].code if judged.reason and judged.verdict == "failing" else None
    hidden = _is_hidden(judged)
    return Path(
        host=evidence.host,
        destination=evidence.destination,
        address=None if hidden else evidence.address,
        preference=evidence.preference,
        verdict=judged.verdict,
        code=code,
        reason=judged.reason,
        steps=tuple(_step(step, judged, hidden=hidden) for step in evidence.steps),
        certificate=evidence.certificate,
        transcript=evidence.transcript,
        findings=evidence.findings,
    )


def _step(step: Step, judged: Judged, *, hidden: bool) -> Step:
    if hidden and step.step == "dns":
        return step.model_copy(update={"detail": "not shown: no connector lists this name"})
    if step.status == "failed" and judged.verdict == "healthy":
        return step.model_copy(update={"status": "warning"})
    return step


def _beside(bad: Judged | None, paths: Sequence[Judged], target: Target) -> Sequence[Judged]:
    """The paths that could carry the same mail: those of one domain with MX delivery, else all."""
    if bad is None or all(d.delivery != "mx" for d in target.destinations):
        return paths
    return [p for p in paths if p.evidence.destination == bad.evidence.destination]


def _clues(paths: Sequence[Judged]) -> list[Finding]:
    """What the paths show only together."""
    tested = [p for p in paths if p.tested]
    good = [p for p in tested if p.verdict == "healthy"]
    bad = [p for p in tested if p.verdict == "failing"]
    if not bad:
        return []
    clues = []
    if _shows_no_ipv6(paths):
        clues.append(Finding(Clue.NO_IPV6_PUBLISHED, "no IPv6 address is published"))
    if not good:
        said = "it is the only path" if len(bad) == 1 else f"all {len(bad)} paths fail"
        return [*clues, Finding(Clue.EVERY_PATH_FAILS, said)]
    clues += [Finding(Clue.OTHER_PATHS_ANSWER, f"{len(good)} of {len(tested)} paths would take the mail: {_where(good[0])}")]
    bad_families, good_families = ({_family(p) for p in group} for group in (bad, good))
    if bad_families == {6} and good_families == {4}:
        clues.append(
            Finding(Clue.WHOLE_FAMILY_FAILS, f"every IPv6 address fails and every IPv4 address answers: {_where(bad[0])}")
        )
    return clues


def _shows_no_ipv6(paths: Sequence[Judged]) -> bool:
    """Every host was resolved, its AAAA look-up did not fail, and gave nothing; a literal publishes nothing at all."""
    looked_up = all(p.evidence.address not in (None, p.evidence.host) and _family(p) == 4 for p in paths)
    return looked_up and not any(f.tag is Warn.DNS_AAAA_BROKEN for p in paths for f in p.evidence.findings)


def _family(path: Judged) -> int:
    return 6 if ":" in (path.evidence.address or "") else 4


def _warnings(target: Target, paths: Sequence[Judged], findings: Sequence[Finding], catalogue: Catalogue) -> tuple[Warning, ...]:
    """One warning an id, with the first evidence for it."""
    found: dict[str, str] = {}
    untested = [p for p in paths if not p.tested]
    left_out = list(target.left_out)
    if untested and len(untested) < len(paths):
        left_out += [_where(p) for p in untested]
    if left_out:
        found[Warn.PATHS_NOT_TESTED] = ", ".join(left_out[:3])
    if target.connector and target.connector.TestMode:
        found[Warn.CONNECTOR_TEST_MODE] = target.connector.Name
    hidden = {f for p in paths if _is_hidden(p) for f in p.evidence.findings if f.tag is Warn.SPLIT_HORIZON}
    for finding in findings:
        if isinstance(finding.tag, Warn) or finding.tag in CERTIFICATE:
            found.setdefault(finding.tag, "" if finding in hidden else finding.evidence)
        elif finding.tag is Reason.STARTTLS_MISSING:
            found.setdefault(Warn.PLAIN_TEXT, finding.evidence)
    if differing := _differing(paths):
        found[Warn.CERTIFICATE_DIFFERS] = differing
    return tuple(Warning(id=key, text=catalogue.warnings[key] + (f": {said}" if said else ".")) for key, said in found.items())


def _differing(paths: Sequence[Judged]) -> str:
    """Words, if the addresses of one host present different certificates."""
    seen: dict[str, dict[str, Judged]] = {}
    for path in paths:
        if path.evidence.certificate:
            seen.setdefault(path.evidence.host, {}).setdefault(path.evidence.certificate.sha256, path)
    several = next((prints for prints in seen.values() if len(prints) > 1), {})
    return "; ".join(f"{_where(p)}: SHA-256 {key[:16]}…" for key, p in list(several.items())[:3])


def _healthy(target: Target, tested: Sequence[Judged], warnings: Sequence[Warning]) -> str:
    inside = " from inside" if any(w.id == Warn.PROBED_FROM_INSIDE for w in warnings) else ""
    plain = sum(any(f.tag is Reason.STARTTLS_MISSING for f in p.evidence.findings) for p in tested)
    how = "over TLS" if not plain else "in plain text" if plain == len(tested) else f"({plain} of them in plain text)"
    through = f" through {target.connector.Name}" if target.connector else ""
    count = "the path" if len(tested) == 1 else f"all {len(tested)} paths"
    return f"Mail can be delivered{through}: {count} would take it {how}, as seen{inside or ' from here'}."


def _summary(verdict: Verdict, target: Target, tested: Sequence[Judged], sentence: str) -> str:
    domains = {p.evidence.destination for p in tested} if any(d.delivery == "mx" for d in target.destinations) else set()
    failing = sorted(d for d in domains if all(p.verdict == "failing" for p in tested if p.evidence.destination == d))
    if verdict == "degraded" and failing:
        fine = f"{len(domains) - len(failing)} of {len(domains)} domains can be reached"
        return f"{sentence} Mail for {', '.join(failing)} fails; {fine}."
    if verdict == "degraded":
        good = sum(p.verdict == "healthy" for p in tested)
        return f"{sentence} The other {good} of {len(tested)} paths would take the mail, so it is late or fails at times."
    if verdict == "failing" and len(tested) > 1:
        return f"{sentence} None of {len(tested)} paths would take the mail."
    return sentence


def _words(target: Target, bad: Judged | None) -> dict[str, str]:
    host = bad.evidence.host if bad else target.asked
    where = _where(bad) if bad else target.asked
    connector = target.connector
    # only a Guid goes into a cmdlet that somebody will paste into a shell
    guid = connector.Guid if connector and is_guid(connector.Guid) else "<Guid of the connector>"
    return {"host": host, "where": where, "connector": connector.Name if connector else "(the connector)", "guid": guid}


def _is_hidden(path: Judged) -> bool:
    """Whether the address is one that an inside DNS gives for a name that no connector lists (contract 4)."""
    is_literal = path.evidence.address == path.evidence.host
    return path.reason is Reason.ADDRESS_NOT_PUBLIC and not path.evidence.listed and not is_literal


def _shown(path: Judged, finding: Finding) -> Finding:
    return Finding(finding.tag, f"{path.evidence.host} is at no public address") if _is_hidden(path) else finding


def _where(path: Judged) -> str:
    evidence = path.evidence
    if evidence.address is None or evidence.address == evidence.host or _is_hidden(path):
        return evidence.host
    return f"{evidence.host} [{evidence.address}]"


def _public_where(path: Judged) -> str:
    """The place without an address that only an inside DNS gives: this goes to a partner."""
    inside = any(f.tag is Warn.SPLIT_HORIZON for f in path.evidence.findings)
    return path.evidence.host if inside else _where(path)


def _audience(target: Target) -> causes.Audience:
    if target.connector is None:
        return "everyone"
    return "partner" if target.connector.is_partner else "on-premises"


def _ref(connector: Connector | None) -> ConnectorRef | None:
    return ConnectorRef(name=connector.Name, guid=connector.Guid) if connector else None
