"""A Request becomes a Reply, whatever happens; and `check` from words to exit code (contract 1)."""

import json
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab, parse
from bot.settings import Settings
from bot.wiring import open_services
from commands import registry
from commands.command import Command, Option, Services
from commands.reply import Progress, Reply
from commands.request import Actor, Front, Request
from commands.run import parse as parse_line
from commands.run import run
from diagnostics.model import Diagnosis
from tests.scenario import OWNER, check, settings_for

READER = Actor("U1", frozenset({"reader"}))
STRANGER = Actor("U2")
ROW = {"Name": "On-premises", "Guid": "6a1f3c58-0c9b-4c5e-9a57-3a1c7f6f2b11", "SmartHosts": ["dead.lab.test"]}


async def said(*words: str, actor: Actor = OWNER, **settings: Any) -> Reply:
    async with open_services(Settings(**({"dns": ("127.0.0.1:1",), "control_host": "", "timeout": 0.3} | settings))) as services:
        return await run(Request(words, actor), services, lambda _: None)


def export(folder: Path, rows: object) -> Path:
    file = folder / "connectors.json"
    file.write_text(json.dumps(rows), encoding="utf-8")
    return file


async def test_nothing_said_is_the_overview() -> None:
    assert (await said()).headline == (await said("help")).headline


@pytest.mark.parametrize("words", [("frobnicate",), ("",), ("--json",), ("x" * 500,), ("a\x1b[31mb",)])
async def test_an_unknown_command_is_one_line_that_lists_the_known_ones(words: tuple[str, ...]) -> None:
    reply = await said(*words)
    assert (reply.exit_code, reply.audience, reply.severity) == (2, "asker", "info")
    assert "Try check" in reply.headline
    assert reply.headline.isprintable()
    assert len(reply.headline) < 300


@pytest.mark.parametrize("name", ["CHECK", "Check"])
async def test_a_command_is_found_whatever_its_case(name: str) -> None:
    assert "No connector is known" in (await said(name)).headline


async def test_no_connector_and_no_target_is_a_usage_error_that_names_the_mend() -> None:
    reply = await said("check")
    assert reply.exit_code == 2
    assert "--connectors" in reply.headline
    assert "MAILFLOW_CONNECTORS" in reply.headline


async def test_connectors_that_are_all_switched_off_are_no_health(tmp_path: Path) -> None:
    reply = await said("check", connectors=export(tmp_path, [ROW | {"Enabled": False}]))
    assert reply.exit_code in (2, 3)
    assert "0 targets" not in reply.headline


@pytest.mark.parametrize("words", [("a b",), ("connector:Nobody",), ("203.0.113.0/24",), ("mail.test:26",), ("",)])
async def test_a_target_that_cannot_be_read_is_a_usage_error(words: tuple[str, ...], tmp_path: Path) -> None:
    reply = await said("check", *words, connectors=export(tmp_path, ROW))
    assert (reply.exit_code, reply.document) == (2, None)
    assert reply.headline.isprintable()


async def test_a_broken_export_is_a_usage_error_that_names_file_and_place(tmp_path: Path) -> None:
    file = tmp_path / "connectors.json"
    file.write_text("[{]", encoding="utf-8")
    reply = await said("check", connectors=file)
    assert reply.exit_code == 2
    assert f"{file}: line 1, column 3" in reply.headline


async def test_who_may_not_ask_is_told_so_and_nothing_is_done() -> None:
    reply = await said("check", "a.test", actor=STRANGER)
    assert (reply.headline, reply.exit_code) == ("You may not run check here.", 1)


@pytest.mark.parametrize("command", [c for c in registry.COMMANDS if c.front == "terminal"], ids=lambda c: c.name)
async def test_commands_of_the_terminal_do_not_exist_elsewhere(command: Command) -> None:
    assert "There is no command" in (await said(command.name, actor=READER)).headline
    assert "There is no command" in (await said("help", command.name, actor=READER)).headline


@pytest.mark.parametrize("option", registry.OWNER_OPTIONS, ids=lambda o: o.flag)
@pytest.mark.parametrize("command", [c for c in registry.COMMANDS if c.front == "everywhere"], ids=lambda c: c.name)
async def test_no_flag_of_the_machines_owner_is_taken_with_a_command(command: Command, option: Option) -> None:
    words = (command.name, f"{option.flag}=x" if option.metavar else option.flag)
    reply = await said(*words, actor=READER)
    assert reply.exit_code == 2
    assert option.flag in reply.headline


async def test_a_fault_of_ours_is_an_answer_with_a_number_and_no_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> Reply:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("commands.check.run", broken)
    reply = await said("check", "a.test")
    assert reply.exit_code == 3
    assert "internal error e-" in reply.headline
    assert "secret" not in reply.headline


async def test_every_row_of_the_registry_names_what_runs_or_is_a_front() -> None:
    for command in registry.COMMANDS:
        if command.run:
            module, function = command.run.split(":")
            assert callable(getattr(__import__(module, fromlist=[function]), function))
        front: Front = "click" if command.front in ("chat", "click") else "terminal"
        found, _ = parse_line((command.name,), prefix="mailflow", front=front)
        assert found is command


# --- check, whole ---

WORLD: dict[str, Any] = {
    "dns": {
        "ok.lab.test": ["A 127.0.41.1"],
        "ok2.lab.test": ["A 127.0.41.2"],
        "half.lab.test": ["A 127.0.41.1", "A 127.0.41.9"],
        "dead.lab.test": ["A 127.0.41.9"],
        "inside.lab.test": ["A 169.254.169.254"],
        "contoso.test": ["MX 10 ok.lab.test"],
    },
    "mail": {"127.0.41.1": {}, "127.0.41.2": {}},
}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("ok.lab.test",), 0),
        (("ok.lab.test", "ok2.lab.test"), 0),
        (("dead.lab.test",), 1),
        (("half.lab.test",), 1),
        (("ok.lab.test", "dead.lab.test", "inside.lab.test"), 1),
        (("inside.lab.test",), 3),
        (("ok.lab.test", "inside.lab.test"), 3),
    ],
)
async def test_the_exit_code_is_that_of_the_worst_verdict(words: tuple[str, ...], code: int, tmp_path: Path) -> None:
    outcome = await check(parse(WORLD), tmp_path, *words)
    assert outcome.reply.exit_code == code
    assert [r.target for r in outcome.results] == list(words)


async def test_accepted_domains_lead_to_their_connector(tmp_path: Path) -> None:
    row = {"Name": "all", "AllAcceptedDomains": True, "SmartHosts": ["ok.lab.test"]}
    world = parse(WORLD | {"connectors": [row], "accepted_domains": [{"DomainName": "contoso.org"}]})
    (told,) = (await check(world, tmp_path, "contoso.org")).results
    assert told.connector is not None
    assert (told.connector.name, told.verdict) == ("all", "healthy")


@pytest.mark.parametrize(("word", "name"), [("contoso.test", "star"), ("ok.lab.test", None)])
async def test_the_star_takes_a_name_that_has_an_mx_and_no_other(word: str, name: str | None, tmp_path: Path) -> None:
    world = parse(WORLD | {"connectors": [{"Name": "star", "UseMXRecord": True, "RecipientDomains": ["*"]}]})
    (told,) = (await check(world, tmp_path, word)).results
    assert (told.connector.name if told.connector else None, told.verdict) == (name, "healthy")


async def test_progress_tells_no_inside_address_of_a_name_that_nobody_lists(tmp_path: Path) -> None:
    heard: list[Progress] = []
    async with Lab(parse(WORLD), tmp_path) as lab, open_services(settings_for(lab)) as services:
        await run(Request(("check", "inside.lab.test"), READER), services, heard.append)
    assert heard
    assert "169.254" not in " ".join(p.text for p in heard)


async def again(services: Services, *words: str) -> Diagnosis:
    reply = await run(Request(words, OWNER), services, lambda _: None)
    assert isinstance(reply.document, Diagnosis), reply.headline
    return reply.document


async def test_again_repeats_the_one_result_that_was_named(tmp_path: Path) -> None:
    rows = [{"Name": "twin", "Guid": f"6a1f3c58-0c9b-4c5e-9a57-3a1c7f6f2b1{n}", "SmartHosts": ["ok.lab.test"]} for n in (1, 2)]
    async with Lab(parse(WORLD | {"connectors": rows}), tmp_path) as lab, open_services(settings_for(lab)) as services:
        for line in (("check",), ("check", "twin")):
            second = (await again(services, *line)).results[1]
            (repeated,) = (await again(services, "check", "--again", second.id)).results
            assert repeated.connector == second.connector


async def test_json_beside_the_partner_text_is_still_one_document(tmp_path: Path) -> None:
    outcome = await check(parse(WORLD), tmp_path, "dead.lab.test", "--partner-text", "--json")
    assert outcome.reply.as_json
    assert outcome.reply.document is not None
