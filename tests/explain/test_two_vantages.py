"""What this machine saw is told as that, and what Microsoft 365 reported as that (contract 3, "Who saw it")."""

import re

import pytest

from diagnostics.findings import Clue, Reason
from diagnostics.model import Result
from tests.diagnostics.making import CATALOGUE, connector, evidence, result
from tests.explain.making import explained, reported

CODED = [reason for reason in Reason if CATALOGUE[reason].code]
DEAD = [Reason.TCP_TIMEOUT, Reason.TCP_REFUSED, Reason.TCP_UNREACHABLE]
EXPERIENCE = re.compile(
    r"Microsoft 365 (?:reached|tried|connected|asked|was|waits|gives|cannot|does not know|must not)|until Microsoft 365"
)


def checked(reason: Reason) -> Result:
    return result([evidence(reason, failed="tcp")], connector=connector())


@pytest.mark.parametrize("reason", DEAD)
def test_a_check_never_tells_what_microsoft_met_with(reason: Reason) -> None:
    told = checked(reason)
    assert not EXPERIENCE.search(f"{told.summary} {told.meaning}"), told.meaning
    assert "his machine" in told.meaning
    assert "report" in told.meaning


@pytest.mark.parametrize("reason", CODED)
def test_what_a_code_means_for_a_check_is_no_experience_of_microsofts(reason: Reason) -> None:
    entry = CATALOGUE[reason]
    assert not EXPERIENCE.search(entry.seen or entry.meaning)


@pytest.mark.parametrize("reason", DEAD)
def test_an_explanation_tells_what_microsoft_reported(reason: Reason) -> None:
    code = CATALOGUE[reason].code or ""
    told = explained(reported(code, reason))
    assert told.meaning.startswith("Microsoft 365 ")
    assert "This machine" not in told.meaning


@pytest.mark.parametrize("reason", DEAD)
def test_that_the_firewall_admits_microsoft_alone_is_a_cause_of_what_is_refused_or_silent_here(reason: Reason) -> None:
    told = checked(reason)
    cause = next(c for c in told.causes if c.id == "admits-microsoft-alone")
    assert cause.likelihood == "possible"
    assert "compare-with-report" in [fix.id for fix in told.fixes]
    reached = result([evidence(reason, failed="tcp"), evidence(address="192.0.2.2")])
    assert {c.id: c.likelihood for c in reached.causes}["admits-microsoft-alone"] == "ruled-out"


@pytest.mark.parametrize("reason", DEAD)
def test_a_report_of_microsofts_rules_it_out(reason: Reason) -> None:
    error = reported(CATALOGUE[reason].code or "", reason)
    alone, same, works = explained(error), explained(error, checked(reason)), explained(error, result([evidence()]))
    assert "admits-microsoft-alone" not in [c.id for c in alone.causes + works.causes]
    assert {c.id: c.likelihood for c in same.causes}["admits-microsoft-alone"] == "ruled-out"
    assert same.causes[-1].likelihood == "ruled-out"
    for told in (alone, same, works):
        assert "compare-with-report" not in [fix.id for fix in told.fixes]


def test_a_refusal_that_microsoft_reports_is_most_likely_the_firewalls_and_one_seen_here_is_not() -> None:
    told, here = explained(reported("450 4.4.316", Reason.TCP_REFUSED)), checked(Reason.TCP_REFUSED)
    assert (told.causes[0].id, told.causes[0].likelihood, told.fixes[0].id) == ("firewall-rejects", "likely", "open-port-25")
    assert here.causes[0].id == "nothing-listens"
    assert Clue.REPORTED not in [f.tag for p in here.paths for f in p.findings]


@pytest.mark.parametrize("reason", [Reason.SMTP_CLOSED, Reason.SMTP_TIMEOUT])
def test_a_broken_conversation_is_a_matter_for_the_network_team_too(reason: Reason) -> None:
    for told in (explained(reported("450 4.4.318", reason)), checked(reason)):
        assert ("ask-network-team", "network") in [(fix.id, fix.owner) for fix in told.fixes]


@pytest.mark.parametrize("code", ["450 4.4.312", "450 4.4.315", "450 4.4.316", "450 4.4.317", "450 4.4.318", "450 4.7.320"])
def test_sentences_read_well_without_the_name_of_a_server(code: str) -> None:
    for reason in (None, *CATALOGUE.reasons(code)):
        told = explained(reported(code, reason))
        said = " ".join([told.summary, *(c.text for c in told.causes), *(f.text for f in told.fixes)])
        assert not re.search(r"(?:server|host|name) the destination|the the |destination server (?:up|server)", said), said
