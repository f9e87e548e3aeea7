"""What Fix now rests on: Microsoft's own report that was explained here within a day, or what this machine saw (contract 3)."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.demo.lab import Lab, parse
from bot.wiring import open_services
from commands.command import FixRules, Services
from commands.reply import Reply
from commands.request import Actor, Request
from commands.run import run
from diagnostics.fix.record import Fix
from diagnostics.model import Diagnosis, FixNow
from diagnostics.store import Report
from tests.fix.office import CONNECTOR, Office
from tests.scenario import OWNER, settings_for

ALICE = Actor("U7", frozenset({"reader"}))
REPORT = "450 4.4.316 Connection refused [Message=Socket error code 10061] [LastAttemptedServerName=mail.contoso.test]"


@pytest.fixture
async def services(office: Office, tmp_path: Path) -> AsyncIterator[Services]:
    """Nothing listens on the only smart host of the connector."""
    folder = tmp_path / "lab"
    folder.mkdir()
    world = parse({"dns": {"mail.contoso.test": ["A 127.0.49.2"]}})
    async with Lab(world, folder) as lab, open_services(settings_for(lab)) as opened:
        desk = office.desk
        rules = FixRules(approvers=("U9",))
        yield replace(opened, store=desk.store, tenant=desk.tenant, admin=desk.admin, connectors=desk.tenant, fixes=rules)


async def said(services: Services, *words: str, actor: Actor = OWNER) -> Reply:
    return await run(Request(words, actor), services, lambda _: None)


async def offered(services: Services) -> FixNow:
    reply = await said(services, "check", CONNECTOR)
    assert isinstance(reply.document, Diagnosis), reply.headline
    (result,) = reply.document.results
    assert result.fix_now.offered
    return result.fix_now


async def planned(services: Services, actor: Actor = OWNER) -> tuple[Fix, str]:
    reply = await said(services, "fix", CONNECTOR, actor=actor)
    assert isinstance(reply.document, Fix), reply.headline
    shown = "\n".join(f"{i.tag} {i.text} {i.people}" for section in reply.sections for i in section.items)
    return reply.document, shown


async def test_a_report_that_was_explained_here_is_what_it_rests_on(services: Services) -> None:
    assert (await offered(services)).basis == "seen-from-here"
    await said(services, "explain", REPORT, actor=ALICE)
    assert (await offered(services)).basis == "reported"
    fix, shown = await planned(services)
    assert (fix.basis, fix.report and fix.report.by) == ("reported", "U7")
    assert "as reported 450 4.4.316 Connection refused (Socket error code 10061)" in shown
    assert "Explained here 20" in shown
    assert "('U7',)" in shown


async def test_without_one_the_plan_says_that_only_this_machine_saw_it(services: Services) -> None:
    fix, shown = await planned(services)
    assert (fix.basis, fix.report) == ("seen-from-here", None)
    assert "Only this machine saw it" in shown


NO_REPORT = {
    "of another fault": (REPORT.replace("4.4.316", "4.4.315"),),
    "of another host": (REPORT.replace("mail.contoso.test", "mail.fabrikam.test"),),
    "of no host, although somebody says which": ("--check", "mail.contoso.test", "450 4.4.316 Connection refused"),
}


@pytest.mark.parametrize("case", NO_REPORT)
async def test_a_text_that_is_no_such_report_of_this_connector_counts_for_nothing(case: str, services: Services) -> None:
    assert (await said(services, "explain", *NO_REPORT[case])).document is not None
    assert (await offered(services)).basis == "seen-from-here"


@pytest.mark.parametrize(("hours", "basis"), [(23, "reported"), (25, "seen-from-here")])
async def test_a_report_counts_for_a_day(hours: int, basis: str, office: Office, services: Services) -> None:
    guid = office.tenant.guid_of("connector", CONNECTOR).upper()
    at = services.tools.instruments.now() - timedelta(hours=hours)
    await office.desk.store.keep_report(Report(guid, at, "U7", "450 4.4.316"))
    assert (await offered(services)).basis == basis


GONE_FOR_GOOD = "The servers are gone for good, and no firewall admits Microsoft 365 alone."


async def test_the_expired_twin_is_such_a_report_too(services: Services) -> None:
    await said(services, "explain", REPORT.replace("450 4.4.316", "550 5.4.316"))
    assert (await offered(services)).basis == "reported"


async def test_in_a_terminal_it_is_done_only_with_the_statement(office: Office, services: Services) -> None:
    asked = len(office.tenant.requests)
    refused = await said(services, "fix", CONNECTOR, "--yes")
    assert (refused.exit_code, refused.document, refused.audience) == (2, None, "asker")
    assert "--gone-for-good" in refused.headline
    assert len(office.tenant.requests) == asked, "nothing is read before that"
    done = await said(services, "fix", CONNECTOR, "--yes", "--gone-for-good")
    assert isinstance(done.document, Fix)
    assert (done.document.state, done.document.statement) == ("done", GONE_FOR_GOOD)


async def test_the_statement_alone_does_nothing(services: Services) -> None:
    reply = await said(services, "fix", CONNECTOR, "--gone-for-good")
    assert isinstance(reply.document, Fix)
    assert reply.document.state == "planned"


async def test_in_slack_the_statement_is_a_point_of_the_checklist_and_no_word(services: Services) -> None:
    _, shown = await planned(services, ALICE)
    assert GONE_FOR_GOOD in shown
    assert (await said(services, "fix", CONNECTOR, "--gone-for-good", actor=ALICE)).exit_code == 2
