"""Ranked causes and fixes with owners: contract 3, "Likelihood"."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.causes import Audience, fixes, rank
from diagnostics.findings import Clue, Facts, Finding, Reason, Warn
from diagnostics.model import Fix
from tests.diagnostics.making import CATALOGUE

WORDS = {
    "host": "mail.contoso.com",
    "where": "mail.contoso.com [192.0.2.1]",
    "domain": "contoso.com",
    "connector": "Contoso",
    "guid": "6a1f",
}
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
ORDER = ["confirmed", "likely", "possible", "ruled-out"]

FACTS: list[Facts] = [{}, *({"how": "as-reported", "line": line} for line in ("a line", "another line"))]

findings = st.lists(st.builds(Finding, st.sampled_from([*Reason, *Warn, *Clue]), st.sampled_from(FACTS)), max_size=6)


@given(st.sampled_from(list(Reason)), findings, st.sampled_from(AUDIENCES))
def test_confirmed_and_ruled_out_always_have_evidence_of_this_run(
    reason: Reason, found: list[Finding], audience: Audience
) -> None:
    lines = {line for f in found if (line := CATALOGUE.evidence(f))}
    for cause in rank(CATALOGUE[reason], found, WORDS, audience, CATALOGUE):
        assert set(cause.evidence) <= lines
        assert cause.evidence or cause.likelihood == "possible"


@given(st.sampled_from(list(Reason)), findings, st.sampled_from(AUDIENCES))
def test_the_likeliest_cause_comes_first(reason: Reason, found: list[Finding], audience: Audience) -> None:
    ranks = [ORDER.index(c.likelihood) for c in rank(CATALOGUE[reason], found, WORDS, audience, CATALOGUE)]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("reason", Reason)
def test_without_evidence_every_cause_is_possible(reason: Reason, audience: Audience) -> None:
    assert {c.likelihood for c in rank(CATALOGUE[reason], [], WORDS, audience, CATALOGUE)} == {"possible"}


def steps(reason: Reason, audience: Audience) -> tuple[Fix, ...]:
    """The fixes when nothing but the reason was seen."""
    return fixes(CATALOGUE[reason], rank(CATALOGUE[reason], [], WORDS, audience, CATALOGUE), WORDS, audience, CATALOGUE)


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("reason", Reason)
def test_everybody_is_told_what_to_do(reason: Reason, audience: Audience) -> None:
    told = steps(reason, audience)
    assert told
    assert len({f.id for f in told}) == len(told)
    assert not any("{" in f.text for f in told)


@pytest.mark.parametrize("reason", [r for r in Reason if CATALOGUE[r].code])
def test_a_partner_acts_for_a_partners_connector(reason: Reason) -> None:
    first, *ours = steps(reason, "partner")
    assert first.owner == "partner"
    assert {f.id for f in ours} <= {"correct-smart-host", "correct-tls-domain", "route-by-smart-host"}
    assert steps(reason, "everyone")[-1].owner == "partner"
    assert all(f.owner != "partner" for f in steps(reason, "on-premises"))


def test_steps_follow_their_causes_and_none_mends_what_is_ruled_out() -> None:
    seen = [Finding(Clue.INSPECTION, {"how": "as-reported", "line": "XXXXXXXA"})]
    causes = rank(CATALOGUE[Reason.STARTTLS_MISSING], seen, WORDS, "on-premises", CATALOGUE)
    told = [f.id for f in fixes(CATALOGUE[Reason.STARTTLS_MISSING], causes, WORDS, "on-premises", CATALOGUE)]
    assert told[0] == "inspection-off"
    healthy_beside = [Finding(Clue.OTHER_PATHS_ANSWER, {"how": "as-reported", "line": "1 of 2 paths would take the mail"})]
    causes = rank(CATALOGUE[Reason.TCP_REFUSED], healthy_beside, WORDS, "on-premises", CATALOGUE)
    assert "turn-connector-off" not in [
        f.id for f in fixes(CATALOGUE[Reason.TCP_REFUSED], causes, WORDS, "on-premises", CATALOGUE)
    ]
