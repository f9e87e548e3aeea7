"""Compressed RTF: Microsoft's own examples, the HTML and text that Outlook wraps into it, and what forgers make of it."""

import tracemalloc

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diagnostics.parse import read_file
from diagnostics.parse.files.rtf import MAX_DEPTH, MAX_RTF, decompress, text
from tests.parse.making import NDR, codes, lzfu, outlook, rtf_of_html
from tests.parse.timing import grown

# --- LZFu and MELA ---

PATTERN = b"abcdefghijklmnopq"


def bomb(runs: int) -> bytes:
    """A pattern of seventeen letters, then references alone, each to the seventeen bytes before it."""
    items = [*(bytes((letter,)) for letter in PATTERN)]
    items += [((207 + 17 * number) % 4096 << 4 | 15).to_bytes(2, "big") for number in range(runs)]
    eights = [items[start : start + 8] for start in range(0, len(items), 8)]
    flagged = (bytes((sum((len(item) == 2) << bit for bit, item in enumerate(eight)),)) + b"".join(eight) for eight in eights)
    return bytes(8) + b"LZFu" + bytes(4) + b"".join(flagged)


OFFICIAL = {
    "simple": (
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0",
        b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n",
    ),
    "runs-over-itself": (
        "1a0000001c0000004c5a4675e2d44b51410004205758595a0d6e7d010eb0",
        b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
    ),
}
"""[MS-OXRTFCP] section 3."""


@pytest.mark.parametrize("case", OFFICIAL)
def test_microsofts_examples(case: str) -> None:
    compressed, plain = OFFICIAL[case]
    assert decompress(bytes.fromhex(compressed)) == plain


def test_runs_are_taken_from_the_last_4096_bytes() -> None:
    assert decompress(bomb(2000)) == PATTERN * 2001


def test_what_was_not_compressed_is_taken_as_it_is() -> None:
    assert decompress(bytes(8) + b"MELA" + bytes(4) + b"{\\rtf1 a}") == b"{\\rtf1 a}"


@pytest.mark.parametrize("data", [b"", bytes(16), b"LZFu", bytes(8) + b"LZFu", bytes(8) + b"ZIP " + bytes(90)])
def test_what_is_neither_says_nothing(data: bytes) -> None:
    assert decompress(data) == b""


def test_a_cut_stream_gives_what_stands_before_the_cut() -> None:
    for compressed in (lzfu(NDR.encode()), bomb(50)):
        whole = decompress(compressed)
        assert all(whole.startswith(decompress(compressed[:end])) for end in range(16, len(compressed)))
        assert len(decompress(compressed[:-2])) >= len(whole) - 17


def test_a_place_before_the_first_byte_ends_it() -> None:
    assert decompress(bytes(8) + b"LZFu" + bytes(4) + b"\x02a" + (3000 << 4).to_bytes(2, "big") + b"bcd") == b"a"


# --- RTF ---

HEAD = rb"{\rtf1\ansi\ansicpg1252\fromtext \deff0{\fonttbl{\f0\fswiss Arial;}}{\colortbl;\red0\green0\blue0;}"
TEXTS = {
    "plain": (rb"450 4.4.316 refused", "450 4.4.316 refused"),
    "breaks": (rb"\pard a\par b\line c\tab d" + b"\r\n\\par\r\ne", "a\nb\nc\td\ne"),
    "escaped": (rb"\{LED=450\}\\", "{LED=450}\\"),
    "code-page": (rb"Zustellung f\'fcr", "Zustellung f\u00fcr"),
    "unicode": (rb"\u1086?\u1090 \'3f\u-10179 ?\u-8704 ?!", "\u043e\u0442\U0001f600!"),
    "fallback-of-two": (rb"{\uc2\u1086 ??a}\u1086 ?b", "\u043ea\u043eb"),
    "no-fallback": (rb"\uc0\u1086 b", "\u043eb"),
    "quotes": (rb"\lquote a\rquote\~\ldblquote b\rdblquote\endash c", "\u2018a\u2019\u00a0\u201cb\u201d\u2013c"),
    "hidden": (rb"{\*\generator x;}{\info{\title x}}{\pict 00}{\field{\*\fldinst x}{\fldrslt a}}b", "ab"),
    "binary": (rb"{\pict\bin3 }}}}a", "a"),
    "formatted": (rb"{\b 450 {\i 4.4}.316}", "450 4.4.316"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_a_text(case: str) -> None:
    rtf, plain = TEXTS[case]
    assert text(HEAD + rtf + b"}behind") == plain


@pytest.mark.parametrize(
    ("page", "raw", "plain"),
    [
        (1251, rb"\'ee\'f2", "\u043e\u0442"),
        (932, rb"\'83A\'83\'5c", "\u30a2\u30bd"),
        (65001, rb"\'c3\'bc", "\u00fc"),
        (7, rb"\'fc", "\u00fc"),
    ],
)
def test_bytes_are_read_in_the_code_page_that_is_named(page: int, raw: bytes, plain: str) -> None:
    """Two may make one letter, and the second may look like a letter of its own; an unknown page is Windows-1252."""
    assert text(rb"{\rtf1\ansi\ansicpg%d %s}" % (page, raw)) == plain


def test_the_html_inside_comes_out_and_words_own_rendering_of_it_does_not() -> None:
    rtf = (
        rb"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0 Arial;}}"
        rb"{\*\htmltag19 <html>}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 a {\*\htmltag84 &lt;}\htmlrtf <\htmlrtf0 b"
        rb"{\*\htmltag84 <a href=\'22http://x\'22>}"
        rb"\htmlrtf {\field{\*\fldinst{HYPERLINK x}}{\fldrslt\cf1\ul \htmlrtf0 c\htmlrtf }}\htmlrtf0"
        rb"{\*\htmltag116 <br>\par}\htmlrtf\line\htmlrtf0 {\*\mhtmltag x}{\*\htmltag72 </p>}\htmlrtf }\htmlrtf0 }"
    )
    assert text(rtf) == '<html><p>a &lt;b<a href="http://x">c<br>\n</p>'


# --- As a bounce ---


@pytest.mark.parametrize("body", ["", " \r\n"])
def test_it_is_read_where_no_other_body_says_anything(body: str) -> None:
    msg = outlook({"1000001F": body, "10090102": lzfu(rtf_of_html("450 4.4.316 a"))}, "IPM.Note")
    assert codes(read_file("x.msg", msg)) == ["450 4.4.316"]


def test_beside_another_body_it_is_left_alone() -> None:
    msg = outlook({"1000001F": "450 4.4.316 a", "10090102": lzfu(rtf_of_html("450 4.4.315 a"))})
    assert codes(read_file("x.msg", msg)) == ["450 4.4.316"]


def test_that_of_the_message_that_came_back_is_left_out() -> None:
    place = "__attach_version1.0_#00000000/__substg1.0_3701000D/10090102"
    msg: dict[str, str | bytes] = {"1000001F": "450 4.4.316 a", place: lzfu(rtf_of_html("450 4.4.315 a"))}
    assert codes(read_file("x.msg", outlook(msg))) == ["450 4.4.316"]
    assert codes(read_file("x.msg", outlook(msg, "IPM.Note"))) == ["450 4.4.316", "450 4.4.315"]


# --- Forgers ---


@given(data=st.binary(max_size=3000))
@example(data=b"\xff" * 3000)
def test_any_bytes_end_quietly(data: bytes) -> None:
    text(decompress(bytes(8) + b"LZFu" + bytes(4) + data))
    text(b"{\\rtf1 " + data)


@given(
    tokens=st.lists(
        st.sampled_from([*"{}\\*a5-", "\\*\\htmltag ", "\\htmlrtf", "\\u-9", "\\uc-1", "\\bin9", "\\'", "\\ansicpg932 "])
    )
)
def test_any_tokens_end_quietly(tokens: list[str]) -> None:
    text(f"{{\\rtf1{''.join(tokens)}".encode()).encode()


def test_a_bomb_stops_at_the_limit() -> None:
    large = bomb(100_000)
    assert len(decompress(large)) == MAX_RTF
    tracemalloc.start()
    assert len(decompress(large, 1000)) == 1000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10_000
    assert len(decompress(bytes(8) + b"MELA" + bytes(4) + bytes(2 * MAX_RTF))) == MAX_RTF


def test_many_bombs_share_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred messages in one file cost what one of them may."""
    monkeypatch.setattr("diagnostics.parse.files.rtf.MAX_RTF", 1500)
    attached = "__attach_version1.0_#{0:08X}/__substg1.0_3701000D/10090102"
    messages = {attached.format(number): lzfu(b"{\\rtf1 450 4.4.%d " % number + b"x" * 500) for number in range(1, 6)}
    assert len(codes(read_file("x.msg", outlook(messages, "IPM.Note")))) == 3


def test_deep_groups_end_it() -> None:
    assert text(b"{a" * MAX_DEPTH + b"{b") == "a" * MAX_DEPTH


PIECES = [
    "{}",
    "{a}",
    "\\a",
    "a",
    "\\'e4",
    "\\u9 ",
    "\\uc9\\u9 ",
    "\\htmlrtf\\htmlrtf0 ",
    "\\par ",
    "\\",
    "\\*",
    "\\bin1 ",
    "\r",
    "\\ansicpg932 \\'83",
]


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_the_time_grows_with_the_text(piece: str) -> None:
    grown(text, *(b"{" + (piece * (size // len(piece))).encode() for size in (MAX_RTF // 4, MAX_RTF // 2)))
