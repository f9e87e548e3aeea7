"""A process that dies while it looks after a watch: `python -m tests.schedule.crash_worker URL NOW POINT`, settings as always."""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from datetime import datetime
from typing import Never

from bot import schedule
from bot.settings import load
from bot.wiring import open_services
from commands.memory import Memory
from commands.reply import Reply
from diagnostics.store.opening import open_store


def die() -> Never:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


async def main(url: str, now: str, point: str) -> None:
    async def check(*_: object) -> Reply:
        die()

    async def tell(place: str, reply: Reply) -> None:
        if point == "told":
            print(place, reply.headline, flush=True)
        die()

    if point == "check":
        setattr(schedule, "run", check)  # noqa: B010 - not a name that it exports
    async with open_store(url) as store, open_services(load({})) as opened:
        opened.tools.instruments.now = lambda: datetime.fromisoformat(now)
        services = replace(opened, store=store, memory=Memory(store))
        await schedule.watching(services, tell, asyncio.Event(), tick=0.05)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
