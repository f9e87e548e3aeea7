"""An answer that Slack failed to take is offered again until Slack takes it: without a restart, and without a second question."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from bot.conversation.tasks import Tasks
from bot.slack.outbound.delivery import Delivery
from bot.slack.transport.client import Slack
from commands.reply import Progress, Reply

log = logging.getLogger("mailflow.slack")

EVERY = 3.0
"""Seconds between two attempts: an answer is there a few seconds after Slack is back."""

LONGEST = 3600.0
"""Seconds. Then the attempts end; a question that the store knows is asked anew instead."""

_ALL_WAYS = 10  # each time so often the other ways to the asker are tried too


class PatientDelivery:
    """`bot.conversation.platform.Delivery`, out of single attempts."""

    def __init__(self, delivery: Delivery, tasks: Tasks) -> None:
        self._delivery = delivery
        self._tasks = tasks

    async def begin(self, over: Callable[[], bool] = lambda: False) -> None:
        await self._delivery.begin(over)

    def tell(self, progress: Progress) -> None:
        self._delivery.tell(progress)

    def address(self, *, asked: bool) -> str:
        return self._delivery.address(asked=asked)

    async def finish(self, reply: Reply, *, patient: bool = True) -> bool:
        if not patient:
            return await self._delivery.finish(reply)
        return await self._taken(lambda again: self._delivery.finish(reply, again=again))

    async def give_up(self, sentence: str, *, patient: bool = True) -> bool:
        if not patient:
            return await self._delivery.give_up(sentence)
        return await self._taken(lambda again: self._delivery.give_up(sentence, again=again))

    async def _taken(self, attempt: Callable[[bool], Awaitable[bool]]) -> bool:
        taken = await until_taken(self._delivery, attempt)
        if self._delivery.left_running and self._tasks.open:
            self._tasks.spawn(until_ended(self._delivery), "end of a parent")
        return taken or not self._delivery.unfinished


async def until_taken(delivery: Delivery, attempt: Callable[[bool], Awaitable[bool]]) -> bool:
    """Returns whether Slack took it in the end. `attempt`: `finish` or `give_up`, which gets whether it is made again."""
    ends = time.monotonic() + LONGEST
    number = 0
    taken = await attempt(False)
    while delivery.unfinished and time.monotonic() < ends:
        if not number:
            log.warning("Slack fails, so an answer is offered again every %.0f s", EVERY)
        number += 1
        await asyncio.sleep(EVERY)
        taken = await attempt(number % _ALL_WAYS > 0)
    if number:
        log.log(logging.INFO if taken else logging.ERROR, "an answer was %s", "delivered" if taken else "not taken by Slack")
    return taken


async def until_ended(delivery: Delivery) -> None:
    """Its answer is out: the message that still says "Running" is concluded when Slack lets it be edited."""
    ends = time.monotonic() + LONGEST
    while delivery.left_running and time.monotonic() < ends:
        await asyncio.sleep(EVERY)
        await delivery.end_parent()


async def over(slack: Slack) -> None:
    """Returns as soon as Slack answers, at the latest after LONGEST seconds."""
    ends = time.monotonic() + LONGEST
    while time.monotonic() < ends:
        if await slack.answers():
            return
        await asyncio.sleep(EVERY)
