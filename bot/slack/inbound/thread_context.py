"""The message that a mention in a thread is about, read where the Slack app may: `channels:history` and `groups:history` are
optional. It is the one that the thread hangs on; where that says nothing of an error, the last one before the mention that does.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.conversation.platform import ThreadUnread
from bot.conversation.question import Question, explains
from bot.slack.conversation_ref import ConversationRef
from bot.slack.inbound.file_download import is_worth_fetching
from bot.slack.inbound.message_text import files_of, text_of
from bot.slack.inbound.payloads import plain
from bot.slack.transport.client import FAILURES, Slack, error_code, noted, part
from commands.explain import says_an_error

log = logging.getLogger("mailflow.slack")

_PAGE, _PAGES = 200, 5  # messages of a thread, which Slack gives oldest first
_LOOKED_AT = 50  # of them, the last ones
_PATIENCE = 10.0  # since 2025 Slack lets some apps ask once a minute: those shall hear of the form, not wait
_SCOPE = (
    "I may not read this thread: the Slack app lacks the optional scope channels:history (groups:history in private channels). "
    "Paste the text into a form, or choose “Diagnose mail error” in the menu of the message that has it."
)
_FAILED = (
    "Slack did not give me this thread ({}). Paste the text into a form, or choose “Diagnose mail error” in its message's menu."
)
_NOTHING = "No message of this thread names an error of a mail server. Paste the text of one into a form."
_TOO_LONG = "This thread is longer than I can read. Choose “Diagnose mail error” in the menu of the message that has the error."

Message = Mapping[str, Any]


async def read(slack: Slack, question: Question[ConversationRef]) -> Question[ConversationRef]:
    """With the command line that explains that message, and its files; as it was below an answer of ours. Raises ThreadUnread."""
    thread, whole = await _thread(slack, question)
    # reading one message takes as long as reading a pasted text: in a thread, so that other answers go on
    message = await asyncio.to_thread(_meant, thread, slack.me.user)
    if message is None and not whole:
        raise ThreadUnread(_TOO_LONG)
    message = message or next(iter(thread), {})
    if message.get("user") != slack.me.user:
        return replace(question, words=explains(text_of(message, plain)), files=files_of(message))
    if question.lacks_text:
        raise ThreadUnread(_NOTHING)
    return question


async def _thread(slack: Slack, question: Question[ConversationRef]) -> tuple[list[Message], bool]:
    """The messages before the mention, and whether these are all. Raises ThreadUnread where there is none to be had."""
    thread: dict[str, Message] = {}
    channel, ts, latest = question.place.channel, question.thread, question.message or None
    cursor: str | None = None
    try:
        async with asyncio.timeout(_PATIENCE):
            for _ in range(_PAGES):
                page = await slack.no_retry.conversations_replies(
                    channel=channel, ts=ts, latest=latest, limit=_PAGE, cursor=cursor
                )
                new = [message for message in part(page, "messages", list) if isinstance(message, Mapping)]
                # each page may begin with the thread's first message
                thread |= {str(message.get("ts", "")): message for message in new}
                cursor = _next(page)
                if not cursor:
                    break
    except FAILURES as error:
        noted("conversations.replies", error)
        code = error_code(error) or "no answer"
        if not thread:
            log.warning("a thread could not be read: %s", code)
            raise ThreadUnread(_SCOPE if code == "missing_scope" else _FAILED.format(code)) from None
    before = [message for at, message in thread.items() if latest is None or at < latest]
    return before, not cursor


def _next(page: AsyncSlackResponse) -> str:
    """Where the next page begins; "" where this is the last."""
    told = page.get("response_metadata")
    cursor = told.get("next_cursor") if page.get("has_more") and isinstance(told, Mapping) else ""
    return cursor if isinstance(cursor, str) else ""


def _meant(thread: Sequence[Message], me: str) -> Message | None:
    """The first one, if it is about an error; else the last that says one, or else has a file. Our own answers are none."""
    others = [message for message in thread if message.get("user") != me]
    if others and others[0] is thread[0] and (_says_an_error(thread[0]) or _has_a_file(thread[0])):
        return thread[0]
    last = others[: -_LOOKED_AT - 1 : -1]
    return next(filter(_says_an_error, last), None) or next(filter(_has_a_file, last), None)


def _says_an_error(message: Message) -> bool:
    return says_an_error(text_of(message, plain))


def _has_a_file(message: Message) -> bool:
    return any(map(is_worth_fetching, files_of(message)))
