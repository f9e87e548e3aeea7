"""Two vantage points: contract 3 (what agrees) and 5 (the five agreements)."""

from typing import Any

import pytest

from diagnostics.findings import Clue, Reason, Tag, Warn
from diagnostics.model import Result, StepName
from diagnostics.parse import Reported
from diagnostics.target import Policy
from tests.diagnostics.making import certificate, connector, evidence, result
from tests.explain.making import Submessage, agree, explained, reported, seen

VALIDATED: dict[str, Any] = {"connector": connector("Contoso"), "policy": Policy("DomainValidation", "*.contoso.com")}
STEPS: dict[str, StepName] = {"dns": "dns", "domain": "dns", "tcp": "tcp", "smtp": "banner", "starttls": "starttls", "tls": "tls"}


def failing(reason: Reason) -> Result:
    return seen(reason, failed=STEPS.get(reason.partition("-")[0], "certificate"), **VALIDATED)


R = Reason
# what was reported, what a check shows (None: healthy), how they agree
TABLE: list[tuple[str, Reason | None, Reason | None, str]] = [
    ("450 4.4.316", R.TCP_REFUSED, R.TCP_REFUSED, "same"),
    ("550 5.4.316", R.TCP_REFUSED, R.TCP_REFUSED, "same"),
    ("450 4.4.315", R.TCP_TIMEOUT, R.TCP_UNREACHABLE, "same"),
    ("450 4.4.317", R.TCP_TIMEOUT, R.TCP_TIMEOUT, "same"),
    ("450 4.4.318", R.SMTP_CLOSED, R.SMTP_TIMEOUT, "same"),
    ("450 4.4.317", R.CERTIFICATE_UNTRUSTED, R.CERTIFICATE_INCOMPLETE_CHAIN, "same"),
    ("450 4.4.317", R.CERTIFICATE_NAME_MISMATCH, R.CERTIFICATE_NAME_MISMATCH, "same"),
    ("450 4.4.312", None, R.DNS_SERVER_FAILURE, "same"),
    ("550 5.4.317", None, R.STARTTLS_MISSING, "same"),
    ("450 4.4.317", None, R.CERTIFICATE_NAME_MISMATCH, "same"),
    ("450 4.4.317", R.STARTTLS_MISSING, R.CERTIFICATE_EXPIRED, "different"),
    ("450 4.4.316", R.TCP_REFUSED, R.TCP_TIMEOUT, "different"),
    ("450 4.4.316", R.TCP_REFUSED, R.DNS_NXDOMAIN, "different"),
    ("450 4.4.312", None, R.TCP_REFUSED, "different"),
    ("550 5.1.10", None, R.TCP_REFUSED, "different"),
    ("450 4.4.315", R.TCP_TIMEOUT, None, "refused-for-microsoft"),
    ("450 4.4.316", R.TCP_REFUSED, None, "refused-for-microsoft"),
    ("450 4.4.318", R.SMTP_CLOSED, None, "refused-for-microsoft"),
    ("450 4.4.317", R.SMTP_REJECTED, None, "refused-for-microsoft"),
    ("421 4.4.2", R.SMTP_CLOSED, None, "refused-for-microsoft"),
    ("450 4.4.312", R.DNS_NO_RECORDS, None, "mended"),
    ("450 4.4.317", R.STARTTLS_MISSING, None, "mended"),
    ("450 4.4.317", R.TLS_HANDSHAKE, None, "mended"),
    ("450 4.7.320", R.CERTIFICATE_EXPIRED, None, "mended"),
    ("450 4.4.317", None, None, "mended"),
    ("550 5.1.10", None, None, "not-told"),
    ("550 5.7.367", None, None, "not-told"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "reason", "live", "expected"), TABLE)
def test_report_and_check(code: str, reason: Reason | None, live: Reason | None, expected: str) -> None:
    assert agree(reported(code, reason), failing(live) if live else seen(**VALIDATED)) == expected


UNTESTED = [Reason.ADDRESS_NOT_PUBLIC, Reason.VANTAGE_NO_IPV6, Reason.VANTAGE_NO_ROUTE, Reason.VANTAGE_FAULT]


@pytest.mark.parametrize("reason", UNTESTED)
def test_what_this_machine_cannot_see_is_not_told(reason: Reason) -> None:
    assert agree(reported(), seen(reason, failed="tcp")) == "not-told"


def test_any_path_that_shows_the_reported_fault_agrees() -> None:
    paths = [evidence(Reason.TCP_TIMEOUT, failed="tcp"), evidence(Reason.TCP_REFUSED, failed="tcp", address="192.0.2.2")]
    assert agree(reported(), result(paths)) == "same"
    assert agree(reported(), result([evidence(), paths[1]])) == "same"


WARNED: list[tuple[Reason, Tag]] = [
    (Reason.STARTTLS_MISSING, Reason.STARTTLS_MISSING),
    (Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_EXPIRED),
    (Reason.CERTIFICATE_UNTRUSTED, Reason.CERTIFICATE_UNTRUSTED),
]


@pytest.mark.parametrize(("reason", "found"), WARNED)
def test_a_fault_that_is_only_a_warning_without_the_connector_is_not_mended(reason: Reason, found: Tag) -> None:
    live = seen(found)
    assert live.verdict == "healthy"
    assert agree(reported("450 4.4.317", reason), live) == "same"


@pytest.mark.parametrize(
    ("expected", "sans", "agreement"),
    [
        ("*.contoso.com", ("mail.contoso.com",), "mended"),
        ("mail.contoso.com", ("other.contoso.com",), "same"),
        (None, ("mail.contoso.com",), "not-told"),
    ],
)
def test_a_name_is_compared_with_the_one_that_microsoft_expected(
    expected: str | None, sans: tuple[str, ...], agreement: str
) -> None:
    error = reported("450 4.4.317", Reason.CERTIFICATE_NAME_MISMATCH, submessage=Submessage(expected=expected))
    assert agree(error, result([evidence(certificate=certificate(sans=sans))])) == agreement


# ---- what is said then


def ids(rows: tuple[object, ...]) -> list[str]:
    return [getattr(row, "id") for row in rows]  # noqa: B009


def test_refused_for_microsoft_names_the_filter_and_the_ranges_with_their_version() -> None:
    told = explained(reported(server="mail.contoso.com"), seen())
    assert told.causes[0].id == "microsoft-filtered"
    assert told.causes[0].likelihood == "likely"
    assert "mail.contoso.com [192.0.2.1]" in told.causes[0].evidence[0]
    first = told.fixes[0]
    assert (first.id, first.owner) == ("open-port-25", "network")
    assert [fix.id for fix in told.fixes].count("open-port-25") == 1
    assert {cause.id: cause.likelihood for cause in told.causes}["decommissioned"] == "ruled-out"
    assert "turn-connector-off" not in ids(told.fixes)
    for words in ("40.92.0.0/15", "2a01:111:f403::/48", "version 2026081400", "40.95.0.0/16", "mail.contoso.com"):
        assert words in first.text


def test_mended_says_that_nothing_is_left_to_do() -> None:
    told = explained(reported("450 4.7.320", Reason.CERTIFICATE_EXPIRED), seen(**VALIDATED))
    assert told.fixes[0].id == "wait-for-retry"


def test_the_same_fault_has_the_evidence_of_both() -> None:
    error: Reported = reported("450 4.4.316", text="Connection refused", message="Socket error code 10061")
    told = explained(error, seen(Reason.TCP_REFUSED, failed="tcp"))
    cause = next(cause for cause in told.causes if cause.id == "nothing-listens")
    assert cause.likelihood == "likely"
    assert any("as reported" in line for line in cause.evidence)
    assert any("seen: tcp-refused" in line for line in cause.evidence)


def test_what_the_check_rules_out_stays_ruled_out() -> None:
    paths = [evidence(Reason.TCP_REFUSED, Clue.NO_IPV6_PUBLISHED, failed="tcp")]
    told = explained(reported(), result(paths))
    assert {cause.id: cause.likelihood for cause in told.causes}["ipv6-dead"] == "ruled-out"


def test_another_fault_leaves_the_reported_ones_causes_as_the_text_has_them() -> None:
    alone = explained(reported())
    told = explained(reported(), failing(Reason.DNS_NXDOMAIN))
    assert (told.causes, told.fixes) == (alone.causes, alone.fixes)
    assert told.live
    assert "smart-host-wrong" in ids(told.live.result.causes)


def test_fix_now_is_the_checks() -> None:
    live = seen(Reason.TCP_REFUSED, failed="tcp", connector=connector(SmartHosts=["mail.contoso.com"]))
    assert explained(reported(), live).fix_now == live.fix_now
    alone = explained(reported()).fix_now
    assert not alone.offered
    assert "Nothing was checked" in alone.why
    assert Warn.PLAIN_TEXT not in ids(live.warnings)
