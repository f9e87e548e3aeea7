"""A process that is stopped in the middle of a check, wherever that may be: sockets are closed, and nothing goes on."""

import asyncio
from pathlib import Path

from bot.demo.lab import Lab, parse
from bot.wiring import open_services
from tests.properties.peers import check
from tests.scenario import settings_for

EVERY = 5
"""Turns of the loop from one place to the next."""


def held() -> tuple[int, int]:
    """Descriptors and tasks of this process, the lab's among them."""
    return len(list(Path("/proc/self/fd").iterdir())), len(asyncio.all_tasks())


async def settled(before: tuple[int, int]) -> None:
    """Until nothing is left of what was cancelled: the other side ends its connections a moment later."""
    async with asyncio.timeout(5):
        while any(now > then for now, then in zip(held(), before, strict=True)):
            await asyncio.sleep(0.01)


async def test_cancelled_at_any_place(tmp_path: Path) -> None:
    world = parse({"dns": {"*.lab.test": ["A 127.0.45.2"]}, "mail": {"127.0.45.2": {}}})
    async with Lab(world, tmp_path) as lab:
        async with open_services(settings_for(lab)) as services:
            await check(services, "first.lab.test")
        await asyncio.sleep(0.1)
        before = held()
        places = 0
        ended = False
        while not ended:
            async with open_services(settings_for(lab)) as services:
                checking = asyncio.create_task(check(services, "mail.lab.test"))
                for _ in range(places * EVERY):
                    await asyncio.sleep(0)
                ended = checking.done()
                checking.cancel()
                await asyncio.wait([checking], timeout=1)
                assert checking.cancelled() is not ended
            await settled(before)
            places += 1
        assert places > 10
        assert (await checking)[0].verdict == "healthy"
