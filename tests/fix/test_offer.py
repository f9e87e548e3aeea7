"""Contract 3, `fix_now`: offered only where all that is known says that the server is gone."""

from typing import Any

import pytest

from diagnostics.classify import classify
from diagnostics.connectors.connector import AcceptedDomain, Connector, Inventory
from diagnostics.findings import Reason, Tag, Warn
from diagnostics.model import Evidence, FixNow
from diagnostics.probes.control import Control
from diagnostics.probes.run import Observed
from diagnostics.route import route
from diagnostics.vantage import Vantage
from tests.diagnostics.making import CATALOGUE, GUID, connector, evidence

CONTOSO = AcceptedDomain(DomainName="contoso.com", DomainType="InternalRelay", Guid=GUID)
ANSWERS = Control("answers", {"host": "outlook.com", "text": "the control host answers"})


def on_premises(**fields: Any) -> Connector:
    plain = {"Guid": GUID, "SmartHosts": ["a.contoso.com", "192.0.2.2"], "RecipientDomains": ["contoso.com"]}
    return connector("Old", **(plain | fields))


def known(*connectors: Connector, accepted: tuple[AcceptedDomain, ...] = (CONTOSO,)) -> Inventory:
    return Inventory(connectors=connectors or (on_premises(),), accepted_domains=accepted)


REFUSED = evidence(Reason.TCP_REFUSED, failed="tcp")
HEALTHY = evidence()


def failing(*tags: Tag) -> Evidence:
    return evidence(*tags, failed="tcp")


def fix_now(
    *paths: Evidence,
    word: str = "Old",
    inventory: Inventory | None = None,
    control: Control | None = ANSWERS,
    is_controlled: bool = True,
    age: float = 0,
) -> FixNow:
    inventory = inventory or known()
    (target,) = route([word], inventory)
    seen = Observed(target, paths or (REFUSED, REFUSED), age)
    return classify(seen, Vantage(control, is_controlled=is_controlled), CATALOGUE, "r-1", inventory).fix_now


def test_a_connector_whose_every_path_refuses_is_offered_with_the_command_that_shows_more() -> None:
    told = fix_now()
    assert told.offered
    assert told.why.endswith(f"fix connector:{GUID}")


@pytest.mark.parametrize(
    "inventory",
    [
        known(accepted=()),
        known(on_premises(RecipientDomains=["*"])),
        known(on_premises(AllAcceptedDomains=True, RecipientDomains=[])),
        known(accepted=(CONTOSO.model_copy(update={"DomainType": "Authoritative"}),)),
        known(on_premises(UseMXRecord=True, SmartHosts=[])),
        known(on_premises(ConnectorSource="HybridWizard")),
    ],
)
def test_what_a_plan_asks_for_does_not_hinder_the_offer(inventory: Inventory) -> None:
    assert fix_now(inventory=inventory).offered


@pytest.mark.parametrize("word", ["Old", GUID, "contoso.com", "anna@contoso.com"])
def test_whatever_word_asks_for_all_of_the_connector_will_do(word: str) -> None:
    assert fix_now(word=word).offered


def test_paths_seen_within_the_last_minute_will_do_since_the_plan_checks_again() -> None:
    assert fix_now(age=59).offered


def test_without_a_control_host_none_is_needed() -> None:
    assert fix_now(control=None, is_controlled=False).offered


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        ((HEALTHY,), "Nothing is broken"),
        ((REFUSED, HEALTHY), "Some paths would take the mail"),
        ((failing(Reason.TCP_TIMEOUT),), "Fix now is for 450 4.4.316"),
        ((failing(Reason.TCP_TIMEOUT), REFUSED), "Fix now is for 450 4.4.316"),
        ((failing(Reason.SMTP_REJECTED),), "Fix now is for 450 4.4.316"),
        ((REFUSED, failing(Reason.TCP_TIMEOUT)), "Not every path refuses connections"),
        ((REFUSED, failing(Reason.SMTP_UNAVAILABLE)), "Not every path refuses connections"),
        ((REFUSED, failing(Reason.VANTAGE_NO_IPV6)), "Not every path could be tested"),
        ((REFUSED, failing(Reason.ADDRESS_NOT_PUBLIC)), "Not every path could be tested"),
        ((REFUSED, failing(Reason.VANTAGE_FAULT)), "Not every path could be tested"),
        ((failing(Warn.DNS_TOO_MANY, Reason.TCP_REFUSED),), "Not every path could be tested"),
        ((failing(Warn.DNS_AAAA_BROKEN, Reason.TCP_REFUSED),), "Not every path could be tested"),
        ((REFUSED, evidence(Reason.STARTTLS_REJECTED, failed="starttls")), "It could not be told"),
        ((failing(Reason.VANTAGE_FAULT),), "It could not be told"),
    ],
)
def test_any_other_path_withholds_the_offer(paths: tuple[Evidence, ...], why: str) -> None:
    told = fix_now(*paths)
    assert (told.offered, why in told.why) == (False, True), told.why


@pytest.mark.parametrize(
    ("control", "why"),
    [
        (None, "The control host did not answer in this run"),
        (Control("tcp", {"host": "outlook.com", "text": "it fails too"}), "It could not be told"),
        (Control("intercepted", {"host": "outlook.com", "text": "somebody else answers"}), "It could not be told"),
        (Control("dns", {"host": "outlook.com", "text": "its name has no address"}), "It could not be told"),
    ],
)
def test_the_control_host_has_to_answer(control: Control | None, why: str) -> None:
    told = fix_now(control=control)
    assert (told.offered, why in told.why) == (False, True), told.why


@pytest.mark.parametrize(
    ("word", "fields", "why"),
    [
        ("a.contoso.com", {}, f"1 of 2 was not. For all of it: check connector:{GUID}"),
        ("192.0.2.2", {}, "Only a part was asked"),
        ("contoso.net", {"UseMXRecord": True, "RecipientDomains": ["contoso.com", "contoso.net"]}, "Only a part was asked"),
        ("Old", {"SmartHosts": ["a.contoso.com", "192.0.2.0/30"]}, "leads to more than can be tested"),
        ("192.0.2.1", {"SmartHosts": ["192.0.2.0/30"]}, "leads to more than can be tested"),
        ("Old", {"UseMXRecord": True, "RecipientDomains": ["contoso.com", "*.contoso.com"]}, "leads to more than can be tested"),
        ("contoso.com", {"UseMXRecord": True, "RecipientDomains": ["*"]}, "leads to more than can be tested"),
        (
            "contoso.com",
            {"UseMXRecord": True, "RecipientDomains": [], "AllAcceptedDomains": True},
            "leads to more than can be tested",
        ),
        ("elsewhere.test", {}, "No connector is known"),
        ("Old", {"RecipientDomains": ["contoso.com", "else.test"]}, "else.test"),
        ("Old", {"ConnectorType": "Partner"}, "only the partner can mend it"),
        ("Old", {"ConnectorType": None}, "OnPremises connectors alone"),
        ("Old", {"ConnectorType": "New"}, "OnPremises connectors alone"),
        ("Old", {"TestMode": True}, "in test mode"),
        ("a.contoso.com", {"Enabled": False, "SmartHosts": ["a.contoso.com"]}, "switched off already"),
        ("Old", {"RouteAllMessagesViaOnPremises": True}, "RouteAllMessagesViaOnPremises"),
        ("Old", {"IsTransportRuleScoped": True}, "IsTransportRuleScoped"),
        ("Old", {"Guid": ""}, "without a well-formed Guid"),
    ],
)
def test_a_connector_that_is_not_seen_whole_or_must_stay_is_not_offered(word: str, fields: dict[str, Any], why: str) -> None:
    told = fix_now(word=word, inventory=known(on_premises(**fields)))
    assert (told.offered, why in told.why) == (False, True), told.why


def test_a_domain_that_takes_mail_for_sub_domains_withholds_the_offer() -> None:
    matching = CONTOSO.model_copy(update={"MatchSubDomains": True})
    assert "MatchSubDomains" in fix_now(inventory=known(accepted=(matching,))).why


def test_a_connector_that_is_switched_off_may_have_left_a_domain() -> None:
    off = known(on_premises(Enabled=False))
    (target,) = route(["Old"], off)
    told = classify(Observed(target), Vantage(is_controlled=True), CATALOGUE, "r-1", off).fix_now
    assert (told.offered, told.why.endswith(f"fix connector:{GUID}")) == (False, True)
