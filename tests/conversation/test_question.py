"""What is kept of a question until it is answered."""

import json

import pytest

from bot.conversation.question import Question, Used, read
from tests.conversation.memory import Room

PLACE = Room("alice", "Approve")
USED = Used("m-18", {"text": "h", "parts": [{"type": "divider"}, {"type": "actions", "elements": []}]})


@pytest.mark.parametrize(
    "question",
    [
        Question("t-1", 'check "Branch office"', PLACE, "@mailflow", shared=True),
        Question("t-2", "", PLACE, words=("fix", "--again", "r-1", "--reason=gone  for good"), used=USED),
        Question("t-3", "", PLACE, words=("ask", "f-1"), used=Used(form="V1")),
    ],
)
def test_there_and_back(question: Question[Room]) -> None:
    assert read(question.id, question.place, question.dump()) == question


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("explain 450 4.4.316 for <ann@example.com>", ()),
        ("Explain\nann@example.com", ()),
        ("", ("explain", "--", "ann@example.com")),
        ("ann@example.com bounced", ()),
    ],
)
def test_somebodys_text_is_not_kept(text: str, words: tuple[str, ...]) -> None:
    kept = Question("t-1", text, PLACE, words=words).dump()
    assert "example" not in kept
    assert read("t-1", PLACE, kept) == Question("t-1", "", PLACE, forgotten=True)


@pytest.mark.parametrize(
    ("text", "thread", "lacks", "means"),
    [
        ("explain", "", True, False),
        ("explain", "17.1", True, True),
        ("EXPLAIN\n", "17.1", True, True),
        ("", "17.1", False, True),
        ("", "", False, False),
        ("explain 4.4.316", "17.1", False, False),
        ("check", "17.1", False, False),
    ],
)
def test_what_lacks_a_text(text: str, thread: str, lacks: bool, means: bool) -> None:
    question = Question("m-1", text, PLACE, thread=thread)
    assert (question.lacks_text, question.means_thread) == (lacks, means)


def test_what_an_older_version_left() -> None:
    left = json.dumps({"text": "check --again r-1", "prefix": "mailflow", "shared": False})
    assert read("t-1", PLACE, left) == Question("t-1", "check --again r-1", PLACE)


@pytest.mark.parametrize("request_", ["", "[]", "{}", "null", '{"text": "x", "prefix": "", "shared": false, "used": {"x": 1}}'])
def test_what_is_no_question(request_: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read("t-1", PLACE, request_)
