"""On a disk of two megabytes, alone there: python full_disk.py FOLDER."""

import asyncio
import contextlib
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from diagnostics.durable import Durable, DurableUnavailable, Job
from diagnostics.durable.opening import open_durable


async def main(folder: Path) -> None:
    filler = folder / "filler"

    def fill() -> None:
        with filler.open("ab", buffering=0) as more, contextlib.suppress(OSError):
            while more.write(b"x" * 1024):
                pass

    async with open_durable(f"sqlite:///{folder}/store.db", handlers={}) as durable:
        await durable.start(job(0))
        fill()
        with pytest.raises(DurableUnavailable, match="the disk is full"):
            await many(durable)
        filler.unlink()
        assert await durable.start(job(1000)), "with room again it goes on"
    fill()
    with pytest.raises(DurableUnavailable, match="the disk is full"):
        async with open_durable(f"sqlite:///{folder}/another.db", handlers={}):
            pass


async def many(durable: Durable) -> None:
    """Until what room the file itself has left is full too."""
    for number in range(1, 1000):
        await durable.start(job(number))


def job(number: int) -> Job:
    return Job(f"job-{number}", "kind", "key" * 40, (datetime(2100, 1, 1, tzinfo=UTC),))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
