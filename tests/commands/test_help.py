"""Help: what can be said, and nothing else (contract 1)."""

import re

import pytest

from commands import help as helping
from commands.command import Command, CommandError
from commands.registry import COMMANDS, OWNER_OPTIONS
from commands.reply import Reply


def text(reply: Reply) -> str:
    lines = [reply.headline]
    for section in reply.sections:
        lines += [section.title, *(part for item in section.items for part in (f"{item.tag} {item.text}".lstrip(), *item.notes))]
    return "\n".join(lines)


TYPED = [command for command in COMMANDS if command.front != "click"]


@pytest.mark.parametrize("command", TYPED, ids=lambda c: c.name)
def test_every_command_has_help_with_an_example(command: Command) -> None:
    said = text(helping.of(command.name, "mailflow", owner=command.front != "chat"))
    assert f"mailflow {command.name}" in said
    assert "Examples" in said
    for option in command.options_on("chat" if command.front == "chat" else "terminal"):
        assert option.flag in said


def test_the_overview_lists_every_command_and_says_how_it_is_called_there() -> None:
    terminal, slack = text(helping.overview("mailflow", owner=True)), text(helping.overview("/mailflow", owner=False))
    for command in COMMANDS:
        assert (f"mailflow {command.usage}" in terminal) is (command.front in ("everywhere", "terminal"))
        assert (f"/mailflow {command.usage}" in slack) is (command.front in ("everywhere", "chat"))
    assert "mailflow --version" in terminal
    assert "--version" not in slack


def test_flags_of_the_owner_are_shown_to_the_owner_alone() -> None:
    mine, theirs = (text(helping.of("check", "mailflow", owner=owner)) for owner in (True, False))
    for option in OWNER_OPTIONS:
        assert option.flag in mine
        assert option.variable in mine
        assert option.flag not in theirs


EXPLAIN = {
    "mailflow": ("explain - <", "explain --file bounce.eml"),
    "/mailflow": (
        "/mailflow explain alone: a form",
        "Diagnose mail error in the menu",
        "@mailflow explain in a thread",
        "files:read",
    ),
}


@pytest.mark.parametrize("prefix", EXPLAIN)
def test_each_front_names_its_own_ways_to_explain_and_none_of_the_other(prefix: str) -> None:
    told = text(helping.of("explain", prefix, owner=prefix == "mailflow"))
    for front, ways in EXPLAIN.items():
        assert [way for way in ways if way in told] == (list(ways) if front == prefix else [])


@pytest.mark.parametrize("command", TYPED, ids=lambda c: c.name)
def test_no_front_shows_what_another_one_takes(command: Command) -> None:
    for front, owner in (("terminal", True), ("chat", False)):
        if command.front in ("everywhere", front):
            elsewhere = {option.flag for option in command.options if front not in option.fronts}
            assert not elsewhere & set(re.findall(r"--[a-z-]+", text(helping.of(command.name, "mailflow", owner=owner))))


def test_help_for_what_is_not_there_lists_what_is() -> None:
    with pytest.raises(CommandError, match=r"no command 'frob'.*Try check"):
        helping.of("frob", "mailflow", owner=True)


@pytest.mark.parametrize("name", ["CHECK", "Check"])
def test_help_finds_a_command_whatever_its_case(name: str) -> None:
    assert "check" in helping.of(name, "mailflow", owner=True).headline
