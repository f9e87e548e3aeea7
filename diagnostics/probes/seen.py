"""What one connection to one address showed, whatever any connector wants of it: names and policies share it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from diagnostics.findings import CERTIFICATE, Finding, Reason
from diagnostics.model import StepName, Tried
from diagnostics.probes.tls import Handshake

VALIDATING = ("CertificateValidation", "DomainValidation")


@dataclass(frozen=True, slots=True)
class Look:
    """`sni`: the name asked for in the handshake. `findings`: up to the handshake; `after`: inside TLS, and oddities.

    `seconds`: how long it took; `ended`: when, in the loop's time. `shaken` None: it ended before the handshake, which then
    holds for every name at this address.
    """

    sni: str | None
    steps: Mapping[StepName, Tried] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    after: tuple[Finding, ...] = ()
    transcript: tuple[str | Finding, ...] = ()
    shaken: Handshake | None = None
    seconds: float = 0.0
    ended: float = 0.0

    @property
    def chain(self) -> tuple[bytes, ...]:
        return self.shaken.chain if self.shaken else ()

    @property
    def leaf(self) -> bytes:
        return self.chain[0] if self.chain else b""

    def shows(self, reason: Reason) -> bool:
        return any(f.tag is reason for f in (*self.findings, *self.after))

    def reaches(self, step: StepName) -> bool:
        """Whether it says something of `starttls`, `tls` or `certificate`: one that ends earlier says nothing of it."""
        if step == "starttls":
            return "starttls" in self.steps
        return bool(self.leaf) if step == "certificate" else self.shaken is not None

    def is_clear(self, certificate: tuple[Finding, ...], *, needs_tls: bool, validates: bool) -> bool:
        """Whether mail would pass: no fault that this policy minds. `certificate`: what the chain showed."""
        reasons = {f.tag for f in (*self.findings, *self.after, *certificate) if isinstance(f.tag, Reason)}
        minded = reasons if validates else reasons.difference(CERTIFICATE)
        return not (minded if needs_tls else minded - {Reason.STARTTLS_MISSING})
