"""Last retry, next retry, expiry: contract 5, and the clock of Exchange Online (15 to 60 minutes, a day)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnostics.explain.clock import clock
from diagnostics.findings import Reason
from tests.explain.making import NOW, reported


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def later(minutes: float) -> datetime:
    return ago(-minutes)


# what the text tells → last retry, next retry, expiry
QUEUED: list[tuple[str, dict[str, Any], tuple[Any, Any, Any]]] = [
    ("nothing", {}, (None, None, None)),
    ("the time of the last retry", {"last_retry": ago(5)}, (ago(5), (later(10), later(55)), ago(5) + timedelta(hours=24))),
    ("LRT before the line's time", {"last_retry": ago(5), "time": ago(50)}, (ago(5), (later(10), later(55)), ago(50 - 1440))),
    ("the newest attempt", {"time": ago(5), "first": ago(90), "last": ago(5)}, (ago(5), (later(10), later(55)), ago(90 - 1440))),
    ("arrival", {"arrival": ago(600), "time": ago(5)}, (ago(5), (later(10), later(55)), ago(600 - 1440))),
    ("a window that has begun", {"time": ago(30)}, (ago(30), (ago(15), later(30)), ago(30 - 1440))),
    ("a window that is over", {"time": ago(200)}, (ago(200), (NOW, later(60)), ago(200 - 1440))),
    ("an expiry within the window", {"arrival": ago(1420), "time": ago(10)}, (ago(10), (later(5), later(20)), later(20))),
    ("an expiry before the window", {"arrival": ago(1438), "time": ago(1)}, (ago(1), None, later(2))),
    ("an expiry just over", {"arrival": ago(1445), "time": ago(25)}, (ago(25), None, ago(5))),
    ("many messages", {"first": ago(9000), "last": ago(5), "time": ago(5)}, (ago(5), (later(10), later(55)), ago(5 - 1440))),
    ("arrival alone", {"arrival": ago(60)}, (None, None, ago(60 - 1440))),
    ("long ago", {"time": ago(100_000)}, (ago(100_000), None, ago(100_000 - 1440))),
]  # fmt: skip


@pytest.mark.parametrize(("told", "fields", "expected"), QUEUED, ids=[row[0] for row in QUEUED])
def test_mail_that_waits(told: str, fields: dict[str, Any], expected: tuple[Any, Any, Any]) -> None:
    seen = clock(reported(**fields), NOW)
    assert (seen.last_retry, seen.next_retry, seen.expires) == expected


def test_mail_that_expired_is_not_tried_again() -> None:
    seen = clock(reported("550 5.4.316", state="expired", time=ago(10), arrival=ago(1450)), NOW)
    assert (seen.last_retry, seen.next_retry, seen.expires) == (ago(10), None, ago(10))
    assert clock(reported("550 5.4.316", state="expired", time=ago(10)), NOW).expires is None


@pytest.mark.parametrize("state", ["rejected", "unknown"])
def test_mail_that_was_refused_never_waited(state: str) -> None:
    seen = clock(reported("550 5.1.10", None, state=state, time=ago(10)), NOW)
    assert (seen.last_retry, seen.next_retry, seen.expires) == (None, None, None)


MOMENTS = st.none() | st.datetimes(datetime(2026, 11, 20), datetime(2026, 11, 26)).map(lambda m: m.replace(tzinfo=NOW.tzinfo))


@given(st.sampled_from(["queued", "expired", "rejected", "unknown"]), MOMENTS, MOMENTS, MOMENTS)
def test_a_next_retry_is_a_window_before_the_expiry(
    state: str, last_retry: datetime | None, arrival: datetime | None, time: datetime | None
) -> None:
    error = reported("450 4.4.316", Reason.TCP_REFUSED, state=state, last_retry=last_retry, arrival=arrival, time=time)
    seen = clock(error, NOW)
    if seen.next_retry:
        start, end = seen.next_retry
        assert state == "queued"
        assert seen.expires
        assert seen.expires > NOW
        assert start < end <= seen.expires
