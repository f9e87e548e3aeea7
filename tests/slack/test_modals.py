"""Text for somebody else, to be copied out of a form."""

from hypothesis import given
from hypothesis import strategies as st

from bot.slack import modals
from commands.reply import Item, Reply, Section
from tests.e2e.slack_rules import as_sent, check_view
from tests.slack.replies import REPLIES, TEXTS


def copied(view: dict[str, object]) -> list[str]:
    blocks = as_sent(view["blocks"])
    return [block["element"]["initial_value"] for block in blocks if block["type"] == "input"]


def of(*lines: str) -> Reply:
    return Reply("The text for the partner", sections=(Section("", tuple(map(Item, lines)), "code"),), audience="asker")


def test_the_text_stands_in_a_field_as_it_is() -> None:
    view = modals.filled("Copy for partner", of("Hello,", "", "- mail.contoso.com <192.0.2.1> & *you*", "    S: 554 `no`"))
    assert check_view(view) == []
    assert copied(view) == ["Hello,\n\n- mail.contoso.com <192.0.2.1> & *you*\n    S: 554 `no`"]


def test_a_sentence_is_no_field() -> None:
    view = modals.filled("Copy for partner", Reply("There is nothing that a partner would have to mend."))
    assert check_view(view) == []
    assert not copied(view)
    assert "nothing that a partner" in str(view["blocks"])
    assert check_view(modals.waiting("Copy for partner")) == check_view(modals.failed("x", "It failed.")) == []


@given(st.lists(st.text(alphabet="ab 😀<&\n", max_size=4000), min_size=1, max_size=12))
def test_nothing_is_dropped(lines: list[str]) -> None:
    view = modals.filled("Copy for partner", of(*lines))
    assert check_view(view) == []
    text = "".join(copied(view))
    for character in "ab😀<&":
        assert text.count(character) == "".join(lines).count(character) or len(copied(view)) == modals._INPUTS


@given(REPLIES, TEXTS)
def test_any_form_is_within_limits(reply: Reply, sentence: str) -> None:
    assert check_view(modals.filled("Copy for partner", reply)) == []
    assert check_view(modals.failed("Copy for partner", sentence)) == []
