"""All answers of a workspace share one budget of edits."""

import asyncio
import time

import pytest

from bot.slack.outbound import rate_limit
from bot.slack.outbound.rate_limit import RateLimit


async def test_progress_shares_forty_edits_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr("bot.slack.outbound.rate_limit.time.monotonic", lambda: now[0])
    shared = RateLimit()
    assert [shared.may_show_progress() for _ in range(45)] == [True] * 40 + [False] * 5
    now[0] += 59
    assert not shared.may_show_progress()
    now[0] += 1.1
    assert shared.may_show_progress()


async def test_finals_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MINUTE", 0.5)
    shared = RateLimit()
    while shared.may_show_progress():
        pass
    began = time.monotonic()
    await asyncio.gather(*(shared.final() for _ in range(8)))
    assert time.monotonic() - began < 0.2, "what progress may not take is left for them"
    waiting = [asyncio.create_task(shared.final()) for _ in range(5)]
    await asyncio.sleep(0.05)
    assert not any(task.done() for task in waiting)
    await asyncio.sleep(0.3)
    assert not shared.may_show_progress()
    await asyncio.wait_for(asyncio.gather(*waiting), 2)


async def test_one_message_at_a_time_in_a_channel() -> None:
    shared = RateLimit()
    assert shared.turn("C1") is not shared.turn("C2")
    first = shared.turn("C1")
    assert shared.turn("C1") is first
