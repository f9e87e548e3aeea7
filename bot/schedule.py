"""Watches: what is due is checked, and its place is told once, over all replicas, when it works again or the time is over.

"Once" hangs on the order. The watch is ended, and what is to be told is put down as an answer, in one transaction that one
process alone can make; then it is told; then the answer is finished. When a process dies in between, the answer is left:
whoever takes unfinished answers over asks `bot.news.owed` first, tells that, and runs nothing.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from typing import Any

from bot import metrics
from bot.news import decide, next_look, note
from commands.command import Services
from commands.reply import Reply
from commands.request import Actor, Request
from commands.result_cache import Memory
from commands.run import run
from diagnostics.store import KEEP, LEASE, Store, StoreUnavailable, Watch

log = logging.getLogger("mailflow.schedule")

Tell = Callable[[str, Reply], Awaitable[None]]
"""Post a reply in a place. When it raises, the reply is told later, by whoever takes unfinished answers over."""

AT_ONCE = 20
RENEW = LEASE / 3
RETAIN = timedelta(hours=1)
FINISH = (1.0, 3.0, 10.0)  # seconds between the tries
TICK = 60.0  # seconds; jobs wake the watcher when a watch is due, so this is for what they missed
DRAIN = 10.0  # seconds for what runs, once told to stop


async def watching(
    services: Services, tell: Tell, stop: asyncio.Event, *, woken: asyncio.Event | None = None, tick: float = TICK
) -> None:
    """Look after the watches and the retention of the store until `stop` is set; without a store there is nothing to do.

    `woken` is set by whoever knows that a watch is due; `tick`, in seconds, is for those that nobody wakes it for.
    """
    if services.store is None:
        await stop.wait()
    else:
        await _Watcher(services, services.store, tell).work(stop, woken or asyncio.Event(), tick)


class _Watcher:
    """One process's share of the watches. `_held` are the watches and answers whose leases it renews."""

    def __init__(self, services: Services, store: Store, tell: Tell) -> None:
        self._services, self._store, self._tell = services, store, tell
        self._now = services.tools.instruments.now
        self._owner = f"watch-{secrets.token_hex(8)}"
        self._looks: dict[str, asyncio.Task[None]] = {}
        self._held: set[str] = set()
        self._reached = True
        self._more = False

    async def work(self, stop: asyncio.Event, woken: asyncio.Event, tick: float) -> None:
        beside = [
            asyncio.create_task(self._regularly(RENEW, self._renew), name="watch leases"),
            asyncio.create_task(self._regularly(RETAIN, self._prune), name="retention"),
        ]
        stopped = asyncio.create_task(stop.wait(), name="watch stop")
        try:
            while not stop.is_set():
                self._more = False
                woken.clear()
                await self._try(self._take())
                if self._more and len(self._looks) < AT_ONCE:
                    continue
                due = asyncio.create_task(woken.wait(), name="watch due")
                waited = {stopped, due, *(self._looks.values() if self._more else ())}
                await asyncio.wait(waited, timeout=tick, return_when=asyncio.FIRST_COMPLETED)
                due.cancel()
        finally:
            stopped.cancel()
            await self._end(beside)

    async def _take(self) -> None:
        free = AT_ONCE - len(self._looks)
        found = await self._store.take_due_watches(self._owner, now=self._now(), limit=free) if free else []
        self._more = len(found) == free
        if not self._reached:
            log.warning("the store is reached again")
        self._reached = True
        for watch in found:
            if watch.id in self._looks:
                continue  # its lease ended under way; it is ours again, and still being looked at
            self._held.add(watch.id)
            task = asyncio.create_task(self._try(self._look(watch)), name=f"watch {watch.id}")
            self._looks[watch.id] = task
            task.add_done_callback(lambda _, id=watch.id: self._looked(id))  # type: ignore[misc]

    def _looked(self, id: str) -> None:
        del self._looks[id]
        self._held.discard(id)

    async def _look(self, watch: Watch) -> None:
        # A reader of its own: no more rights than anybody, and an allowance that nobody else spends.
        request = Request(("check", "--", watch.word), Actor(f"watch:{watch.id}", frozenset({"reader"})))
        seen = Memory()  # most looks say what is known already: their results are not stored
        reply = await run(request, replace(self._services, memory=seen), lambda _: None)
        metrics.count(reply, by="watch")
        verdict = reply.verdict or watch.last
        told = decide(watch, reply, self._now())
        if told is not None or verdict != watch.last:
            for result in seen.here:
                await self._services.memory.keep(result)  # before its buttons can be clicked
        if told is None:
            due = next_look(watch, self._now())
            await self._store.put_off(watch.id, owner=self._owner, due=due, last=verdict)
        else:
            await self._say(watch, told)

    async def _say(self, watch: Watch, told: Reply) -> None:
        now = self._now()
        answer = note(watch, told, now)
        if not await self._store.end_watch(watch.id, told=True, now=now, answer=answer, owner=self._owner):
            return  # another process was first
        metrics.watch_ended(works=told.severity == "good")
        self._held.add(answer.id)
        try:
            await self._tell(watch.place, told)
            await self._finish(answer.id)
        finally:
            self._held.discard(answer.id)

    async def _finish(self, id: str) -> None:
        """What has been told and is not ticked off will be told twice: worth some tries."""
        for pause in (*FINISH, None):
            try:
                await self._store.finish_answer(id, owner=self._owner, now=self._now())
                return
            except StoreUnavailable:
                if pause is None:
                    raise
            await asyncio.sleep(pause)

    async def _renew(self) -> None:
        await self._store.renew(self._owner, tuple(self._held), now=self._now())

    async def _prune(self) -> None:
        now = self._now()
        if await self._store.claim("retention", f"{now:%Y-%m-%dT%H}", at=now):  # one of the replicas an hour
            plans = max(KEEP.plans, 2 * self._services.fixes.plan_ttl)  # a plan must live as long as it may be asked for
            gone = await self._store.prune(now, replace(KEEP, plans=plans))
            if any(gone.values()):
                log.info("deleted what is too old: %s", ", ".join(f"{count} {kind}" for kind, count in gone.items()))

    async def _regularly(self, every: timedelta, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        while True:
            await self._try(work())
            await asyncio.sleep(every.total_seconds())

    async def _try(self, work: Coroutine[Any, Any, None]) -> None:
        """One failure must not end the rest: leases end by themselves, so whatever was under way is taken up again."""
        try:
            await work
        except StoreUnavailable as error:
            if self._reached:
                log.warning("the store cannot be reached, so watches wait: %s", error)
            self._reached = False
        except Exception:
            log.exception("a watch failed; it is taken up again")

    async def _end(self, beside: list[asyncio.Task[None]]) -> None:
        """Let what runs come to its end for a while; give back what has not."""
        if self._looks:
            await asyncio.wait(self._looks.values(), timeout=DRAIN)
        tasks = [*self._looks.values(), *beside]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._try(self._store.release(self._owner, now=self._now()))
