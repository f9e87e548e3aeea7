"""Help: what can be said, and nothing else (contract 1)."""

import pytest

from commands import help as helping
from commands.command import Command, CommandError
from commands.registry import COMMANDS, OWNER_OPTIONS
from commands.reply import Reply


def text(reply: Reply) -> str:
    lines = [reply.headline]
    for section in reply.sections:
        lines += [section.title, *(part for item in section.items for part in (item.text, *item.notes))]
    return "\n".join(lines)


TYPED = [command for command in COMMANDS if command.front != "click"]


@pytest.mark.parametrize("command", TYPED, ids=lambda c: c.name)
def test_every_command_has_help_with_an_example(command: Command) -> None:
    said = text(helping.of(command.name, "mailflow", owner=command.front != "slack"))
    assert f"mailflow {command.name}" in said
    assert "Examples" in said
    for option in command.options_on("slack" if command.front == "slack" else "terminal"):
        assert option.flag in said


def test_the_overview_lists_every_command_and_says_how_it_is_called_there() -> None:
    terminal, slack = text(helping.overview("mailflow", owner=True)), text(helping.overview("/mailflow", owner=False))
    for command in COMMANDS:
        assert (f"mailflow {command.usage}" in terminal) is (command.front in ("everywhere", "terminal"))
        assert (f"/mailflow {command.usage}" in slack) is (command.front in ("everywhere", "slack"))


def test_flags_of_the_owner_are_shown_to_the_owner_alone() -> None:
    mine, theirs = (text(helping.of("check", "mailflow", owner=owner)) for owner in (True, False))
    for option in OWNER_OPTIONS:
        assert option.flag in mine
        assert option.variable in mine
        assert option.flag not in theirs


def test_help_for_what_is_not_there_lists_what_is() -> None:
    with pytest.raises(CommandError, match=r"no command 'frob'.*Try check"):
        helping.of("frob", "mailflow", owner=True)


@pytest.mark.parametrize("name", ["CHECK", "Check"])
def test_help_finds_a_command_whatever_its_case(name: str) -> None:
    assert "check" in helping.of(name, "mailflow", owner=True).headline
