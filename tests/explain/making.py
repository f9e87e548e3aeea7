"""Short ways to make what an explanation is made of."""

from datetime import UTC, datetime
from typing import Any

from diagnostics.explain import Beside, ExplainedError, Explanation, explain
from diagnostics.explain.agreement import agreement
from diagnostics.explain.document import Agreement, Live
from diagnostics.findings import Reason, Tag
from diagnostics.model import Result, StepName
from diagnostics.parse import ErrorReport, Reported
from diagnostics.parse.report import Submessage
from tests.diagnostics.making import CATALOGUE, evidence, result

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


WORDS = {
    "4.4.8": "failed MTA-STS validation",
    "4.7.5": "failed MTA-STS validation",
    "5.4.4": "SMTPSEND.DNS.NonExistentDomain",
    "5.1.8": "Access denied, bad outbound sender",
    "5.2.2 submission": "Submission quota exceeded",
    "5.7.30": "Basic authentication is not supported",
    "4.7.26": "sent over IPv6",
    "5.7.25": "the sending IPv6 address",
    "4.3.2": "Temporary server error ATTR2",
    "4.7.0": "Temporary server error PRX5",
    "5.1.0": "Sender denied",
    "4.3.2 throttled": "STOREDRV.Deliver; recipient thread limit exceeded",
    "5.7.1 restricted": "RESOLVER.RST.NotAuthorized",
    "5.7.1 rule": "TRANSPORT.RULES.RejectMessage",
    "4.7.0 exchange": "PRX5",
    "5.7.23": "Sender Policy Framework violation",
    "5.4.1": "Recipient address rejected",
    "5.4.1 relay": "Relay Access Denied",
    "5.4.6": "Hop count exceeded",
    "4.4.4": "no mail-enabled subscriptions",
    "5.2.252": "SendAsDenied",
    "4.4.7 delayed": "Message delayed",
    "4.7.5 certificate": "TlsCertificateName",
}
"""What stands beside codes that others use in another sense."""


def reported(code: str = "450 4.4.316", reason: Reason | None = Reason.TCP_REFUSED, **fields: Any) -> Reported:
    """An error of mail that waits; with a basic code of 5xx of mail that was refused."""
    basic, _, enhanced = code.partition(" ")
    plain: dict[str, Any] = {
        "code": code,
        "enhanced": enhanced,
        "family": f"4.{enhanced.partition('.')[2]}",
        "state": "queued" if basic.startswith("4") else "rejected",
        "reason": reason,
        "sender": "exchange-online",
    }
    return Reported(**(plain | fields))


def report(*errors: Reported, **fields: Any) -> ErrorReport:
    return ErrorReport(errors=errors, **({"primary": 0 if errors else None} | fields))


def explained(error: Reported, live: Result | None = None, *, connector: Any = None) -> ExplainedError:
    """One error, explained at NOW, beside what a check showed."""
    beside = {0: Beside(connector, Live(agreement=agree(error, live), result=live))} if live else {}
    return document(report(error), beside).errors[0]


def document(of: ErrorReport, beside: dict[int, Beside] | None = None) -> Explanation:
    return explain(of, CATALOGUE, NOW, beside or {})


def agree(error: Reported, live: Result) -> Agreement:
    return agreement(error, live, CATALOGUE)


def seen(*tags: Tag, failed: StepName | None = None, **fields: Any) -> Result:
    """What a check of one path showed; without tags: healthy."""
    return result([evidence(*tags, failed=failed)], **fields)


__all__ = ["NOW", "WORDS", "Submessage", "agree", "document", "explained", "report", "reported", "seen"]
