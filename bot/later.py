"""Jobs that are due → Requests → the place where it is talked about: verifications of fixes, plans that nobody approved, watches.

A job holds the id of a fix and no more: what is to be said, and where, stands in the ledger. It is done at least once, by
whichever process is alive; what a process died before telling is told by the next.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

from commands import fix_wording
from commands.command import Services
from commands.fix_support import words_of
from commands.jobs import EXPIRE, INTERRUPTED, VERIFY, WATCH, tell_interrupted, verify_later
from commands.reply import Reply
from commands.request import Actor, Request
from commands.run import run
from diagnostics.durable import Due, Handler
from diagnostics.fix import ledger
from diagnostics.fix.record import Fix
from diagnostics.store import RUNNING, Store, StoredFix, StoreUnavailable

log = logging.getLogger("mailflow.later")

CLOCK = Actor("mailflow", frozenset({"reader"}))
SOON = timedelta(seconds=30)
PAGE = 100
LATELY = timedelta(days=30)
"""Plans older than this are not done any more, so what was left undone about them was seen to long ago."""

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
        return {VERIFY: self._fix, EXPIRE: self._fix, INTERRUPTED: self._fix, WATCH: self._watch}

    def begin(self, services: Services, tell: Tell) -> None:
        self._services, self._tell = services, tell
        self._begun.set()

    async def _fix(self, due: Due) -> Sequence[datetime]:
        """What is to be said of a fix, told in its place. Raises when it could not be told: then the job is called again."""
        await self._begun.wait()
        if self._services is None or self._tell is None or self._services.store is None:
            return ()
        store, now = self._services.store, self._services.tools.instruments.now
        fix = await ledger.find(store, due.key, now(), words_of(self._services))
        if fix is None or not fix.place:
            return ()
        reply = await self._said(due.kind, fix, self._services)
        if reply.audience == "nobody":
            return ()
        slot = f"{due.id}-{due.slot}"
        if not await store.is_claimed("told", slot):
            await self._tell(fix.place, reply)
            await store.claim("told", slot, at=now())
        return due.later

    async def _said(self, kind: str, fix: Fix, services: Services) -> Reply:
        if kind != INTERRUPTED:
            return await run(Request((kind, fix.id), CLOCK, fix.place, clicked=True), services, lambda _: None)
        # somebody may have gone on with it meanwhile
        return fix_wording.outcome(fix, front="chat") if fix.state == "unknown" else Reply("", audience="nobody")

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


async def settling(services: Services, stop: asyncio.Event, *, every: timedelta = EVERY) -> None:
    """Until `stop` is set: a job is put down for what a process that died left undone about a fix."""
    while services.store is not None and not stop.is_set():
        try:
            async for row in _unsettled(services.store, services):
                await _settle(row, services)
        except StoreUnavailable as error:
            log.warning("fixes could not be looked at: %s", error)
        except Exception:
            log.exception("looking after fixes failed; it is tried again")
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({waiting}, timeout=every.total_seconds())
        waiting.cancel()


async def _unsettled(store: Store, services: Services) -> AsyncIterator[StoredFix]:
    """Fixes that may need a job, by their state: however many plans were made since, none of these is hidden.

    Raises StoreUnavailable.
    """
    lately = services.tools.instruments.now() - LATELY - max(services.fixes.verify_after, default=timedelta())
    for state, since in ((RUNNING, None), ("done", lately)):
        last: StoredFix | None = None
        while page := await store.fixes(limit=PAGE, before=last, states=(state,), since=since):
            for row in page:
                yield row
            last = page[-1]


async def _settle(row: StoredFix, services: Services) -> None:
    now = services.tools.instruments.now()
    if row.state == "done":
        fix = ledger.load(row)
        if fix.place and fix.verify_at and now < fix.verify_at[-1]:
            await verify_later(fix, services)
    elif row.state == RUNNING and not ledger.is_held(row, now):
        await tell_interrupted(row.id, row.fence, now, services)
