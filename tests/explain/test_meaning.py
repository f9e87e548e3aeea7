"""What an error means: by reason, by code, or by RFC 3463's class and subject. Never an invented cause."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics import codes
from diagnostics.catalogue import CodeEntry
from diagnostics.explain.advice import MAX_CAUSES, MAX_FIXES
from diagnostics.findings import UNTESTED, Reason
from diagnostics.model import Result
from tests.diagnostics.making import CATALOGUE, connector
from tests.explain.making import WORDS, Submessage, explained, reported, seen

R = Reason


@pytest.mark.parametrize(
    ("code", "reason", "text", "message", "likely"),
    [
        ("450 4.4.316", R.TCP_REFUSED, "Connection refused", "Socket error code 10061", "firewall-rejects"),
        ("450 4.4.317", R.TCP_TIMEOUT, "Cannot connect", "Winsock error code: 995", "server-down"),
        ("450 4.4.317", R.STARTTLS_MISSING, "Cannot connect", "451 5.7.3 STARTTLS is required", "certificate-not-bound"),
        ("450 4.4.317", R.CERTIFICATE_NAME_MISMATCH, "Cannot connect", "SubjectMismatch Expected", "tls-domain-outdated"),
        ("450 4.4.317", R.CERTIFICATE_UNTRUSTED, "Cannot connect", "UntrustedRoot", "intermediate-missing"),
        ("550 5.4.310", R.DOMAIN_NXDOMAIN, "DNS domain contoso.test does not exist", None, "domain-misspelled"),
        ("450 4.4.312", R.DNS_NO_RECORDS, "DNS query failed", "InfoNoRecords", "record-removed"),
    ],
)
def test_a_reason_has_its_causes_and_the_words_that_prove_it(
    code: str, reason: Reason, text: str, message: str | None, likely: str
) -> None:
    told = explained(reported(code, reason, text=text, message=message, server="mail.contoso.test"))
    first = told.causes[0]
    assert (first.id, first.likelihood) == (likely, "likely")
    assert (message or text) in first.evidence[0]
    assert "mail.contoso.test" in told.summary
    assert told.reason is reason


@pytest.mark.parametrize("live", [None, seen(), seen(R.TCP_REFUSED, failed="tcp")], ids=["no check", "works", "refused"])
def test_what_a_text_says_is_told_as_reported_whatever_is_seen_from_here(live: Result | None) -> None:
    for reason in [reason for reason in R if reason not in UNTESTED]:
        told = explained(reported(reason=reason, server="mail.contoso.test"), live)
        lead, _, said = told.summary.partition(", ")
        assert lead == "As reported"
        assert said[0].islower(), told.summary


@pytest.mark.parametrize(("code", "entry"), CATALOGUE.codes.items())
def test_what_a_code_means_does_not_say_where_the_mail_is(code: str, entry: CodeEntry) -> None:
    written = f"{code[0]}50 {code.partition(' ')[0]}"
    told = [explained(reported(written, reason)) for reason in (None, *CATALOGUE.reasons(written))]
    assert not [each for each in told if "waits in" in each.meaning or "has to wait" in each.summary]


def test_words_about_reputation_count_only_in_what_the_server_said() -> None:
    said = "550-5.7.0 Connection refused - IB116. Senderscore too low."
    refused = reported("450 4.4.317", R.SMTP_REJECTED, message=said, submessage=Submessage(reply=said))
    assert (explained(refused).causes[0].id, explained(refused).causes[0].likelihood) == ("reputation", "likely")
    unsaid = refused.model_copy(update={"submessage": Submessage()})
    assert {c.id: c.likelihood for c in explained(unsaid).causes}["reputation"] == "possible"


def test_a_failure_over_ipv4_is_no_dead_ipv6() -> None:
    over = {ip: {c.id: c for c in explained(reported(ip=ip)).causes}["ipv6-dead"] for ip in ("192.0.2.1", "2001:db8::1")}
    assert over["192.0.2.1"].likelihood == "ruled-out"
    assert "192.0.2.1" in over["192.0.2.1"].evidence[0]
    assert over["2001:db8::1"].likelihood == "possible"
    assert "mend-ipv6" not in {fix.id for fix in explained(reported(ip="192.0.2.1")).fixes}


@pytest.mark.parametrize("code", ["450 4.4.317", "550 5.4.317", "554 5.4.317"])
def test_a_code_alone_has_the_causes_of_all_its_reasons_the_most_frequent_first(code: str) -> None:
    told = explained(reported(code, None))
    ids = [cause.id for cause in told.causes]
    assert told.title == "Cannot connect to remote server"
    assert {cause.likelihood for cause in told.causes} == {"possible"}
    assert ids[:3] == ["service-unavailable", "tls-not-supported", "too-many-connections"]
    assert [fix.id for fix in told.fixes][:2] == ["free-the-server", "check-tls-settings"]
    assert len(ids) == len(set(ids)) == MAX_CAUSES
    assert len(told.fixes) <= MAX_FIXES + 2
    assert told.summary == ""


def test_a_failed_dns_query_begins_with_microsofts_causes() -> None:
    """An entry that was changed recently is likelier than a null MX or a broken signature."""
    told = explained(reported("450 4.4.312", None))
    assert [cause.id for cause in told.causes][:3] == ["dns-host-fault", "domain-expired", "old-mx-cached"]
    assert told.fixes[0].owner == "dns-host"


@pytest.mark.parametrize(
    ("code", "title", "cause"),
    [
        ("550 5.7.711", "Access denied, bad inbound connector", "inbound-connector-blocked"),
        ("550 5.7.367", "Remote server returned not permitted to relay", "relay-pool"),
        ("451 4.7.500", "Server busy", "sender-throttled"),
        ("450 4.7.606", "Server busy", "sender-throttled"),
        ("550 5.7.606", "Access denied, banned sending IP", "address-banned"),
        ("451 4.7.899", "Server busy", "sender-throttled"),
        ("450 4.7.321", "starttls-not-supported", "dane-without-starttls"),
        ("550 5.7.321", "starttls-not-supported", "dane-without-starttls"),
        ("554 5.4.14", "Hop count exceeded - possible mail loop", "connector-uses-mx"),
        ("550 5.4.300", "Message expired", "see-last-error"),
    ],
)
def test_a_code_of_the_catalogue(code: str, title: str, cause: str) -> None:
    told = explained(reported(code, None))
    assert told.title == title
    assert told.causes[0].id == cause
    assert told.reason is None


def test_every_code_of_the_catalogue_is_explained_in_every_class() -> None:
    for row in codes.rows():
        entry = CATALOGUE.codes[row.name]
        if row.name == codes.PRX:
            continue  # the same words as Exchange Online's: who said them decides
        for code in (row.name.partition(" ")[0], *row.codes, *row.twins, *(code for span in row.through for code in span)):
            found = codes.row(code, WORDS.get(row.name, ""))
            assert found is row, (row.name, code)
            assert entry.causes or CATALOGUE.reasons(f"450 {code}"), code


def test_without_microsofts_words_such_a_code_means_what_rfc_3463_says() -> None:
    for name in WORDS:
        found = codes.row(name.partition(" ")[0], "")
        assert found is None or not found.words, name


RANGES: dict[str, str | None] = {
    "4.7.500": "4.7.500",
    "4.7.606": "4.7.500",
    "4.7.899": "4.7.500",
    "4.7.700": None,
    "5.7.606": "5.7.606",
    "5.7.650": None,
}


@pytest.mark.parametrize(("code", "name"), RANGES.items())
def test_a_range_is_one_of_its_class(code: str, name: str | None) -> None:
    found = codes.row(code, "")
    assert (found.name if found else None) == name


SUBJECTS = [
    ("550 5.1.7", "Problem with an address", "check-address", "you"),
    ("452 4.2.4", "Problem with the recipient's mailbox", "ask-about-mailbox", "partner"),
    ("552 5.3.4", "Problem of the destination's mail system", "ask-about-system", "partner"),
    ("451 4.4.999", "Problem of network or routing", "check-routing", "you"),
    ("503 5.5.1", "Problem of the mail protocol", "read-dialogue", "you"),
    ("550 5.6.0", "Problem with the message's content", "check-content", "you"),
    ("451 4.7.23", "Problem of security or policy", "read-which-policy", "you"),
    ("550 5.0.0", "Delivery problem of no stated kind", "read-the-words", "you"),
    ("550 5.9.1", "Delivery problem of no stated kind", "read-the-words", "you"),
]


@pytest.mark.parametrize(("code", "title", "fix", "owner"), SUBJECTS)
def test_any_other_code_has_an_honest_answer_by_class_and_subject(code: str, title: str, fix: str, owner: str) -> None:
    told = explained(reported(code, None))
    assert told.title == title
    assert told.meaning.endswith("tries again." if code.startswith("4") else "goes back to its sender.")
    assert not told.causes
    assert (told.fixes[0].id, told.fixes[0].owner) == (fix, owner)
    assert ("change-connector" in {each.id for each in told.fixes}) == (code.split(".")[1] in "45")


@pytest.mark.parametrize("sender", ["other", "unknown"])
def test_no_connector_is_blamed_where_nothing_says_that_exchange_online_sent(sender: str) -> None:
    told = explained(reported("451 4.4.999", None, sender=sender))
    assert [each.id for each in told.fixes] == ["check-routing"]


def test_success_is_no_error() -> None:
    told = explained(reported("250 2.1.5", None, state="unknown"))
    assert (told.title, told.causes, told.fixes) == ("Success, and no error", (), ())


@pytest.mark.parametrize(("state", "resend"), [("queued", 0), ("unknown", 0), ("expired", 1), ("rejected", 1)])
@pytest.mark.parametrize("code", ["550 5.4.316", "550 4.4.7", "550 5.1.10"])
def test_who_must_resend_is_said_once_for_mail_that_came_back(code: str, state: str, resend: int) -> None:
    told = explained(reported(code, None, state=state))
    assert [fix.id for fix in told.fixes].count("resend") == resend


@pytest.mark.parametrize(
    ("kind", "first"),
    [("Partner", "contact-partner"), ("OnPremises", "open-port-25")],
)
def test_a_partners_server_is_the_partners_to_mend(kind: str, first: str) -> None:
    known = connector(ConnectorType=kind, SmartHosts=["mail.contoso.com"])
    told = explained(reported(), seen(Reason.DNS_NXDOMAIN, failed="dns", connector=known), connector=known)
    assert told.fixes[0].id == first


@pytest.mark.parametrize("reason", [None, Reason.TCP_REFUSED])
def test_what_to_tell_a_partner_is_said_and_no_text_is_promised(reason: Reason | None) -> None:
    told = next(fix.text for fix in explained(reported(reason=reason)).fixes if fix.id == "contact-partner")
    assert told.startswith("If the server is a partner's, contact the partner and ask: please ")
    assert "the text for" not in told


CODES = st.tuples(st.sampled_from("2450"), st.integers(0, 999), st.integers(0, 999)).map(
    lambda c: f"{c[0]}50 {c[0]}.{c[1]}.{c[2]}"
)
REASONS = st.none() | st.sampled_from([reason for reason in Reason if reason not in UNTESTED])


@given(CODES, REASONS, st.none() | st.text(max_size=20), st.sampled_from(["queued", "expired", "rejected", "unknown"]))
def test_a_cause_is_more_than_possible_only_with_evidence(
    code: str, reason: Reason | None, message: str | None, state: str
) -> None:
    told = explained(reported(code, reason, message=message, state=state, server="{host}", ip="192.0.2.1"))
    assert all(cause.evidence or cause.likelihood == "possible" for cause in told.causes)
    assert len({cause.id for cause in told.causes}) == len(told.causes)
    assert len({fix.id for fix in told.fixes}) == len(told.fixes)
    assert told.title
    assert told.page.startswith("https://learn.microsoft.com/")
