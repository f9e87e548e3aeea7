"""What the ledger knows is told where it is asked for: a connector that a fix switched off, and mail afterwards."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab, parse
from bot.wiring import open_services
from commands.command import Services
from commands.reply import Reply
from commands.request import Actor, Request
from commands.run import run
from diagnostics.model import Diagnosis, Result
from tests.fix.office import CONNECTOR, DOMAIN, Office
from tests.scenario import OWNER, settings_for

CLOCK = Actor("clock", frozenset({"reader"}))


@pytest.fixture
def dns() -> dict[str, Any]:
    return {"mail.contoso.test": ["A 127.0.49.1"], DOMAIN: ["A 127.0.49.1"]}


@pytest.fixture
async def services(office: Office, dns: dict[str, Any], tmp_path: Path) -> AsyncIterator[Services]:
    folder = tmp_path / "lab"
    folder.mkdir()
    async with Lab(parse({"dns": dns}), folder) as lab, open_services(settings_for(lab)) as opened:
        desk = office.desk
        yield replace(opened, store=desk.store, tenant=desk.tenant, connectors=desk.tenant)


async def said(services: Services, *words: str, actor: Actor = OWNER) -> Reply:
    return await run(Request(words, actor, clicked=True), services, lambda _: None)


def only(reply: Reply) -> Result:
    assert isinstance(reply.document, Diagnosis), reply.headline
    (result,) = reply.document.results
    return result


async def test_a_connector_that_a_fix_switched_off_says_since_when_and_by_whom_and_why(
    office: Office, services: Services
) -> None:
    await office.do()
    reply = await said(services, "check", CONNECTOR)
    assert reply.headline == f"Switched off: {CONNECTOR}"
    (section,) = reply.sections
    off, since = section.items
    assert off.text == f"The connector {CONNECTOR} is switched off, so Exchange Online sends nothing through it."
    assert since.text.startswith("Since 20")
    assert " UTC, by Fix now f-1 (CHG-1)" in since.text
    assert since.people == ("U1",)
    known = only(reply).switched_off
    assert known is not None
    assert (known.fix, known.people, known.reason) == ("f-1", ("U1",), "CHG-1")
    assert "could not see" not in str(reply)


async def test_a_fix_that_was_taken_back_switched_nothing_off(office: Office, services: Services) -> None:
    await office.do()
    await office.undo()
    office.tenant.change("connector", CONNECTOR, "Enabled", False)
    assert only(await said(services, "check", CONNECTOR)).switched_off is None


@pytest.mark.parametrize(
    ("dns", "words"),
    [
        ({DOMAIN: ["A 127.0.49.1"]}, "it has no MX, so nobody outside can send to it"),
        ({DOMAIN: "nxdomain"}, "it has no MX, so nobody outside can send to it"),
        ({DOMAIN: ["MX 0 ."]}, "it has no MX, so nobody outside can send to it"),
        ({DOMAIN: ["MX 5 mx.elsewhere.test."]}, "its MX is mx.elsewhere.test, outside Exchange Online"),
        ({DOMAIN: ["MX 5 c.mail.protection.outlook.com."]}, "its MX is c.mail.protection.outlook.com"),
        ({DOMAIN: "servfail"}, "its MX could not be looked up"),
    ],
)
async def test_a_later_look_says_what_becomes_of_mail_from_outside(office: Office, services: Services, words: str) -> None:
    await office.do()
    reply = await said(services, "verify", "f-1", actor=CLOCK)
    (mail,) = [item.text for section in reply.sections for item in section.items if item.tag in ("mail", "could not tell")]
    assert words in mail
    assert "none" not in mail
