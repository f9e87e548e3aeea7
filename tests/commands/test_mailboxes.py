"""Of a mail address that somebody gives as a target its domain alone is left, before anything is kept or said."""

import time

import pytest

from bot.slack.inbound import payloads
from commands.run import parse
from commands.words import at_the_door, split
from diagnostics.mailboxes import without_mailboxes

GIVEN = {
    "check bob@contoso.com": "check contoso.com",
    "check bob.smith+tag@contoso.com fabrikam.com": "check contoso.com fabrikam.com",
    "check a@x.com,b@y.com": "check x.com,y.com",
    'check "bob@contoso.com"': 'check "contoso.com"',
    "check 'bob@contoso.com'": "check 'contoso.com'",
    'check "bob smith"@contoso.com': "check contoso.com",
    "check “bob smith”@contoso.com": "check contoso.com",
    "check <bob@contoso.com>": "check contoso.com",
    "check Bob <bob@contoso.com> x": "check Bob contoso.com x",
    "check o'brien@contoso.com": "check contoso.com",
    "check mailto:bob@contoso.com": "check contoso.com",
    "check domain:bob@contoso.com": "check domain:contoso.com",
    "check smtp:bob@[192.0.2.1]": "check [192.0.2.1]",
    "check bounce+bob=fabrikam.com@contoso.com": "check contoso.com",
    "check a@b@contoso.com": "check contoso.com",
    "check bob\uff20contoso.com": "check contoso.com",
    "check bob%40contoso.com": "check contoso.com",
    "check bøb@contoso.com": "check contoso.com",
    "fix x --domain=bob@contoso.com": "fix x --domain=contoso.com",
    "fix x --domain bob@contoso.com": "fix x --domain contoso.com",
    "bob@contoso.com": "contoso.com",
    "chekc bob@contoso.com": "chekc contoso.com",
    "check @contoso.com": "check contoso.com",
    'check "Contoso — Zürich"': 'check "Contoso — Zürich"',
}


@pytest.mark.parametrize(("typed", "left"), GIVEN.items())
def test_what_is_left(typed: str, left: str) -> None:
    assert at_the_door(typed) == left


@pytest.mark.parametrize("text", ["explain 550 5.4.316 bob@contoso.com", "EXPLAIN bob@contoso.com"])
def test_somebodys_text_stays_as_it_is(text: str) -> None:
    assert at_the_door(text) == text


@pytest.mark.parametrize(
    "line", ["check bob@contoso.com", "fix bob@contoso.com --domain bob@contoso.com", "explain --check bob@contoso.com 450"]
)
@pytest.mark.parametrize("front", ["terminal", "chat"])
def test_every_front(line: str, front: str) -> None:
    _, call = parse(split(line), prefix="", front=front)  # type: ignore[arg-type]
    assert "bob" not in repr(call)


def test_nothing_of_it_is_kept_in_a_question() -> None:
    payload = {"text": "check <mailto:bob@contoso.com|bob@contoso.com>", "channel_id": "C1", "user_id": "U1", "trigger_id": "1"}
    event = {"user": "U1", "text": "<@U0> chekc bob@contoso.com", "channel": "C1", "ts": "1.1", "channel_type": "im"}
    asked = (
        payloads.command(payload),
        payloads.mention({"event": event}, "U0", "mailflow"),
        payloads.direct_message({"event": event}, "U0"),
    )
    for question in asked:
        assert question
        assert "contoso.com" in question.text
        assert "bob" not in question.dump() + question.place.dump() + question.text


@pytest.mark.parametrize("part", ["@", "a@", "a", '"', '"a"@', "<a@", " a@b>"])
def test_hostile_texts_take_no_time(part: str) -> None:
    begun = time.thread_time()
    without_mailboxes(part * 40_000)
    assert time.thread_time() - begun < 0.5
