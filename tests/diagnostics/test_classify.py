"""Verdict arithmetic, code, warnings and what is not shown: contract 3."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.classify import doubt_of
from diagnostics.findings import CERTIFICATE, Clue, Finding, Reason, Warn
from diagnostics.model import Evidence, StepName
from diagnostics.probes.control import Control
from diagnostics.probes.run import Observed
from diagnostics.target import Policy
from tests.diagnostics.making import CATALOGUE, GUID, SAID, certificate, connector, evidence, result, target, untested

PATH_REASONS = [r for r in Reason if r not in (Reason.CONNECTOR_DISABLED, Reason.NOTHING_TO_CHECK, Reason.DANE_NOT_CHECKED)]
SEEN_UNTESTED = [Reason.ADDRESS_NOT_PUBLIC, Reason.VANTAGE_NO_IPV6, Reason.VANTAGE_NO_ROUTE, Reason.VANTAGE_FAULT]
FAILS = [r for r in PATH_REASONS if not untested(r)]


def path(kind: str, number: int) -> Evidence:
    address = f"192.0.2.{number}"
    if kind == "healthy":
        return evidence(address=address)
    if kind == "unknown":
        return evidence(Reason.STARTTLS_REJECTED, failed="starttls", address=address)
    step: StepName = "dns" if kind.startswith(("dns", "domain")) else "tcp"
    return evidence(Reason(kind), failed=step, address=address)


def oracle(kinds: list[str]) -> tuple[str, str | None, str | None]:
    """(verdict, code, reason) by contract 3: only what was seen is claimed."""
    told = [k for k in kinds if k in ("healthy", "unknown") or not untested(Reason(k))]
    if not told:
        return "unknown", None, kinds[0]
    bad = [k for k in told if k not in ("healthy", "unknown")]
    if not bad:
        return ("unknown", None, Reason.STARTTLS_REJECTED) if "unknown" in told else ("healthy", None, None)
    if "healthy" in told:
        return "degraded", CATALOGUE[Reason(bad[0])].code, bad[0]
    if "unknown" in told:
        return "unknown", None, next(Reason.STARTTLS_REJECTED if k == "unknown" else k for k in told)
    return "failing", CATALOGUE[Reason(bad[0])].code, bad[0]


KINDS = ["healthy", "unknown", "tcp-refused", "tcp-timeout", "smtp-rejected", *SEEN_UNTESTED]


@pytest.mark.parametrize(
    "kinds",
    [
        ["healthy"],
        ["healthy", "healthy"],
        ["tcp-refused"],
        ["tcp-timeout", "tcp-refused"],
        ["healthy", "tcp-refused"],
        ["tcp-refused", "healthy", "tcp-timeout"],
        ["unknown"],
        ["unknown", "healthy"],
        ["unknown", "healthy", "tcp-refused"],
        ["tcp-refused", "unknown"],
        ["unknown", "tcp-refused"],
        ["address-not-public"],
        ["vantage-no-ipv6", "address-not-public"],
        ["vantage-no-ipv6", "healthy"],
        ["vantage-no-ipv6", "tcp-refused"],
        ["vantage-no-ipv6", "tcp-refused", "healthy"],
        ["vantage-fault", "unknown"],
    ],
    ids=" ".join,
)
def test_the_verdict_is_that_of_the_tested_paths(kinds: list[str]) -> None:
    told = result([path(kind, n) for n, kind in enumerate(kinds, 1)])
    assert (told.verdict, told.code, told.reason) == oracle(kinds)


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
def test_the_verdict_of_any_paths_is_what_contract_3_counts(kinds: list[str]) -> None:
    told = result([path(kind, n) for n, kind in enumerate(kinds, 1)])
    assert (told.verdict, told.code, told.reason) == oracle(kinds)


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
def test_a_code_is_that_of_a_path_that_carries_it(kinds: list[str]) -> None:
    told = result([path(kind, n) for n, kind in enumerate(kinds, 1)])
    assert (told.code is not None) is (told.verdict in ("failing", "degraded"))
    assert (told.code_basis is not None) is (told.code is not None)
    assert told.code is None or (told.code, told.reason) in {(p.code, p.reason) for p in told.paths}
    assert "other 0 of" not in told.summary


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=5))
def test_untested_paths_beside_tested_ones_are_a_warning(kinds: list[str]) -> None:
    told = result([path(kind, n) for n, kind in enumerate(kinds, 1)])
    skipped = [k in SEEN_UNTESTED for k in kinds]
    assert (Warn.PATHS_NOT_TESTED in {w.id for w in told.warnings}) is (any(skipped) and not all(skipped))


@pytest.mark.parametrize("reason", FAILS)
def test_a_reason_brings_its_code_title_cause_and_fix(reason: Reason) -> None:
    told = result([evidence(reason, failed="tcp")], policy=Policy("DomainValidation"))
    entry = CATALOGUE[reason]
    assert (told.verdict, told.reason, told.code, told.title) == ("failing", reason, entry.code, entry.title)
    assert told.causes
    assert told.fixes
    assert not told.fix_now.offered
    said = [told.summary, *(c.text for c in told.causes), *(f.text for f in told.fixes)]
    assert not [text for text in said if "{" in text]


def test_a_doubtful_date_beside_a_healthy_path_does_not_harm() -> None:
    dated = evidence(Reason.CERTIFICATE_EXPIRED, failed="certificate", certificate=certificate())
    told = result(
        [dated, evidence(address="192.0.2.2")],
        Control("answers", SAID, timedelta(days=2)),
        policy=Policy("DomainValidation"),
    )
    assert (told.verdict, told.reason) == ("healthy", None)
    assert told.paths[0].reason is Reason.VANTAGE_CLOCK
    assert Warn.PATHS_NOT_TESTED in {w.id for w in told.warnings}


def test_a_doubtful_date_beside_a_refused_path_takes_no_code_away() -> None:
    dated = evidence(Reason.CERTIFICATE_EXPIRED, failed="certificate", certificate=certificate())
    refused = evidence(Reason.TCP_REFUSED, failed="tcp", address="192.0.2.2")
    told = result(
        [dated, refused],
        Control("answers", SAID, timedelta(days=2)),
        policy=Policy("DomainValidation"),
    )
    assert (told.verdict, told.code, told.reason) == ("failing", "450 4.4.316", Reason.TCP_REFUSED)


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("tcp", Reason.VANTAGE_PORT_25_BLOCKED),
        ("intercepted", Reason.VANTAGE_PORT_25_INTERCEPTED),
        ("dns", Reason.VANTAGE_DNS),
    ],
)
def test_what_the_control_host_shows_too_is_unknown_and_has_no_code(state: str, reason: Reason) -> None:
    control = Control(state, {"host": "outlook.com", "text": "the control host fails too"})  # type: ignore[arg-type]
    told = result([path("tcp-timeout", 1), path("tcp-refused", 2)], control, connector=connector(Guid=GUID))
    assert (told.verdict, told.code, told.code_basis, told.also_seen_as, told.reason) == ("unknown", None, None, (), reason)
    assert {(p.code, p.reason) for p in told.paths} == {(None, reason)}
    assert not told.fix_now.offered


def test_one_path_that_answers_needs_no_control_host() -> None:
    assert not doubt_of(Observed(target(), (path("tcp-refused", 1), path("healthy", 2)))).control
    assert doubt_of(Observed(target(), (path("tcp-refused", 1), path("tcp-timeout", 2), path("vantage-no-ipv6", 3)))).control


def test_faults_of_one_certificate_behind_the_first_are_warnings_of_the_same_ids() -> None:
    told = result([evidence(*CERTIFICATE, failed="certificate")], policy=Policy("DomainValidation"))
    assert told.reason is CERTIFICATE[0]
    assert [w.id for w in told.warnings] == list(CERTIFICATE[1:])


@pytest.mark.parametrize("policy", [None, "EncryptionOnly"])
def test_certificate_faults_that_do_not_count_are_warnings_and_no_failed_step(policy: str | None) -> None:
    told = result([evidence(Reason.CERTIFICATE_EXPIRED, failed="certificate")], policy=Policy(policy))  # type: ignore[arg-type]
    assert (told.verdict, told.code, told.reason, told.causes) == ("healthy", None, None, ())
    assert [w.id for w in told.warnings] == ["certificate-expired"]
    assert {s.status for s in told.paths[0].steps} == {"ok", "warning"}


def test_plain_text_is_a_warning_where_tls_is_opportunistic() -> None:
    told = result([evidence(Reason.STARTTLS_MISSING, failed="starttls")])
    assert (told.verdict, [w.id for w in told.warnings]) == ("healthy", ["plain-text"])
    assert "plain text" in told.summary


def test_a_warning_stands_once_however_many_paths_show_it() -> None:
    told = result([evidence(Warn.SLOW, address=f"192.0.2.{n}") for n in range(1, 6)])
    assert [w.id for w in told.warnings] == ["slow"]


def test_certificates_that_differ_by_address_are_told() -> None:
    paths = [evidence(address=f"192.0.2.{n}", certificate=certificate(sha256=str(n) * 64)) for n in (1, 2)]
    assert [w.id for w in result(paths).warnings] == ["certificate-differs"]


def test_a_healthy_result_says_from_inside_when_it_was_seen_from_inside() -> None:
    assert "from inside" in result([evidence(Warn.PROBED_FROM_INSIDE)]).summary
    assert "from inside" not in result([evidence()]).summary


def test_a_test_mode_connector_is_marked() -> None:
    told = result([evidence()], connector=connector(TestMode=True))
    assert [w.id for w in told.warnings] == ["connector-test-mode"]


def test_a_result_names_its_connector() -> None:
    told = result([evidence()], connector=connector("Contoso", Guid=GUID))
    assert told.connector is not None
    assert (told.connector.name, told.connector.guid) == ("Contoso", GUID)
    assert result([evidence()]).connector is None


INSIDE = Evidence(
    host="secret.contoso.com",
    address="10.9.8.7",
    findings=(
        Finding(Warn.SPLIT_HORIZON, {"how": "as-reported", "line": "secret.contoso.com resolves to 10.9.8.7 here"}),
        Finding(Reason.ADDRESS_NOT_PUBLIC, {"how": "as-reported", "line": "10.9.8.7 is not a public address"}),
    ),
    steps=evidence().steps[:1],
    listed=False,
)


def test_the_inside_address_of_a_name_that_no_connector_lists_is_shown_nowhere() -> None:
    told = result([INSIDE])
    assert told.reason is Reason.ADDRESS_NOT_PUBLIC
    assert "10.9.8.7" not in told.model_dump_json()


def test_the_inside_address_beside_a_public_one_is_shown_nowhere_either() -> None:
    told = result([INSIDE, evidence(host="secret.contoso.com", listed=False)])
    assert told.verdict == "healthy"
    assert "10.9.8.7" not in told.model_dump_json()


def test_the_inside_address_of_a_listed_smart_host_is_shown() -> None:
    told = result([INSIDE.model_copy(update={"listed": True})], connector=connector(SmartHosts=["secret.contoso.com"]))
    assert told.paths[0].address == "10.9.8.7"


@pytest.mark.parametrize("guid", ["", "'; Remove-Mailbox *", "not-a-guid"])
def test_a_guid_that_is_none_goes_into_no_cmdlet(guid: str) -> None:
    told = result([path("tcp-refused", 1)], connector=connector(Guid=guid))
    assert "Remove-Mailbox" not in " ".join(f.text for f in told.fixes)


def test_a_partners_connector_gets_the_partners_steps_alone() -> None:
    told = result([path("tcp-refused", 1)], connector=connector(ConnectorType="Partner"))
    assert [(f.id, f.owner) for f in told.fixes] == [("contact-partner", "partner")]
    assert "decommissioned" not in {c.id for c in told.causes}


def test_fix_now_is_never_offered_without_its_conditions() -> None:
    old = connector(Guid=GUID, SmartHosts=["mail.contoso.com"])
    assert result([path("tcp-refused", 1)], connector=old).fix_now.offered
    assert not result([path("tcp-refused", 1)]).fix_now.offered
    assert not result([path("tcp-timeout", 1)], connector=old).fix_now.offered
    assert not result([path("tcp-refused", 1), path("healthy", 2)], connector=old).fix_now.offered
    partner = old.model_copy(update={"ConnectorType": "Partner"})
    assert not result([path("tcp-refused", 1)], connector=partner).fix_now.offered


@given(st.lists(st.sampled_from(KINDS), min_size=1, max_size=4))
def test_fix_now_is_offered_when_every_path_refuses_and_never_else(kinds: list[str]) -> None:
    old = connector(Guid=GUID, SmartHosts=["mail.contoso.com"])
    told = result([path(kind, n) for n, kind in enumerate(kinds, 1)], connector=old)
    assert told.fix_now.offered is (set(kinds) == {"tcp-refused"})
    assert told.fix_now.why


def test_clues_of_several_paths_rank_the_causes() -> None:
    v6_dead = [evidence(Reason.TCP_REFUSED, address="2001:db8::1", failed="tcp"), evidence(address="192.0.2.1")]
    ranked = {c.id: c.likelihood for c in result(v6_dead).causes}
    assert ranked["ipv6-dead"] == "confirmed"
    assert ranked["one-server-down"] == "confirmed"
    alone = {c.id: c.likelihood for c in result([path("tcp-refused", 1)]).causes}
    assert (alone["ipv6-dead"], alone["one-server-down"]) == ("ruled-out", "ruled-out")


@given(
    st.lists(st.sampled_from([*PATH_REASONS, *Warn, *Clue]), max_size=4),
    st.sampled_from([None, "EncryptionOnly", "DomainValidation"]),
)
def test_any_findings_are_a_whole_result(tags: list[Reason | Warn | Clue], policy: str | None) -> None:
    told = result([evidence(*tags, failed="tcp")], policy=Policy(policy))  # type: ignore[arg-type]
    assert (told.reason is None) is (told.verdict == "healthy")
    assert told.title
    assert told.summary
    for cause in told.causes:
        assert cause.evidence or cause.likelihood == "possible"
