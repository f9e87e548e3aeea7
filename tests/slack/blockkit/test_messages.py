"""Reply → Slack message: one golden file; and whatever a Reply holds, within Slack's limits and with nothing alive in it."""

import json
import os
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slack_sdk.models.blocks import Block

from bot.slack.blockkit import messages
from bot.slack.blockkit.blocks import Message
from commands.reply import Action, Item, Progress, Reply, Section
from tests.e2e.slack_rules import as_sent, check_message
from tests.slack.replies import FAILING, PAGE, PARTLESS, REPLIES, TEXTS

GOLDEN = Path(__file__).parents[2] / "golden" / "slack"
THOROUGH = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))


def judge(sent: tuple[Message, ...]) -> None:
    """By our own rules, and by the SDK's."""
    for message in sent:
        blocks = as_sent(message.blocks)
        assert check_message(message.text, blocks) == []
        for block in blocks:
            parsed = Block.parse(block)
            assert parsed is not None
            parsed.validate_json()


def shown(*sent: Message) -> str:
    """All words on the screen."""

    def words(value: Any) -> list[str]:
        if isinstance(value, dict):
            return ([value["text"]] if isinstance(value.get("text"), str) else []) + words(list(value.values()))
        return [found for inner in value for found in words(inner)] if isinstance(value, list) else []

    text = "\n".join(word for message in sent for word in words(as_sent(message.blocks)))
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def test_golden() -> None:
    """To accept what is there now: UPDATE_GOLDEN=1 pytest tests/slack."""
    path = GOLDEN / "failing.json"
    parent = messages.parent(FAILING, "/mailflow check Contoso", "U01ALICE")
    thread = messages.thread(FAILING)
    judge((parent, *thread))
    now = {"parent": vars_of(parent), "thread": [vars_of(message) for message in thread]}
    text = json.dumps(now, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def vars_of(message: Message) -> dict[str, Any]:
    return {"text": message.text, "blocks": list(message.blocks)}


@THOROUGH
@given(REPLIES, TEXTS, st.one_of(st.just("U01ALICE"), TEXTS))
def test_any_reply_is_within_limits_and_escaped(reply: Reply, line: str, user: str) -> None:
    judge((messages.parent(reply, line, user), *messages.thread(reply)))
    judge(messages.inline(reply, line, user))


@THOROUGH
@given(REPLIES, TEXTS, st.integers(1, 5), st.booleans())
def test_any_private_answer_is_within_limits_and_escaped(reply: Reply, hint: str, most: int, buttons: bool) -> None:
    sent = messages.private(reply, most, hint[:200], buttons=buttons)
    assert buttons or not any(block["type"] == "actions" for message in sent for block in message.blocks)
    assert 1 <= len(sent) <= most
    judge(sent)


@given(TEXTS, st.integers(0, 99), st.integers(0, 99), TEXTS)
def test_any_progress_is_within_limits_and_escaped(line: str, done: int, total: int, text: str) -> None:
    judge((messages.working(line), messages.working(line, Progress(done, total, text)), messages.sentence(text)))


@THOROUGH
@given(st.text(alphabet="abc <>&*`:\n😀", min_size=1, max_size=200), st.integers(1, 400))
def test_long_things_are_split_not_dropped(word: str, times: int) -> None:
    """Every character that can be seen is there, in its order, whatever it is in."""
    long = word * times
    section = Section("t", (Item(long, tag=long[:500], notes=(long,)),), "bullets")
    code = Section("c", (Item(long),), "code")
    for given_section in (section, code):
        sent = messages.thread(Reply("h", sections=(given_section,)))
        judge(sent)
        seen = re.sub(r"[\s\u200b*]", "", shown(*sent).replace("```", ""))
        wanted = re.sub(r"[\s*]", "", long.replace("```", ""))
        if "`" not in word:
            page = re.sub(r"\d+of\d+", "", seen.replace("h", ""))
            assert wanted in page or len(sent) > 1
            assert page.count("😀") >= long.count("😀")
            assert sum(map(page.count, "abc")) >= sum(map(long.count, "abc"))


HEADLINES = ["3 targets: 2 failing, 1 healthy", "Could not tell: a.example — no route", "Not found: a.example"]


@pytest.mark.parametrize("headline", HEADLINES)
def test_the_headline_stands_as_it_is_behind_the_mark(headline: str) -> None:
    for severity, mark in {"good": "✅", "mixed": "⚠️", "bad": "🔴", "unknown": "❔"}.items():
        reply = replace(FAILING, headline=headline, severity=severity)  # type: ignore[arg-type]
        for message in (messages.parent(reply, "x", "U1"), messages.thread(reply)[0], messages.private(reply, 4)[0]):
            assert message.text.split("\n")[0].startswith(f"{mark} {headline}")
            assert headline in shown(message).split("\n")[0]


def test_the_word_is_not_said_twice() -> None:
    assert messages.parent(FAILING, "", "").text == "🔴 Contoso on-premises: failing, 450 4.4.316 Connection refused"


def test_phone_and_screen_reader_get_the_whole_thread_in_text() -> None:
    (message,) = messages.thread(FAILING)
    for words in ("450 4.4.316", "likely: Nothing listens", "network: Let Microsoft 365 in", "tcp REFUSED"):
        assert words in message.text


def test_evidence_is_never_parsed() -> None:
    notes = [block for block in messages.thread(FAILING)[0].blocks if block["type"] == "context"]
    assert len(notes) == 2
    assert {element["type"] for note in notes for element in note["elements"]} == {"plain_text"}


def test_names_that_look_like_markup_keep_every_character() -> None:
    text = "*.contoso.com, *.fabrikam.com, _dmarc_x_, ~old~, fd00:100:2::1"
    (message,) = messages.thread(Reply("h", sections=(Section("", (Item(text),)),)))
    assert message.blocks[1]["text"] == {"type": "plain_text", "text": text, "emoji": False}


def test_links_show_their_host_and_others_are_text() -> None:
    def of(url: str) -> dict[str, Any]:
        found: dict[str, Any] = messages.thread(Reply("h", sections=(Section("", (Item("see", url=url),)),)))[0].blocks[1]
        return found["text"]  # type: ignore[no-any-return]

    assert of(PAGE)["text"] == f"see <{PAGE.replace('&', '&amp;')}|learn.microsoft.com>"
    for bad in (
        "javascript:alert(1)",
        "http://a.example/",
        "https://a.example/|bank",
        "https://a.example/>x",
        "https://a.example/```",
    ):
        assert "<" not in of(bad)["text"]
        assert check_message("h", [{"type": "section", "text": of(bad)}]) == [
            "text and first block differ: 'h', " + repr(of(bad)["text"])
        ]


def test_many_parts_get_ten_messages_and_the_rest_together() -> None:
    parts = tuple(replace(FAILING, headline=f"connector {number}: failing") for number in range(40))
    sent = messages.thread(Reply("40 of 40 connectors are failing", severity="bad", parts=parts))
    judge(sent)
    assert len(sent) < 20
    assert [f"connector {number}: failing" in shown(*sent) for number in range(40)] == [True] * 40
    assert all(f"connector {n}:" in sent[n].text.split("\n")[0] for n in range(10))


def test_private_answer_that_does_not_fit_keeps_all_verdicts() -> None:
    parts = tuple(replace(FAILING, headline=f"connector {number}: failing") for number in range(60))
    sent = messages.private(Reply("60 of 60 are failing", severity="bad", parts=parts), 4, "Invite me")
    judge(sent)
    assert len(sent) == 4
    assert "Not all of it fits" in shown(*sent)
    assert [f"connector {number}: failing" in shown(*sent) for number in range(60)] == [True] * 60


def test_a_mistake_is_said_once() -> None:
    sentence = "There is no command 'chek'. Try check, help."
    (message,) = messages.private(Reply(sentence, sections=(Section("", (Item(sentence),)),)), 5)
    assert message.text == sentence


def test_an_answer_without_details_has_no_thread() -> None:
    assert messages.thread(Reply("nothing to check", severity="unknown")) == ()


@dataclass(frozen=True)
class Document:
    results: int = 400

    def model_dump_json(self, *, indent: int | None = None, by_alias: bool = True) -> str:
        return json.dumps({"schema": "mailflow/check/1", "results": ["<!channel>", "```"] * self.results}, indent=indent)


def test_json_that_was_asked_for_is_in_the_thread_whole() -> None:
    sent = messages.thread(replace(FAILING, document=Document(), as_json=True, parts=(FAILING,)))
    judge(sent)
    fences = re.findall(r"```\n(.*?)\n```", shown(*sent).replace("\u200b", ""), re.DOTALL)
    assert "\n".join(fences).count('"<!channel>"') == 400
    assert "Likely causes" not in shown(*sent)


@pytest.mark.parametrize("results", [600, 700, 100_000])
def test_json_of_more_than_two_messages_is_one_line_that_says_where_it_is(results: int) -> None:
    asked = replace(FAILING, document=Document(results), as_json=True, parts=(FAILING,))
    for sent in (messages.thread(asked), messages.inline(asked, "check --json", "U01ALICE"), messages.private(asked, 5)):
        judge(sent)
        assert len(sent) == 1
        assert "--json" in shown(*sent)
        assert "!channel" not in shown(*sent)


@pytest.mark.parametrize("user", ["U1|x", "<!channel>", "", "None"])
def test_only_a_user_id_becomes_a_mention(user: str) -> None:
    assert "<" not in json.dumps(messages.parent(FAILING, "x", user).blocks[-1])


# ---- people, and buttons that were used


def test_people_are_named_in_block_and_text() -> None:
    who = Item("It waits for one person of", people=("U02BOB", "S1MAIL", "<!here>", "W1|x"))
    (message,) = messages.thread(Reply("h", sections=(Section("", (who,)),)))
    judge((message,))
    named = "It waits for one person of <@U02BOB>, <!subteam^S1MAIL>, &lt;!here&gt;, W1|x"
    assert message.text == f"h\n{named}"
    assert message.blocks[1]["text"]["text"] == named


def test_people_stand_apart_where_markup_would_be_read() -> None:
    who = Item("*.contoso.com is asked for by", people=("U02BOB",))
    (message,) = messages.thread(Reply("h", sections=(Section("", (who,)),)))
    judge((message,))
    assert [block["type"] for block in message.blocks[1:]] == ["section", "context"]
    assert message.blocks[2]["elements"][0]["text"] == "<@U02BOB>"


AT = datetime(2026, 11, 24, 10, 5, tzinfo=UTC)


def test_used_buttons_make_room_for_who_and_when() -> None:
    reply = replace(FAILING, actions=(Action("approve", "f-1"), Action("reject", "f-1")))
    (before,) = messages.thread(reply)
    after = messages.spent(before.text, before.blocks, "Approved", "U02BOB", AT)
    judge((after,))
    assert [block["type"] for block in after.blocks] == [block["type"] for block in before.blocks[:-1]] + ["context"]
    seen = "Approved by <@U02BOB> at <!date^1795514700^{date_short_pretty} {time}|2026-11-24 10:05 UTC>"
    assert after.blocks[-1]["elements"][0]["text"] == seen
    assert after.text == f"{before.text}\nApproved by <@U02BOB> at 2026-11-24 10:05 UTC"


def test_a_time_stands_in_utc_and_in_each_readers_own_zone() -> None:
    items = (
        Item("Next try: 2026-11-24 10:15 UTC or 2026-11-24 11:00 UTC."),
        Item("2026-13-24 10:15 UTC, *2026-11-24 10:15 UTC*"),
    )
    (message,) = messages.inline(Reply("h", sections=(Section("When", items, "bullets"),)), "check", "")
    own = "2026-11-24 10:15 UTC (<!date^1795515300^{date_short_pretty} {time}|2026-11-24 10:15 UTC>) or"
    texts = [block["text"]["text"] for block in message.blocks if block["type"] == "section"]
    assert own in texts[-2]
    assert texts[-1] == "• 2026-13-24 10:15 UTC, *2026-11-24 10:15 UTC*"
    assert "Next try: 2026-11-24 10:15 UTC or 2026-11-24 11:00 UTC." in message.text


@given(PARTLESS, st.one_of(st.just("U02BOB"), TEXTS))
def test_any_used_message_is_within_limits_and_escaped(reply: Reply, user: str) -> None:
    judge(tuple(messages.spent(m.text, m.blocks, "Approved", user, AT) for m in messages.inline(reply, "x", "U1")[:3]))
