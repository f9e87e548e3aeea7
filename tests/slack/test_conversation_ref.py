"""Where an answer belongs, there and back."""

import pytest

from bot.slack.conversation_ref import ConversationRef, load

PLACE = ConversationRef("C02INC", "U01ALICE", "/mailflow check", team="T1", response_url="https://hooks.slack.com/commands/f00")


def test_there_and_back() -> None:
    assert load(PLACE.dump()) == PLACE


def test_what_lasts_opens_no_door() -> None:
    assert load(PLACE.lasting("17.5")) == ConversationRef("C02INC", "U01ALICE", "/mailflow check", thread="17.5", team="T1")
    inline = ConversationRef("C02INC", "U01ALICE", "x", thread="16.1", parent="17.5")
    assert load(inline.lasting("17.5")).thread == "16.1", "a reply's own timestamp is no thread"
    assert load(ConversationRef("D1", "U01ALICE", "x").lasting("17.5")) == ConversationRef("D1", "U01ALICE", "x")
    assert "hooks" not in PLACE.lasting("1.2") + repr(PLACE)


@pytest.mark.parametrize("text", ["", "C1", "[]", "{}", '{"channel": "C1"}', '{"channel": 1, "user": "U1", "line": "x"}', "null"])
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        load(text)
