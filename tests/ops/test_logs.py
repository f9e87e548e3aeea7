"""The log: one line of JSON an event, and in none of them a token or a person."""

import contextlib
import io
import json
import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from pydantic import SecretStr

from bot import logs
from bot.settings import Settings

CANARY = "canary7f3a"


@pytest.fixture(scope="module", autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, names = logging.getLogger(), (*logs.PAYLOADS, *logs.CHATTY, "")
    handlers, levels, hook = root.handlers[:], [logging.getLogger(n).level for n in names], sys.excepthook
    yield
    root.handlers[:], sys.excepthook = handlers, hook
    for name, level in zip(names, levels, strict=True):
        logging.getLogger(name).setLevel(level)
    logging.captureWarnings(False)


@contextlib.contextmanager
def caught(*secrets: str) -> Iterator[Callable[[], str]]:
    """What is written from here on."""
    written = io.StringIO()
    logs.configure(secrets, written)
    yield written.getvalue


def logged(work: Callable[[logging.Logger], object], *secrets: str, name: str = "mailflow.any") -> list[dict[str, Any]]:
    with caught(*secrets) as written:
        work(logging.getLogger(name))
    return [json.loads(line) for line in written().splitlines()]


def one(work: Callable[[logging.Logger], object], *secrets: str) -> dict[str, Any]:
    (line,) = logged(work, *secrets)
    return line


def said(text: str, *secrets: str) -> str:
    return str(one(lambda log: log.info("%s", text), *secrets)["event"])


# ---- one line an event


def test_a_line() -> None:
    line = one(lambda log: log.warning("took %d s\nand more", 7))
    assert list(line) == ["time", "level", "logger", "event"]
    assert (line["level"], line["logger"], line["event"]) == ("warning", "mailflow.any", "took 7 s\nand more")
    assert line["time"].endswith("Z")
    assert abs(time.time() - time.mktime(time.strptime(line["time"][:19], "%Y-%m-%dT%H:%M:%S")) + time.timezone) < 5


def test_an_exception_is_in_its_line() -> None:
    def fail(log: logging.Logger) -> None:
        try:
            raise ValueError("xoxb-" + CANARY)
        except ValueError:
            log.exception("it broke")

    line = one(fail)
    assert "Traceback" in line["exception"]
    assert line["exception"].endswith("ValueError: …")


def test_debug_is_not_for_the_log() -> None:
    assert logged(lambda log: log.debug("x")) == []


@pytest.mark.parametrize("name", ["mailflow.slack.sdk", "slack_sdk.socket_mode", "slack_bolt.App"])
def test_payloads_never(name: str) -> None:
    def work(log: logging.Logger) -> None:
        log.setLevel(logging.DEBUG)
        log.debug("the whole payload")
        log.info("connected")
        log.setLevel(logging.NOTSET)

    assert [line["event"] for line in logged(work, name=name)] == ["connected"]


def test_the_sdk_does_not_even_make_them() -> None:
    logging.getLogger("mailflow.slack.sdk").setLevel(logging.DEBUG)
    with caught():
        assert logging.getLogger("mailflow.slack.sdk").level == logging.INFO


def test_an_event_that_cannot_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    class Broken:
        def __str__(self) -> str:
            raise ValueError(CANARY)

    for arguments in (("%d", "xoxb-" + CANARY), ("%s", Broken())):
        line = one(lambda log, a=arguments: log.info(*a))  # type: ignore[misc]
        assert line["event"].startswith("an event could not be written: ")
        assert CANARY not in json.dumps(line)
    assert capsys.readouterr() == ("", "")


def test_a_closed_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    logs.configure((), stream)
    stream.close()
    logging.getLogger("mailflow").warning("nobody reads this")
    assert capsys.readouterr() == ("", "")


def test_warnings_and_what_nobody_caught() -> None:
    logging.captureWarnings(False)  # pytest has its own hand on them in each test
    with caught() as written:
        warnings.simplefilter("always")
        warnings.warn(f"old way, {CANARY}@contoso.com", stacklevel=1)
        error = KeyError(f"Bearer {CANARY}")
        sys.excepthook(type(error), error, None)
    first, second = (json.loads(line) for line in written().splitlines())
    assert (first["logger"], second["level"], second["event"]) == ("py.warnings", "critical", "mailflow ends: KeyError")
    assert CANARY not in written()


def test_long_texts_are_cut_after_their_secrets_are_gone() -> None:
    line = one(lambda log: log.info("a %s xoxb-%s %s", "x" * 1995, CANARY * 3, "y" * 50_000))
    assert len(line["event"]) <= logs.MAX_TEXT + 1
    assert "canary" not in line["event"]
    for before in range(logs.MAX_TEXT - 20, logs.MAX_TEXT + 20):
        assert "can" not in said(f"{'x' * before} {CANARY}@contoso.com")


# ---- what is hidden, and what is not


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("SLACK_BOT_TOKEN=xoxb-12-ab, then", "SLACK_BOT_TOKEN=…, then"),
        ("Slack does not accept SLACK_BOT_TOKEN: invalid_auth.", "Slack does not accept SLACK_BOT_TOKEN: invalid_auth."),
        ("xoxe.xoxp-1-Mi0y xapp-1-A0-1-f", "… …"),
        ("{'Authorization': 'Bearer abc.def'}", "{'Authorization': 'Bearer …'}"),
        ('{"token": "abc", "ok": true}', '{"token": "…", "ok": true}'),
        ("POST https://slack.com/api/chat.postMessage: ratelimited", "POST https://slack.com/api/chat.postMessage: ratelimited"),
        ("https://slack.com/api/auth.test?token=abc", "https://slack.com/api/auth.test/…"),
        ("https://hooks.slack.com/commands/T1/2/abc said 404", "https://hooks.slack.com/… said 404"),
        ("http://127.0.0.1:9000/response/77/abc", "http://127.0.0.1:9000/…"),
        ("wss://wss-primary.slack.com/link/?ticket=abc&app_id=x", "wss://wss-primary.slack.com/…"),
        ("GET /slack/events?code=abc 200", "GET /slack/events?… 200"),
        ("postgresql://bob:pw@db.lab.test:5432/mailflow", "postgresql://db.lab.test:5432/…"),
        ("mail for bob.o'brien+x@contoso.com bounced", "mail for …@contoso.com bounced"),
        ("<mailto:bob@contoso.com|bob@contoso.com>", "<mailto:…@contoso.com|…@contoso.com>"),
        ('RCPT TO:<"bob b"@contoso.com>', "RCPT TO:<…@contoso.com>"),
        ("to=bob%40contoso.com", "to=…%40contoso.com"),
        ("connected to Slack as @mailflow", "connected to Slack as @mailflow"),
        ("450 4.4.316 refused [Message=code 10061]", "450 4.4.316 refused [Message=code 10061]"),
        ("no route to ::1 or 127.0.0.1:25?", "no route to ::1 or 127.0.0.1:25?"),
    ],
)  # fmt: skip
def test_examples(text: str, shown: str) -> None:
    assert said(text) == shown


def test_values_that_the_settings_hold() -> None:
    settings = Settings(
        slack_signing_secret=SecretStr("0123456789abcdef"),
        database_url=SecretStr("postgresql://bob:p%40ss/wo'rd@127.0.0.1/x"),
        slack_bot_token=SecretStr("abc"),
    )
    values = logs.values_of(settings)
    assert "p@ss/wo'rd" in values
    for text in ("key 0123456789abcdef!", "p@ss/wo'rd", f"{['p@ss/wo' + chr(39) + 'rd']}", "p%40ss%2Fwo%27rd"):
        shown = said(text, *values)
        assert "0123456789abcdef" not in shown
        assert "ss/wo" not in shown
        assert "ss%2Fwo" not in shown
    assert said("abc", *values) == "abc"


_WORD = st.text(st.sampled_from("abcXYZ019-"), max_size=8)
_LOCAL_PART = st.text(st.sampled_from("abZ09.!#$%&'*+-/=?^_`{|}~üж")).map(lambda t: f"{t}{CANARY}")
_SECRET = st.one_of(
    st.sampled_from(["xoxb-", "xoxp-1-", "xoxa-2-", "xoxe.xoxp-1-", "xoxe-1-", "xapp-1-A0-"]).flatmap(
        lambda kind: _WORD.map(lambda w: f"{kind}{w}{CANARY}{w}")
    ),
    _WORD.map(lambda w: f"Bearer {w}{CANARY}"),
    _WORD.map(lambda w: f"authorization: BEARER  {w}.{CANARY}="),
    _LOCAL_PART.map(lambda local: f"{local}@contoso.com"),
    _WORD.map(lambda w: f'"{w} {CANARY}"@contoso.com'),
    _WORD.map(lambda w: f"https://hooks.slack.com/commands/T1/{w}/{CANARY}"),
    _WORD.map(lambda w: f"http://127.0.0.1:8080/hook/{w}{CANARY}"),
    _WORD.map(lambda w: f"/slack/events?x{w}={CANARY}&y={CANARY}"),
    _WORD.map(lambda w: f"wss://lab.test/link/?ticket={w}{CANARY}"),
    _WORD.map(lambda w: f"{{'response_url': '{w}{CANARY}'}}"),
    _WORD.map(lambda w: f"signing_secret={w}{CANARY}"),
    st.just(f"the-{CANARY}-itself"),
)
_AROUND = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


class _Carrier:
    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return f"<Carrier {self.text}>"


@given(secret=_SECRET, before=_AROUND, after=_AROUND, name=st.sampled_from(["mailflow", "asyncio", "mailflow.slack.sdk"]))
def test_no_canary_gets_through(secret: str, before: str, after: str, name: str) -> None:
    # a following letter is part of whatever it follows
    text = f"{before} {secret} {after}"

    def work(log: logging.Logger) -> None:
        log.info(text.replace("%", "%%"))
        log.warning("%s and %r", text, [text, {"k": _Carrier(secret)}])
        log.error("%(x)s", {"x": text})
        try:
            raise RuntimeError(text) from OSError(1, secret)
        except RuntimeError:
            log.exception(secret.replace("%", "%%"))

    lines = logged(work, f"the-{CANARY}-itself", name=name)
    assert len(lines) == 4
    assert CANARY not in json.dumps(lines)


@given(st.text(st.sampled_from("xo.-@?:/=%20 \"'\\<ab\n"), max_size=200))
def test_whatever_is_logged_is_one_line_of_ascii(text: str) -> None:
    with caught() as written:
        logging.getLogger("mailflow").info("%s", text)
    (line,) = written().splitlines()
    assert line.isascii()
    json.loads(line)


_PIECES = ("a", "a@", "xox", "xoxb", "http://", "a://a@", "token=", "'token':'", '"a', "?", "bearer ", "a.", "%40", "eyJ.", "\\")


@pytest.mark.parametrize("piece", _PIECES)
def test_the_time_grows_with_the_length_alone(piece: str) -> None:
    started = time.perf_counter()
    logs.redacted(piece * (200_000 // len(piece)))
    assert time.perf_counter() - started < 1
