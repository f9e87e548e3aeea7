"""The ways to Slack: one HTTP session, two Web API clients on it, response_urls; and the SDK's log, without secrets."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from slack_sdk.proxy_env_variable_loader import load_http_proxy_from_env
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot import metrics
from bot.settings import is_loopback
from bot.slack.transport.web_api import FAILURES, Got, SlackFault, error_code, may_pass, part, request, retry_after
from commands.command import CommandError

__all__ = ["FAILURES", "Me", "Slack", "SlackFault", "accepted", "error_code", "is_loopback", "may_pass", "noted", "noted_as"]
__all__ += ["open_slack", "part", "refusal", "retry_after", "sdk_log"]

_CONNECT = 30.0
_SECONDS = 10.0  # one request
_HEARD = 4.0  # seconds: whether Slack answers at all
_SECRETS = re.compile(r"xox[a-z.]*-[\w-]+|xapp-[\w-]+|(?<=ticket=)[^&\s'\"]+|(?<=//hooks\.)\S+")


class Client(AsyncWebClient):
    """The SDK's methods over requests of our own: the SDK takes only JSON objects for answers, and fails in its own code at
    all else. `retrying` calls are repeated once after a failure, and wait out 429.
    """

    def __init__(self, token: str, base_url: str, session: aiohttp.ClientSession, *, retrying: bool) -> None:
        super().__init__(token, base_url, session=session, logger=sdk_log, retry_handlers=[])
        self._requests = session
        self._retrying = retrying
        if is_loopback(base_url):
            # the SDK takes HTTPS_PROXY for every address, this machine's own included
            self.proxy = None

    async def api_call(self, api_method: str, **more: Any) -> AsyncSlackResponse:
        """Raises one of FAILURES."""
        try:
            return await super().api_call(api_method, **more)
        except FAILURES:
            raise
        except Exception as error:
            raise SlackFault(f"{api_method}: {type(error).__name__}") from error

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        got = await request(self._requests, http_verb, api_url, req_args, waits=self._retrying, again=1 if self._retrying else 0)
        return {"data": got.body, "headers": got.headers, "status_code": got.status}


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot token belongs to. `enterprise` is empty outside an Enterprise Grid."""

    user: str = ""
    name: str = ""
    team: str = ""
    enterprise: str = ""


@dataclass(frozen=True, slots=True)
class Slack:
    """Clients of one workspace. `retrying` waits out 429 and tries again; `no_retry` is for what may be lost: progress."""

    retrying: AsyncWebClient
    no_retry: AsyncWebClient
    session: aiohttp.ClientSession = field(repr=False)
    me: Me = Me()

    async def respond(self, url: str, body: Mapping[str, Any]) -> Got:
        """One use of a response_url; 429 is waited out. Raises one of FAILURES."""
        proxy = None if is_loopback(url) else load_http_proxy_from_env(sdk_log)
        try:
            return await request(self.session, "POST", url, {"json": body, "proxy": proxy}, waits=True, again=0)
        except FAILURES:
            raise
        except Exception as error:
            raise SlackFault(f"response_url: {type(error).__name__}") from error

    async def answers(self) -> bool:
        """Whether Slack answers at all now, be it with an error."""
        try:
            async with asyncio.timeout(_HEARD):
                await self.no_retry.auth_test()
        except FAILURES as error:
            return not may_pass(error)
        return True


@asynccontextmanager
async def open_slack(base_url: str, token: str) -> AsyncIterator[Slack]:
    """Clients for `base_url` (with its slash at the end), within the running loop."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
        yield Slack(Client(token, base_url, session, retrying=True), Client(token, base_url, session, retrying=False), session)


async def accepted(call: Awaitable[AsyncSlackResponse], variable: str) -> AsyncSlackResponse:
    """Slack's answer to a call that fails when Slack refuses the token in `variable`. Raises CommandError."""
    try:
        async with asyncio.timeout(_CONNECT):
            return await call
    except FAILURES as error:
        if code := refusal(error):
            raise CommandError(f"Slack does not accept {variable}: {code}.") from None
        why = error_code(error) or _seen(error)
        said = f"Slack cannot be reached (SLACK_API_URL): {why}. Try again later."
        raise CommandError(said, exit_code=1, passing=True) from None


def refusal(error: Exception) -> str:
    """Slack's own word for why it does not take a token; "" where it may take the same token later."""
    return "" if may_pass(error) else error_code(error)


def _seen(error: Exception) -> str:
    """What came instead of an answer of Slack's, in a word or two."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    return f"HTTP {status} without an answer of its API" if status else type(error).__name__


def noted(method: str, error: Exception) -> None:
    """Count what Slack refused: an operator sees a revoked scope there first."""
    noted_as(method, error_code(error) or type(error).__name__)


def noted_as(method: str, error: str) -> None:
    metrics.slack_error(method, error)


def _without_secrets(record: logging.LogRecord) -> bool:
    """The SDK logs tickets and response_urls, also within tracebacks; its messages name the error already."""
    record.msg, record.args = _SECRETS.sub("…", record.getMessage()), ()
    record.exc_info = record.exc_text = None
    return True


sdk_log = logging.getLogger("mailflow.slack.sdk")
# below INFO the SDK logs whole payloads, and it looks at this logger's own level, not at the root's
sdk_log.setLevel(logging.INFO)
sdk_log.addFilter(_without_secrets)
