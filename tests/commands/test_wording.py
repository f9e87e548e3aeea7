"""What a person is told: order, owners, exit codes (contract 1, design 3)."""

import itertools

import pytest

from commands import wording
from diagnostics.findings import Reason
from diagnostics.model import Diagnosis, Result, Verdict
from diagnostics.target import Policy
from tests.diagnostics.making import GUID, NOW, certificate, connector, evidence, result

VERDICTS: list[Verdict] = ["healthy", "degraded", "failing", "unknown"]


def told(*results: Result) -> Diagnosis:
    return Diagnosis(started=NOW, seconds=0.4, results=results)


def of(verdict: Verdict, target: str = "a.test") -> Result:
    good, bad = evidence(address="192.0.2.1"), evidence(Reason.TCP_REFUSED, failed="tcp", address="192.0.2.2")
    paths = {
        "healthy": [good],
        "degraded": [good, bad],
        "failing": [bad],
        "unknown": [evidence(Reason.VANTAGE_NO_IPV6, failed="tcp")],
    }
    return result(paths[verdict]).model_copy(update={"target": target})


@pytest.mark.parametrize("verdicts", [v for n in (1, 2, 3) for v in itertools.product(VERDICTS, repeat=n)])
def test_the_exit_code_is_contract_1s(verdicts: tuple[Verdict, ...]) -> None:
    expected = 1 if {"failing", "degraded"} & set(verdicts) else 3 if "unknown" in verdicts else 0
    reply = wording.check(told(*(of(v, f"{n}.test") for n, v in enumerate(verdicts))), as_json=False)
    assert reply.exit_code == expected


@pytest.mark.parametrize(
    ("verdict", "severity", "headline"),
    [
        ("healthy", "good", "Healthy: a.test — No fault found"),
        ("degraded", "mixed", "Degraded: a.test — 450 4.4.316 Connection refused"),
        ("failing", "bad", "Failing: a.test — 450 4.4.316 Connection refused"),
        ("unknown", "unknown", "Could not tell: a.test — No IPv6 here"),
    ],
)
def test_one_target_is_one_headline_with_verdict_and_code(verdict: Verdict, severity: str, headline: str) -> None:
    reply = wording.check(told(of(verdict)), as_json=False)
    assert (reply.severity, reply.headline, reply.parts) == (severity, headline, ())


def test_an_answer_goes_from_meaning_over_causes_and_steps_to_the_path() -> None:
    broken = evidence(
        Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NAME_MISMATCH, failed="certificate", certificate=certificate()
    )
    reply = wording.result(result([broken], connector=connector(Guid=GUID), policy=Policy("DomainValidation")))
    titles = ["", "Likely causes", "What to do", "Paths", "Certificate", "Also seen"]
    assert [s.title for s in reply.sections if s.title in titles] == titles


def test_each_step_says_who_must_act_and_each_cause_how_sure_it_is() -> None:
    reply = wording.result(of("failing"))
    sections = {s.title: s for s in reply.sections}
    assert {i.tag for i in sections["What to do"].items} <= {"you", "network team", "DNS host", "partner", "Microsoft"}
    assert [i.tag for i in sections["Likely causes"].items][-1] == "ruled out"
    assert all(i.notes for i in sections["Likely causes"].items if i.tag in ("confirmed", "ruled out"))


def test_several_targets_are_counted_and_the_bad_ones_are_parts() -> None:
    reply = wording.check(told(of("healthy", "ok.test"), of("failing", "bad.test"), of("unknown", "dark.test")), as_json=False)
    assert reply.headline == "3 targets: 1 failing, 1 not checked, 1 healthy"
    assert [p.headline.split(" — ")[0] for p in reply.parts] == ["Failing: bad.test", "Could not tell: dark.test"]
    assert "ok.test" in reply.sections[-1].items[0].text


def test_a_shared_cause_is_the_headline() -> None:
    some = told(of("failing", "a.test"), of("degraded", "b.test"), of("healthy", "ok.test"))
    assert wording.check(some, as_json=False).headline == "2 of 3 failing or degraded: 450 4.4.316 Connection refused"


def test_bad_targets_are_grouped_by_cause_and_by_who_must_act() -> None:
    (section,) = [
        s
        for s in wording.check(told(of("failing", "a.test"), of("failing", "b.test")), as_json=False).sections
        if s.title == "By cause"
    ]
    assert [i.text for i in section.items] == ["450 4.4.316 Connection refused: a.test, b.test"]
    assert section.items[0].tag


def test_no_bad_target_is_lost_however_many_there_are() -> None:
    many = [of("failing", f"host{n}.test") for n in range(40)]
    reply = wording.check(told(*many), as_json=False)
    said = " ".join([*(p.headline for p in reply.parts), *(i.text for s in reply.sections for i in s.items)])
    assert all(r.target in said for r in many)


def test_the_document_is_the_contracts() -> None:
    reply = wording.check(told(of("failing")), as_json=True)
    assert reply.as_json
    assert reply.document is not None
    assert '"schema":"mailflow/check/1","started":"2026-11-24T10:00:00Z"' in reply.document.model_dump_json()


def test_a_certificate_is_told_with_all_that_a_person_needs() -> None:
    said = "\n".join(wording.certificate(certificate(wanted="*.contoso.com", days_left=-4, sans_total=12)))
    for words in (
        "mail.contoso.com",
        "and 11 more",
        "*.contoso.com",
        "Some CA",
        "2026-10-25",
        "expired 3 days ago",
        "RSA 2048",
        "A" * 40,
        "B" * 64,
    ):
        assert words in said
