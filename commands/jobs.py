"""What is to be done later about fixes and watches: jobs that any process may do, and that outlive this one."""

import logging
from datetime import datetime

from commands.command import Services
from diagnostics.durable import DurableUnavailable, Job
from diagnostics.fix.record import Fix
from diagnostics.store import Watch

log = logging.getLogger("mailflow")

VERIFY, EXPIRE, INTERRUPTED, WATCH = "verify", "expire", "interrupted", "watch"


async def verify_later(fix: Fix, services: Services) -> None:
    """Look again at a fix that was done, at each of its times. Twice is harmless."""
    if services.jobs is not None and fix.state == "done" and fix.verify_at:
        await _start(Job(f"{VERIFY}-{fix.id}", VERIFY, fix.id, fix.verify_at), services)


async def tell_when_over(fix: Fix, services: Services) -> None:
    """Say that nobody approved it, if so."""
    if services.jobs is not None and fix.created is not None:
        await _start(Job(f"{EXPIRE}-{fix.id}", EXPIRE, fix.id, (fix.created + services.fixes.plan_ttl,)), services)


async def tell_interrupted(id: str, fence: int, now: datetime, services: Services) -> None:
    """Say that whoever was at work on this fix has died, once for each who took it."""
    await _start(Job(f"{INTERRUPTED}-{id}-{fence}", INTERRUPTED, id, (now,)), services)


async def watch_on(watch: Watch, now: datetime, services: Services) -> None:
    """Look at it when it is first due; whoever does that says when the next time is."""
    if services.jobs is not None:
        await _start(Job(f"{WATCH}-{watch.id}", WATCH, watch.id, (now + watch.every,)), services)


async def settle_jobs(fix: Fix, services: Services) -> None:
    """After undo or resume: a fix that is done is looked at again, one that was taken back is not."""
    await verify_later(fix, services)
    if services.jobs is not None and fix.state == "undone":
        try:
            await services.jobs.cancel(f"{VERIFY}-{fix.id}")
        except DurableUnavailable as error:
            log.warning("the verification of a fix was not called off: %s", error)


async def _start(job: Job, services: Services) -> None:
    if services.jobs is None:
        return
    try:
        await services.jobs.start(job)
    except DurableUnavailable as error:
        log.warning("a job could not be put down: %s", error)
