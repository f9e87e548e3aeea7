"""Times to come, an open engine, and what it must not leave behind."""

import asyncio
import threading
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

from diagnostics.durable import Durable, Handler
from diagnostics.durable.opening import open_durable
from tests.durable.job_worker import PACE


def now() -> datetime:
    return datetime.now(UTC)


def soon(seconds: float = 0) -> datetime:
    return now() + timedelta(seconds=seconds)


def opened(url: str, **handlers: Handler) -> AbstractAsyncContextManager[Durable]:
    return open_durable(url, handlers=handlers, pace=PACE)


async def nothing_left() -> None:
    async with asyncio.timeout(1):
        while any("dbos" in thread.name or "durable" in thread.name for thread in threading.enumerate()):
            await asyncio.sleep(0.01)
