"""Jobs that are due → Requests → the place where it is talked about: verifications of fixes, plans that nobody approved, watches.

A job holds the id of a fix and no more: what is to be said, and where, stands in the ledger. It is done at least once, by
whichever process is alive; what a process died before telling is told by the next.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from commands import fix_wording
from commands.command import Services
from commands.jobs import EXPIRE, VERIFY, WATCH, verify_later
from commands.reply import Reply
from commands.request import Actor, Request
from commands.run import run
from diagnostics.durable import Due, Handler
from diagnostics.fix import ledger
from diagnostics.fix.model import Fix
from diagnostics.store import RUNNING, Store, StoredFix, StoreUnavailable

log = logging.getLogger("mailflow.later")

CLOCK = Actor("mailflow", frozenset({"reader"}))
SOON = timedelta(seconds=30)
LATELY = 50
"""Fixes that are looked at for what was left undone about them."""

EVERY = timedelta(minutes=1)

Tell = Callable[[str, Reply], Awaitable[None]]


class Later:
    """Handlers of jobs. They wait until `begin` has said with what they work."""

    def __init__(self) -> None:
        self._begun = asyncio.Event()
        self._services: Services | None = None
        self._tell: Tell | None = None
        self.watch_is_due = asyncio.Event()

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {VERIFY: self._fix, EXPIRE: self._fix, WATCH: self._watch}

    def begin(self, services: Services, tell: Tell) -> None:
        self._services, self._tell = services, tell
        self._begun.set()

    async def _fix(self, due: Due) -> Sequence[datetime]:
        """One line about a fix, told in its place. Raises when it could not be told: then the job is called again."""
        await self._begun.wait()
        if self._services is None or self._tell is None or self._services.store is None:
            return ()
        fix = await ledger.find(self._services.store, due.key, self._services.tools.instruments.now())
        if fix is None:
            return ()
        reply = await run(Request((due.kind, fix.id), CLOCK, fix.place, clicked=True), self._services, lambda _: None)
        if reply.audience == "nobody":
            return ()
        if fix.place:
            await self._tell(fix.place, reply)
        return due.later

    async def _watch(self, due: Due) -> Sequence[datetime]:
        """Wake whoever looks after watches (bot/schedule.py), and come again until it has ended."""
        await self._begun.wait()
        if self._services is None or self._services.store is None:
            return ()
        watch = await self._services.store.watch(due.key)
        if watch is None:
            return ()
        self.watch_is_due.set()
        now = self._services.tools.instruments.now()
        return (max(min(now + watch.every, watch.until), now + SOON),)


async def settling(services: Services, tell: Tell, stop: asyncio.Event, *, every: timedelta = EVERY) -> None:
    """Until `stop` is set: what a process that died left undone about fixes is put down, or told, once."""
    while services.store is not None and not stop.is_set():
        try:
            for row in await services.store.fixes(limit=LATELY):
                await _settle(row, services, services.store, tell)
        except StoreUnavailable as error:
            log.warning("fixes could not be looked at: %s", error)
        except Exception:
            log.exception("looking after fixes failed; it is tried again")
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({waiting}, timeout=every.total_seconds())
        waiting.cancel()


async def _settle(row: StoredFix, services: Services, store: Store, tell: Tell) -> None:
    now = services.tools.instruments.now()
    if row.state == "done":
        fix = ledger.load(row)
        if fix.verify_at and now < fix.verify_at[-1]:
            await verify_later(fix, services)
    elif row.state == RUNNING and not ledger.is_held(row, now):
        await _interrupted(ledger.seen(row, now), row, store, tell, now)


async def _interrupted(fix: Fix, row: StoredFix, store: Store, tell: Tell, now: datetime) -> None:
    """Its process died in the middle: people are told, with the ways on. One process tells it."""
    if fix.place and await store.claim("fix-interrupted", f"{row.id}-{row.fence}", at=now):
        await tell(fix.place, fix_wording.outcome(fix))
