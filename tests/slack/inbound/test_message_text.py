"""The words that people read in a message, once each, whoever sent it."""

import time
from typing import Any

import pytest

from bot.slack.inbound.message_text import MOST, text_of
from bot.slack.inbound.payloads import plain, shortcut

BOUNCE = "450 4.4.316 Connection refused"


def rich(*runs: dict[str, Any], kind: str = "rich_text_section") -> dict[str, Any]:
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(runs)}]}


def words(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": f"*{BOUNCE}*"}}
BUTTONS = {"type": "actions", "elements": [{"type": "button", "text": {"type": "plain_text", "text": "Acknowledge"}}]}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"text": "&lt;a@b.example&gt; <http://mx.example|mx.example>"}, "<a@b.example> mx.example"),
        ({"text": BOUNCE, "blocks": [rich(words(BOUNCE))]}, BOUNCE),
        ({"text": f"```{BOUNCE}```", "blocks": [rich(words(BOUNCE), kind="rich_text_preformatted")]}, f"```{BOUNCE}```"),
        ({"text": "Alert", "blocks": [SECTION, BUTTONS]}, f"Alert\n*{BOUNCE}*"),
        (
            {"blocks": [rich(words("at "), {"type": "link", "url": "https://x.example"}, words(" failed"))]},
            "at https://x.example failed",
        ),
        ({"blocks": [{"type": "section", "fields": [{"type": "mrkdwn", "text": "a &amp; b"}]}]}, "a & b"),
        (
            {"attachments": [{"title": "Mail", "fields": [{"title": "Error", "value": BOUNCE}], "fallback": BOUNCE}]},
            f"Mail\nError\n{BOUNCE}",
        ),
        ({"attachments": [{"fallback": BOUNCE}]}, BOUNCE),
        ({"attachments": [{"blocks": [SECTION]}], "text": ""}, f"*{BOUNCE}*"),
        ({"text": "see", "files": [{"name": "bounce.eml", "url_private": "https://files.example"}]}, "see\nbounce.eml"),
        ({"text": f"{BOUNCE}\n\n{BOUNCE}"}, f"{BOUNCE}\n\n{BOUNCE}"),
        ({"text": 7, "blocks": {"a": []}, "attachments": [None, "x", {"fields": 3}], "files": [None, {"name": 1}]}, "x"),
        ({}, ""),
    ],
)
def test_what_is_read(message: dict[str, Any], text: str) -> None:
    assert text_of(message, plain) == text


def test_bounds() -> None:
    deep: Any = "too deep"
    for _ in range(500):
        deep = {"elements": [deep]}
    began = time.monotonic()
    found = text_of({"text": "x" * (2 * MOST), "blocks": [deep, *[SECTION] * 50_000]}, plain)
    assert len(found) == MOST + 1
    assert "too deep" not in found
    assert time.monotonic() - began < 2


MESSAGE = {"type": "message", "user": "U2", "ts": "17.5", "text": BOUNCE}
PAYLOAD = {
    "type": "message_action",
    "callback_id": "diagnose-mail-error",
    "trigger_id": "1.2",
    "response_url": "https://hooks.slack.com/actions/f00",
    "team": {"id": "T1"},
    "user": {"id": "U1"},
    "channel": {"id": "C1"},
    "message": MESSAGE,
}


def test_the_shortcut_explains_one_word_below_that_message() -> None:
    asked = shortcut(PAYLOAD)
    assert (asked.id, asked.text, asked.words) == ("t-1.2", "", ("explain", "--", BOUNCE))
    place = asked.place
    assert (place.channel, place.user, place.thread, place.team, place.line) == ("C1", "U1", "17.5", "T1", "Diagnose mail error")
    assert place.response_url.endswith("f00")
    assert shortcut(PAYLOAD | {"message": MESSAGE | {"thread_ts": "16.1"}}).place.thread == "16.1"
    assert shortcut({}).words == ("explain", "--", "")
