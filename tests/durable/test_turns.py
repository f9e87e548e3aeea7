"""How a job goes on."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from diagnostics.durable import MAX_DUE, Due, Job
from diagnostics.durable.job_turn import TRIES, Turn, ids

T = [datetime(2026, 11, 24, 10, 0, 0, 123456, tzinfo=UTC) + timedelta(minutes=30 * n) for n in range(MAX_DUE + 1)]
JOB = Job("fix-1", "verify", "f-1", (T[1], T[2], T[3]))
FIRST = Turn.first(JOB)
BRIEF = timedelta(microseconds=1)


@pytest.mark.parametrize("name", ["", "a" * 151, "a/b", "a b", "ä", "a\n", "<@U1>"])
def test_names_that_are_refused(name: str) -> None:
    for wrong in ({"id": name}, {"kind": name}, {"key": name}):
        with pytest.raises(ValueError, match="must match"):
            replace(JOB, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("due", [(), (T[1], T[0]), (T[0].replace(tzinfo=None),), tuple(T)])
def test_due_times_that_are_refused(due: tuple[datetime, ...]) -> None:
    with pytest.raises(ValueError, match="due"):
        replace(JOB, due=due)
    if due:
        with pytest.raises(ValueError, match="due times"):
            FIRST.then(due)


@pytest.mark.parametrize(
    ("now", "slot", "later"),
    [
        (T[0], 0, T[2:4]),
        (T[1], 0, T[2:4]),
        (T[2] - BRIEF, 0, T[2:4]),
        (T[2], 1, T[3:4]),
        (T[3], 2, []),
        (T[20], 2, []),
    ],
)
def test_of_what_was_missed_the_last_is_called_for(now: datetime, slot: int, later: list[datetime]) -> None:
    assert FIRST.caught_up(now).call() == Due("fix-1", "verify", "f-1", slot, T[slot + 1], tuple(later))


def test_as_planned() -> None:
    second = FIRST.then(FIRST.call().later)
    assert second == replace(FIRST, due=(T[2], T[3]), when=T[2], slot=1, number=1)
    third = second.then(second.call().later)
    assert third
    assert third.then(third.call().later) is None


def test_the_plan_is_changed() -> None:
    assert FIRST.then((T[9],)) == replace(FIRST, due=(T[9],), when=T[9], slot=1, number=1)
    assert FIRST.then(()) is None


def test_failures() -> None:
    turn, pauses = FIRST, []
    for _ in range(TRIES - 1):
        following = turn.failed(T[5], (10, 60, 300))
        assert following
        assert (following.slot, following.due) == (0, JOB.due)
        pauses.append((following.when - T[5]).total_seconds())
        turn = following
    assert pauses == [10, 60, *[300] * (TRIES - 3)]
    given_up = turn.failed(T[5], (10, 60, 300))
    assert given_up == replace(FIRST, due=(T[2], T[3]), when=T[2], slot=1, number=TRIES)


def test_json() -> None:
    turn = replace(FIRST, slot=3, number=7, failures=2)
    assert Turn.from_json(json.loads(json.dumps(turn.to_json()))) == turn
    elsewhere = Turn.first(replace(JOB, due=(T[1].astimezone(timezone(timedelta(hours=5))),)))
    assert Turn.from_json(elsewhere.to_json()).due == (T[1],)


def test_each_turn_has_an_id_of_its_own() -> None:
    assert len({FIRST.id, replace(FIRST, number=1).id, replace(FIRST, job="fix-11").id}) == 3
    assert FIRST.id.startswith(ids("fix-1"))
    assert not replace(FIRST, job="fix-11").id.startswith(ids("fix-1"))
