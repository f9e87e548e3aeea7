"""What Slack makes of typed and pasted words, taken back."""

from typing import Any

import pytest

from bot.conversation.forms import TEXT
from bot.conversation.question import Used
from bot.slack.blockkit import modals
from bot.slack.conversation_ref import ConversationRef
from bot.slack.inbound.payloads import click, command, direct_message, mention, pasted, plain, submission
from commands.reply import Ask, Field, Item, Reply, Section


@pytest.mark.parametrize(
    ("sent", "seen"),
    [
        ("check contoso.com", "check contoso.com"),
        ("check <http://contoso.com|contoso.com>", "check contoso.com"),
        ("check <https://contoso.com/a?b=1&amp;c=2>", "check https://contoso.com/a?b=1&c=2"),
        ("explain <mailto:a@b.example|a@b.example> bounced", "explain a@b.example bounced"),
        ("explain <mailto:a@b.example>", "explain a@b.example"),
        ('check "A &amp; B &lt;on-premises&gt;"', 'check "A & B <on-premises>"'),
        ("explain &amp;lt;", "explain &lt;"),
        ("check <@U01ALICE|alice> <@U02BOB>", "check @alice @U02BOB"),
        ("check <#C01GEN|general>", "check #general"),
        ("explain <!here> <!subteam^S1|@mail-admins> <!date^0^{date}|1970-01-01>", "explain @here @mail-admins 1970-01-01"),
        ("check <!channel>", "check @channel"),
        ("explain < not a link > 1 < 2", "explain < not a link > 1 < 2"),
        ("check mx.contoso.com <http://mx.contoso.com|mx.contoso.com> &amp;", "check mx.contoso.com mx.contoso.com &"),
        ("", ""),
    ],
)
def test_plain(sent: str, seen: str) -> None:
    assert plain(sent) == seen


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("check  contoso.com", "/mailflow check  contoso.com"),
        ("explain 450 4.4.316 for ann@example.com", "/mailflow explain …"),
        ("ann@example.com bounced", "/mailflow …"),
        ("", "/mailflow"),
    ],
)
def test_what_others_see_of_it(typed: str, shown: str) -> None:
    assert command({"text": typed}).place.line == shown


# ---- payloads

EVENT = {"type": "app_mention", "user": "U01ALICE", "channel": "C02INC", "ts": "17.5", "text": "<@U0BOT> check contoso.com"}


def body(**more: Any) -> dict[str, Any]:
    return {"team_id": "T1", "event_id": "Ev1", "event": EVENT | more}


def test_a_mention_is_answered_in_the_thread_that_it_begins_or_stands_in() -> None:
    first = mention(body(), "U0BOT", "mailflow")
    assert first
    assert (first.text, first.prefix, first.place.thread) == ("check contoso.com", "@mailflow", "17.5")
    second = mention(body(thread_ts="16.1"), "U0BOT", "mailflow")
    assert second
    assert second.place.thread == "16.1"
    assert (first.thread, second.thread) == ("", "16.1")
    assert first.id == second.id == "m-C02INC-17.5", "one message, one question"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("<@U0BOT>", ""),
        ("<@U0BOT|mailflow>: help", ": help"),
        ("please <@U0BOT> check <http://a.example|a.example>", "check a.example"),
        ("help <@U0BOT>", "help"),
        ("<@U0BOT> check <@U0BOT>", "check"),
    ],
)
def test_words_behind_a_mention(text: str, asked: str) -> None:
    found = mention(body(text=text), "U0BOT", "mailflow")
    assert found
    assert found.text == asked


@pytest.mark.parametrize("more", [{"bot_id": "B1"}, {"subtype": "message_changed"}, {"user": None}, {"user": ""}])
def test_bots_and_edits_ask_nothing(more: dict[str, Any]) -> None:
    assert mention(body(**more), "U0BOT", "mailflow") is None
    assert direct_message(body(channel_type="im", **more), "U0BOT") is None


def test_only_direct_messages_are_commands_as_they_stand() -> None:
    assert direct_message(body(channel_type="channel"), "U0BOT") is None
    found = direct_message(body(channel_type="im", channel="D1", text="check &lt;x&gt;"), "U0BOT")
    assert found
    assert (found.text, found.place.channel, found.place.thread, found.place.inline) == ("check <x>", "D1", "", True)


def test_a_channel_of_which_slack_says_that_it_is_shared() -> None:
    found = mention(body() | {"is_ext_shared_channel": True}, "U0BOT", "mailflow")
    assert found
    assert found.shared


def test_a_click_is_answered_below_its_message() -> None:
    action = {"action_id": "check-again", "value": "r-1"}
    payload = {"actions": [action], "user": {"id": "U1", "team_id": "T2"}, "channel": {"id": "C1"}, "trigger_id": "1.2"}
    below = click(payload | {"message": {"ts": "2.2", "thread_ts": "1.1"}})
    assert (below.question.text, below.question.words) == ("", ("check", "--again", "r-1")), "nobody typed it"
    assert (below.question.place.thread, below.question.place.team) == ("1.1", "T2")
    assert click(payload | {"message": {"ts": "2.2"}}).question.place.thread == "2.2"
    hidden = click(payload | {"message": {"ts": "2.2"}, "container": {"is_ephemeral": True, "message_ts": "2.2"}})
    assert hidden.question.place.thread == ""
    assert below.question.id == "t-1.2"


# ---- forms

FORM = ConversationRef("C1", "U1", "Fix now", "17.5", team="T1")
PLAN = Reply("Fix now", sections=(Section("", (Item("text"),)),))


def sent(reason: str | None = "gone for good", **view: Any) -> dict[str, Any]:
    """A form as Slack gives it back."""
    asked = Ask("fix-now", "r-1", "Next", (Field("--reason", "Reason"),))
    form = modals.filled("Fix now", Reply("Fix now", sections=PLAN.sections, ask=asked), FORM)
    state = {"values": {"--reason": {"value": {"type": "plain_text_input", "value": reason}}}}
    return {"user": {"id": "U2", "team_id": "T1"}, "view": {"id": "V1", "hash": "1.a", **form, "state": state, **view}}


def test_a_form_is_a_command_line_of_whoever_sent_it() -> None:
    found = submission(sent())
    assert found.question.words == ("fix", "--again", "r-1", "--reason=gone for good")
    assert found.question.place == ConversationRef("C1", "U2", "Fix now", "17.5", team="T1")
    assert (found.question.id, found.question.used, found.errors) == ("f-V1-1.a", Used(form="V1"), {})
    assert submission(sent(hash="2.b")).question.id != found.question.id, "shown anew, it can be sent anew"


def test_what_is_missing_is_told_without_asking_anybody() -> None:
    assert submission(sent(" ")).errors == {"--reason": "Fill this in."}


@pytest.mark.parametrize(
    "view",
    [
        {"private_metadata": ""},
        {"private_metadata": "{}"},
        {"private_metadata": None},
        {"private_metadata": sent()["view"]["private_metadata"].replace("fix-now", "fix")},
        {"private_metadata": sent()["view"]["private_metadata"].replace("r-1", "r-1 --yes")},
    ],
)
def test_a_form_of_nobody(view: dict[str, Any]) -> None:
    found = submission(sent(**view))
    assert (found.choice, found.question.words) == (None, ())


def test_fields_that_the_form_does_not_have_mean_nothing() -> None:
    forged = sent(state={"values": {"--yes": {"value": {"value": "x"}}, "--again": {"value": {"value": "r-2"}}}})
    assert submission(forged).question.words == ("fix", "--again", "r-1")


def test_what_was_clicked_is_remembered_unless_it_goes_by_itself() -> None:
    payload = {"actions": [{"action_id": "approve", "value": "f-1"}], "user": {"id": "U1"}, "channel": {"id": "C1"}}
    shown = {"ts": "2.2", "thread_ts": "1.1", "text": "h", "blocks": [{"type": "divider"}, "x"]}
    used = click(payload | {"message": shown}).question.used
    assert used
    assert used == Used("C1-2.2", {"channel": "C1", "ts": "2.2", "text": "h", "blocks": [{"type": "divider"}]})
    assert click(payload | {"message": shown, "container": {"is_ephemeral": True}}).question.used is None
    assert click(payload | {"message": {"ts": "2.2"}}).question.used is None


def test_what_has_no_id_of_slacks_is_nobodys_copy() -> None:
    assert command({}).id != command({}).id
    assert len(command({"trigger_id": "x" * 500}).id) <= 150


# ---- a text


def paste(text: str | None, **view: Any) -> dict[str, Any]:
    place = ConversationRef("C1", "U1", "/mailflow explain …", team="T1", response_url="https://hooks.slack.com/x")
    form = modals.view(TEXT, place)
    state = {"values": {"--text": {"value": {"type": "plain_text_input", "value": text}}}}
    return {"user": {"id": "U2", "team_id": "T1"}, "view": {"id": "V1", "hash": "1.a", **form, "state": state, **view}}


def test_a_pasted_text_is_one_word_of_whoever_sent_it() -> None:
    found = pasted(paste('450 4.4.316 "Connection\n--json refused'))
    assert (found.question.id, found.errors) == ("f-V1-1.a", {})
    assert found.question.words == ("explain", "--", '450 4.4.316 "Connection\n--json refused')
    assert found.question.place == ConversationRef("C1", "U2", "/mailflow explain …", team="T1"), "nothing that opens a door"


def test_a_pasted_text_that_is_none() -> None:
    assert set(pasted(paste(" ")).errors) == {"--text"}
    assert pasted(paste("x", private_metadata="{")).question.place.channel == ""
    assert pasted({}).question.words == ("explain", "--", "")
