"""A Reply as text for a terminal."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.terminal.show import render, wants_color
from bot.terminal.text import clean
from commands import wording
from commands.reply import Item, Reply, Section
from diagnostics.findings import Clue, Finding, Reason, Trace, Warn
from diagnostics.model import Tried
from diagnostics.target import Policy
from tests.diagnostics.making import GUID, certificate, connector, evidence, result

GOLDEN = Path(__file__).parents[1] / "golden" / "terminal" / "failing.txt"


def a_failing_answer() -> Reply:
    steps = (
        Tried(step="dns", status="ok", seconds=0.01, note=Finding(Trace.REPLIED, {"text": "mail.contoso.com → 192.0.2.1"})),
        Tried(step="tcp", status="ok", seconds=0.02, note=Finding(Trace.REPLIED, {"text": "connected to port 25"})),
        Tried(step="banner", status="ok", seconds=0.02, note=Finding(Trace.REPLIED, {"text": "220 mail.contoso.com ESMTP"})),
        Tried(step="ehlo", status="ok", seconds=0.01, note=Finding(Trace.REPLIED, {"text": "250 mail.contoso.com"})),
        Tried(step="starttls", status="ok", seconds=0.01, note=Finding(Trace.REPLIED, {"text": "220 go ahead"})),
        Tried(step="tls", status="ok", seconds=0.05, note=Finding(Trace.REPLIED, {"text": "TLSv1.3, TLS_AES_256_GCM_SHA384"})),
        Tried(
            step="certificate",
            status="failed",
            seconds=0.0,
            note=Finding(Trace.REPLIED, {"text": "mail.contoso.com expired on 2026-11-22 10:00 UTC, 2 days ago"}),
        ),
    )
    broken = evidence(
        Reason.CERTIFICATE_EXPIRED,
        Reason.CERTIFICATE_NAME_MISMATCH,
        Warn.SLOW,
        steps=steps,
        certificate=certificate(days_left=-3),
    )
    refused = evidence(Reason.TCP_REFUSED, Clue.OTHER_PATHS_ANSWER, failed="tcp", address="2001:db8::1")
    known = connector("Contoso on-premises", Guid=GUID)
    return wording.result(result([broken, refused], connector=known, policy=Policy("DomainValidation")))


def test_a_failing_answer_looks_like_this() -> None:
    assert render(a_failing_answer(), color=False, width=100) + "\n" == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("tags", "waits"), [((Reason.TCP_REFUSED,), True), ((Reason.DOMAIN_NXDOMAIN,), False), ((Reason.VANTAGE_FAULT,), False)]
)
def test_mail_is_said_to_wait_only_where_it_does(tags: tuple[Reason, ...], waits: bool) -> None:
    told = render(wording.result(result([evidence(*tags, failed="tcp")])), color=False, width=100)
    assert ("Mail queues at Microsoft 365 and bounces after 24 hours." in told.replace("\n", " ")) is waits


def test_colour_changes_nothing_but_colour() -> None:
    plain, coloured = (render(a_failing_answer(), color=color, width=100) for color in (False, True))
    assert "\x1b[" in coloured
    for code in ("\x1b[1;31m", "\x1b[1m", "\x1b[2m", "\x1b[0m"):
        coloured = coloured.replace(code, "")
    assert coloured == plain


@pytest.mark.parametrize(
    ("tty", "environment", "colour"),
    [
        (True, {}, True),
        (True, {"NO_COLOR": "1"}, False),
        (True, {"NO_COLOR": ""}, True),
        (True, {"TERM": "dumb"}, False),
        (False, {}, False),
    ],
)
def test_there_is_no_colour_into_a_pipe_or_where_it_is_not_wanted(
    tty: bool, environment: dict[str, str], colour: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: tty, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_color() is colour


foreign = st.text(max_size=60) | st.text(alphabet="\x00\x07\x1b[31m\r\n\t\u202e\u2028\u200b\ud800a ", max_size=20)
items = st.builds(Item, foreign, tag=foreign, notes=st.lists(foreign, max_size=2).map(tuple), url=st.none() | foreign)
sections = st.builds(
    Section, foreign, st.lists(items, max_size=3).map(tuple), st.sampled_from(["text", "bullets", "steps", "code"])
)
leaves = st.builds(Reply, foreign, sections=st.lists(sections, max_size=3).map(tuple))
replies = st.builds(
    Reply, foreign, sections=st.lists(sections, max_size=2).map(tuple), parts=st.lists(leaves, max_size=2).map(tuple)
)


@given(replies, st.integers(20, 200))
def test_no_foreign_text_moves_the_cursor_or_turns_the_direction(reply: Reply, width: int) -> None:
    assert all(line.isprintable() for line in render(reply, color=False, width=width).split("\n"))


@given(foreign)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_steps_are_numbered_and_evidence_stands_below() -> None:
    steps = Section("Do", (Item("first", tag="you", url="https://a.test"), Item("second", notes=("because",))), "steps")
    assert render(Reply("x", sections=(steps,)), color=False, width=80).splitlines() == [
        "x",
        "",
        "Do",
        "  1. [you] first",
        "     https://a.test",
        "  2. second",
        "     because",
    ]


def test_long_words_such_as_cmdlets_are_not_broken() -> None:
    cmdlet = "Set-OutboundConnector -Identity '6a1f3c58-0c9b-4c5e-9a57-3a1c7f6f2b11' -Enabled $false"
    shown = render(Reply("x", sections=(Section("", (Item(cmdlet),)),)), color=False, width=40)
    assert "'6a1f3c58-0c9b-4c5e-9a57-3a1c7f6f2b11'" in shown
