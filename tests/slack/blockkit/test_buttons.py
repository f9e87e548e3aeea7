"""A Reply's actions as buttons, and clicks read back: verbs of the registry and ids, nothing else."""

from typing import Any

import pytest

from bot.slack.blockkit import buttons, messages
from bot.slack.inbound import payloads
from commands.registry import COMMANDS, VERBS
from commands.reply import Action, Item, Reply, Section
from tests.e2e.slack_rules import check_blocks
from tests.slack.replies import FAILING

ID = "r-0123456789abcdef"
OFFERED = ("check-again", "fix-now", "copy-for-partner", "transcript", "json", "watch")
ALL = tuple(Action(name, ID) for name in OFFERED)


def row(*actions: Action, subject: str = "x") -> list[dict[str, Any]]:
    (piece,) = buttons.row(actions, subject)
    elements: list[dict[str, Any]] = piece.block["elements"]
    return elements


def test_buttons_in_view_and_one_menu() -> None:
    *shown, menu = row(*ALL)
    seen = [(element["action_id"], element["value"], element["text"]["text"]) for element in shown]
    labels = {"check-again": "Check again", "fix-now": "Fix now", "copy-for-partner": "Copy for partner"}
    assert seen == [(name, ID, label) for name, label in labels.items()]
    assert menu["type"] == "overflow"
    assert [option["value"] for option in menu["options"]] == [f"transcript {ID}", f"json {ID}", f"watch {ID}"]
    assert [option["text"]["text"] for option in menu["options"]] == ["Transcript", "JSON", "Tell me when it works again"]


def test_every_verb_fits_into_slacks_limits_and_names_a_command() -> None:
    for verb in VERBS:
        for piece in buttons.row([Action(verb.name, ID)], "x"):
            assert check_blocks([piece.block]) == []
    assert sum(verb.shows == "menu" for verb in VERBS) <= 5
    assert {verb.words[0] for verb in VERBS} <= {command.name for command in COMMANDS}
    assert buttons.MENU not in {verb.name for verb in VERBS}


def test_one_of_several_is_chosen_by_its_label() -> None:
    several = [Action("check-connector", f"{ID}{n}", f"Contoso <{n}> " + "x" * 90) for n in range(120)]
    select, button = row(*several, Action("check-again", ID))
    assert (select["type"], select["placeholder"]["text"], button["action_id"]) == (
        "static_select",
        "Which connector?",
        "check-again",
    )
    assert len(select["options"]) == 100
    assert {len(option["text"]["text"]) for option in select["options"]} == {75}
    assert check_blocks([{"type": "actions", "elements": [select, button]}]) == []
    choice = buttons.chosen({"action_id": buttons.SELECT, "selected_option": select["options"][7]})
    assert choice is not None
    assert choice.words == ("check", f"{ID}7")


def test_buttons_that_repeat_say_what_they_belong_to() -> None:
    label = row(*ALL, subject="Failing: Contoso <!channel> & *x*\u202e — 450 4.4.316" + "😀" * 90)[0]["accessibility_label"]
    assert label.startswith("Check again: Failing: Contoso !channel *x* — 450 4.4.316")
    assert len(label.encode("utf-16-le")) // 2 <= 75


def test_what_is_no_verb_or_no_id_is_no_button() -> None:
    bad = ("", "a b", "--json", "-x", "x" * 121, "<!here>", "r-1\n", "é")
    assert buttons.row([Action("fix", ID), *(Action("check-again", id) for id in bad)], "x") == []


def test_without_a_thread_nothing_that_reports_to_one() -> None:
    (piece,) = buttons.row(ALL, "x", thread=False)
    *shown, menu = piece.block["elements"]
    assert [element["action_id"] for element in shown] == ["check-again", "copy-for-partner"]
    assert [option["value"] for option in menu["options"]] == [f"transcript {ID}", f"json {ID}"]


def test_nothing_that_changes_a_tenant_is_clicked_behind_the_others_backs() -> None:
    changing = [Action(name, ID) for name in ("fix-now", "ask", "do-it", "approve", "reject", "undo", "resume")]
    assert buttons.row(changing, "x", thread=False) == []
    assert len(row(*changing[:3])) == 3


def test_slack_asks_once_more_before_what_changes_something() -> None:
    asked = {verb.name: "confirm" in row(Action(verb.name, ID))[0] for verb in VERBS if verb.shows != "menu"}
    assert [name for name, confirmed in asked.items() if confirmed] == ["ask", "do-it", "approve", "undo", "resume"]
    (do_it,) = row(Action("do-it", ID))
    assert (do_it["style"], do_it["confirm"]["style"], do_it["confirm"]["confirm"]["text"]) == ("danger", "danger", "Do it")
    assert do_it["confirm"]["deny"]["text"] == "Cancel"


def test_each_part_has_its_own_and_a_parent_only_when_it_is_all() -> None:
    parts = tuple(Reply(f"{n}: failing", "bad", FAILING.sections, actions=(Action("check-again", f"r-{n}"),)) for n in range(14))
    sent = messages.thread(Reply("14 failing", "bad", parts=parts))
    values = [e["value"] for m in sent for b in m.blocks if b["type"] == "actions" for e in b["elements"]]
    assert values == [f"r-{n}" for n in range(14)]
    bare = Reply("nothing more to say", actions=ALL)
    assert messages.parent(bare, "x", "U1").blocks[-1]["type"] == "actions"
    assert messages.parent(Reply("h", sections=FAILING.sections, actions=ALL), "x", "U1").blocks[-1]["type"] == "context"
    assert messages.inline(bare, "x", "U1")[0].blocks[-1]["type"] == "actions"


def test_a_long_answer_has_them_once_at_its_end() -> None:
    long = Section("", tuple(Item("word " * 500) for _ in range(12)))
    sent = messages.thread(Reply("h", sections=(long,), actions=ALL))
    assert len(sent) > 1
    assert [[b["type"] for b in m.blocks].count("actions") for m in sent] == [0] * (len(sent) - 1) + [1]


# ---- clicks


def test_what_was_shown_is_read_back() -> None:
    *shown, menu = row(*ALL)
    for element in shown:
        choice = buttons.chosen(element)
        assert choice
        assert choice.verb.name == element["action_id"]
        assert choice.words == (*choice.verb.words, ID)
    for option in menu["options"]:
        choice = buttons.chosen({"action_id": "more", "selected_option": option})
        assert choice
        assert choice.verb.label == option["text"]["text"]


@pytest.mark.parametrize(
    "action",
    [
        {},
        {"action_id": "fix", "value": ID},
        {"action_id": "approve", "value": f"{ID} --yes"},
        {"action_id": "check-again"},
        {"action_id": "check-again", "value": "x --json"},
        {"action_id": "check-again", "value": "--dns=127.0.0.1"},
        {"action_id": "check-again", "value": ["r-1"]},
        {"action_id": 7, "value": ID},
        {"action_id": "more"},
        {"action_id": "more", "selected_option": "json r-1"},
        {"action_id": "more", "selected_option": {"value": "serve r-1"}},
        {"action_id": "more", "selected_option": {"value": f"json {ID} --dns 127.0.0.1"}},
        {"action_id": "more", "selected_option": {"value": None}},
    ],
)
def test_forged_clicks_mean_nothing(action: dict[str, Any]) -> None:
    assert buttons.chosen(action) is None
    assert payloads.click({"actions": [action], "user": {"id": "U1"}, "channel": {"id": "C1"}}).question.words == ()


@pytest.mark.parametrize("body", [{}, {"actions": None}, {"actions": []}, {"actions": ["x"]}, {"actions": [{}], "message": 7}])
def test_payloads_that_are_none(body: dict[str, Any]) -> None:
    assert payloads.click(body).verb is None
