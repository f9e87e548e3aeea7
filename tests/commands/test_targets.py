"""Words that are targets, and words that are none (contract 1): a mistyped name is a mistake of the asker's, never an outage."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab, parse
from bot.demo.lab.world import World
from bot.wiring import open_services
from commands import wording
from commands.request import Request
from commands.run import run
from diagnostics.called import MAX_COMPARED, as_targets, closest
from diagnostics.model import Diagnosis
from diagnostics.probes import flights
from diagnostics.probes import run as probing
from diagnostics.route import TargetFault, route
from tests.diagnostics.making import GUID, connector, evidence, inventory, result
from tests.scenario import OWNER, Outcome, check, settings_for

CONTOSO = connector("Contoso on-premises", Guid=GUID, SmartHosts=["mail.contoso.com"], RecipientDomains=["contoso.com"])
FABRIKAM = connector("Fabrikam partner", SmartHosts=["mx.fabrikam.com", "relay"], RecipientDomains=["*"], UseMXRecord=False)
KNOWN = inventory(CONTOSO, FABRIKAM, connector("Contoso"), accepted=["contoso.org"])


@pytest.mark.parametrize(
    ("words", "targets"),
    [
        (["Contoso", "on-premises"], ["Contoso on-premises"]),
        (["contoso", "ON-PREMISES"], ["contoso ON-PREMISES"]),
        (["connector:Contoso", "on-premises"], ["connector:Contoso on-premises"]),
        (["Contoso", "on–premises"], ["Contoso on–premises"]),  # noqa: RUF001 - as a phone writes it
        (["Contoso", "on-premises", "Fabrikam", "partner"], ["Contoso on-premises", "Fabrikam partner"]),
        (["mail.contoso.com", "Fabrikam", "partner"], ["mail.contoso.com", "Fabrikam partner"]),
        (["Contoso", "mail.contoso.com"], ["Contoso", "mail.contoso.com"]),
        (["Contoso", "partner"], ["Contoso", "partner"]),
        (["Contoso on-premises", "Contoso"], ["Contoso on-premises", "Contoso"]),
        (["all"], []),
        (["ALL"], []),
        (["all", "mail.contoso.com"], ["all", "mail.contoso.com"]),
        ([], []),
    ],
)
def test_words_that_together_are_a_connectors_name_are_that_connector(words: list[str], targets: list[str]) -> None:
    assert list(as_targets(words, KNOWN)) == targets


def test_words_that_are_each_a_name_stay_apart() -> None:
    known = inventory(connector("A"), connector("B"), connector("A B"), connector("All"))
    assert as_targets(["A", "B"], known) == ("A", "B")
    assert as_targets(["all"], known) == ("all",)


LABELS = ["Fabrikam", "on-premises", "localhost", "all", "fabrikam.", "somebody@fabrikam", "xn--mnchen-3ya"]


@pytest.mark.parametrize("word", LABELS)
def test_a_label_without_a_dot_that_is_no_connector_is_no_host(word: str) -> None:
    """Not even where a connector takes any domain."""
    with pytest.raises(TargetFault, match=r"^No connector, host or domain is called \""):
        route([word], KNOWN)


@pytest.mark.parametrize("word", ["relay", "RELAY", "smarthost:nobody", "domain:corp", "contoso", "on.premises"])
def test_what_is_listed_or_said_to_be_a_host_or_has_a_dot_is_one(word: str) -> None:
    assert len(route([word], KNOWN)) == 1


def test_a_domain_without_a_dot_that_a_connector_lists_is_one() -> None:
    (found,) = route(["corp"], inventory(connector("c", SmartHosts=["mx.test"], RecipientDomains=["corp"])))
    assert found.connector is not None


@pytest.mark.parametrize(
    ("word", "question"),
    [
        ("Fabrikam", ' Did you mean "Fabrikam partner" or "mx.fabrikam.com"?'),
        ("Contosso", ' Did you mean "Contoso"'),
        ("premises", ' Did you mean "Contoso on-premises"?'),
        ("zzzz", ""),
    ],
)
def test_what_is_written_much_like_it_is_asked_about(word: str, question: str) -> None:
    said = str(TargetFault("", closest(word, KNOWN)))
    assert said.startswith(question)
    assert bool(said) == bool(question)


def test_a_mistyped_name_in_a_large_tenant_costs_little() -> None:
    many = inventory(*(connector(f"Connector of customer number {n}" + "x" * 200) for n in range(10 * MAX_COMPARED)))
    started = time.thread_time()
    closest("Connector of costumer number 17" + "x" * 200, many)
    assert time.thread_time() - started < 3


# --- through the whole command ---

LAB: dict[str, Any] = {
    "dns": {"mail.lab.test": ["A 127.0.47.1"], "gone.lab.test": "nxdomain"},
    "mail": {"127.0.47.1": {}},
    "connectors": [
        {"Name": "Contoso on-premises", "SmartHosts": ["mail.lab.test"]},
        {"Name": "Off", "Enabled": False, "SmartHosts": ["mail.lab.test"]},
    ],
}


def world() -> World:
    return parse(LAB)


def seen(outcome: Outcome) -> list[tuple[str, str]]:
    assert isinstance(outcome.reply.document, Diagnosis)
    return [(r.target, r.verdict) for r in outcome.results]


async def test_a_name_without_quotes_is_checked_and_can_be_checked_again(tmp_path: Path) -> None:
    outcome = await check(world(), tmp_path, "Contoso", "on-premises")
    assert seen(outcome) == [("Contoso on-premises", "healthy")]


async def test_all_is_every_enabled_connector(tmp_path: Path) -> None:
    assert seen(await check(world(), tmp_path, "all")) == [("Contoso on-premises", "healthy")]


async def test_a_mistyped_name_is_for_the_asker_alone_and_nothing_is_looked_up(tmp_path: Path) -> None:
    outcome = await check(world(), tmp_path, "Contosos")
    assert (outcome.reply.exit_code, outcome.reply.audience, outcome.reply.document) == (2, "asker", None)
    assert outcome.reply.headline == 'No connector, host or domain is called "Contosos". Did you mean "Contoso on-premises"?'
    assert not outcome.lab.queries


@pytest.mark.parametrize("word", ["gone.lab.test", "domain:gone.lab.test"])
async def test_a_name_that_nobody_lists_and_that_does_not_exist_is_not_found_in_words_alone(word: str, tmp_path: Path) -> None:
    outcome = await check(world(), tmp_path, word)
    (result,) = outcome.results
    assert (result.verdict, outcome.reply.exit_code) == ("failing", 1)
    assert outcome.reply.headline == f"Not found: {word} — no such name in the DNS"
    assert (outcome.reply.severity, outcome.reply.verdict) == ("unknown", "failing")
    both = await check(world(), tmp_path, word, "mail.lab.test")
    assert both.reply.headline == "2 targets: 1 not found, 1 healthy"


async def test_a_smart_host_that_does_not_exist_is_failing(tmp_path: Path) -> None:
    listed = LAB | {"connectors": [{"Name": "Gone", "SmartHosts": ["gone.lab.test"]}]}
    outcome = await check(parse(listed), tmp_path)
    assert outcome.reply.headline == "Failing: Gone — 450 4.4.312 DNS query failed"
    assert outcome.reply.severity == "bad"


# --- switched off ---


async def test_a_connector_that_is_off_is_two_lines_without_doubt(tmp_path: Path) -> None:
    outcome = await check(world(), tmp_path, "Off")
    assert (outcome.reply.headline, outcome.reply.exit_code) == ("Switched off: Off", 3)
    (section,) = outcome.reply.sections
    assert [item.text[:45] for item in section.items] == [
        "The connector Off is switched off, so Exchang",
        "If it should carry mail: Exchange admin cente",
    ]
    (result,) = outcome.results
    assert (result.verdict, result.meaning, result.switched_off) == ("unknown", "", None)


# --- age ---


async def test_a_typed_check_takes_nothing_older_than_ten_seconds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert flights.KEPT_SECONDS == 10.0
    async with Lab(world(), tmp_path) as lab, open_services(settings_for(lab)) as services:

        async def seen_at(seconds: float) -> tuple[float, int]:
            with monkeypatch.context() as later:
                loop = asyncio.get_running_loop()
                now = loop.time()
                later.setattr(flights, "clock", lambda: now + seconds)
                later.setattr(probing, "clock", lambda: now + seconds)
                reply = await run(Request(("check", "mail.lab.test"), OWNER), services, lambda _: None)
            assert isinstance(reply.document, Diagnosis)
            return reply.document.results[0].age, len(lab.mail["127.0.47.1"].sessions)

        assert await seen_at(0) == (0, 1)
        assert (await seen_at(9))[1] == 1
        assert (await seen_at(10.5))[1] == 2


AGES = {0: "", 9.9: "", 11: "11 s", 150: "2 min", 7300: "2 h", 2e5: "2 days"}


@pytest.mark.parametrize("age", AGES)
def test_what_is_older_says_its_age_in_the_headline(age: float) -> None:
    suffix = f" (seen {AGES[age]} ago)" if AGES[age] else ""
    old = result([evidence()]).model_copy(update={"age": age})
    assert wording.result(old).headline == f"Healthy: mail.contoso.com — No fault found{suffix}"
