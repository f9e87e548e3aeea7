"""What Slack sends → Responder. Every listener does two things only: it hands the work over, and acknowledges.

slack_bolt 1.30 loses the acknowledgement when its listener raises soon after it.
"""

import logging
import re
from collections.abc import Coroutine
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.conversation.forms import TEXT, WAITING
from bot.conversation.responder import Responder
from bot.slack.blockkit import modals
from bot.slack.conversation_ref import ConversationRef
from bot.slack.inbound import payloads
from bot.slack.transport.client import Slack, sdk_log

Body = dict[str, Any]

DIAGNOSE = "diagnose-mail-error"
"""The message shortcut's id in the manifest."""

STOPPING = "mailflow is stopping. Ask again in a minute."


def listening(slack: Slack, responder: Responder[ConversationRef], accepted: AsyncSlackResponse) -> AsyncApp:
    """Bolt with every listener of ours. Requests are verified before they come here, or came through our own socket."""
    app = _bolt(slack, accepted)
    me = slack.me

    def hand_over(work: Coroutine[Any, Any, None], name: str) -> bool:
        try:
            responder.tasks.spawn(work, name)
        except RuntimeError:
            return False
        return True

    @app.command(payloads.COMMAND)
    async def command(ack: AsyncAck, command: Body) -> None:
        if hand_over(responder.ask(payloads.command(command), str(command.get("trigger_id") or "")), "answer"):
            await ack()
        else:
            await ack(response_type="ephemeral", text=STOPPING)

    @app.event("app_mention")
    async def mention(body: Body) -> None:
        if question := payloads.mention(body, me.user, me.name):
            hand_over(responder.ask(question), "answer")

    @app.event("message")
    async def message(body: Body) -> None:
        if question := payloads.direct_message(body, me.user):
            hand_over(responder.ask(question), "answer")

    @app.action(re.compile(""))
    async def action(ack: AsyncAck, body: Body) -> None:
        hand_over(responder.click(payloads.click(body)), "click")
        await ack()

    @app.message_shortcut(DIAGNOSE)
    async def shortcut(ack: AsyncAck, body: Body) -> None:
        hand_over(responder.ask(payloads.shortcut(body)), "answer")
        await ack()

    @app.view(modals.CALLBACK)
    async def form(ack: AsyncAck, body: Body) -> None:
        sent = payloads.submission(body)
        if sent.choice is None:
            await ack()  # a text that was copied: its "Done" has no command
        elif sent.errors:
            await ack(response_action="errors", errors=dict(sent.errors))
        else:
            title = sent.choice.verb.label
            going = hand_over(responder.ask(sent.question), "form")
            await ack(response_action="update", view=modals.said(title, WAITING) if going else modals.said(title, STOPPING))

    @app.view(modals.PASTE)
    async def paste(ack: AsyncAck, body: Body) -> None:
        sent = payloads.pasted(body)
        if sent.errors:
            await ack(response_action="errors", errors=dict(sent.errors))
        elif not sent.question.place.channel:
            await ack()  # not ours: each of our forms remembers its place
        elif hand_over(responder.ask(sent.question), "answer"):
            await ack()
        else:
            await ack(response_action="update", view=modals.said(TEXT.title, STOPPING))

    return app


def _bolt(slack: Slack, accepted: AsyncSlackResponse) -> AsyncApp:
    known = AuthorizeResult.from_auth_test_response(auth_test_response=accepted, bot_token=slack.retrying.token)

    async def authorize() -> AuthorizeResult:
        # Bolt's own way asks auth.test before the first acknowledgement
        return known

    tokenless = AsyncWebClient(base_url=slack.retrying.base_url, session=slack.session, logger=sdk_log)
    level = sdk_log.level
    sdk_log.setLevel(logging.ERROR)  # Bolt warns that it will not use SLACK_BOT_TOKEN, which it read without being asked
    # Bolt copies the logger's filters to the logger of that name, and ours removes tracebacks
    app = AsyncApp(client=tokenless, authorize=authorize, logger=sdk_log, name=sdk_log.name, request_verification_enabled=False)
    sdk_log.setLevel(level)
    return app
