"""What jobs are promised, in one process."""

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest

from diagnostics.durable import REMEMBERED, Due, Handler, Job
from diagnostics.durable.database import Database
from diagnostics.durable.jobs import Jobs
from diagnostics.durable.opening import open_durable
from tests.durable.harness import nothing_left, now, opened, soon
from tests.durable.job_worker import PACE
from tests.durable.worker_processes import AT_ONCE


@dataclass
class Heard:
    """Calls, and when they came."""

    calls: list[tuple[Due, datetime]] = field(default_factory=list)

    def __call__(self, due: Due) -> None:
        self.calls.append((due, now()))

    def slots(self, id: str) -> list[int]:
        return [due.slot for due, _ in self.calls if due.id == id]

    async def until(self, **slots: list[int]) -> None:
        """Fails when it has not heard these in time, or hears more of them."""
        give_up = time.monotonic() + 2 * AT_ONCE
        while (heard := {id: self.slots(id) for id in slots}) != slots:
            assert time.monotonic() < give_up, f"{heard} and not {slots}"
            await asyncio.sleep(0.05)


@pytest.fixture
def heard() -> Heard:
    return Heard()


async def test_calls(url: str, heard: Heard) -> None:
    async def planned(due: Due) -> Sequence[datetime]:
        heard(due)
        return due.later

    async def again(due: Due) -> Sequence[datetime]:
        heard(due)
        return [soon(0.3)] if due.slot < 2 else ()

    async def ends(due: Due) -> Sequence[datetime]:
        heard(due)
        return ()

    async def fails(due: Due) -> Sequence[datetime]:
        heard(due)
        if len(heard.slots(due.id)) == 1:
            raise RuntimeError("for a reason")
        return [datetime(2026, 11, 24)] if len(heard.slots(due.id)) == 2 else ()  # first without a zone

    async def slow(due: Due) -> Sequence[datetime]:
        heard(due)
        await asyncio.sleep(1)
        heard(due)
        return [soon()]

    kinds: dict[str, Handler] = {"planned": planned, "again": again, "ends": ends, "fails": fails, "slow": slow}
    async with opened(url, **kinds) as durable:
        times = (soon(1), soon(4))
        for kind in ("planned", "again", "ends", "unheard-of"):
            assert await durable.start(Job(kind, kind, f"key-{kind}", times))
            assert not await durable.start(Job(kind, kind, "another", times))
        await durable.start(Job("fails", "fails", "key", (soon(),)))
        await durable.start(Job("cancelled", "planned", "key", (soon(2),)))
        await durable.start(Job("cancelled-under-way", "slow", "key", (soon(),)))
        await heard.until(**{"cancelled-under-way": [0]})
        for id in ("cancelled", "cancelled-under-way", "unknown"):
            await durable.cancel(id)
        await heard.until(planned=[0, 1], again=[0, 1, 2], ends=[0], fails=[0, 0, 0], **{"cancelled-under-way": [0, 0]})
        for ended in ("ends", "cancelled"):
            assert not await durable.start(Job(ended, "ends", "key", times))
        await asyncio.sleep(0.5)
        thread = await asyncio.to_thread(threading.current_thread)
        assert "dbos" not in thread.name, "the event loop keeps threads of its own"
    assert heard.slots("cancelled") == []
    assert heard.slots("cancelled-under-way") == [0, 0], "it came to its end, and was followed by nothing"
    for due, at in heard.calls:
        if due.id in ("planned", "ends"):
            assert (due.key, due.at, due.later) == (f"key-{due.id}", times[due.slot], times[due.slot + 1 :])
            assert timedelta() <= at - due.at < timedelta(seconds=AT_ONCE)


def sql(url: str, statement: str) -> list[tuple[object, ...]]:
    path = url.removeprefix("sqlite:///").replace(".db", "-jobs.db")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        return connection.execute(statement).fetchall()


async def test_closed_and_opened(file: str, heard: Heard) -> None:
    async def planned(due: Due) -> Sequence[datetime]:
        heard(due)
        return due.later

    async def endless(due: Due) -> Sequence[datetime]:
        heard(due)
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            heard(due)
            raise
        return ()

    async with opened(file) as durable:  # without handlers: it starts jobs, and does none
        await durable.start(Job("missed", "planned", "key", (soon(), soon(0.2), soon(0.4), soon(600))))
        await durable.start(Job("endless", "endless", "key", (soon(),)))
        await asyncio.sleep(0.5)
    long = replace(PACE, lease=60)
    async with open_durable(file, handlers={"planned": planned, "endless": endless}, pace=long):
        await heard.until(missed=[2], endless=[0])
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert heard.slots("endless") == [0, 0], "it was told"
    assert asyncio.all_tasks() == {asyncio.current_task()}
    await nothing_left()
    async with opened(file, planned=planned, endless=endless):
        await heard.until(endless=[0, 0, 0])  # its lease was given back
    assert heard.slots("missed") == [2]


async def test_one_call_at_a_time(file: str, heard: Heard) -> None:
    """A job that comes back to this process while it is still at it: taken over by another one meanwhile, which then died."""
    at_once = most = 0

    async def slow(due: Due) -> Sequence[datetime]:
        nonlocal at_once, most
        heard(due)
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(1.5)
        at_once -= 1
        return ()

    async with opened(file, slow=slow) as durable:
        await durable.start(Job("one", "slow", "key", (soon(),)))
        await heard.until(one=[0])
        other = Database(file, None)
        Jobs(other.engine(1), other.schema).release(["one/0"])
        await heard.until(one=[0, 0])
        other.close()
    assert most == 1


async def test_taken_and_not_heard_of(file: str, heard: Heard) -> None:
    """The connection broke just when it was taken."""

    async def ends(due: Due) -> Sequence[datetime]:
        heard(due)
        return ()

    async with opened(file, ends=ends) as durable:
        await durable.start(Job("one", "ends", "key", (soon(600),)))
        sql(file, "UPDATE workflow_status SET status = 'PENDING', executor_id = (SELECT owner FROM mailflow_leases)")
        await heard.until(one=[0])


async def test_what_cannot_be_recorded_is_done_again(file: str, heard: Heard) -> None:
    """An error after which DBOS itself would hold the job for ended."""

    async def twice(due: Due) -> Sequence[datetime]:
        heard(due)
        return [soon()] if due.slot == 0 else ()

    async with opened(file, twice=twice) as durable:
        sql(file, "CREATE TRIGGER t BEFORE INSERT ON operation_outputs BEGIN SELECT RAISE(ABORT, 'no'); END")
        await durable.start(Job("one", "twice", "key", (soon(),)))
        await heard.until(one=[0])
        await asyncio.sleep(0.3)
        sql(file, "DROP TRIGGER t")
        await heard.until(one=[0, 0, 1])


async def test_what_is_followed_is_not_done_again(file: str, heard: Heard) -> None:
    """The process died after the turn that follows was recorded, and before the end of the one before it was."""

    async def twice(due: Due) -> Sequence[datetime]:
        heard(due)
        return [soon(1)] if due.slot == 0 else ()

    async with opened(file, twice=twice) as durable:
        sql(file, "CREATE TRIGGER t BEFORE UPDATE ON workflow_status WHEN new.completed_at BEGIN SELECT RAISE(ABORT, 'no'); END")
        await durable.start(Job("one", "twice", "key", (soon(),)))
        await heard.until(one=[0])
        await asyncio.sleep(0.3)
        sql(file, "DROP TRIGGER t")
        async with asyncio.timeout(2 * AT_ONCE):
            while sql(file, "SELECT DISTINCT status FROM workflow_status") != [("SUCCESS",)]:
                await asyncio.sleep(0.1)
    assert heard.slots("one") == [0, 1]


async def test_what_has_ended_is_forgotten(file: str, heard: Heard) -> None:
    async def again(due: Due) -> Sequence[datetime]:
        heard(due)
        return [soon()] if due.slot == 0 else ()

    waiting = Job("waiting", "again", "key", (soon(600),))
    ended = Job("ended", "again", "key", (soon(),))
    async with opened(file, again=again) as durable:
        for job in (waiting, ended):
            await durable.start(job)
        await heard.until(ended=[0, 1])
    other = Database(file, None)
    jobs = Jobs(other.engine(1), other.schema)

    def left_after(passed: timedelta) -> list[tuple[object, ...]]:
        earlier = int(passed.total_seconds() * 1000)
        sql(file, f"UPDATE workflow_status SET completed_at = completed_at - {earlier}")  # noqa: S608 - a number
        jobs.prune()
        return sql(file, "SELECT workflow_uuid FROM workflow_status ORDER BY 1")

    assert left_after(timedelta()) == [("ended/0",), ("ended/1",), ("waiting/0",)]
    assert left_after(timedelta(hours=1)) == [("ended/0",), ("waiting/0",)]
    assert not jobs.start(ended)
    assert left_after(REMEMBERED) == [("waiting/0",)]
    assert jobs.start(ended)
    assert not jobs.start(waiting)
    other.close()
