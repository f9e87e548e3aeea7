"""What the findings mean, held against the tables of contract 4 and of Microsoft's page."""

import pytest

from diagnostics.catalogue import tag
from diagnostics.findings import CERTIFICATE, Reason, Warn
from tests.diagnostics.making import CATALOGUE, untested

CODES = {
    "450 4.4.312": ["dns-nxdomain", "dns-no-records", "dns-null-mx", "dns-server-failure", "dns-dnssec-bogus", "dns-timeout"],
    "550 5.4.310": ["domain-nxdomain"],
    "554 5.4.14": ["mx-is-microsoft"],
    "450 4.4.315": ["tcp-timeout", "tcp-unreachable"],
    "450 4.4.316": ["tcp-refused"],
    "450 4.4.318": ["smtp-closed", "smtp-timeout"],
    "450 4.4.317": [
        "smtp-unavailable",
        "smtp-rejected",
        "smtp-protocol",
        "starttls-missing",
        "starttls-rejected",
        "tls-version",
        "tls-handshake",
        "certificate-untrusted",
        "certificate-incomplete-chain",
    ],
    "450 4.7.320": [
        "certificate-invalid",
        "certificate-weak",
        "certificate-expired",
        "certificate-not-yet-valid",
        "certificate-name-mismatch",
    ],
}
BY_REASON = {reason: code for code, reasons in CODES.items() for reason in reasons}

TITLES = {
    "450 4.4.312": "DNS query failed",
    "450 4.4.315": "Connection timed out",
    "450 4.4.316": "Connection refused",
    "450 4.4.317": "Cannot connect to remote server",
    "450 4.4.318": "Connection was closed abruptly",
    "450 4.7.320": "Certificate validation failed",
}

OWNERS = {
    "dns-nxdomain": "dns-host",
    "dns-no-records": "dns-host",
    "dns-server-failure": "dns-host",
    "dns-dnssec-bogus": "dns-host",
    "dns-timeout": "dns-host",
    "tcp-timeout": "network",
    "tcp-unreachable": "network",
    "tcp-refused": "network",
    "smtp-closed": "network",
    "smtp-timeout": "network",
}
"""Who has to act besides the mail administrator, by Microsoft's page."""


@pytest.mark.parametrize("reason", Reason)
def test_a_reason_has_the_code_of_contract_4(reason: Reason) -> None:
    assert CATALOGUE[reason].code == BY_REASON.get(reason)


@pytest.mark.parametrize("reason", [r for r in Reason if r not in BY_REASON])
def test_only_what_is_not_known_of_the_server_has_no_code(reason: Reason) -> None:
    assert untested(reason) or reason in (Reason.CONNECTOR_DISABLED, Reason.NOTHING_TO_CHECK, Reason.DANE_NOT_CHECKED)
    assert CATALOGUE[reason].also_seen_as == ()


@pytest.mark.parametrize(("code", "title"), TITLES.items())
def test_a_code_has_microsofts_title(code: str, title: str) -> None:
    assert {CATALOGUE[Reason(r)].title for r in CODES[code]} == {title}


def test_a_name_mismatch_is_also_seen_as_cannot_connect() -> None:
    assert "450 4.4.317" in CATALOGUE[Reason.CERTIFICATE_NAME_MISMATCH].also_seen_as


@pytest.mark.parametrize(("reason", "owner"), OWNERS.items())
def test_the_one_who_has_to_act_is_named(reason: str, owner: str) -> None:
    assert owner in {fix.owner for fix in CATALOGUE[Reason(reason)].fixes}


def test_a_refused_connection_can_be_by_design_and_has_the_click_path_and_the_cmdlets() -> None:
    entry = CATALOGUE[Reason.TCP_REFUSED]
    assert "decommissioned" in {c.id for c in entry.causes}
    said = " ".join(f.text for f in entry.fixes)
    for words in (
        "Mail flow > Connectors",
        "Turn it on",
        "Set-OutboundConnector",
        "Set-AcceptedDomain",
        "Authoritative",
        "30 to 60 minutes",
    ):
        assert words in said


@pytest.mark.parametrize("reason", [Reason.CERTIFICATE_INCOMPLETE_CHAIN])
def test_what_cannot_be_told_apart_lists_both_causes(reason: Reason) -> None:
    assert {"intermediate-missing", "private-root"} <= {c.id for c in CATALOGUE[reason].causes}


@pytest.mark.parametrize("reason", Reason)
def test_an_entry_is_whole(reason: Reason) -> None:
    entry = CATALOGUE[reason]
    assert entry.page.startswith("https://learn.microsoft.com/")
    assert entry.causes
    assert entry.fixes
    assert all(text.endswith((".", "?", ")", "'", "e", ">")) for text in [entry.summary, *(c.text for c in entry.causes)])


def test_every_warning_and_every_certificate_fault_has_words() -> None:
    assert set(CATALOGUE.warnings) == {*Warn, *CERTIFICATE}
    assert all(not text.endswith(".") for text in CATALOGUE.warnings.values())


def test_a_tag_that_no_probe_can_write_is_refused() -> None:
    assert tag("tcp-refused") is Reason.TCP_REFUSED
    with pytest.raises(ValueError, match="no tag"):
        tag("tcp-refuesd")


RARER = {"domain-expired", "dns-inside-only", "resolver-refuses"}


@pytest.mark.parametrize("reason", CODES["450 4.4.312"])
def test_an_mx_that_changed_recently_is_a_cause_of_every_failed_query(reason: str) -> None:
    """Microsoft's page names it among three. What a check found comes before it; what is rarer does not."""
    causes = [c.id for c in CATALOGUE[Reason(reason)].causes if not c.only_if_shown]
    assert "old-mx-cached" in causes
    assert RARER.isdisjoint(causes[: causes.index("old-mx-cached")])


def test_the_bare_code_begins_with_microsofts_causes() -> None:
    code = CATALOGUE.code("4.4.312", "")
    assert code
    assert [c.id for c in code.causes] == ["dns-host-fault", "domain-expired", "old-mx-cached"]
