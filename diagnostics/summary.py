"""A judged target → its sentences and warnings, by the templates of catalogue/en/summary.toml. Pure."""

from collections.abc import Sequence

from diagnostics.catalogue import Catalogue
from diagnostics.findings import CERTIFICATE, NO_FACTS, Finding, Reason, Warn
from diagnostics.fix.cmdlet import is_guid
from diagnostics.judge import Judged
from diagnostics.model import Verdict, Warning
from diagnostics.probes.choosing import MAX_DIALLED, MAX_OF_TARGET
from diagnostics.probes.run import Observed
from diagnostics.target import Target

NAMED = 3
"""Of what is left out or differs, so many are named."""


def healthy(target: Target, tested: Sequence[Judged], found: Sequence[Warning], catalogue: Catalogue) -> str:
    """How far mail gets, and from where that was seen."""
    say = catalogue.summaries.say
    inside = any(w.id == Warn.PROBED_FROM_INSIDE for w in found)
    plain = sum(any(f.tag is Reason.STARTTLS_MISSING for f in p.evidence.findings) for p in tested)
    how = "tls" if not plain else "plain" if plain == len(tested) else "mixed"
    facts = {"connector": target.connector.Name if target.connector else "", "count": str(len(tested)), "plain": str(plain)}
    parts = {
        "through": say("healthy-through", facts) if target.connector else "",
        "paths": say("healthy-paths", facts | {"how": "one" if len(tested) == 1 else "several"}),
        "over": say("healthy-over", facts | {"how": how}),
        "far": say("healthy-far", {"how": "plain" if plain == len(tested) else "tls"}),
        "from": say("healthy-from", {"how": "inside" if inside else "here"}),
    }
    return say("healthy", facts | parts)


def summary(verdict: Verdict, seen: Observed, tested: Sequence[Judged], sentence: str, catalogue: Catalogue) -> str:
    """The catalogue's sentence for the reason, and how much of the target it holds for."""
    say = catalogue.summaries.say
    target, unknown = seen.target, {each.destination for each in seen.left_out}
    facts = {"sentence": sentence, "count": str(len(tested)), "left": str(left_out(seen))}
    if verdict == "unknown" and unknown and all(p.verdict == "failing" for p in tested):
        return say("all-tried-fail", facts | {"how": "several" if len(tested) > 1 else "one"})
    domains = {p.evidence.destination for p in tested} if any(d.delivery == "mx" for d in target.destinations) else set()
    failing = sorted(d for d in domains - unknown if all(p.verdict == "failing" for p in tested if p.evidence.destination == d))
    if verdict == "degraded" and failing:
        fine = {"failing": ", ".join(failing), "good": str(len(domains) - len(failing)), "domains": str(len(domains))}
        return say("degraded", facts | fine | {"how": "domains"})
    if verdict == "degraded" and not any(p.verdict == "failing" for p in tested):
        return say("degraded", facts | {"how": "nodes"})
    if verdict == "degraded":
        return say("degraded", facts | {"how": "paths", "good": str(sum(p.verdict == "healthy" for p in tested))})
    if verdict == "failing" and len(tested) > 1:
        return say("failing", facts)
    return sentence


def words(target: Target, bad: Judged | None, catalogue: Catalogue) -> dict[str, str]:
    """What the words in braces of the catalogue's texts become."""
    say = catalogue.summaries.say
    connector = target.connector
    return {
        "host": bad.evidence.host if bad else target.asked,
        "domain": (bad.evidence.destination or bad.evidence.host) if bad else target.asked,
        "where": bad.where if bad else target.asked,
        "connector": connector.Name if connector else say("connector", NO_FACTS),
        # only a Guid goes into a cmdlet that somebody will paste into a shell
        "guid": connector.Guid if connector and is_guid(connector.Guid) else say("guid", NO_FACTS),
    }


def warnings(seen: Observed, paths: Sequence[Judged], findings: Sequence[Finding], catalogue: Catalogue) -> tuple[Warning, ...]:
    """One warning an id, with the first evidence for it."""
    found: dict[str, str] = {}
    target = seen.target
    if said := _not_tested(seen, paths, catalogue):
        found[Warn.PATHS_NOT_TESTED] = said
    if target.connector and target.connector.TestMode:
        found[Warn.CONNECTOR_TEST_MODE] = target.connector.Name
    hidden = [f for p in paths if p.is_hidden for f in p.evidence.findings if f.tag is Warn.SPLIT_HORIZON]
    for finding in findings:
        if isinstance(finding.tag, Warn) or finding.tag in CERTIFICATE:
            found.setdefault(finding.tag, "" if finding in hidden else catalogue.evidence(finding))
        elif finding.tag is Reason.STARTTLS_MISSING:
            found.setdefault(Warn.PLAIN_TEXT, catalogue.evidence(finding))
    if differing := _differing(paths):
        found[Warn.CERTIFICATE_DIFFERS] = differing
    return tuple(Warning(id=key, text=catalogue.warnings[key] + (f": {said}" if said else ".")) for key, said in found.items())


def gaps(target: Target) -> list[Finding]:
    """What is not known of the connector itself."""
    connector, found = target.connector, []
    if connector is None:
        return []
    if not target.policy.known:
        value = (connector.TlsSettings or "")[:64]
        found.append(Finding(Warn.TLS_SETTINGS_UNKNOWN, {"how": "value" if value else "missing", "value": value}))
    for loss in connector.lost[:NAMED]:
        facts = {"how": loss.kind if loss.value else f"{loss.kind}-nameless", "field": loss.field, "value": loss.value}
        found.append(Finding(Warn.EXPORT_CUT, facts))
    return found


def switched_off(target: Target) -> list[Finding]:
    """Which of DANE and MTA-STS Exchange Online does not heed on this connector."""
    modes = {"SmtpDaneMode": target.policy.dane, "MtaStsMode": target.policy.mta_sts}
    off = [name for name, mode in modes.items() if mode == "None"]
    if not off or target.settled:
        return []
    return [Finding(Warn.POLICY_SWITCHED_OFF, {"how": "both" if len(off) > 1 else "one", "field": off[0]})]


def incomplete(verdict: Verdict, target: Target, where: str, title: str, catalogue: Catalogue) -> str:
    """The summary where the export is why nothing can be told, else "". `where`: a path that is not fine; `title`: its reason."""
    found = gaps(target)
    lost = target.connector.lost_destinations if target.connector else ()
    if verdict != "unknown" or not found or (target.policy.known and not lost):
        return ""
    facts = {"target": target.asked, "what": "; ".join(map(catalogue.evidence, found)), "title": title, "where": where}
    said = catalogue.summaries.say("export-incomplete", facts | {"how": "hosts" if lost else "tls"})
    return f"{catalogue.summaries.say('export-path', facts)} {said}" if where else said


def left_out(seen: Observed) -> int:
    """How many addresses were not dialled, since there are more than are tried."""
    return sum(each.count for each in seen.left_out)


def _not_tested(seen: Observed, paths: Sequence[Judged], catalogue: Catalogue) -> str:
    untested = [p for p in paths if not p.tested]
    places = list(seen.target.left_out)
    if untested and len(untested) < len(paths):
        places += [p.where for p in untested]
    said = [", ".join(places[:NAMED])] if places else []
    if seen.left_out:
        count, names = left_out(seen), [name for each in seen.left_out for name in each.names][:NAMED]
        facts = {"names": ", ".join(names), "more": str(count - len(names)), "most": str(MAX_DIALLED), "all": str(MAX_OF_TARGET)}
        said.insert(0, catalogue.summaries.say("beyond", facts | {"how": "more" if count > len(names) else "named"}))
    return "; ".join(said)


def _differing(paths: Sequence[Judged]) -> str:
    """Empty unless the addresses of one host present different certificates."""
    seen: dict[str, dict[str, Judged]] = {}
    for path in paths:
        if path.evidence.certificate:
            seen.setdefault(path.evidence.host, {}).setdefault(path.evidence.certificate.sha256, path)
    several = next((prints for prints in seen.values() if len(prints) > 1), {})
    return "; ".join(f"{p.where}: SHA-256={key[:16]}…" for key, p in list(several.items())[:NAMED])
