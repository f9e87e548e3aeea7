"""Foreign text: what nobody sees is shown, replaced or dropped, everywhere by the same sets of characters."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics import text
from diagnostics.parse.text.normalize import plain

UNSEEN = {chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"220 mail ready", "220 mail ready"),
        ("220 é ∞ 邮".encode(), "220 é ∞ 邮"),
        (b"\x1b[31m\x00\r\n", r"\x1b[31m\x00\x0d\x0a"),
        (b"\xff\xfe", r"\xff\xfe"),
        ("a\u200bb\u202ec\u00ad\U000e0001".encode(), r"a\u200bb\u202ec\xad\U000e0001"),
        (b"x" * 5000, "x" * 2048),
    ],
)
def test_bytes_become_one_line_that_shows_what_nobody_sees(data: bytes, line: str) -> None:
    assert text.readable(data) == line


@given(st.text() | st.text(st.sampled_from(sorted(UNSEEN))))
def test_a_line_holds_nothing_that_moves_a_cursor_or_turns_the_direction(foreign: str) -> None:
    for line in (text.visible(foreign), text.replaced(foreign, "?")):
        assert not UNSEEN & set(line)
    assert not set(text.CONTROLS + text.DIRECTIONS + text.BREAKS + "\r") & set(text.on_screen(foreign))


def test_emoji_and_scripts_that_are_shown_by_joiners_stay_whole_on_a_screen() -> None:
    for word in ("\U0001f469\u200d\U0001f4bb", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u26a0\ufe0f"):
        assert text.on_screen(word) == word


def test_the_sets_are_what_they_are_called_and_a_paste_is_freed_of_all() -> None:
    assert len({*text.SPACES, *text.BREAKS, *text.DIRECTIONS, *text.JOINERS}) == sum(
        map(len, (text.SPACES, text.BREAKS, text.DIRECTIONS, text.JOINERS))
    )
    assert set(text.DIRECTIONS) <= UNSEEN
    assert plain(f"450 4.4.{text.DIRECTIONS}{text.JOINERS}316{text.SPACES[0]}x") == "450 4.4.316 x"
