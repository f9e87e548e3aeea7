"""What a watch tells, decided without a clock or a store."""

from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given

from bot.news import decide, next_look, note, owed
from commands.reply import Action, Found, Item, Reply, Section, Verdict
from diagnostics.store import MAX_ID, MAX_REQUEST, Answer
from tests.schedule.conftest import FAILING, HEALTHY
from tests.slack.replies import TEXTS
from tests.store.factories import DAY, MINUTE, NOW, SECOND, answer, watch

LATE = NOW + DAY


def headline(reply: Reply | None) -> str:
    assert reply is not None
    return reply.headline


@pytest.mark.parametrize("verdict", ["failing", "degraded", "unknown", None])
def test_nothing_before_it_works(verdict: Verdict | None) -> None:
    """Whatever the words and the mark are: the verdict decides."""
    assert decide(watch(), Reply("Healthy: x", "good", verdict=verdict), LATE - SECOND) is None


def test_it_works_again() -> None:
    said = "Works again: mail.contoso.com — mail can be delivered"
    assert headline(decide(watch(), HEALTHY, NOW)) == said
    assert headline(decide(watch(), HEALTHY, LATE + DAY)) == said


def test_the_time_is_over() -> None:
    said = "Not working yet after 24 hours, so I no longer look. Failing: mail.contoso.com — 450 4.4.316 Connection refused"
    assert headline(decide(watch(), FAILING, LATE)) == said


@pytest.mark.parametrize("verdict", ["unknown", None])
def test_what_could_not_be_told_is_not_called_broken(verdict: Verdict | None) -> None:
    said = headline(decide(watch(), Reply("Could not tell: x", "unknown", verdict=verdict), LATE))
    assert said == "Not seen working within 24 hours, so I no longer look. Could not tell: x"


def test_a_line_and_what_it_means() -> None:
    sections = (Section("", (Item("Mail flows, as seen from inside."),)), Section("Paths", (Item("a ✓"),), "code"))
    again = (Action("check-again", "r-1"),)
    found = (Found("a (Contoso)", "healthy", "fine"), Found("b", "healthy", "well"))
    whole = Reply("2 targets: 2 healthy", "good", sections, actions=again, parts=(FAILING,), verdict="healthy", results=found)
    short = Reply("Works again: a (Contoso) — fine; b — well", "good", sections[:1], actions=again)
    assert decide(watch(), whole, NOW) == short


def test_the_last_look_is_at_the_end() -> None:
    assert next_look(watch(), NOW) == NOW + 5 * MINUTE
    assert next_look(watch(), LATE - MINUTE) == LATE


@given(
    TEXTS,
    st.sampled_from(["good", "mixed", "bad", "unknown", "info"]),
    st.lists(TEXTS, max_size=3),
    st.lists(st.builds(Action, TEXTS, TEXTS), max_size=3).map(tuple),
    st.integers(0, 3),
)
def test_what_is_owed_is_told_as_it_was(
    headline: str, severity: str, lines: list[str], actions: tuple[Action, ...], code: int
) -> None:
    section = (Section("", tuple(map(Item, lines))),) if lines else ()
    reply = Reply(headline, severity, section, actions=actions, exit_code=code)  # type: ignore[arg-type]
    written = note(watch(), reply, NOW)
    assert owed(written) == reply
    assert (written.place, written.actor, written.started) == (watch().place, "U1", NOW)
    assert written.request.isascii()  # nothing in it that a database would change
    assert len(written.request) < MAX_REQUEST


QUESTIONS = ("", "x", "[]", "7", '{"words": ["check"]}', '{"told": {}}', '{"told": 7}', '{"told": {"actions": [7]}}')


@pytest.mark.parametrize("request_", QUESTIONS)
def test_a_question_is_not_owed(request_: str) -> None:
    assert owed(Answer("a", "p", request_, "U1", NOW)) is None
    assert owed(answer()) is None


def test_the_id_fits() -> None:
    written = note(watch("w-" + "0" * 16), HEALTHY, NOW + timedelta(1))
    assert written.id == "w-0000000000000000-told"
    assert len(written.id) <= MAX_ID
