"""Words as people type and paste them."""

import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.command import Call, Command, CommandError, Option
from commands.words import MAX_TEXT, split, take_apart
from diagnostics.route import route
from tests.diagnostics.making import connector, inventory


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ()),
        ("   ", ()),
        ("check", ("check",)),
        ("check mail.contoso.com", ("check", "mail.contoso.com")),
        ("  check\tmail.contoso.com \n", ("check", "mail.contoso.com")),
        ('check "Contoso on-premises"', ("check", "Contoso on-premises")),
        ("check 'Contoso on-premises'", ("check", "Contoso on-premises")),
        ("check “Contoso on-premises”", ("check", "Contoso on-premises")),
        ("check „Contoso on-premises“", ("check", "Contoso on-premises")),
        ("check ‘Contoso on-premises’", ("check", "Contoso on-premises")),  # noqa: RUF001
        ("check —json a.test", ("check", "--json", "a.test")),
        ("check a.test –-json", ("check", "a.test", "--json")),  # noqa: RUF001
        ("check\u00a0mail.contoso.com", ("check", "mail.contoso.com")),
        ("check O'Brien", ("check", "O'Brien")),
        ('check "O\'Brien & Sons"', ("check", "O'Brien & Sons")),
        ("check C:\\new", ("check", "C:\\new")),
        ("check #1 a;b|c $HOME `x`", ("check", "#1", "a;b|c", "$HOME", "`x`")),
        ('check ""', ("check", "")),
        ("check ＡＢＣ.test", ("check", "ABC.test")),  # noqa: RUF001
    ],
)
def test_a_line_is_split_as_a_person_means_it(text: str, words: tuple[str, ...]) -> None:
    assert split(text) == words


@pytest.mark.parametrize("text", ['check "Contoso', "check “Contoso"])
def test_an_open_quote_is_told(text: str) -> None:
    with pytest.raises(CommandError, match="quote is open"):
        split(text)


@pytest.mark.parametrize(
    "name",
    ["Contoso \u2013 Outbound", "“Contoso” hybrid", "Büro\u2019s connector", "Bu\u0308ro", "Contoso\u00a0Ltd", "Nº 5"],
)
def test_a_connector_is_found_by_its_name_as_it_is_written(name: str) -> None:
    known = connector(name, SmartHosts=["mx.test"])
    quoted = f'"{name}"' if "“" not in name else f"'{name}'"
    words = split(f"check {quoted}")[1:]
    assert [t.connector for t in route(words, inventory(known))] == [known]


def test_too_much_text_is_refused() -> None:
    with pytest.raises(CommandError, match="at most"):
        split("x" * (MAX_TEXT + 1))


@pytest.mark.parametrize("text", ["x " * (MAX_TEXT // 2), "x" * MAX_TEXT, "\ufdfa" * (MAX_TEXT // 8)])
def test_the_longest_text_is_split_in_good_time(text: str) -> None:
    started = time.process_time()
    with contextlib.suppress(CommandError):
        split(text)
    assert time.process_time() - started < 3


@given(st.text(max_size=200) | st.text(alphabet="\"'“”‘’ ab-—\\", max_size=30))  # noqa: RUF001
def test_any_text_is_words_or_a_command_error(text: str) -> None:
    try:
        words = split(text)
    except CommandError:
        return
    assert all(isinstance(word, str) for word in words)


COMMAND = Command(
    "check",
    "check [TARGET…]",
    "",
    "",
    options=(Option("--json", "", ""), Option("--again", "ID", ""), Option("--dns", "HOST", "", repeatable=True)),
    max_words=2,
)


def apart(*words: str) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    call = take_apart(COMMAND, words)
    return call.words, dict(call.options)


@pytest.mark.parametrize(
    ("words", "rest", "options"),
    [
        ((), (), {}),
        (("a", "b"), ("a", "b"), {}),
        (("--json", "a"), ("a",), {"--json": ()}),
        (("a", "--json"), ("a",), {"--json": ()}),
        (("--json", "--json"), (), {"--json": ()}),
        (("--again", "r-1"), (), {"--again": ("r-1",)}),
        (("--again=r-1",), (), {"--again": ("r-1",)}),
        (("--again=",), (), {"--again": ("",)}),
        (("--again=a=b",), (), {"--again": ("a=b",)}),
        (("--dns", "1", "--dns=2"), (), {"--dns": ("1", "2")}),
        (("--", "--json"), ("--json",), {}),
        (("a", "--", "--"), ("a", "--"), {}),
        (("-",), ("-",), {}),
    ],
)
def test_options_are_told_from_words(words: tuple[str, ...], rest: tuple[str, ...], options: dict[str, tuple[str, ...]]) -> None:
    assert apart(*words) == (rest, options)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--nonsense",), "Unknown option --nonsense of check. Usage: check [TARGET…]"),
        (("--json=1",), "--json takes no value."),
        (("--again",), "--again wants a value: --again ID"),
        (("--again", "a", "--again", "b"), "--again is given twice."),
        (("a", "b", "c"), "check takes no word 'c'. Usage: check [TARGET…]"),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_word(words: tuple[str, ...], said: str) -> None:
    with pytest.raises(CommandError) as error:
        apart(*words)
    assert (str(error.value), error.value.exit_code) == (said, 2)


def test_a_mistake_with_foreign_characters_stays_one_line() -> None:
    with pytest.raises(CommandError) as error:
        apart("--a\x1b[31m\nb")
    assert str(error.value).isprintable()


@given(st.lists(st.text(max_size=8) | st.sampled_from(["--json", "--again", "--dns=1", "--"]), max_size=6))
def test_any_words_are_a_call_or_a_command_error(words: list[str]) -> None:
    with contextlib.suppress(CommandError):
        call = take_apart(COMMAND, tuple(words))
        assert isinstance(call, Call)
        assert len(call.words) <= COMMAND.max_words
