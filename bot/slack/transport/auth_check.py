"""Whether Slack still takes the bot token, asked now and then: over HTTP nothing else would show that it was revoked."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.slack.transport.client import FAILURES, Slack, noted, refusal

log = logging.getLogger("mailflow.slack")

EVERY = 60.0  # seconds
SOON = 5.0  # seconds, after a failure that says nothing of the token
_PATIENCE = 10.0  # seconds
_DOUBT = 2
"""Failures in a row after which Slack is not reachable: one may be the network's."""


class Standing:
    """What Slack said last: "" while it takes the token, else in a word or two why not. Read by /readyz."""

    def __init__(self) -> None:
        self.why_not = ""
        self._failures = 0

    async def ask(self, slack: Slack) -> float:
        """Returns the seconds until it should be asked again. Never raises but when cancelled."""
        try:
            async with asyncio.timeout(_PATIENCE):
                await slack.no_retry.auth_test()
        except FAILURES as error:
            noted("auth.test", error)
            refused = refusal(error)
            self._failures += 1
            self._say(f"slack: {refused}" if refused else "slack unreachable" if self._failures >= _DOUBT else self.why_not)
            return EVERY if refused else SOON
        self._failures = 0
        self._say("")
        return EVERY

    def _say(self, why_not: str) -> None:
        if why_not != self.why_not:
            log.warning("the bot token was asked about: %s", why_not or "Slack takes it again")
        self.why_not = why_not


@asynccontextmanager
async def looked_after(slack: Slack, standing: Standing) -> AsyncIterator[None]:
    """As long as the context lasts; Slack has just been asked when it begins."""

    async def regularly() -> None:
        pause = EVERY
        while True:
            await asyncio.sleep(pause)
            pause = await standing.ask(slack)

    task = asyncio.create_task(regularly(), name="auth.test")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
