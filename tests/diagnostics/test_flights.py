"""Whose answer counts: by its age, by the run that asks, and by what it has to be younger than."""

import asyncio

from diagnostics.fair import Party
from diagnostics.probes.flights import KEPT_SECONDS, Flights


async def test_what_landed_after_the_run_began_counts_for_it_however_long_ago() -> None:
    flights, probe = Flights[int](), _Counts()
    now = asyncio.get_running_loop().time()
    assert await flights.take("q", probe, "a", since=now - 2 * KEPT_SECONDS) == (1, 0.0)
    assert await flights.take("q", probe, "a", since=now - 2 * KEPT_SECONDS, fresh=True) == (1, 0.0)
    assert (await flights.take("q", probe, "a", since=now + 2 * KEPT_SECONDS))[0] == 2


async def test_an_answer_that_has_to_be_younger_than_another_is_asked_for_anew() -> None:
    flights, probe = Flights[int](), _Counts()
    await flights.take("q", probe, "a")
    after = asyncio.get_running_loop().time()
    assert (await flights.take("q", probe, "a", after=after))[0] == 2
    assert (await flights.take("q", probe, "a", after=after))[0] == 2


class _Counts:
    """A probe that gives the number of its calls."""

    def __init__(self) -> None:
        self.calls = 0

    async def __call__(self, _: Party) -> int:
        self.calls += 1
        await asyncio.sleep(0.001)
        return self.calls
