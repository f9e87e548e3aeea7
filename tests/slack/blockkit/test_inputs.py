"""Fields of a form, there and back: what was filled in becomes options, a word each, whatever stands in it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.blockkit import inputs
from commands.registry import FIX
from commands.reply import Field
from commands.words import take_apart
from tests.slack.replies import TEXTS


def element(field: Field) -> dict[str, Any]:
    (block,) = inputs.shown([field])
    found: dict[str, Any] = block["element"]
    return found


def sent(field: Field, **value: Any) -> dict[str, Any]:
    """A form with that field, as Slack gives it back."""
    return {"blocks": inputs.shown([field]), "state": {"values": {field.name: {"value": value}}}}


def options(*values: str) -> list[dict[str, str]]:
    return [{"value": value} for value in values]


@pytest.mark.parametrize(
    ("count", "several", "kind"),
    [
        (0, False, "plain_text_input"),
        (0, True, "plain_text_input"),
        (1, False, "static_select"),
        (10, True, "checkboxes"),
        (11, True, "multi_static_select"),
        (100, True, "multi_static_select"),
    ],
)
def test_what_a_field_looks_like(count: int, several: bool, kind: str) -> None:
    names = tuple(f"d{n}.example" for n in range(count))
    found = element(Field("--domain", "Domains", choices=names, several=several))
    assert found["type"] == kind
    assert [option["value"] for option in found.get("options", ())] == list(names)


def test_more_than_a_list_holds_stands_in_groups() -> None:
    found = element(Field("--domain", "Domains", choices=tuple(f"d{n}.example" for n in range(250)), several=True))
    assert [len(group["options"]) for group in found["option_groups"]] == [100, 100, 50]
    assert found["option_groups"][2]["label"]["text"] == "from d200.example"


def test_a_name_that_slack_would_cut_is_left_out() -> None:
    found = element(Field("--domain", "D", choices=("a" * 151, "b" * 150), several=True))
    assert [option["value"] for option in found["options"]] == ["b" * 150]
    assert len(found["options"][0]["text"]["text"]) == 75


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        (Field("--reason", "R"), {"value": " CHG-1 gone  for good "}, ("--reason=CHG-1 gone  for good",)),
        (Field("--reason", "R"), {"value": "--yes"}, ("--reason=--yes",)),
        (Field("--reason", "R"), {"value": "\"a' -- b"}, ("--reason=\"a' -- b",)),
        (Field("--reason", "R"), {"value": "a\x00b\u202e"}, ("--reason=ab",)),
        (Field("--domain", "D"), {"selected_option": {"value": "a.example"}}, ("--domain=a.example",)),
        (
            Field("--domain", "D", several=True),
            {"selected_options": options("a.example", "b.example")},
            ("--domain=a.example", "--domain=b.example"),
        ),
        (Field("--domain", "D", optional=True), {"selected_options": []}, ()),
        (Field("--domain", "D", optional=True), {"value": None, "selected_option": None}, ()),
    ],
)
def test_what_was_filled_in(field: Field, value: dict[str, Any], words: tuple[str, ...]) -> None:
    assert inputs.read(sent(field, **value)) == inputs.Filled(words, {})


@pytest.mark.parametrize("value", [{}, {"value": None}, {"value": " \n"}, {"value": 7}, {"selected_options": [{}]}])
def test_what_is_needed_and_missing_is_said_at_its_field(value: dict[str, Any]) -> None:
    assert inputs.read(sent(Field("--reason", "R"), **value)) == inputs.Filled((), {"--reason": "Fill this in."})


@given(st.one_of(st.just("--yes"), TEXTS))
def test_a_value_is_never_another_option(typed: str) -> None:
    (*words,) = inputs.read(sent(Field("--reason", "R", optional=True), value=typed)).options
    call = take_apart(FIX, ("--again", "r-1", *words), front="click")
    assert set(call.options) <= {"--again", "--reason"}
    assert not call.words


_KEYS = ("blocks", "state", "values", "type", "block_id", "--reason", "value", "selected_options", "selected_option", "optional")
_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5), st.sampled_from(["input", "--reason", "--yes"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4)),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(_KEYS), _JSON))
def test_payloads_that_are_none(view: dict[str, Any]) -> None:
    inputs.read(view)
