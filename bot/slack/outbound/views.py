"""views.open and views.update: opened within a trigger's 3 seconds, filled when there is something to show."""

import asyncio
import logging

from bot.conversation.platform import FormNotOpened
from bot.slack.blockkit.blocks import Block
from bot.slack.transport.client import FAILURES, Slack, error_code, noted, part

log = logging.getLogger("mailflow.slack")

SETTLED = 0.5
"""Seconds until Slack has surely shown the view of an acknowledgement: what is sent sooner may end up below it."""

_VIEW = 20.0  # seconds for filling a form, HTTP 429 waited out


async def opened(slack: Slack, trigger: str, view: Block) -> str:
    """The id of the view. Raises FormNotOpened."""
    try:
        answer = await slack.no_retry.views_open(trigger_id=trigger, view=view)
        return part(part(answer, "view", dict), "id", str)
    except FAILURES as error:
        noted("views.open", error)
        by_another = error_code(error) == "exchanged_trigger_id"
        raise FormNotOpened("" if by_another else "Slack did not open the form in time. Try once more.") from None


async def updated(slack: Slack, id: str, view: Block, *, after: float = 0.0) -> bool:
    """Returns whether Slack took it. `after`: seconds to wait first. Never raises except when cancelled."""
    await asyncio.sleep(after)
    try:
        async with asyncio.timeout(_VIEW):
            await slack.retrying.views_update(view_id=id, view=view)
    except FAILURES as error:
        # closed by the person, or Slack is away: the button is still there
        noted("views.update", error)
        log.warning("a form could not be filled: %s", error_code(error) or type(error).__name__)
        return False
    return True
