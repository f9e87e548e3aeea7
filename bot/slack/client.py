"""The ways to Slack: one HTTP session, two Web API clients on it, response_urls; and the SDK's log, without secrets."""

import asyncio
import ipaddress
import logging
import re
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot import metrics
from commands.command import CommandError

FAILURES = (SlackClientError, aiohttp.ClientError, TimeoutError)
"""What a call to Slack raises when it did not work."""

PASSING = frozenset(
    {
        *("internal_error", "fatal_error", "service_unavailable", "request_timeout", "ratelimited", "rate_limited"),
        # the workspace is being moved into an organisation
        *("team_added_to_org", "org_login_required"),
    }
)
"""Slack's words for troubles of its own: https://docs.slack.dev/reference/methods/auth.test, section Errors."""

_CONNECT = 30.0
_SECONDS = 10.0  # one request; the SDK's own timeout counts only for sessions that it made itself
_SECRETS = re.compile(r"xox[a-z.]*-[\w-]+|xapp-[\w-]+|(?<=ticket=)[^&\s'\"]+|(?<=//hooks\.)\S+")


@dataclass(frozen=True, slots=True)
class Me:
    """Who the bot token belongs to. `enterprise` is empty outside an Enterprise Grid."""

    user: str = ""
    name: str = ""
    team: str = ""
    enterprise: str = ""


@dataclass(frozen=True, slots=True)
class Slack:
    """Clients of one workspace. `sure` waits out 429 and tries again; `once` is for what may be lost: progress."""

    sure: AsyncWebClient
    once: AsyncWebClient
    session: aiohttp.ClientSession = field(repr=False)
    me: Me = Me()

    def webhook(self, url: str) -> AsyncWebhookClient:
        """A client of a response_url. Bolt's own `respond` gives up at the first 429."""
        client = AsyncWebhookClient(url, session=self.session, logger=sdk_log, retry_handlers=_retries())
        if is_loopback(url):
            client.proxy = None
        return client


@asynccontextmanager
async def open_slack(base_url: str, token: str) -> AsyncIterator[Slack]:
    """Clients for `base_url` (with its slash at the end), within the running loop."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
        sure = AsyncWebClient(token, base_url, session=session, logger=sdk_log, retry_handlers=_retries())
        once = AsyncWebClient(token, base_url, session=session, logger=sdk_log, retry_handlers=[])
        if is_loopback(base_url):
            # the SDK takes HTTPS_PROXY for every address, this machine's own included
            sure.proxy = once.proxy = None
        yield Slack(sure, once, session)


async def accepted(call: Awaitable[AsyncSlackResponse], variable: str) -> AsyncSlackResponse:
    """Slack's answer to a call that stands or falls with the token in `variable`. Raises CommandError."""
    try:
        async with asyncio.timeout(_CONNECT):
            return await call
    except Exception as error:  # whatever the SDK raises for bodies that it does not expect
        if code := refusal(error):
            raise CommandError(f"Slack does not accept {variable}: {code}.") from None
        said = _said(error)[1] or type(error).__name__
        raise CommandError(f"Slack cannot be reached (SLACK_API_URL): {said}.", exit_code=1, passing=True) from None


def refusal(error: Exception) -> str:
    """Slack's own word for why it does not take a token; "" where it may take the same token later."""
    status, code = _said(error)
    return code if status < 500 and status != 429 and code not in PASSING else ""


def _said(error: Exception) -> tuple[int, str]:
    """Status and Slack's own word, each 0 or "" where there is none."""
    response = getattr(error, "response", None)
    status = getattr(response, "status_code", None) or getattr(response, "status", None)
    data = response if isinstance(response, dict) else getattr(response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    return status if isinstance(status, int) else 0, code[:80] if isinstance(code, str) else ""


def error_code(error: Exception) -> str:
    """Slack's own word (`channel_not_found`), or "" when Slack did not answer in its way."""
    response = error.response if isinstance(error, SlackApiError) else {}
    return str(response.get("error") or "") if hasattr(response, "get") else ""


def noted(method: str, error: Exception) -> None:
    """Count what Slack refused: an operator sees a revoked scope there first."""
    noted_as(method, error_code(error) or type(error).__name__)


def noted_as(method: str, error: str) -> None:
    metrics.slack_error(method, error)


def retry_after(error: Exception) -> float:
    """Seconds that a 429 asks for; 0 for anything else."""
    headers = getattr(getattr(error, "response", None), "headers", None) or {}
    value = next((v for k, v in headers.items() if k.lower() == "retry-after"), "0")
    return float(value) if str(value).isdecimal() else 0.0


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine, which no proxy leads to."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _retries() -> list[AsyncRetryHandler]:
    # only the first of these is the SDK's default; 429 ends with the patience of whoever calls
    return [
        AsyncConnectionErrorRetryHandler(),
        AsyncRateLimitErrorRetryHandler(max_retry_count=100),
        AsyncServerErrorRetryHandler(max_retry_count=2),
    ]


def _without_secrets(record: logging.LogRecord) -> bool:
    """The SDK logs tickets and response_urls, also within tracebacks; its messages name the error already."""
    record.msg, record.args = _SECRETS.sub("…", record.getMessage()), ()
    record.exc_info = record.exc_text = None
    return True


sdk_log = logging.getLogger("mailflow.slack.sdk")
# below INFO the SDK logs whole payloads, and it looks at this logger's own level, not at the root's
sdk_log.setLevel(logging.INFO)
sdk_log.addFilter(_without_secrets)
