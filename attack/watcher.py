"""What everybody else sees while somebody attacks: acknowledgements, /healthz, a check of a sound server."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp

from attack.peers.sound import healthy
from attack.report import LIMITS, Figures
from attack.stage import Question, Stage

EVERY_HEALTH = 0.1
EVERY_CHECK = 2.5  # each costs an edit, and Slack takes 50 a minute
FIRST_OTHER, OTHERS = 30, 10
LATE = 30.0
"""Seconds after an attack in which what is still owed may come: it has waited for its own questions before."""
_GIVE_UP = 120.0
_ACK = ("ack after", "no ack", "HTTP 200 after")  # a figure of its own


class Watcher:
    """Takes the figures of one attack. `others` are the questions of the bystanders."""

    def __init__(self, stage: Stage, figures: Figures) -> None:
        self.stage, self.figures = stage, figures
        self.others: list[Question] = []
        self._began = time.monotonic()
        self._acks = len(stage.proxy.acks)
        self._count = 0
        self._health_asked: float | None = None
        self.hushed = False

    async def health(self) -> None:
        """Until cancelled: how long /healthz takes while the process is there and has been ready."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_GIVE_UP)) as http:
            while True:
                began = self._health_asked = time.monotonic()
                ready = self.stage.serve.ready
                try:
                    async with http.get(f"http://{self.stage.serve.ops}/healthz") as answer:
                        await answer.read()
                    heard = answer.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    heard = False
                if ready and self.stage.serve.ready:
                    # refused or cut off is as bad as silent
                    self.figures.worst("healthz", time.monotonic() - began if heard else max(time.monotonic() - began, 1.0))
                self._health_asked = None
                self.stage.serve.peak()
                await asyncio.sleep(EVERY_HEALTH)

    async def bystanders(self) -> None:
        """Until cancelled: every few seconds somebody else checks a sound server."""
        while True:
            if self.stage.serve.ready and not self.hushed:
                await self.other()
            await asyncio.sleep(EVERY_CHECK)

    async def other(self) -> Question:
        """One check of a bystander, begun."""
        name, _ = healthy(self._count)
        question = self.stage.ask(FIRST_OTHER + self._count % OTHERS, f"check {name}", "✅")
        self._count += 1
        self.others.append(question)
        return question

    async def hush(self) -> None:
        """No further ones, and a moment for the last to be acknowledged: what a kill cuts off, Slack itself reports."""
        self.hushed = True
        await asyncio.sleep(0.5)

    async def answers(self) -> None:
        """Until cancelled: when each of them got a verdict."""
        while True:
            for question in self.others:
                await self.stage.is_answered(question)
            await asyncio.sleep(0.05 if all(q.answered for q in self.others) else 0.02)

    async def settle(self, *, late: float = LATE) -> None:
        """After the attack: what is still owed is waited for, then all is counted."""
        stage, figures = self.stage, self.figures
        lost = await stage.all_answered(late)
        figures.values["lost"] = len(lost)
        figures.notes += [f"no answer to {q.text[:60]!r} after {time.monotonic() - q.asked:.0f} s" for q in lost[:3]]
        if "mailflow failed" in await stage.texts():
            figures.wrong.append('an answer says "mailflow failed"')
        now = time.monotonic()
        for question in self.others:
            figures.worst("other", (question.answered or now) - question.asked)
            said = [m["text"] for m in await stage.said(question)]
            if question.answered and not any(question.expects in text for text in said):
                figures.wrong.append(f"somebody else's {question.text!r}: {said[-1][:80]}")
        if self._health_asked is not None:
            figures.worst("healthz", now - self._health_asked)
        for ack in stage.proxy.acks[self._acks :]:
            figures.worst("ack", ack)
        for since in stage.proxy.waiting_for_ack():
            figures.worst("ack", since)
        figures.values["memory"] = stage.serve.peak()
        seconds, what = stage.serve.longest_callback(self._began)
        figures.values["callback"] = seconds
        if seconds > LIMITS["callback"].most:
            figures.notes.append(f"longest callback: {what}")
        held = [text for text in stage.proxy.violations if not text.startswith(_ACK)]
        if held:
            figures.wrong.append(f"Slack would refuse {len(held)} calls: {held[0][:100]}")


@asynccontextmanager
async def watching(stage: Stage, attack: str, *, late: float = LATE, others: bool = True) -> AsyncIterator[Watcher]:
    """Watches as long as the context lasts, then settles."""
    watcher = Watcher(stage, Figures(attack, stage.transport))
    watcher.hushed = not others
    tasks = [asyncio.create_task(work()) for work in (watcher.health, watcher.bystanders, watcher.answers)]
    health, bystanders, answers = tasks
    try:
        yield watcher
        bystanders.cancel()
        await watcher.settle(late=late)
    finally:
        for task in (health, bystanders, answers):
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                watcher.figures.wrong.append(f"the attack's own watcher failed: {error!r}")
