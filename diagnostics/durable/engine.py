"""DBOS, the engine that waits and calls: one a process, since DBOS keeps its state in globals.

A turn is a DBOS workflow, enqueued with a delay. While it waits it is a row, which costs no process anything and belongs to
none; when its time has come, one process takes it, calls the handler, and enqueues the turn that follows. DBOS does the latter
in one transaction with a look at whether the turn is still this process's: what was cancelled or taken over meanwhile is not
followed by anything.

DBOS is launched in a thread, and so runs an event loop of its own. Launched in ours, it would put its few threads in the place
of the loop's own, and they wait for a lost database as long as it is lost: nothing else could look up a name meanwhile.
"""

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, EnqueueOptions
from sqlalchemy import Engine as Connections

from diagnostics.durable.job_turn import Turn

NAME = "mailflow"
VERSION = "1"
"""Of what a turn looks like in the database. A process takes turns of its own version alone: change it only when it must be."""

WORKFLOW = "turn"
QUEUE = "turns"
AT_ONCE = 20
THREADS = 8

Call = Callable[[Turn], Awaitable[Turn | None]]
Followed = Callable[[Turn], bool]


log = logging.getLogger("mailflow.durable")


def enqueued(turn: Turn) -> EnqueueOptions:
    """How the turn is given to DBOS, which takes it once for each id."""
    delay = (turn.when - datetime.now(UTC)).total_seconds()
    return {
        "workflow_name": WORKFLOW,
        "queue_name": QUEUE,
        "workflow_id": turn.id,
        "app_version": VERSION,
        "delay_seconds": max(delay, 0.0),
    }


class Engine:
    """For threads. `executor` is the name under which this process takes turns."""

    def __init__(
        self, connections: Connections, schema: str | None, executor: str, *, call: Call, followed: Followed, poll: float
    ) -> None:
        """`call` returns the turn that follows; it is called in the engine's own event loop. `followed`, in a thread: whether
        one follows already. `poll`: seconds between two looks for turns whose time has come."""
        self._config: DBOSConfig = {
            "name": NAME,
            "system_database_engine": connections,
            "dbos_system_schema": schema,
            "executor_id": executor,
            "application_version": VERSION,
            "serializer": DBOSPortableJSONSerializer(),  # the default one unpickles what stands in the database
            "max_executor_threads": THREADS,
            "use_listen_notify": False,  # nothing here waits for messages, and LISTEN would break behind a connection pooler
            "enable_otlp": False,
            "log_level": "WARNING",
        }
        self._call = call
        self._followed = followed
        self._poll = poll
        self._active: Counter[str] = Counter()
        self._closed = False
        self._one_at_a_time = threading.Lock()  # who gives up waiting for the launch may close before it has begun

    def launch(self, *, takes: bool) -> None:
        """`takes`: whether it is to take turns at all. Raises whatever DBOS and the database do; then too it is to be closed."""
        with self._one_at_a_time:
            if self._closed:
                return
            DBOS(config=self._config)
            DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)(self._workflow())
            if not takes:
                DBOS.listen_queues([])
            DBOS.launch()
            DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=self._poll, on_conflict="always_update")

    def close(self, drain: int) -> None:
        """Take no more turns, and give those under way `drain` seconds; what has not ended is left for another process."""
        with self._one_at_a_time:
            self._closed = True
            DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=drain if self._active else 0)

    def is_active(self, turn: str) -> bool:
        """Whether the turn of that id is under way here."""
        return self._active[turn] > 0

    def _workflow(self) -> Callable[[dict[str, Any]], Awaitable[None]]:
        async def turn(stored: dict[str, Any]) -> None:
            taken = Turn.from_json(stored)
            self._active[taken.id] += 1
            try:
                if await asyncio.to_thread(self._followed, taken):
                    return  # the process died when it had all but ended
                # not as a step: an error in writing down what a step returned is what DBOS then takes for its result
                following = await self._call(taken)
                if following:
                    await DBOS.enqueue_workflow_with_options_async(enqueued(following), following.to_json())
            except Exception as error:
                log.warning("the end of a call could not be recorded (%s); it is taken up again", type(error).__name__)
                # DBOS would put the error down as the end of the turn, and of the job; so it leaves things as they are
                raise asyncio.CancelledError from error
            finally:
                self._active -= Counter((taken.id,))

        return turn


class _Quiet(logging.Handler):
    """DBOS warns of what is planned for here, every second while the database is away, and quotes what drivers say."""

    def emit(self, record: logging.LogRecord) -> None:
        log.debug("DBOS: %s", record.getMessage().partition("\n")[0][:300])


_theirs = logging.getLogger("dbos")
_theirs.propagate = False
_theirs.handlers = [_Quiet()]  # where there is none, DBOS makes one that writes to standard error
