"""`mailflow serve` from its signals to its end, as one process."""

import asyncio
import signal

from bot import logs
from bot.ops import ops, readiness
from bot.settings import Settings
from bot.slack.app import serve
from bot.slack.transport.auth_check import Standing
from bot.wiring import fresh_ranges, open_services


async def serving(settings: Settings) -> int:
    """Until SIGINT or SIGTERM, which end the start at once, and later let running answers come to their end.

    Returns 0. Raises CommandError, and OSError where the system refuses something.
    """
    logs.configure(logs.values_of(settings))
    stop, ready = asyncio.Event(), asyncio.Event()
    work = asyncio.create_task(_work(settings, stop, ready), name="serve")
    started = asyncio.create_task(ready.wait(), name="started")

    def end() -> None:
        stop.set()
        if not started.done():
            work.cancel()  # whatever it waits for: a database, a port, Slack

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, end)
    try:
        await work
    except asyncio.CancelledError:
        if not stop.is_set():
            raise
    finally:
        started.cancel()
    return 0


async def _work(settings: Settings, stop: asyncio.Event, ready: asyncio.Event) -> None:
    standing = Standing()
    async with (
        open_services(settings, remembering=True) as services,
        ops(settings.ops_address, readiness(ready.is_set, services.store, lambda: standing.why_not)),
        fresh_ranges(settings, services.tools, ready),
    ):
        await serve(settings, services, stop=stop, ready=ready, standing=standing)
