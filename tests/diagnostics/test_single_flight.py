"""One question for equal ones at one time, and for how long its answer counts."""

import asyncio

import pytest

from diagnostics.single_flight import SingleFlight


class Asked:
    """Counts its calls; an odd one fails where `fails`."""

    def __init__(self, *, fails: bool = False) -> None:
        self.calls, self.fails = 0, fails
        self.go = asyncio.Event()
        self.go.set()

    async def __call__(self) -> int:
        self.calls += 1
        mine = self.calls
        await self.go.wait()
        if self.fails and mine % 2:
            raise ValueError(mine)
        return mine


async def test_equal_questions_at_one_time_are_asked_once_whoever_goes_away() -> None:
    flights, asked = SingleFlight[int](60), Asked()
    asked.go.clear()
    first, second = (asyncio.create_task(flights.get("a", asked)) for _ in range(2))
    other = asyncio.create_task(flights.get("b", asked))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    asked.go.set()
    assert (await second, await other, asked.calls) == (1, 2, 2)
    assert first.cancelled()


@pytest.mark.parametrize(("kept", "calls"), [(60.0, 1), (0.0, 2)])
async def test_an_answer_counts_for_so_long(kept: float, calls: int) -> None:
    flights, asked = SingleFlight[int](kept), Asked()
    await flights.get("a", asked)
    await asyncio.sleep(0.01)
    assert await flights.get("a", asked) == calls


async def test_for_how_long_may_hang_on_the_answer() -> None:
    flights, asked = SingleFlight[int](lambda answer: 60.0 if answer > 1 else 0.0), Asked()
    for told in (1, 2, 2):
        assert await flights.get("a", asked) == told
        await asyncio.sleep(0.01)


async def test_anew_takes_no_answer_but_joins_a_question() -> None:
    flights, asked = SingleFlight[int](60), Asked()
    assert await flights.get("a", asked) == 1
    asked.go.clear()
    again = [asyncio.create_task(flights.get("a", asked, anew=True)) for _ in range(3)]
    await asyncio.sleep(0)
    asked.go.set()
    assert await asyncio.gather(*again) == [2, 2, 2]


@pytest.mark.parametrize("failures", [None, 60.0])
async def test_a_failure_is_told_to_all_and_kept_only_if_it_is_to_be(failures: float | None) -> None:
    flights, asked = SingleFlight[int](60, failures=failures), Asked(fails=True)
    both = await asyncio.gather(*(flights.get("a", asked) for _ in range(2)), return_exceptions=True)
    assert [str(error) for error in both] == ["1", "1"]
    if failures is None:
        assert await flights.get("a", asked) == 2
    else:
        with pytest.raises(ValueError, match="1"):
            await flights.get("a", asked)


async def test_no_more_is_kept_than_may_be_and_nothing_under_way_is_dropped() -> None:
    flights, asked = SingleFlight[int](60, most=3), Asked()
    for key in range(10):
        await flights.get(key, asked)
    calls = asked.calls
    await flights.get(9, asked)
    assert asked.calls == calls
    await flights.get(0, asked)
    assert asked.calls == calls + 1
    asked.go.clear()
    waiting = [asyncio.create_task(flights.get(f"new {n}", asked)) for n in range(10)]
    await asyncio.sleep(0.01)
    assert [len({id(flights.take(f"new {n}", asked)) for _ in range(2)}) for n in range(10)] == [1] * 10
    assert asked.calls == calls + 1 + 10
    await flights.close()
    await asyncio.gather(*waiting, return_exceptions=True)
