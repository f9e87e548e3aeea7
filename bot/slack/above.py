"""The message that a thread hangs on, read where the Slack app may: `channels:history` and `groups:history` are optional."""

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.slack.client import FAILURES, Slack, error_code, noted
from bot.slack.inquiry import Inquiry, explains
from bot.slack.intake import plain
from bot.slack.quoted import files_of, text_of
from commands.reply import Action, Reply

log = logging.getLogger("mailflow.slack")

_PATIENCE = 10.0  # since 2025 Slack lets some apps ask once a minute: those shall hear of the form, not wait
_SCOPE = (
    "I may not read the message that this thread hangs on: the Slack app lacks the optional scope channels:history "
    "(groups:history in private channels). Paste the text into a form, or choose “Diagnose mail error” in that message's menu."
)


class Unread(Exception):
    """`reply` says why, and offers the form."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.reply = Reply(sentence, audience="asker", exit_code=1, actions=(Action("explain-error", "text"),))


async def read(slack: Slack, inquiry: Inquiry) -> Inquiry:
    """With the command line that explains that message, and its files; as it was where the message is ours. Raises Unread."""
    try:
        async with asyncio.timeout(_PATIENCE):
            answer = await slack.once.conversations_replies(channel=inquiry.place.channel, ts=inquiry.above, limit=1)
    except FAILURES as error:
        noted("conversations.replies", error)
        code = error_code(error) or "no answer"
        if code == "missing_scope":
            raise Unread(_SCOPE) from None
        log.warning("the message above could not be read: %s", code)
        raise Unread(
            f"Slack did not give me the message that this thread hangs on ({code}). Paste its text into a form."
        ) from None
    found = answer.get("messages")
    first = found[0] if isinstance(found, list) and found else None
    message: Mapping[str, Any] = first if isinstance(first, Mapping) else {}
    if message.get("user") == slack.me.user:
        return inquiry
    return replace(inquiry, words=explains(text_of(message, plain)), files=files_of(message))
