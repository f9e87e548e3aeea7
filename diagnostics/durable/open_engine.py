"""MAILFLOW_DATABASE_URL and handlers → an open Durable."""

import asyncio
import logging
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from diagnostics.durable import Durable, DurableUnavailable, Handler, Job
from diagnostics.durable.adoption import USUAL, Keeper, Pace
from diagnostics.durable.dispatch import Calls
from diagnostics.durable.engine import Engine
from diagnostics.durable.engines import Database
from diagnostics.durable.jobs import Jobs
from diagnostics.durable.leases import Leases
from diagnostics.store import PATIENCE
from diagnostics.store.circuit import Circuit
from diagnostics.store.database import TROUBLE
from diagnostics.store.driver_errors import may_pass, reason

T = TypeVar("T")

STARTING = 30.0
CLOSING = 5.0
"""Seconds; closing gets what those under way are given on top."""

ENGINE_CONNECTIONS, OWN_CONNECTIONS = 5, 3

log = logging.getLogger("mailflow.durable")
_one_engine = threading.Lock()


@asynccontextmanager
async def open_durable(
    url: str | None, *, data_dir: Path | None = None, handlers: Mapping[str, Handler], pace: Pace = USUAL
) -> AsyncIterator[Durable]:
    """Jobs beside the store of that `url` or `data_dir`, which is open already. Handlers are called in this event loop.

    Without handlers jobs can be started and cancelled, and others do them. Raises DurableUnavailable. At the end calls under
    way get a few seconds; what is not done by then is cancelled, and left to other processes, or to this one's next start.
    """
    if not _one_engine.acquire(blocking=False):
        raise RuntimeError("DBOS runs once a process, and is running")
    try:
        async with _opened(Database(url, data_dir), handlers, pace) as durable:
            yield durable
    finally:
        _one_engine.release()


@asynccontextmanager
async def _opened(database: Database, handlers: Mapping[str, Handler], pace: Pace) -> AsyncIterator[Durable]:
    me = f"mailflow-{secrets.token_hex(8)}"  # new at each start: no two that live can have the same
    own = database.engine(OWN_CONNECTIONS)
    leases, jobs = Leases(own, database.schema), Jobs(own, database.schema)
    calls = Calls(handlers, pace.pauses)
    connections = database.engine(ENGINE_CONNECTIONS, patient=True)
    engine = Engine(connections, database.schema, me, call=calls.from_elsewhere, followed=jobs.followed, poll=pace.poll)
    keeper = Keeper(me, leases, jobs, engine.is_active, pace)
    threads = _Threads(OWN_CONNECTIONS)

    def launch() -> None:
        leases.create()
        keeper.sign_on()
        engine.launch(takes=bool(handlers))

    try:
        await threads.run(launch, STARTING)
        keeping = asyncio.create_task(_keep(threads, keeper, pace.heartbeat), name="durable-leases")
        try:
            yield _Open(threads, jobs)
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
    finally:
        database.leave()
        with suppress(DurableUnavailable):  # who cannot sign off has a lease that ends
            await threads.run(lambda: engine.close(pace.drain), pace.drain + CLOSING)
            await threads.run(keeper.sign_off, PATIENCE)
        await calls.ended(CLOSING)
        database.close()
        threads.close()


class _Open:
    def __init__(self, threads: "_Threads", jobs: Jobs) -> None:
        self._threads, self._jobs, self._circuit = threads, jobs, Circuit()

    async def start(self, job: Job) -> bool:
        return await self._asked(lambda: self._jobs.start(job))

    async def cancel(self, id: str) -> None:
        await self._asked(lambda: self._jobs.cancel(id))

    async def _asked(self, work: Callable[[], T]) -> T:
        if not await self._circuit.admits():
            raise DurableUnavailable("the jobs' database did not answer a moment ago")
        late = asyncio.get_running_loop().call_later(PATIENCE, self._circuit.timed_out)
        try:
            return await self._threads.run(work, PATIENCE, ended=self._circuit.answered)
        finally:
            late.cancel()


class _Threads:
    """Work that waits for a database, apart from the event loop's own threads."""

    def __init__(self, number: int) -> None:
        self._pool = ThreadPoolExecutor(number, thread_name_prefix="durable")

    async def run(self, work: Callable[[], T], limit: float | None, *, ended: Callable[[], None] = lambda: None) -> T:
        """Raises DurableUnavailable; after `limit` seconds too, and then the work goes on behind the caller.

        `ended` is called when it comes to its end, be there still somebody waiting for it or not.
        """
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)

        def over(done: asyncio.Future[T]) -> None:
            if not done.cancelled():
                done.exception()  # nobody may wait for it any more
            ended()

        future.add_done_callback(over)
        await asyncio.wait({future}, timeout=limit)
        if not future.done():
            raise DurableUnavailable(f"no answer from the jobs' database within {limit:g} s")
        try:
            return future.result()
        except TROUBLE as error:
            raise DurableUnavailable(str(reason(error)), passing=may_pass(error)) from None

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


async def _keep(threads: _Threads, keeper: Keeper, every: float) -> None:
    reached = True
    while True:
        try:
            taken_up = await threads.run(keeper.beat, None)
        except DurableUnavailable as error:
            if reached:
                log.warning("the jobs' database cannot be reached, so jobs wait: %s", error)
            reached = False
        except Exception:
            log.exception("looking after jobs failed; it is tried again")
        else:
            if not reached:
                log.warning("the jobs' database is reached again")
            reached = True
            if taken_up:
                log.info("calls taken up again, whose process is gone or whose end is not known: %d", taken_up)
        await asyncio.sleep(every)
