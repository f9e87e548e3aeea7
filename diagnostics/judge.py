"""One path's evidence under the connector's TLS policy → its verdict. Pure (contract 4, "TLS by the connector's TlsSettings")."""

from dataclasses import dataclass
from typing import Literal

from diagnostics.findings import CERTIFICATE, UNTESTED, Clue, Finding, Reason, Warn
from diagnostics.model import Evidence, Verdict
from diagnostics.target import Policy

Weight = Literal["fault", "warning", "unknown", "untested"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A path with its verdict; `reason` None when it would take the mail. `warnings` are findings that do not decide."""

    evidence: Evidence
    verdict: Verdict
    reason: Reason | None
    finding: Finding | None
    warnings: tuple[Finding, ...]

    @property
    def tested(self) -> bool:
        return self.reason not in UNTESTED

    @property
    def is_hidden(self) -> bool:
        """Whether the address is one that an inside DNS gives for a name that no connector lists (contract 4)."""
        is_literal = self.evidence.address == self.evidence.host
        return self.reason is Reason.ADDRESS_NOT_PUBLIC and not self.evidence.listed and not is_literal

    @property
    def where(self) -> str:
        """Host and address, for the person who asked."""
        evidence = self.evidence
        if evidence.address is None or evidence.address == evidence.host or self.is_hidden:
            return evidence.host
        return f"{evidence.host} [{evidence.address}]"

    @property
    def public_where(self) -> str:
        """The place without an address that only an inside DNS gives: this goes to a partner."""
        inside = any(f.tag is Warn.SPLIT_HORIZON for f in self.evidence.findings)
        return self.evidence.host if inside else self.where


def judge(evidence: Evidence, policy: Policy) -> Judged:
    """The first reason that counts under this policy decides; what does not count is a warning."""
    decisive: Finding | None = None
    decided: Weight = "warning"
    warnings = []
    off = _switched_off(policy)
    for finding in evidence.findings:
        if finding.tag in off:
            continue
        weight = weigh(finding, evidence, policy)
        if weight == "warning" or decisive is not None:
            warnings.append(finding)
        else:
            decisive, decided = finding, weight
    if decisive is None and policy.dane == "Mandatory":
        decisive, decided = Finding(Reason.DANE_NOT_CHECKED, {"how": "mandatory"}), "unknown"
        warnings.append(Finding(Warn.DANE_NOT_CHECKED, decisive.facts))
    if decisive is None or not isinstance(decisive.tag, Reason):
        return Judged(evidence, "healthy", None, None, tuple(warnings))
    verdict: Verdict = "failing" if decided == "fault" else "unknown"
    if verdict == "failing" and any(f.tag is Clue.ONE_NODE_OF_SEVERAL for f in evidence.findings):
        verdict = "degraded"  # another connection to the same address would have passed
    return Judged(evidence, verdict, decisive.tag, decisive, tuple(warnings))


def _switched_off(policy: Policy) -> tuple[Warn, ...]:
    """Warnings about policies that Exchange Online does not heed on this connector."""
    dane = (Warn.DANE_NOT_CHECKED,) if policy.dane == "None" else ()
    return (*dane, Warn.MTA_STS_NOT_CHECKED) if policy.mta_sts == "None" else dane


def weigh(finding: Finding, evidence: Evidence, policy: Policy) -> Weight:
    """How much one finding counts under a TLS policy."""
    reason = finding.tag
    if not isinstance(reason, Reason):
        return "warning"
    if reason in UNTESTED:
        return "untested"
    if reason is Reason.DANE_NOT_CHECKED:
        return "unknown"
    if reason in CERTIFICATE:
        if not policy.known:
            return "unknown"
        return "fault" if policy.tls in ("CertificateValidation", "DomainValidation") else "warning"
    if policy.tls is not None:
        return "fault"
    if reason is Reason.STARTTLS_MISSING:
        return "warning" if policy.known else "unknown"
    failed = {step.step for step in evidence.steps if step.status == "failed"}
    # offered and then failing: whether Exchange Online falls back to plain text is not documented
    return "unknown" if failed & {"starttls", "tls"} else "fault"
