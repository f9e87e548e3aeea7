"""`mailflow serve`: the bot, from its tokens to its end."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.conversation.inflight import Inflight
from bot.conversation.responder import Responder
from bot.conversation.tasks import Tasks
from bot.later import Later, settling
from bot.preload import preload
from bot.schedule import watching
from bot.settings import Settings
from bot.slack.access import Access, SlackApprovers, approvers, readers
from bot.slack.conversation_ref import ConversationRef
from bot.slack.listeners import listening
from bot.slack.transport.auth_check import Standing, looked_after
from bot.slack.transport.client import FAILURES, Me, Slack, accepted, open_slack, part
from bot.slack.transport.signed_http import Http, http
from bot.slack.transport.socket_mode import Socket, socket
from bot.slack.workspace import Workspace
from bot.wiring import open_jobs
from commands.command import CommandError, Services
from diagnostics.durable import Durable

log = logging.getLogger("mailflow.slack")

DRAIN = 20.0  # for running answers, once told to stop


async def serve(
    settings: Settings, services: Services, *, stop: asyncio.Event, ready: asyncio.Event, standing: Standing | None = None
) -> None:
    """Answer Slack until `stop` is set, then finish what runs. `ready` is set while commands are taken.

    `standing` says meanwhile whether Slack takes the token.

    Raises CommandError when a setting is missing or refused, or when Slack cannot be reached.
    """
    bot_token = _bot_token(settings)
    may_approve = approvers(settings.fix_approvers)
    # who may approve may ask as well
    allowed = readers(settings.readers) and (*settings.readers, *may_approve)
    preload(services.tools)
    later = Later()
    async with open_slack(settings.slack_api_url, bot_token) as found, _jobs(settings, services, later) as jobs:
        answer = await accepted(found.retrying.auth_test(), "SLACK_BOT_TOKEN")
        slack = Slack(found.retrying, found.no_retry, found.session, _me(answer))
        services = replace(services, approvers=SlackApprovers(slack, may_approve), jobs=jobs)
        tasks = Tasks()
        workspace = Workspace(slack, Access(slack, allowed), tasks)
        responder = Responder(workspace, services, Inflight(services.store, workspace.name), tasks)
        later.begin(services, responder.tell)
        app = listening(slack, responder, answer)
        # the transport closes first: nothing new is taken while the rest is finished
        async with (
            looked_after(slack, standing or Standing()),
            _clockwork(responder, later, ready),
            _transport(settings, app, slack) as transport,
        ):
            log.info("connected to Slack as @%s", slack.me.name)
            await transport.watch(stop, ready)


@asynccontextmanager
async def _jobs(settings: Settings, services: Services, later: Later) -> AsyncIterator[Durable | None]:
    """Jobs outlive a process, as the store does; without one there are none."""
    if services.store is None:
        yield None
        return
    async with open_jobs(settings, later.handlers) as jobs:
        yield jobs


def _bot_token(settings: Settings) -> str:
    """Raises CommandError that names whichever setting is missing."""
    if settings.slack_bot_token is None:
        raise CommandError("SLACK_BOT_TOKEN is not set: the bot token of the Slack app (xoxb-…).")
    if settings.slack_app_token is None and settings.slack_signing_secret is None:
        raise CommandError(
            "SLACK_APP_TOKEN is not set: the app-level token (xapp-…, scope connections:write) for Socket Mode. "
            "For signed HTTP set SLACK_SIGNING_SECRET and MAILFLOW_HTTP_ADDRESS instead."
        )
    return settings.slack_bot_token.get_secret_value()


def _me(answer: AsyncSlackResponse) -> Me:
    """Raises CommandError where the answer is none of Slack's: nobody could be told from a stranger then."""
    try:
        user, name, team = (part(answer, key, str) for key in ("user_id", "user", "team_id"))
    except FAILURES as error:
        raise CommandError(f"Slack did not say whose SLACK_BOT_TOKEN is (SLACK_API_URL): {error}.", exit_code=1) from None
    enterprise = answer.get("enterprise_id")
    return Me(user, name, team, enterprise if isinstance(enterprise, str) else "")


def _transport(settings: Settings, app: AsyncApp, slack: Slack) -> AbstractAsyncContextManager[Socket | Http]:
    """Socket Mode where there is an app token, else HTTP."""
    if settings.slack_app_token is not None:
        return socket(app, slack, settings.slack_app_token.get_secret_value())
    secret = settings.slack_signing_secret
    return http(app, secret.get_secret_value() if secret else "", settings.http_address)


@asynccontextmanager
async def _clockwork(responder: Responder[ConversationRef], later: Later, ready: asyncio.Event) -> AsyncIterator[None]:
    """Leases are renewed until all is drained, unfinished answers taken over once `ready`; watches are looked after meanwhile."""
    stop = asyncio.Event()
    watches = asyncio.create_task(watching(responder.services, responder.tell, stop, woken=later.watch_is_due), name="watches")
    fixes = asyncio.create_task(settling(responder.services, stop), name="fixes")
    leases = asyncio.create_task(responder.inflight.keep(responder.again, ready), name="leases")
    try:
        yield
    finally:
        stop.set()
        _, *ended = await asyncio.gather(responder.tasks.drain(DRAIN), watches, fixes, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                log.error("watches or fixes were no longer looked after", exc_info=error)
        leases.cancel()
        await asyncio.wait({leases})
        await responder.inflight.release()
