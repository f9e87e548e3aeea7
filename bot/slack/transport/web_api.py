"""One request to Slack, whatever comes back: read up to a limit, tried again where that helps, and never taken for an answer
that it is not. Proxies and load balancers answer in Slack's place with text, HTML or nothing at all.
"""

import asyncio
import json
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import aiohttp
from slack_sdk.errors import SlackClientError

FAILURES = (SlackClientError, aiohttp.ClientError, TimeoutError)
"""What a call to Slack raises when it did not work."""

MOST = 8 * 1024 * 1024
"""Bytes of one answer; the largest that mailflow asks for is a page of 200 messages."""

PAUSE = 1.0
"""Seconds before the second try of a call that failed."""

_PIECE = 64 * 1024
_LONGEST = 3600.0  # seconds that a Retry-After may ask for
_CODE = re.compile(r"[a-z][a-z0-9_.]{0,79}")
_FAILED = frozenset(("internal_error", "fatal_error", "service_unavailable", "request_timeout"))
"""Errors that say nothing about the call: docs.slack.dev/reference/methods/chat.postMessage, "Errors"."""

_PASSING = _FAILED | {
    "ratelimited",
    "rate_limited",
    "team_added_to_org",
    "org_login_required",
}  # the last: a workspace moves into an Enterprise Grid

T = TypeVar("T")


class SlackFault(SlackClientError):
    """What came is no answer of Slack's API."""


@dataclass(frozen=True, slots=True)
class Got:
    """`body` is the JSON object that came; empty for anything else."""

    status: int
    headers: Mapping[str, str]
    raw: bytes
    body: Mapping[str, Any]

    @property
    def code(self) -> str:
        return _code(self.body.get("error"))

    @property
    def throttled(self) -> bool:
        return self.status == 429

    @property
    def passing(self) -> bool:
        """It failed, and the same call may work a moment later."""
        if self.status == 200 and self.body.get("ok"):
            return False
        return self.status >= 500 or not self.code or self.code in _FAILED


async def request(
    session: aiohttp.ClientSession, verb: str, url: str, options: Mapping[str, Any], *, waits: bool, again: int
) -> Got:
    """The answer, whatever it is. `waits`: a 429 is waited out, however often it comes. `again`: tries after one that failed.

    A message may stand twice when a try failed after Slack had taken it: chat.postMessage has no key to tell that by.
    Raises one of FAILURES.
    """
    while True:
        again -= 1
        try:
            got = await _asked(session, verb, url, options)
        except aiohttp.ClientError as error:
            # no answer in time is not asked again: that took long already, and Slack may be at it still
            if again < 0 or isinstance(error, TimeoutError):
                raise
        else:
            if got.throttled and waits:
                again += 1
                await asyncio.sleep((seconds_of(got.headers) or 1.0) + random.random())  # noqa: S311 - spreads the load
                continue
            # lookups are GETs: a person whom Slack cannot confirm is refused at once, and may ask again
            if again < 0 or not got.passing or (got.code and verb == "GET" and got.status < 500):
                return got
        await asyncio.sleep(PAUSE)


def error_code(error: Exception) -> str:
    """Slack's own word (`channel_not_found`), or "" when Slack did not answer in its way."""
    response = getattr(error, "response", None)
    body = getattr(response, "data", response)
    try:
        return _code(body.get("error"))  # type: ignore[union-attr]
    except (AttributeError, TypeError, ValueError, KeyError):
        return ""


def may_pass(error: Exception) -> bool:
    """Whether it is Slack that fails, or the way there: the same call may work later. Else it was refused."""
    code, status = error_code(error), getattr(getattr(error, "response", None), "status_code", 0)
    return not code or code in _PASSING or (isinstance(status, int) and (status == 429 or status >= 500))


def retry_after(error: Exception) -> float:
    """Seconds that a 429 asks for; 0 for anything else."""
    headers = getattr(getattr(error, "response", None), "headers", None)
    return seconds_of(headers) if isinstance(headers, Mapping) else 0.0


def seconds_of(headers: Mapping[str, str]) -> float:
    """Retry-After as Slack writes it; 0 where it says none."""
    value = str(next((v for k, v in headers.items() if str(k).lower() == "retry-after"), ""))
    return min(float(value), _LONGEST) if re.fullmatch("[0-9]{1,9}", value) else 0.0


def part(answer: Any, key: str, kind: type[T]) -> T:
    """What Slack's answer has under that key. Raises SlackFault where it is missing, empty or of another kind."""
    found = answer.get(key)
    if not found or not isinstance(found, kind):
        raise SlackFault(f"an answer of Slack's lacks {key}")
    return found


async def _asked(session: aiohttp.ClientSession, verb: str, url: str, options: Mapping[str, Any]) -> Got:
    # a redirect is no answer either, and the token stays with whom it was meant for
    async with session.request(verb, url, **{**options, "allow_redirects": False}) as response:
        raw = bytearray()
        async for piece in response.content.iter_chunked(_PIECE):
            raw += piece
            if len(raw) > MOST:
                raise SlackFault(f"an answer is longer than {MOST} bytes")
        return Got(response.status, response.headers, bytes(raw), _object(bytes(raw)))


def _object(raw: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _code(found: object) -> str:
    """It goes into messages, logs and metrics, so only what looks like a code of Slack's is one."""
    return found if isinstance(found, str) and _CODE.fullmatch(found) else ""
