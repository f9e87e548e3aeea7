"""What must not be lost or done twice: answers under way, ids seen. In the store where there is one, else in this process.

A store that fails costs the memory, never the answer.
"""

import asyncio
import logging
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from bot.conversation.question import Place
from diagnostics.store import LEASE, Answer, DoesNotFit, Store, StoreUnavailable

log = logging.getLogger("mailflow.conversation")

RENEW = LEASE.total_seconds() / 4
"""Seconds between two looks at leases: our own, and those that others did not renew."""

_CLAIM = 1.0  # seconds; a form must be open within three of the click
_SEEN = 10_000
_LATE = 10_000

Again = Callable[[Answer], asyncio.Task[None] | None]
"""Goes on with an answer; None where nothing more is taken."""


class Inflight:
    """One process's side of the store, for one platform: the unfinished answers of others are left alone.

    The owner's id is new at each start: what an owner has taken is its own until its lease ends.
    """

    def __init__(self, store: Store | None, platform: str) -> None:
        self._store = store
        self._platform = platform
        self._owner = f"{platform}-{secrets.token_hex(12)}"
        self._seen: OrderedDict[str, None] = OrderedDict()
        self._running: dict[str, asyncio.Task[None] | None] = {}
        self._held: set[str] = set()
        self._late: OrderedDict[str, None] = OrderedDict()

    # ---- ids

    async def claim(self, kind: str, id: str) -> bool:
        """Whether this is the first time. Where the store does not say in time, this process's own memory has to do."""
        if not self._new(id):
            return False
        if self._store is None:
            return True
        try:
            async with asyncio.timeout(_CLAIM):
                return await self._store.claim(kind, id, at=_now())
        except (StoreUnavailable, TimeoutError) as error:
            log.warning("an id could not be claimed: %s", error)
            return True

    def _new(self, id: str) -> bool:
        if id in self._seen:
            return False
        self._seen[id] = None
        while len(self._seen) > _SEEN:
            self._seen.popitem(last=False)
        return True

    # ---- answers

    async def begin(self, id: str, place: Place, request: str) -> bool:
        """Whether to answer: not when this question was begun before, here or elsewhere. The caller's task does the work."""
        if not self._new(id):
            return False
        self._running[id] = asyncio.current_task()
        if self._store is None:
            return True
        now = _now()
        answer = Answer(id, place.dump(), request, place.user, now)
        try:
            if not await self._store.begin_answer(answer, owner=self._owner, now=now):
                del self._running[id]
                return False
            self._held.add(id)
        except (StoreUnavailable, DoesNotFit) as error:
            log.warning("an answer will not survive a restart: %s", error)
        return True

    def took(self, id: str) -> None:
        """The current task works on an answer that `keep` took over."""
        self._running[id] = asyncio.current_task()
        self._held.add(id)

    def survives(self, id: str) -> bool:
        """Whether somebody will take this answer over if it is dropped now."""
        return id in self._held

    async def moved(self, id: str, place: Place) -> None:
        """The answer has a message of its own now, which is edited from here on."""
        if id in self._held and self._store is not None:
            try:
                await self._store.move_answer(id, owner=self._owner, place=place.dump())
            except (StoreUnavailable, DoesNotFit) as error:
                log.warning("an answer's place was not stored: %s", error)

    async def finished(self, id: str) -> None:
        """The answer is out."""
        self._running.pop(id, None)
        self._held.discard(id)
        if self._store is None:
            return
        try:
            await self._store.finish_answer(id, owner=self._owner, now=_now())
        except StoreUnavailable as error:
            # remembered, or it would be run again
            log.warning("the end of an answer was not stored: %s", error)
            self._late[id] = None
            while len(self._late) > _LATE:
                self._late.popitem(last=False)

    def dropped(self, id: str) -> None:
        """The work was cancelled; the next process that takes the answer over goes on with it."""
        self._running.pop(id, None)
        self._held.discard(id)

    # ---- the clock

    async def keep(self, again: Again, ready: asyncio.Event | None = None) -> None:
        """Until cancelled: hold what runs; while `ready`, take over what others left, `again` each of them."""
        if ready is None:
            ready = asyncio.Event()
            ready.set()
        if self._store is not None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._regularly(self._renew), name="renew leases")
                group.create_task(self._regularly(lambda: self._resume(again, ready)), name="resume answers")

    async def _regularly(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await self._quietly(work)
            await asyncio.sleep(RENEW)

    async def release(self) -> None:
        """This process ends: what it has not finished may be taken at once."""
        if self._store is not None:
            try:
                await self._store.release(self._owner, now=_now())
            except StoreUnavailable as error:
                log.warning("unfinished answers wait for their lease to end: %s", error)

    async def _renew(self) -> None:
        if self._store is None:
            return
        for id in list(self._late):
            await self._store.finish_answer(id, owner=self._owner, now=_now())
            self._late.pop(id, None)
        # what nobody works on any more may be taken over
        held = {id for id in self._held if self._is_alive(id)}
        kept = await self._store.renew(self._owner, held, now=_now()) if held else frozenset()
        for id in held - kept:
            # finished in the meantime, or somebody else's since we were away too long: two answers would be one too many
            if id in self._held and (task := self._running.get(id)):
                log.warning("an answer was taken over by another process")
                task.cancel()

    async def _resume(self, again: Again, ready: asyncio.Event) -> None:
        """One after the other, and each counted when its turn comes: what ends the process again costs no other answer a run."""
        await ready.wait()
        while self._store is not None and ready.is_set():
            taken = await self._store.take_unfinished(self._owner, platform=self._platform, now=_now(), limit=1)
            if not taken:
                return
            (answer,) = taken
            if self._is_alive(answer.id) or answer.id in self._late:
                continue
            if (task := again(answer)) is None:
                return
            await asyncio.wait({task})

    def _is_alive(self, id: str) -> bool:
        task = self._running.get(id)
        return task is not None and not task.done()

    async def _quietly(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except StoreUnavailable as error:
            log.warning("the store cannot be reached: %s", error)
        except Exception:
            log.exception("looking after answers failed")


def _now() -> datetime:
    return datetime.now(UTC)
