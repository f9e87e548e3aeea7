"""The message that a mention in a thread is about, read where the Slack app may: `channels:history` and `groups:history` are
optional. It is the one that the thread hangs on; where that says nothing of an error, the last one before the mention that does.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.slack.client import FAILURES, Slack, error_code, noted
from bot.slack.inquiry import Inquiry, explains
from bot.slack.intake import plain
from bot.slack.quoted import files_of, text_of
from commands.reply import Action, Reply

log = logging.getLogger("mailflow.slack")

_MOST = 200  # messages of a thread; Slack gives apps of its marketplace's outside 15
_CODE = re.compile(r"(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])", re.ASCII)  # an enhanced status code (RFC 3463 section 2)
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
            answer = await slack.once.conversations_replies(channel=inquiry.place.channel, ts=inquiry.above, limit=_MOST)
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
    thread = [message for message in found if isinstance(message, Mapping)] if isinstance(found, list) else []
    message = _meant(thread, inquiry.said, slack.me.user)
    if message.get("user") == slack.me.user:
        return inquiry
    return replace(inquiry, words=explains(text_of(message, plain)), files=files_of(message))


def _meant(thread: Sequence[Mapping[str, Any]], mention: str, me: str) -> Mapping[str, Any]:
    """Which message of a thread, its first one first, a mention is about. Our own answers are none of its replies."""
    root: Mapping[str, Any] = thread[0] if thread else {}
    if _says_an_error(root):
        return root
    before = [message for message in thread[1:] if str(message.get("ts", "")) < mention and message.get("user") != me]
    return next((message for message in reversed(before) if _says_an_error(message)), root)


def _says_an_error(message: Mapping[str, Any]) -> bool:
    return bool(files_of(message) or _CODE.search(text_of(message, plain)))
