"""What is kept of a question until it is answered."""

import json

import pytest

from bot.slack.inquiry import Inquiry, Used, read
from bot.slack.place import Place

PLACE = Place("C1", "U1", "Approve", "17.5")
USED = Used("C1", "18.1", "h", ({"type": "divider"}, {"type": "actions", "elements": []}))


@pytest.mark.parametrize(
    "inquiry",
    [
        Inquiry("t-1", 'check "Branch office"', PLACE, "@mailflow", shared=True),
        Inquiry("t-2", "", PLACE, words=("fix", "--again", "r-1", "--reason=gone  for good"), used=USED),
        Inquiry("t-3", "", PLACE, words=("ask", "f-1"), used=Used(view="V1")),
    ],
)
def test_there_and_back(inquiry: Inquiry) -> None:
    assert read(inquiry.id, inquiry.place.dump(), inquiry.dump()) == inquiry


def test_what_an_older_version_left() -> None:
    left = json.dumps({"text": "check --again r-1", "prefix": "/mailflow", "shared": False})
    assert read("t-1", PLACE.dump(), left) == Inquiry("t-1", "check --again r-1", PLACE)


@pytest.mark.parametrize("request_", ["", "[]", "{}", "null", '{"text": "x", "prefix": "", "shared": false, "used": {"x": 1}}'])
def test_what_is_no_question(request_: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        read("t-1", PLACE.dump(), request_)
