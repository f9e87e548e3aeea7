"""Ranked causes and fixes with owners: contract 3, "Likelihood"."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.causes import Audience, fixes, rank
from diagnostics.findings import Clue, Finding, Reason, Warn
from tests.diagnostics.making import CATALOGUE

WORDS = {"host": "mail.contoso.com", "where": "mail.contoso.com [192.0.2.1]", "connector": "Contoso", "guid": "6a1f"}
AUDIENCES: tuple[Audience, ...] = get_args(Audience)
ORDER = ["confirmed", "likely", "possible", "ruled-out"]

findings = st.lists(
    st.builds(Finding, st.sampled_from([*Reason, *Warn, *Clue]), st.sampled_from(["", "a line", "another line"])), max_size=6
)


@given(st.sampled_from(list(Reason)), findings, st.sampled_from(AUDIENCES))
def test_confirmed_and_ruled_out_always_have_evidence_of_this_run(
    reason: Reason, found: list[Finding], audience: Audience
) -> None:
    lines = {f.evidence for f in found if f.evidence}
    for cause in rank(CATALOGUE[reason], found, WORDS, audience):
        assert set(cause.evidence) <= lines
        assert cause.evidence or cause.likelihood == "possible"


@given(st.sampled_from(list(Reason)), findings, st.sampled_from(AUDIENCES))
def test_the_likeliest_cause_comes_first(reason: Reason, found: list[Finding], audience: Audience) -> None:
    ranks = [ORDER.index(c.likelihood) for c in rank(CATALOGUE[reason], found, WORDS, audience)]
    assert ranks == sorted(ranks)


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("reason", Reason)
def test_without_evidence_every_cause_is_possible(reason: Reason, audience: Audience) -> None:
    assert {c.likelihood for c in rank(CATALOGUE[reason], [], WORDS, audience)} == {"possible"}


@pytest.mark.parametrize("audience", AUDIENCES)
@pytest.mark.parametrize("reason", Reason)
def test_everybody_is_told_what_to_do(reason: Reason, audience: Audience) -> None:
    told = fixes(CATALOGUE[reason], WORDS, audience)
    assert told
    assert len({f.id for f in told}) == len(told)
    assert not any("{" in f.text for f in told)


@pytest.mark.parametrize("reason", [r for r in Reason if CATALOGUE[r].code])
def test_a_partner_acts_for_a_partners_connector(reason: Reason) -> None:
    assert [f.owner for f in fixes(CATALOGUE[reason], WORDS, "partner")] == ["partner"]
    assert fixes(CATALOGUE[reason], WORDS, "everyone")[-1].owner == "partner"
    assert all(f.owner != "partner" for f in fixes(CATALOGUE[reason], WORDS, "on-premises"))
