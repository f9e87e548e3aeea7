"""Forms on their way into Slack: opened within a trigger's 3 seconds, filled when there is something to show."""

import asyncio
import logging
from dataclasses import dataclass

from bot.slack.blockkit.blocks import Block
from bot.slack.transport.client import FAILURES, Slack, error_code, noted, part

log = logging.getLogger("mailflow.slack")

SETTLED = 0.5
"""Seconds until Slack has surely put up the view of an acknowledgement: what is shown sooner may end up below it."""

_VIEW = 20.0  # for filling a form, 429 waited out


class NotOpened(Exception):
    """`again`: the person may try once more; else another process has opened it."""

    def __init__(self, *, again: bool) -> None:
        super().__init__("a form was not opened")
        self.again = again


@dataclass(frozen=True, slots=True)
class Forms:
    slack: Slack

    async def open(self, trigger: str, view: Block) -> str:
        """The form's id. Raises NotOpened."""
        try:
            opened = await self.slack.no_retry.views_open(trigger_id=trigger, view=view)
            return part(part(opened, "view", dict), "id", str)
        except FAILURES as error:
            noted("views.open", error)
            raise NotOpened(again=error_code(error) != "exchanged_trigger_id") from None

    async def show(self, id: str, view: Block, *, after: float = 0.0) -> bool:
        """Whether Slack took it. Never raises but when cancelled."""
        await asyncio.sleep(after)
        try:
            async with asyncio.timeout(_VIEW):
                await self.slack.retrying.views_update(view_id=id, view=view)
        except FAILURES as error:
            # closed by the person, or Slack is away: the button is still there
            noted("views.update", error)
            log.warning("a form could not be filled: %s", error_code(error) or type(error).__name__)
            return False
        return True
