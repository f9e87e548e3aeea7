"""Forms: text to copy, a plan to read, fields to fill in. Whatever the reply is, Slack takes the form."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.forms import TEXT, WAITING
from bot.conversation.platform import Form
from bot.slack.blockkit import copy_text, modals
from bot.slack.conversation_ref import ConversationRef
from commands.reply import Action, Ask, Field, Item, Reply, Section
from tests.e2e.slack_rules import as_sent, check_view
from tests.slack.replies import FAILING, FIELDS, PARTLESS, TEXTS

PLACE = ConversationRef("C02INC", "U01ALICE", "Fix now", "17.5", team="T1", response_url="https://hooks.slack.com/actions/f00")
REASON = Field("--reason", "Reason", "Why")
ASK = Ask("fix-now", "r-1", "Next", (REASON,))


def filled(reply: Reply) -> dict[str, Any]:
    return as_sent(modals.filled("Fix now", reply, PLACE))  # type: ignore[no-any-return]


def copied(view: dict[str, Any]) -> list[str]:
    return [block["element"]["initial_value"] for block in view["blocks"] if block["type"] == "input"]


def of(*lines: str) -> Reply:
    return Reply("The text for the partner", sections=(Section("", tuple(map(Item, lines)), "code"),), audience="asker")


def test_a_form_for_a_text_takes_lines() -> None:
    view = as_sent(modals.view(TEXT, PLACE))
    assert check_view(view) == []
    (field,) = view["blocks"]
    assert (field["element"]["multiline"], field["element"]["max_length"]) == (True, 3000)


# ---- to copy


def test_the_text_stands_in_a_field_as_it_is() -> None:
    view = filled(of("Hello,", "", "- mail.contoso.com <192.0.2.1> & *you*", "    S: 554 `no`"))
    assert check_view(view) == []
    assert copied(view) == ["Hello,\n\n- mail.contoso.com <192.0.2.1> & *you*\n    S: 554 `no`"]
    assert (view["submit"]["text"], "private_metadata" in view) == ("Done", False)


def test_a_sentence_is_no_field() -> None:
    view = filled(Reply("There is nothing that a partner would have to mend."))
    assert check_view(view) == []
    assert not copied(view)
    assert "nothing that a partner" in str(view["blocks"])
    assert check_view(modals.view(Form("Copy for partner", WAITING), PLACE)) == check_view(modals.said("x", "It failed.")) == []


@given(st.lists(st.text(alphabet="ab 😀<&\n", max_size=4000), min_size=1, max_size=12))
def test_nothing_is_dropped(lines: list[str]) -> None:
    view = filled(of(*lines))
    assert check_view(view) == []
    text = "".join(copied(view))
    for character in "ab😀<&":
        assert text.count(character) == "".join(lines).count(character) or len(copied(view)) == copy_text._INPUTS


# ---- to read, and to go on with


def test_a_plan_is_read_before_anything_is_typed() -> None:
    view = filled(replace(FAILING, ask=ASK))
    assert check_view(view) == []
    assert [block["type"] for block in view["blocks"]][-1] == "input"
    assert [text in json.dumps(view["blocks"]) for text in ("Likely causes", "What to do", "tcp REFUSED")] == [True] * 3
    assert view["submit"]["text"] == "Next"


def test_what_a_form_remembers_opens_no_door() -> None:
    kept = filled(replace(FAILING, ask=ASK))["private_metadata"]
    held = modals.held(kept)
    assert held
    assert (held.place, held.choice.words) == (replace(PLACE, response_url=""), ("fix", "--again", "r-1"))
    assert "hooks" not in kept


def test_what_changes_a_tenant_is_never_what_a_form_does_when_it_is_sent() -> None:
    view = filled(replace(FAILING, actions=(Action("do-it", "f-1"),)))
    assert check_view(view) == []
    assert "submit" not in view, "Slack asks for confirmation before other buttons alone"


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "null", "{}", "x" * 3001, '{"place": "{}", "verb": "fix-now", "id": "r-1"}'),
        json.dumps({"place": PLACE.lasting(), "verb": "fix-now", "id": "r-1 --yes"}),
        json.dumps({"place": PLACE.lasting(), "verb": "fix", "id": "f-1"}),
        json.dumps({"place": PLACE.lasting(), "verb": ["fix-now"], "id": "r-1"}),
        json.dumps({"place": [PLACE.lasting()], "verb": "fix-now", "id": "r-1"}),
    ],
)
def test_what_no_form_of_ours_remembers(text: str) -> None:
    assert modals.held(text) is None


@given(PARTLESS, TEXTS, st.one_of(st.none(), st.builds(Ask, st.just("fix-now"), st.just("r-1"), st.just("Next"), FIELDS)))
def test_any_form_is_within_limits(reply: Reply, sentence: str, ask: Ask | None) -> None:
    assert check_view(filled(replace(reply, ask=ask))) == []
    assert check_view(modals.said("Fix now", sentence)) == []


def test_what_does_not_fit_is_said_to_be_left_out() -> None:
    long = tuple(Item(f"step {n}", notes=("seen",)) for n in range(200))
    view = filled(Reply("h", sections=(Section("", long, "steps"),), ask=ASK))
    assert check_view(view) == []
    assert len(view["blocks"]) == 100
    assert "does not fit" in json.dumps(view["blocks"][-2])


def test_the_largest_form_is_taken() -> None:
    names = tuple(f"{n:0>150}" for n in range(900))
    long = Section("", tuple(Item("😀" * 900) for _ in range(40)))
    domains = Field("--domain", "Domains", choices=names, several=True)
    assert check_view(filled(Reply("h", sections=(long,), ask=Ask("fix-now", "r-1", "Next", (domains, REASON))))) == []
