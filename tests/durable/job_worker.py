"""A process that does jobs: python -m tests.durable.job_worker URL LEASE. Orders come by standard input, a line each:

start ID KIND KEY SECONDS…   printed: started ID True|False
cancel ID                    printed: cancelled ID
end                          ends as it should

Kinds: `note` is done at once; `slow` takes KEY seconds, and is done once more half a second later. Calls are printed:
begins ID SLOT, ends ID SLOT.
"""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from diagnostics.durable import Due, Durable, DurableUnavailable, Job
from diagnostics.durable.keeper import Pace
from diagnostics.durable.opening import open_durable

PACE = Pace(heartbeat=0.3, lease=1.5, grace=0.5, poll=0.2, drain=1, pauses=(0.2,))


def say(*words: object) -> None:
    print(*words, flush=True)


async def note(due: Due) -> Sequence[datetime]:
    say("begins", due.id, due.slot)
    say("ends", due.id, due.slot)
    return due.later


async def slow(due: Due) -> Sequence[datetime]:
    say("begins", due.id, due.slot)
    await asyncio.sleep(float(due.key))
    say("ends", due.id, due.slot)
    return [datetime.now(UTC) + timedelta(seconds=0.5)] if due.slot == 0 else ()


async def obey(durable: Durable, order: str, *words: str) -> None:
    try:
        if order == "start":
            id, kind, key, *seconds = words
            due = tuple(datetime.now(UTC) + timedelta(seconds=float(text)) for text in seconds)
            say("started", id, await durable.start(Job(id, kind, key, due)))
        else:
            await durable.cancel(words[0])
            say("cancelled", words[0])
    except DurableUnavailable:
        say("unavailable", words[0])


async def main(url: str, lease: float) -> None:
    orders = asyncio.StreamReader()
    pipe, _ = await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with open_durable(url, handlers={"note": note, "slow": slow}, pace=replace(PACE, lease=lease)) as durable:
        say("ready")
        while (line := (await orders.readline()).decode().split()) and line != ["end"]:
            await obey(durable, *line)
    pipe.close()
    say("closed")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2])))
