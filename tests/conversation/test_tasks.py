"""Work is held until it ends, and ends when it is told to."""

import asyncio
import gc

import pytest

from bot.conversation.tasks import Tasks


async def test_work_is_held_although_nobody_else_knows_it() -> None:
    tasks = Tasks()
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.05)
        done.append(1)

    tasks.spawn(work(), "work")
    gc.collect()
    await tasks.drain(5)
    assert done == [1]


async def test_drain_cancels_what_takes_too_long_and_lets_it_say_so() -> None:
    tasks = Tasks()
    said: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0.05)
            said.append("stopped")
            raise

    tasks.spawn(work(), "work")
    await asyncio.sleep(0)
    await tasks.drain(0.05)
    assert said == ["stopped"]


async def test_nothing_is_taken_once_draining() -> None:
    tasks = Tasks()
    await tasks.drain(1)
    with pytest.raises(RuntimeError, match="stopping"):
        tasks.spawn(asyncio.sleep(0), "late")


async def test_what_escapes_is_logged_with_the_name(caplog: pytest.LogCaptureFixture) -> None:
    tasks = Tasks()

    async def work() -> None:
        raise ValueError("a bug")

    tasks.spawn(work(), "answer")
    await tasks.drain(1)
    await asyncio.sleep(0)
    assert "task answer failed" in caplog.text
    assert "a bug" in caplog.text
