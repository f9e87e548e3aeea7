"""Target + evidence + catalogue → Result: verdict, code, ranked causes, fixes with owners, warnings. Pure (contract 3)."""

from collections.abc import Sequence
from dataclasses import replace

from diagnostics import causes, summary
from diagnostics.catalogue import Catalogue
from diagnostics.connectors.connector import Connector, Inventory
from diagnostics.findings import NO_FACTS, Clue, Finding, Reason, Trace, Warn
from diagnostics.fix.offer import Seen, offer
from diagnostics.judge import Judged, judge
from diagnostics.model import ConnectorRef, Path, Result, Step, Tried, Verdict
from diagnostics.probes.run import Observed
from diagnostics.target import Target
from diagnostics.vantage import Doubt, Vantage, control_alone, doubt, from_this_vantage


def doubt_of(seen: Observed) -> Doubt:
    """What must be asked of the control host before this result is claimed."""
    found = doubt(tuple(judge(e, seen.target.policy) for e in seen.evidence))
    connector = seen.target.connector
    return found if connector and not connector.is_partner else replace(found, anew=False)


def classify(seen: Observed, vantage: Vantage, catalogue: Catalogue, id: str, inventory: Inventory) -> Result:
    """The result of one target, as seen from this machine."""
    target = seen.target
    paths = from_this_vantage(tuple(judge(e, target.policy) for e in seen.evidence), vantage)
    tested = [p for p in paths if p.tested]
    verdict = _as_far_as_known(_verdict(tested), seen)
    bad = _first_bad(tested or paths, verdict)
    reason = bad.reason if bad else target.settled
    if reason is None and verdict == "unknown":
        reason = Reason.NOTHING_TO_CHECK
    findings = _clues(_beside(bad, paths, target)) + [f for p in paths for f in p.warnings] + summary.gaps(target)
    findings += summary.switched_off(target)
    findings += control_alone(paths, vantage)
    shown = tuple(_path(p, catalogue) for p in paths)
    warnings = summary.warnings(seen, paths, findings, catalogue)
    common = {
        "id": id,
        "target": target.asked,
        "connector": _ref(target.connector),
        "warnings": warnings,
        "paths": shown,
        "age": round(seen.age, 1),
        "fix_now": offer(
            Seen(target, paths, verdict, reason, vantage.control, vantage.is_controlled), inventory, catalogue.fixing.say
        ),
    }
    if reason is None:
        return Result(
            **common,
            verdict=verdict,
            code=None,
            code_basis=None,
            reason=None,
            title=catalogue.summaries.say("healthy-title", NO_FACTS),
            summary=summary.healthy(target, tested, warnings, catalogue),
        )
    entry = catalogue[reason]
    words = summary.words(target, bad, catalogue)
    claimed = verdict in ("failing", "degraded")
    proof = [_shown(p, p.finding) for p in paths if p.finding and p.reason is reason] or [Finding(reason, target.facts)]
    ranked = causes.rank(entry, [*proof, *findings], words, _audience(target), catalogue)
    told = summary.incomplete(verdict, target, words["where"] if bad else "", entry.title, catalogue)
    return Result(
        **common,
        verdict=verdict,
        code=entry.code if claimed else None,
        code_basis=entry.basis if claimed and entry.code else None,
        also_seen_as=entry.also_seen_as if claimed else (),
        reason=reason,
        title=entry.title if bad or not told else catalogue.summaries.say("export-title", NO_FACTS),
        summary=told or summary.summary(verdict, seen, tested, entry.summary.format_map(words), catalogue),
        meaning="" if told else entry.seen or entry.meaning,
        causes=ranked,
        fixes=causes.fixes(entry, ranked, words, _audience(target), catalogue),
        partner_ask=entry.partner.format_map(words | {"where": bad.public_where if bad else target.asked}),
    )


def _as_far_as_known(verdict: Verdict, seen: Observed) -> Verdict:
    """Without all hosts and addresses nothing is said of all of them; without TlsSettings nothing passes (contract 2 and 3)."""
    target = seen.target
    if verdict == "failing" and seen.left_out:
        return "unknown"
    if target.connector and target.connector.lost_destinations and verdict in ("healthy", "failing"):
        return "unknown"
    return "unknown" if verdict == "healthy" and not target.policy.known else verdict


def _verdict(tested: Sequence[Judged]) -> Verdict:
    """Contract 3. A path that could not be told beside healthy ones: nothing fails, but something is not known."""
    kinds = {p.verdict for p in tested}
    if not kinds or kinds == {"unknown"}:
        return "unknown"
    if kinds == {"healthy"}:
        return "healthy"
    if kinds == {"failing"}:
        return "failing"
    return "degraded" if "degraded" in kinds or {"failing", "healthy"} <= kinds else "unknown"


def _first_bad(paths: Sequence[Judged], verdict: Verdict) -> Judged | None:
    """Whose code and reason the result has: where a failure is claimed, the first path that fails."""
    wanted = ("failing", "degraded") if verdict in ("failing", "degraded") else ("failing", "unknown")
    return next((p for p in paths if p.verdict in wanted), None)


def _path(judged: Judged, catalogue: Catalogue) -> Path:
    evidence = judged.evidence
    code = catalogue[judged.reason].code if judged.reason and judged.verdict in ("failing", "degraded") else None
    hidden = judged.is_hidden
    return Path(
        host=evidence.host,
        destination=evidence.destination,
        address=None if hidden else evidence.address,
        preference=evidence.preference,
        verdict=judged.verdict,
        code=code,
        reason=judged.reason,
        steps=tuple(_step(step, judged, catalogue, hidden=hidden) for step in evidence.steps),
        certificate=evidence.certificate,
        transcript=tuple(line if isinstance(line, str) else f"-- {catalogue.evidence(line)}" for line in evidence.transcript),
        findings=evidence.findings,
    )


def _step(tried: Tried, judged: Judged, catalogue: Catalogue, *, hidden: bool) -> Step:
    note = Finding(Trace.ADDRESS_HIDDEN) if hidden and tried.step == "dns" else tried.note
    status = "warning" if tried.status == "failed" and judged.verdict == "healthy" else tried.status
    detail = catalogue.evidence(note) if note else ""
    return Step(step=tried.step, status=status, seconds=tried.seconds, detail=detail)


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
        clues.append(Finding(Clue.NO_IPV6_PUBLISHED))
    if not good:
        return [*clues, Finding(Clue.EVERY_PATH_FAILS, {"how": "only-one" if len(bad) == 1 else "all", "count": str(len(bad))})]
    answers = {"good": str(len(good)), "count": str(len(tested)), "where": good[0].where}
    clues.append(Finding(Clue.OTHER_PATHS_ANSWER, answers))
    bad_families, good_families = ({_family(p) for p in group} for group in (bad, good))
    if bad_families == {6} and good_families == {4}:
        clues.append(Finding(Clue.WHOLE_FAMILY_FAILS, {"where": bad[0].where}))
    return clues


def _shows_no_ipv6(paths: Sequence[Judged]) -> bool:
    """Every host was resolved, its AAAA look-up did not fail, and gave nothing; a literal publishes nothing at all."""
    looked_up = all(p.evidence.address not in (None, p.evidence.host) and _family(p) == 4 for p in paths)
    return looked_up and not any(f.tag is Warn.DNS_AAAA_BROKEN for p in paths for f in p.evidence.findings)


def _family(path: Judged) -> int:
    return 6 if ":" in (path.evidence.address or "") else 4


def _shown(path: Judged, finding: Finding) -> Finding:
    return Finding(finding.tag, {"how": "hidden", "host": path.evidence.host}) if path.is_hidden else finding


def _audience(target: Target) -> causes.Audience:
    if target.connector is None:
        return "everyone"
    return "partner" if target.connector.is_partner else "on-premises"


def _ref(connector: Connector | None) -> ConnectorRef | None:
    return ConnectorRef(name=connector.Name, guid=connector.Guid) if connector else None
