"""One path under a TLS policy, and whether this machine may be at fault: contract 4."""

from datetime import timedelta

import pytest

from diagnostics.findings import CERTIFICATE, Reason, Warn
from diagnostics.judge import judge
from diagnostics.model import StepName
from diagnostics.probes.control import Control, State
from diagnostics.target import Policy, TlsSettings
from diagnostics.vantage import Vantage, doubt, from_this_vantage
from tests.diagnostics.making import SAID, certificate, evidence, untested

POLICIES: list[TlsSettings | None] = [None, "EncryptionOnly", "CertificateValidation", "DomainValidation"]
STRICT: list[TlsSettings] = ["CertificateValidation", "DomainValidation"]

WHERE: dict[Reason, StepName] = {
    Reason.DNS_NXDOMAIN: "dns",
    Reason.DOMAIN_NXDOMAIN: "dns",
    Reason.DNS_NO_RECORDS: "dns",
    Reason.DNS_NULL_MX: "dns",
    Reason.DNS_SERVER_FAILURE: "dns",
    Reason.DNS_DNSSEC_BOGUS: "dns",
    Reason.DNS_TIMEOUT: "dns",
    Reason.MX_IS_MICROSOFT: "dns",
    Reason.TCP_TIMEOUT: "tcp",
    Reason.TCP_UNREACHABLE: "tcp",
    Reason.TCP_REFUSED: "tcp",
    Reason.SMTP_CLOSED: "ehlo",
    Reason.SMTP_TIMEOUT: "banner",
    Reason.SMTP_UNAVAILABLE: "banner",
    Reason.SMTP_REJECTED: "banner",
    Reason.SMTP_PROTOCOL: "banner",
}
"""Reasons that stop a path before STARTTLS, with a step where they do."""


def verdict(policy: TlsSettings | None, *reasons: Reason, failed: StepName) -> tuple[str, Reason | None]:
    judged = judge(evidence(*reasons, failed=failed), Policy(policy))
    return judged.verdict, judged.reason


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("reason", WHERE)
def test_what_stops_a_path_before_starttls_fails_it_under_every_policy(reason: Reason, policy: TlsSettings | None) -> None:
    assert verdict(policy, reason, failed=WHERE[reason]) == ("failing", reason)


@pytest.mark.parametrize("policy", POLICIES[1:])
def test_missing_starttls_fails_where_tls_is_required(policy: TlsSettings) -> None:
    assert verdict(policy, Reason.STARTTLS_MISSING, failed="starttls") == ("failing", Reason.STARTTLS_MISSING)


def test_missing_starttls_is_a_warning_where_tls_is_opportunistic() -> None:
    judged = judge(evidence(Reason.STARTTLS_MISSING, failed="starttls"), Policy())
    assert (judged.verdict, judged.reason, [w.tag for w in judged.warnings]) == ("healthy", None, [Reason.STARTTLS_MISSING])


OFFERED_AND_FAILING: list[tuple[Reason, StepName]] = [
    (Reason.STARTTLS_REJECTED, "starttls"),
    (Reason.SMTP_UNAVAILABLE, "starttls"),
    (Reason.SMTP_CLOSED, "starttls"),
    (Reason.SMTP_TIMEOUT, "starttls"),
    (Reason.SMTP_PROTOCOL, "starttls"),
    (Reason.TLS_VERSION, "tls"),
    (Reason.TLS_HANDSHAKE, "tls"),
]


@pytest.mark.parametrize(("reason", "step"), OFFERED_AND_FAILING)
def test_starttls_offered_and_failing_is_not_told_where_tls_is_opportunistic(reason: Reason, step: StepName) -> None:
    assert verdict(None, reason, failed=step) == ("unknown", reason)


@pytest.mark.parametrize(("reason", "step"), OFFERED_AND_FAILING)
@pytest.mark.parametrize("policy", POLICIES[1:])
def test_starttls_offered_and_failing_fails_where_tls_is_required(reason: Reason, step: StepName, policy: TlsSettings) -> None:
    assert verdict(policy, reason, failed=step) == ("failing", reason)


@pytest.mark.parametrize("reason", CERTIFICATE)
@pytest.mark.parametrize("policy", STRICT)
def test_a_certificate_fault_fails_where_certificates_are_validated(reason: Reason, policy: TlsSettings) -> None:
    assert verdict(policy, reason, failed="certificate") == ("failing", reason)


@pytest.mark.parametrize("reason", CERTIFICATE)
@pytest.mark.parametrize("policy", [None, "EncryptionOnly"])
def test_a_certificate_fault_is_a_warning_where_they_are_not(reason: Reason, policy: TlsSettings | None) -> None:
    judged = judge(evidence(reason, failed="certificate"), Policy(policy))
    assert (judged.verdict, judged.reason, [w.tag for w in judged.warnings]) == ("healthy", None, [reason])


def test_the_first_of_several_certificate_faults_is_the_reason_and_the_others_are_warnings() -> None:
    judged = judge(evidence(*CERTIFICATE, Warn.SLOW, failed="certificate"), Policy("DomainValidation"))
    assert judged.reason is CERTIFICATE[0]
    assert [w.tag for w in judged.warnings] == [*CERTIFICATE[1:], Warn.SLOW]


@pytest.mark.parametrize("reason", [r for r in Reason if untested(r)])
def test_untested_reasons_say_nothing_about_the_server(reason: Reason) -> None:
    judged = judge(evidence(reason, failed="tcp"), Policy("EncryptionOnly"))
    assert (judged.verdict, judged.reason, judged.tested) == ("unknown", reason, False)


def test_warnings_and_clues_alone_leave_a_path_healthy() -> None:
    assert judge(evidence(*Warn), Policy("DomainValidation")).verdict == "healthy"


# --- the control host ---

CLAIMS = [
    Reason.TCP_TIMEOUT,
    Reason.TCP_UNREACHABLE,
    Reason.TCP_REFUSED,
    Reason.SMTP_CLOSED,
    Reason.SMTP_TIMEOUT,
    Reason.STARTTLS_MISSING,
    Reason.DNS_TIMEOUT,
    Reason.DNS_SERVER_FAILURE,
]
OTHER_FAULTS = [r for r in [*WHERE, Reason.STARTTLS_REJECTED, Reason.TLS_HANDSHAKE, Reason.TLS_VERSION] if r not in CLAIMS]
REQUIRED = Policy("EncryptionOnly")


@pytest.mark.parametrize("reason", CLAIMS)
def test_what_this_machine_could_fake_needs_the_control_host(reason: Reason) -> None:
    assert doubt((judge(evidence(reason), REQUIRED),) * 2).control
    assert doubt(
        (
            judge(evidence(reason), REQUIRED),
            judge(evidence(Reason.VANTAGE_NO_IPV6), REQUIRED),
        )
    ).control


@pytest.mark.parametrize("reason", CLAIMS)
def test_one_path_that_shows_something_else_needs_no_control_host(reason: Reason) -> None:
    assert not doubt(
        (
            judge(evidence(reason), REQUIRED),
            judge(evidence(), REQUIRED),
        )
    ).control


@pytest.mark.parametrize("reason", OTHER_FAULTS)
def test_what_only_the_server_can_say_needs_no_control_host(reason: Reason) -> None:
    assert not doubt((judge(evidence(reason), REQUIRED),)).control


@pytest.mark.parametrize("state", ["answers", "dns", "tcp", "intercepted"])
@pytest.mark.parametrize("reason", OTHER_FAULTS)
def test_what_only_the_server_can_say_stands_whatever_the_control_host_shows(reason: Reason, state: State) -> None:
    (told,) = from_this_vantage(
        (judge(evidence(reason), REQUIRED),), Vantage(Control(state, {"host": "outlook.com", "text": "control"}))
    )
    assert (told.verdict, told.reason) == ("failing", reason)


SMTP_CLAIMS = [r for r in CLAIMS if not r.startswith("dns-")]


@pytest.mark.parametrize(
    ("state", "reason", "told"),
    [
        *(("answers", reason, reason) for reason in CLAIMS),
        *(("dns", reason, Reason.VANTAGE_DNS) for reason in CLAIMS),
        *(("tcp", reason, Reason.VANTAGE_PORT_25_BLOCKED) for reason in SMTP_CLAIMS),
        *(("intercepted", reason, Reason.VANTAGE_PORT_25_INTERCEPTED) for reason in SMTP_CLAIMS),
        *(
            (state, reason, reason)
            for state in ("tcp", "intercepted")
            for reason in (Reason.DNS_TIMEOUT, Reason.DNS_SERVER_FAILURE)
        ),
    ],
)
def test_what_the_control_host_shows_too_is_no_fault_of_the_servers(state: State, reason: Reason, told: Reason) -> None:
    paths = tuple(judge(evidence(reason, address=a), REQUIRED) for a in ("192.0.2.1", "192.0.2.2"))
    after = from_this_vantage(paths, Vantage(Control(state, {"host": "outlook.com", "text": "the control host says so"})))
    assert [p.reason for p in after] == [told, told]
    assert all(p.verdict == ("failing" if told is reason else "unknown") for p in after)
    assert all(p.finding and p.finding.facts for p in after)


def test_without_a_control_host_the_claim_stands() -> None:
    paths = (judge(evidence(Reason.TCP_REFUSED), REQUIRED),)
    assert from_this_vantage(paths, Vantage()) == paths


@pytest.mark.parametrize("reason", [Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID])
@pytest.mark.parametrize(("hours", "doubtful"), [(0.0, False), (30.0, True), (-30.0, True), (None, False)])
def test_a_date_fault_is_in_doubt_while_the_clock_here_is_off(reason: Reason, hours: float | None, doubtful: bool) -> None:
    dated = evidence(reason, failed="certificate", certificate=certificate())
    off = None if hours is None else timedelta(hours=hours)
    (told,) = from_this_vantage((judge(dated, Policy("DomainValidation")),), Vantage(Control("answers", SAID, off)))
    assert told.reason is (Reason.VANTAGE_CLOCK if doubtful else reason)


def test_a_date_fault_needs_the_control_hosts_clock() -> None:
    assert doubt((judge(evidence(Reason.CERTIFICATE_EXPIRED), Policy("DomainValidation")),)).control
