"""Contract 6: what a fix would do, every reason why it is not done, and what a person is told before."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.catalogue import load
from diagnostics.connectors.connector import AcceptedDomain, Connector, Inventory, TransportRule
from diagnostics.fix.plan import MOST_CHOICES, MOST_IN_QUESTION, Read, Wanted, changed, in_question, matching, plan
from diagnostics.fix.record import Fix

SAY = load().fixing.say
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)


def guid(number: int) -> str:
    return f"6a1f3c58-0c9b-4c5e-9a57-{number:012x}"


def connector(name: str = "To on-premises", number: int = 1, **fields: Any) -> Connector:
    told = {
        "Name": name,
        "Guid": guid(number),
        "Enabled": True,
        "ConnectorType": "OnPremises",
        "SmartHosts": ["mail.contoso.com"],
        "RecipientDomains": ["contoso.com"],
        "RouteAllMessagesViaOnPremises": False,
        "IsTransportRuleScoped": False,
    }
    return Connector.model_validate({k: v for k, v in (told | fields).items() if v is not ...})


def domain(name: str = "contoso.com", number: int = 101, **fields: Any) -> AcceptedDomain:
    told = {"DomainName": name, "Guid": guid(number), "DomainType": "InternalRelay", "MatchSubDomains": False}
    return AcceptedDomain.model_validate({k: v for k, v in (told | fields).items() if v is not ...})


CONTOSO, FABRIKAM, ADATUM = domain(), domain("fabrikam.com", 102), domain("adatum.com", 103, DomainType="Authoritative")


@dataclass(frozen=True)
class World:
    """A tenant in which the plan is as simple as can be, but for what a test changes."""

    connectors: tuple[Connector, ...] = (connector(),)
    accepted: tuple[AcceptedDomain, ...] = (CONTOSO,)
    wanted: dict[str, Any] = field(default_factory=dict)
    read: dict[str, Any] = field(default_factory=dict)

    def plan(self) -> Fix:
        names = [d.DomainName.lower() for d in self.accepted]
        known = Inventory(connectors=self.connectors, accepted_domains=self.accepted)
        plain: dict[str, Any] = {
            "complete": True,
            "rules": (),
            "has_mailboxes": True,
            "recipients": dict.fromkeys(names, 0),
            "mx": {name: (f"{name.replace('.', '-')}.mail.protection.outlook.com",) for name in names},
        }
        wanted = Wanted(**({"connector": "To on-premises"} | self.wanted))
        return plan(wanted, Read(known, **(plain | self.read)), id="f-1", requester="anna", reason="moved", created=NOW, say=SAY)


def of(*connectors: Connector, accepted: tuple[AcceptedDomain, ...] = (CONTOSO,), domains: tuple[str, ...] = ()) -> World:
    return World(connectors, accepted, {"domains": domains})


def blocked(fix: Fix) -> list[str]:
    assert (fix.state == "blocked") is bool(fix.blocked)
    return [note.id for note in fix.blocked]


def steps(fix: Fix) -> list[str]:
    return [f"{step.name}: {step.property} {step.before} → {step.after}" for step in fix.steps]


TURN, OFF = "contoso.com: DomainType InternalRelay → Authoritative", "To on-premises: Enabled True → False"
STAR, ALL = connector(RecipientDomains=["*"]), connector(RecipientDomains=[], AllAcceptedDomains=True)
EVERY = connector(RecipientDomains=["contoso.com", "*.contoso.com", "fabrikam.com"])
UNDER = connector(RecipientDomains=["*.contoso.com"])
SEVERAL = connector(RecipientDomains=["contoso.com", "fabrikam.com"])


# --- the plan ---


def test_the_plain_case_is_planned_with_the_domain_first_and_the_connector_last() -> None:
    fix = World().plan()
    assert (fix.state, fix.blocked, fix.warnings, fix.choices) == ("planned", (), (), ())
    assert steps(fix) == [TURN, OFF]
    assert [step.cmdlet for step in fix.steps] == [
        f"Set-AcceptedDomain -Identity '{guid(101)}' -DomainType 'Authoritative'",
        f"Set-OutboundConnector -Identity '{guid(1)}' -Enabled $false",
    ]
    assert [(step.object, step.identity, step.state) for step in fix.steps] == [
        ("accepted-domain", guid(101), "todo"),
        ("connector", guid(1), "todo"),
    ]
    assert fix.connector
    assert (fix.connector.name, fix.connector.guid) == ("To on-premises", guid(1))
    assert (fix.id, fix.requester, fix.reason, fix.created) == ("f-1", "anna", "moved", NOW)


@pytest.mark.parametrize(
    ("world", "turned"),
    [
        (of(connector(RecipientDomains=["CONTOSO.com"])), ["contoso.com"]),
        (of(connector(RecipientDomains=["münchen.test"]), accepted=(domain("xn--mnchen-3ya.test"),)), ["xn--mnchen-3ya.test"]),
        (of(connector(RecipientDomains=["*.contoso.com"]), accepted=(domain("eu.contoso.com"),)), ["eu.contoso.com"]),
        (of(connector(RecipientDomains=["adatum.com"]), accepted=(CONTOSO, ADATUM)), []),
        (of(SEVERAL, accepted=(CONTOSO, FABRIKAM), domains=("Fabrikam.COM",)), ["fabrikam.com"]),
        (of(SEVERAL, accepted=(CONTOSO, FABRIKAM), domains=("fabrikam.com", "contoso.com")), ["contoso.com", "fabrikam.com"]),
        (of(connector(RecipientDomains=["contoso.com", "adatum.com"]), accepted=(CONTOSO, ADATUM)), ["contoso.com"]),
        (of(STAR, accepted=(CONTOSO, FABRIKAM), domains=("contoso.com",)), ["contoso.com"]),
        (of(ALL, accepted=(CONTOSO, FABRIKAM), domains=("contoso.com",)), ["contoso.com"]),
        (of(STAR, accepted=(ADATUM,)), []),
        (of(ALL, accepted=(ADATUM,)), []),
        (of(connector(), accepted=(domain(Default=True),)), ["contoso.com"]),
        (of(STAR, accepted=(domain("münchen.test"),), domains=("xn--mnchen-3ya.test",)), ["münchen.test"]),
        (of(connector(), connector("Other", 2, RecipientDomains=["*"])), ["contoso.com"]),
        (of(connector(), connector("Twin", 2)), ["contoso.com"]),
        (of(connector("Twin", 2), connector()), ["contoso.com"]),
        (of(STAR, connector("Twin", 2, RecipientDomains=["*"]), domains=("contoso.com",)), ["contoso.com"]),
        (of(UNDER, connector("Closer", 2, RecipientDomains=["*.eu.contoso.com"]), accepted=(domain("a.eu.contoso.com"),)), []),
    ],
)
def test_served_internal_relay_domains_are_turned_and_the_connector_is_switched_off(world: World, turned: list[str]) -> None:
    fix = world.plan()
    assert (fix.state, [s.name for s in fix.steps]) == ("planned", [*turned, "To on-premises"])


@pytest.mark.parametrize(
    "word", ["To on-premises", "connector:TO ON-PREMISES", "to  on\u2013premises", guid(1), f"Connector: {{{guid(1)}}}"]
)
def test_a_connector_is_found_by_name_or_guid(word: str) -> None:
    assert World(wanted={"connector": word}).plan().state == "planned"
    assert matching(word, Inventory(connectors=[connector(), connector("Other", 2)])) == (connector(),)


# --- blocked ---

RULE = TransportRule(Name="Invoices", State="Enabled", RouteMessageOutboundConnector="to on-premises")


@pytest.mark.parametrize(
    ("world", "ids"),
    [
        # which connector
        (World(wanted={"connector": "Other"}), ["connector-not-found"]),
        (World(()), ["connector-not-found"]),
        (of(connector(), connector(number=2)), ["connector-ambiguous"]),
        (of(connector(), connector("Other")), ["connector-ambiguous"]),
        (of(connector(Guid="")), ["connector-ambiguous"]),
        (of(connector(Guid="not-a-guid")), ["connector-ambiguous"]),
        (of(connector(Guid="00000000-0000-0000-0000-000000000000")), ["connector-ambiguous"]),
        # its own settings
        (of(connector(ConnectorType="Partner")), ["connector-partner"]),
        (of(connector(ConnectorType="Quantum")), ["connector-partner"]),
        (of(connector(ConnectorType=1)), ["connector-partner"]),
        (of(connector(ConnectorType=None)), ["connector-partner"]),
        (of(connector(ConnectorType=...)), ["connector-partner"]),
        (of(connector(ConnectorType="Partner", RecipientDomains=["partner.test"])), ["connector-partner"]),
        (of(connector(ConnectorType="Partner"), accepted=()), ["connector-partner"]),
        (of(connector(Enabled=False)), ["connector-already-off"]),
        (of(connector(Enabled=...)), ["connector-already-off"]),
        (of(connector(TestMode=True)), ["connector-already-off"]),
        (of(connector(RouteAllMessagesViaOnPremises=True)), ["routes-all-mail"]),
        (of(connector(RouteAllMessagesViaOnPremises=...)), ["routes-all-mail"]),
        (of(connector(IsTransportRuleScoped=True)), ["transport-rule-scoped"]),
        (of(connector(IsTransportRuleScoped=...)), ["transport-rule-scoped"]),
        # rules
        (World(read={"rules": (RULE,)}), ["transport-rule-scoped"]),
        (World(read={"rules": (RULE.model_copy(update={"State": "Disabled"}),)}), ["transport-rule-scoped"]),
        (
            World(read={"rules": (RULE.model_copy(update={"RouteMessageOutboundConnector": guid(1).upper()}),)}),
            ["transport-rule-scoped"],
        ),
        (World(read={"rules": (RULE.model_copy(update={"RouteMessageOutboundConnector": "Another"}),)}), []),
        (World(read={"rules": (RULE.model_copy(update={"RouteMessageOutboundConnector": None}),)}), []),
        (
            World(read={"rules": (RULE.model_copy(update={"RouteMessageOutboundConnector": "contoso.test\\To on-premises"}),)}),
            ["transport-rule-scoped"],
        ),
        # sub-domains
        (of(connector(), accepted=(domain(MatchSubDomains=True),)), ["matches-subdomains"]),
        (of(connector(), accepted=(domain(MatchSubDomains=...),)), ["matches-subdomains"]),
        (of(connector(RecipientDomains=["eu.contoso.com"]), accepted=(domain(MatchSubDomains=True),)), ["matches-subdomains"]),
        (of(connector(RecipientDomains=["*.contoso.com"]), accepted=(domain(MatchSubDomains=True),)), ["matches-subdomains"]),
        (of(connector(), accepted=(CONTOSO, domain("fabrikam.com", 102, MatchSubDomains=True))), []),
        (of(EVERY, accepted=(domain(MatchSubDomains=True), FABRIKAM), domains=("fabrikam.com",)), []),
        # which domains
        (of(STAR), ["domain-not-chosen"]),
        (of(ALL), ["domain-not-chosen"]),
        (of(SEVERAL, accepted=(CONTOSO, FABRIKAM)), ["domain-not-chosen"]),
        (of(connector(), accepted=(CONTOSO, FABRIKAM), domains=("fabrikam.com",)), ["domain-not-chosen"]),
        (of(STAR, connector("Other", 2), domains=("contoso.com",)), ["domain-not-chosen"]),
        (of(connector(), domains=("contoso.net",)), ["domain-not-accepted"]),
        (of(connector(), domains=("eu.contoso.com",)), ["domain-not-accepted"]),
        (of(connector(), accepted=(domain(DomainType="ExternalRelay"),), domains=("x.test",)), ["domain-not-accepted"]),
        (of(connector(RecipientDomains=["eu.contoso.com"])), ["domain-not-accepted"]),
        (of(connector(), domains=("\udc80'; x",)), ["domain-not-accepted"]),
        (of(connector(RecipientDomains=["contoso.com", "else.test"])), ["domain-not-accepted"]),
        (of(connector(RecipientDomains=["contoso.com", "*.else.test"])), ["domain-not-accepted"]),
        (of(connector(), accepted=()), ["domain-not-accepted"]),
        (of(STAR, accepted=()), ["domain-not-accepted"]),
        (of(connector(), accepted=(domain(Guid=""),)), ["domain-not-accepted"]),
        (of(connector(), accepted=(CONTOSO, domain("fabrikam.com", 101))), ["domain-not-accepted"]),
        (of(connector(), accepted=(CONTOSO, domain("Contoso.com", 102))), ["domain-not-accepted"]),
        (of(connector(), accepted=(CONTOSO, ADATUM), domains=("adatum.com",)), ["domain-not-internal-relay"]),
        (of(connector(), accepted=(domain(DomainType="ExternalRelay"),)), ["domain-not-internal-relay"]),
        (
            of(connector(), accepted=(domain(DomainType="ExternalRelay"),), domains=("contoso.com",)),
            ["domain-not-internal-relay"],
        ),
        (of(connector(), accepted=(domain(DomainType=2),)), ["domain-not-internal-relay"]),
        (of(connector(), accepted=(domain(DomainType=None),)), ["domain-not-internal-relay"]),
        (of(SEVERAL, accepted=(CONTOSO, domain("fabrikam.com", 102, DomainType="New"))), ["domain-not-internal-relay"]),
        (of(SEVERAL, accepted=(CONTOSO, domain("fabrikam.com", 102, DomainType="New")), domains=("contoso.com",)), []),
        # people, servers, rights
        (World(read={"has_mailboxes": False}), ["no-cloud-mailboxes"]),
        (World(read={"recipients": {"contoso.com": 42}}), ["recipients-on-premises"]),
        (of(connector(RecipientDomains=["adatum.com"]), accepted=(ADATUM,)), []),
        (World(wanted={"answers": "mail.contoso.com [192.0.2.1]", "by_name": False}), ["server-answers"]),
        (World(wanted={"answers": "mail.contoso.com [192.0.2.1]"}), []),
        (World(wanted={"writable": False}), ["not-writable"]),
        (World(read={"complete": False}), ["not-writable"]),
        # several
        (
            World((connector(RouteAllMessagesViaOnPremises=True, RecipientDomains=["*"]),), wanted={"writable": False}),
            ["routes-all-mail", "domain-not-chosen", "not-writable"],
        ),
    ],
)
def test_every_reason_against_a_fix(world: World, ids: list[str]) -> None:
    assert blocked(world.plan()) == ids


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (World(()), "--connectors"),
        (World(wanted={"connector": "Other"}), "Known are To on-premises."),
        (of(connector(), connector(number=2)), f"by its Guid: {guid(1)}, {guid(2)}."),
        (World((connector(), connector("Other")), wanted={"connector": guid(1)}), f"read with the Guid {guid(1)}"),
        (of(connector(ConnectorType="Quantum")), "'Quantum'"),
        (of(connector(ConnectorType=...)), "was not told"),
        (of(connector(Enabled=...)), "It was not told whether"),
        (of(connector(Enabled=False)), "Still Internal Relay: contoso.com. Run the cmdlet shown."),
        (of(connector(Enabled=False), domains=("x.test",)), "Still Internal Relay: contoso.com."),
        (of(connector(Enabled=False), accepted=(domain(DomainType="Authoritative"),)), "Nothing remains to be done."),
        (of(connector(Enabled=False, RecipientDomains=["*"])), "Still Internal Relay: contoso.com."),
        (World(read={"rules": (RULE,)}), "Invoices"),
        (of(connector(), accepted=(CONTOSO, FABRIKAM), domains=("fabrikam.com",)), "it is not one that To on-premises serves"),
        (of(STAR, connector("Other", 2), domains=("contoso.com",)), "its mail leaves by Other"),
        (World(accepted=(), read={"complete": False}), "--accepted-domains"),
        (World(accepted=()), "rights of the app that reads"),
        (of(connector(), domains=("adatum.com",), accepted=(CONTOSO, ADATUM)), "nothing is to be done"),
        (of(connector(), accepted=(domain(DomainType="ExternalRelay"),)), "contoso.com (ExternalRelay)"),
        (World(read={"recipients": {"contoso.com": 42}}), "42 of contoso.com"),
        (World(read={"complete": False}), "read from an export"),
        (World(wanted={"writable": False}), "MAILFLOW_EXCHANGE_FIX_CLIENT_ID"),
    ],
)
def test_a_reason_names_what_it_is_about_and_the_way_out(world: World, words: str) -> None:
    assert words in world.plan().blocked[0].text


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        (of(connector(ConnectorType="Partner")), [TURN, OFF]),
        (World(wanted={"writable": False}), [TURN, OFF]),
        (of(connector(Enabled=False)), [TURN]),
        (of(connector(Enabled=...)), [TURN]),
        (of(connector(TestMode=True)), [TURN]),
        (of(connector(Enabled=False), accepted=(domain(DomainType="Authoritative"),)), []),
        (of(connector(Enabled=False), connector("New", 2)), []),
        (of(connector(TestMode=True), connector("New", 2)), []),
        (of(STAR, accepted=(CONTOSO, FABRIKAM)), [OFF]),
        (of(STAR, domains=("contoso.net",)), [OFF]),
    ],
)
def test_steps_are_shown_although_something_is_in_the_way(world: World, expected: list[str]) -> None:
    fix = world.plan()
    assert fix.blocked
    assert steps(fix) == expected


def test_without_a_guid_a_step_has_no_cmdlet_and_says_why() -> None:
    domain_step, connector_step = of(connector(Guid="*")).plan().steps
    assert domain_step.cmdlet
    assert (connector_step.cmdlet, connector_step.identity) == (None, "*")
    assert "Guid" in connector_step.said


def test_an_unknown_connector_has_no_steps() -> None:
    fix = of(connector(), connector(number=2)).plan()
    assert (fix.connector, fix.steps, fix.read) == (None, (), "")


@pytest.mark.parametrize(
    ("world", "choices"),
    [
        (of(STAR, accepted=(CONTOSO, FABRIKAM, ADATUM)), ("contoso.com", "fabrikam.com")),
        (of(STAR, connector("Other", 2), accepted=(CONTOSO, FABRIKAM)), ("fabrikam.com",)),
        (of(SEVERAL, accepted=(CONTOSO, FABRIKAM), domains=("contoso.net",)), ("contoso.com", "fabrikam.com")),
        (of(SEVERAL, accepted=(CONTOSO, FABRIKAM), domains=("contoso.com",)), ()),
        (World(), ()),
    ],
)
def test_choices_are_the_internal_relay_domains_that_the_connector_carries(world: World, choices: tuple[str, ...]) -> None:
    assert world.plan().choices == choices


# --- warnings and consequences ---

TAKER = connector("Second", 2, RecipientDomains=["*"])


@pytest.mark.parametrize(
    ("world", "ids"),
    [
        (World(read={"rules": None}), ["recipients-not-read"]),
        (World(read={"has_mailboxes": None}), ["recipients-not-read"]),
        (World(read={"recipients": {}}), ["recipients-not-read"]),
        (World(read={"mx": {}}), ["recipients-not-read"]),
        (World(read={"unread": ("the service is slow",)}), ["recipients-not-read"]),
        (World(read={"mx": {"contoso.com": ("contoso.mx.microsoft.",)}}), []),
        (World(read={"mx": {"contoso.com": ("a.mail.protection.outlook.com", "mail.contoso.com")}}), ["mx-elsewhere"]),
        (World(read={"mx": {"contoso.com": ("mail.protection.outlook.com.evil.test",)}}), ["mx-elsewhere"]),
        (World(read={"mx": {"contoso.com": ()}}), ["mx-elsewhere"]),
        (World(read={"mx": {"contoso.com": ("",)}}), ["mx-elsewhere"]),
        (of(connector(ConnectorSource="HybridWizard")), ["hybrid-connector"]),
        (of(connector(CloudServicesMailEnabled=True)), ["hybrid-connector"]),
        (of(connector(ConnectorSource="AdminUI")), []),
        (of(connector(), TAKER), ["takes-over"]),
        (of(TAKER, connector()), ["takes-over"]),
        (of(connector(RecipientDomains=["adatum.com"]), TAKER, accepted=(ADATUM,)), ["takes-over"]),
        (of(connector(), connector("Off", 2, Enabled=False)), []),
        (of(connector(), connector("Ruled", 2, IsTransportRuleScoped=True)), []),
        (of(connector(), connector("Elsewhere", 2, RecipientDomains=["fabrikam.com"])), []),
        (World(wanted={"answers": "mail.contoso.com [192.0.2.1]"}), ["server-answers"]),
    ],
)
def test_warnings_do_not_hinder(world: World, ids: list[str]) -> None:
    fix = world.plan()
    assert (fix.state, [note.id for note in fix.warnings]) == ("planned", ids)


@pytest.mark.parametrize(
    ("world", "words"),
    [
        (World(), "550 5.4.1 Recipient address rejected: Access denied"),
        (World(), "30 to 60 minutes"),
        (World(), "Mail to contoso.com that Exchange Online does not deliver itself follows the MX."),
        (of(connector(), TAKER, connector("Third", 3, RecipientDomains=["*"])), "leaves by the connector Second."),
        (of(SEVERAL, accepted=(CONTOSO, FABRIKAM), domains=("contoso.com",)), "loses this connector all the same: fabrikam.com."),
        (
            of(
                connector(RecipientDomains=["contoso.com", "*.contoso.com"]),
                accepted=(CONTOSO, domain("a.contoso.com", 7, DomainType="Authoritative")),
            ),
            "under *.contoso.com",
        ),
        (of(STAR, domains=("contoso.com",)), "every other domain (*)"),
        (of(connector(CloudServicesMailEnabled=True)), "no longer treated as internal"),
    ],
)
def test_consequences_are_told_in_plain_words(world: World, words: str) -> None:
    fix = world.plan()
    assert words in "\n".join(fix.consequences)
    assert fix.checklist


def test_what_is_authoritative_is_not_left_behind() -> None:
    fix = of(connector(RecipientDomains=["contoso.com", "adatum.com"]), accepted=(CONTOSO, ADATUM)).plan()
    assert "all the same" not in "\n".join(fix.consequences)


def test_what_another_connector_takes_over_does_not_follow_the_mx() -> None:
    assert "follows the MX" not in "\n".join(of(connector(), TAKER).plan().consequences)


def test_nothing_is_said_of_the_connector_when_it_carries_no_mail() -> None:
    fix = of(connector(TestMode=True)).plan()
    assert "follows the MX" not in "\n".join(fix.consequences)
    assert of(connector(Enabled=False, RecipientDomains=["adatum.com"]), TAKER, accepted=(ADATUM,)).plan().warnings == ()


def test_what_could_not_be_read_is_named_with_its_reason() -> None:
    (note,) = World(read={"rules": None, "recipients": {}, "unread": ("Get-MailUser: not permitted",)}).plan().warnings
    assert "mail flow rules, mail users of contoso.com (Get-MailUser: not permitted)" in note.text


# --- a plan and the tenant a while later ---


@pytest.mark.parametrize(
    ("later", "differs"),
    [
        (World(), False),
        (World(wanted={"domains": ("contoso.com",)}), False),
        (World(wanted={"answers": "mail.contoso.com", "writable": False}), False),
        (World(read={"mx": {}}), False),
        (World(accepted=(CONTOSO, FABRIKAM)), False),
        (of(connector(), connector("Elsewhere", 2, RecipientDomains=["fabrikam.com"])), False),
        (of(connector(Enabled=False)), True),
        (of(connector("To On-Premises")), True),
        (of(connector(SmartHosts=["other.contoso.com"])), True),
        (of(connector(IsTransportRuleScoped=...)), True),
        (World(accepted=(domain(number=109),)), True),
        (World(accepted=(domain(DomainType="Authoritative"),)), True),
        (World(accepted=(domain(MatchSubDomains=True),)), True),
        (World(read={"rules": (RULE,)}), True),
        (World(read={"rules": None}), True),
        (World(read={"has_mailboxes": None}), True),
        (World(read={"recipients": {"contoso.com": 1}}), True),
        (World(read={"recipients": {}}), True),
        (of(connector(), TAKER), True),
        (World(()), True),
    ],
)
def test_a_plan_is_void_once_something_that_matters_has_changed(later: World, *, differs: bool) -> None:
    note = changed(World().plan(), later.plan(), SAY)
    assert (note.id if note else None) == ("changed-since-plan" if differs else None)


def test_a_plan_hangs_on_domains_that_are_not_turned_too() -> None:
    both = connector(RecipientDomains=["contoso.com", "adatum.com"])
    later = of(both, accepted=(CONTOSO, ADATUM.model_copy(update={"Guid": guid(109)})), domains=("contoso.com",))
    assert changed(of(both, accepted=(CONTOSO, ADATUM), domains=("contoso.com",)).plan(), later.plan(), SAY)


# --- a large tenant, a hostile one ---


def test_only_so_many_domains_are_asked_about_and_the_rest_is_named() -> None:
    accepted = tuple(domain(f"d{n}.test", 200 + n, DomainType="Authoritative") for n in range(2 * MOST_IN_QUESTION))
    asked = in_question(ALL, Inventory(connectors=[ALL], accepted_domains=accepted), ())
    assert len(asked) == MOST_IN_QUESTION
    fix = World((ALL,), accepted, read={"recipients": {d.DomainName: 0 for d in asked}}).plan()
    assert [note.id for note in fix.warnings] == ["recipients-not-read"]
    assert "and 95 more" in fix.warnings[0].text


def test_only_so_many_domains_are_offered_for_choice() -> None:
    accepted = tuple(domain(f"d{n}.test", 200 + n) for n in range(2 * MOST_CHOICES))
    assert len(of(ALL, accepted=accepted).plan().choices) == MOST_CHOICES
    assert of(ALL, accepted=accepted, domains=(f"d{2 * MOST_CHOICES - 1}.test",)).plan().state == "planned"


def test_a_choice_is_made_before_anything_is_asked_about_domains() -> None:
    known = Inventory(connectors=[STAR], accepted_domains=[CONTOSO, ADATUM])
    assert in_question(STAR, known, ()) == ()
    assert in_question(STAR, known, ("contoso.com",)) == (CONTOSO, ADATUM)


plain = st.sampled_from(["contoso.com", "fabrikam.com", "eu.contoso.com"])
names = plain | st.sampled_from(["*", "*.contoso.com", "x" * 5000, "O'Neil\u2019;$(x)"]) | st.text(min_size=1, max_size=20)
served = {"RecipientDomains": st.lists(plain | names, max_size=3), "AllAcceptedDomains": st.booleans()}
others = st.builds(connector, names, st.integers(1, 3), Enabled=st.booleans(), **served)
accepted_domains = st.builds(
    domain,
    plain | names,
    st.integers(101, 120),
    DomainType=st.sampled_from(["InternalRelay", "InternalRelay", "Authoritative", "ExternalRelay", ...]),
    MatchSubDomains=st.sampled_from([False, False, False, True, ...]),
)


@settings(max_examples=300)
@given(
    st.builds(connector, **served),
    st.lists(others, max_size=2),
    st.lists(accepted_domains, min_size=1, max_size=4),
    st.lists(plain, max_size=2),
)
def test_whatever_a_tenant_holds_a_plan_leaves_no_domain_without_its_connector(
    first: Connector, others: list[Connector], accepted: list[AcceptedDomain], domains: list[str]
) -> None:
    world = World((first, *others), tuple(accepted), {"connector": first.Guid, "domains": tuple(domains)})
    fix = world.plan()
    assert Fix.model_validate_json(fix.model_dump_json()) == fix
    assert all(len(text) < 2000 for text in (*fix.consequences, *(n.text for n in (*fix.blocked, *fix.warnings))))
    if fix.state == "planned":
        *turned, last = fix.steps
        assert (last.object, last.identity, last.after) == ("connector", first.Guid, False)
        assert all(
            (step.object, step.before, step.after) == ("accepted-domain", "InternalRelay", "Authoritative") for step in turned
        )
        assert all(step.cmdlet for step in fix.steps)
        types = {d.DomainName: d.DomainType for d in accepted} | {step.name: step.after for step in turned}
        assert {types[name] for name in domains or set(first.RecipientDomains) & types.keys()} <= {"Authoritative"}
