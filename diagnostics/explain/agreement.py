"""Two vantage points: what Microsoft 365 reported, and what a check from here showed. Pure (contract 3 and 5)."""

from diagnostics.catalogue import Catalogue, family
from diagnostics.explain.advice import alike
from diagnostics.explain.document import Agreement
from diagnostics.findings import UNTESTED, Reason, Warn
from diagnostics.model import Result
from diagnostics.net import cert_names
from diagnostics.parse import Reported

BY_ADDRESS = frozenset(
    {
        Reason.TCP_TIMEOUT,
        Reason.TCP_UNREACHABLE,
        Reason.TCP_REFUSED,
        Reason.SMTP_CLOSED,
        Reason.SMTP_TIMEOUT,
        Reason.SMTP_UNAVAILABLE,
        Reason.SMTP_REJECTED,
    }
)
"""What a filter does to some addresses and not to others. Nobody's DNS or certificate fails for Microsoft alone."""


def agreement(error: Reported, live: Result, catalogue: Catalogue) -> Agreement:
    """How the report and the check agree."""
    if _same(error, live):
        return "same"
    if live.verdict == "unknown" or live.reason in UNTESTED:
        return "not-told"
    if live.verdict != "healthy":
        return "different"
    return _works_here(error, live, catalogue)


def _same(error: Reported, live: Result) -> bool:
    """Reasons agree with reasons, of any path; a code alone agrees with the codes of the result.

    What the connector's policy makes a warning here may be a fault for Microsoft: whoever asks may not know the connector.
    """
    if error.reason is None:
        return family(error.code) in {family(code) for code in (live.code, *live.also_seen_as) if code}
    warned: set[str] = {warning.id for warning in live.warnings}
    if error.reason in warned or (error.reason is Reason.STARTTLS_MISSING and Warn.PLAIN_TEXT in warned):
        return True
    if any(alike(error.reason, seen) for seen in (live.reason, *(path.reason for path in live.paths)) if seen):
        return True
    return error.reason is Reason.CERTIFICATE_NAME_MISMATCH and _other_name(error, live) is True


def _works_here(error: Reported, live: Result, catalogue: Catalogue) -> Agreement:
    if error.reason is None and not catalogue.reasons(error.code):
        return "not-told"  # recipients and content are refused after the handshake, and a check sends no mail
    if error.reason is Reason.CERTIFICATE_NAME_MISMATCH and _other_name(error, live) is None:
        return "not-told"
    return "refused-for-microsoft" if error.reason in BY_ADDRESS else "mended"


def _other_name(error: Reported, live: Result) -> bool | None:
    """Whether the certificate that is presented now is still not for the name that Microsoft expected; None: not told."""
    shown = [path.certificate for path in live.paths if path.certificate]
    expected = error.submessage.expected
    if any(certificate.wanted for certificate in shown):
        return False  # the check compared the names itself
    if not shown or expected is None:
        return None
    misfits = [c for c in shown if not cert_names.fits(expected, c.sans, (), () if c.sans else (c.subject,))]
    return None if any(c.sans_total > len(c.sans) for c in misfits) else bool(misfits)
