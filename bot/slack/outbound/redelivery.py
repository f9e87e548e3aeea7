"""An answer that Slack did not take while it failed is offered again until it does: without a restart, and nobody asks again."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from bot.slack.outbound.delivery import Delivery
from bot.slack.transport.client import Slack

log = logging.getLogger("mailflow.slack")

EVERY = 3.0
"""Seconds between two tries: an answer is there a few seconds after Slack is back."""

LONGEST = 3600.0
"""Seconds. Then nobody waits for it any more; a question that the store knows is asked anew instead."""

_ALL_WAYS = 10  # each time so often the other ways to the asker are tried too


async def until_taken(delivery: Delivery, attempt: Callable[[bool], Awaitable[bool]]) -> bool:
    """Whether Slack took it in the end. `attempt`: `finish` or `give_up`, told whether it is made again."""
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
    """Its answer is out: the message that still says "Running" is brought to its end when Slack lets it be edited."""
    ends = time.monotonic() + LONGEST
    while delivery.left_running and time.monotonic() < ends:
        await asyncio.sleep(EVERY)
        await delivery.end_parent()


async def over(slack: Slack) -> None:
    """Returns as soon as Slack answers, at the latest after LONGEST."""
    ends = time.monotonic() + LONGEST
    while time.monotonic() < ends:
        if await slack.answers():
            return
        await asyncio.sleep(EVERY)
