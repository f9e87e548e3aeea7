"""InvokeCommand, the way in which Exchange Online's PowerShell runs a cmdlet: rows, or a fault that says what to do.

Undocumented as an API; what is sent here is what Microsoft's module sends, and nothing is taken for granted in what comes back.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlencode, urlsplit

from diagnostics.connectors.access_token import App, Token, Tokens
from diagnostics.connectors.faults import TRANSIENT, Fault, Kind, shown
from diagnostics.connectors.https_client import Reply, Wire
from diagnostics.connectors.words import say

TRIES = 5
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
READ_SECONDS = 180.0
"""For a whole list, with all its pages and pauses."""

PAGE_ROWS = 1000
MAX_PAGES = 50
MAX_LINK = 4096

ANCHOR = "APP:SystemMailbox{bb558c35-97f1-4cb9-8ff7-d53741dc928c}"
"""The mailbox by which requests of apps find their way to the tenant's servers."""

MAX_LIST = 32 << 20
"""Bytes of all pages together."""

_PATH = re.compile(r"/adminapi/[^/]+/[^/]+/InvokeCommand", re.IGNORECASE)

Row = Mapping[str, Any]
Role = Literal["View-Only Configuration", "View-Only Recipients", "Message Tracking", "Remote and Accepted Domains"]
"""Management roles of Exchange Online, by their names there."""
Parameters = Mapping[str, bool | int | str]


@dataclass(frozen=True, slots=True)
class Command:
    """A cmdlet with its parameters, and the properties that are wanted (none: all). `role`: what allows an app to run it."""

    cmdlet: str
    parameters: Parameters = field(default_factory=dict)
    select: Sequence[str] = ()
    role: Role = "View-Only Configuration"


@dataclass(frozen=True, slots=True)
class Answer:
    """`document`: {} for an empty body, which is what a writing cmdlet says. `size`: bytes of the body."""

    document: Mapping[str, Any]
    size: int


class Invoke:
    """Runs cmdlets as one app. `keep`: as in Wire. Raises Fault("setting") for bases that are not https, or no roots."""

    def __init__(self, app: App, login_url: str, exchange_url: str, ca_file: Path | None = None, *, keep: bool = True) -> None:
        for name, url in (("MAILFLOW_LOGIN_URL", login_url), ("MAILFLOW_EXCHANGE_URL", exchange_url)):
            if _origin(url) is None:
                raise Fault("setting", f"{name}: {shown(url, 80)!r} is no https address. Write it as https://HOST.")
        self._app, self._base = app, exchange_url.rstrip("/")
        self._host = say("admin-api", {"host": urlsplit(exchange_url).netloc})
        self._wire = Wire(self._host, ca_file, keep=keep)
        self._tokens = Tokens(app, login_url, f"{self._base}/.default", ca_file)

    async def token(self) -> Token:
        """Raises Fault. Nothing is asked of the admin API."""
        return await self._tokens.get()

    async def drop_token(self) -> None:
        await self._tokens.drop()

    async def close(self) -> None:
        await self._wire.close()
        await self._tokens.close()

    async def once(self, command: Command, token: Token, link: str = "") -> Answer:
        """One request. Raises Fault."""
        body = {"CmdletInput": {"CmdletName": command.cmdlet, "Parameters": dict(command.parameters)}}
        url = link or self._url(command, token)
        reply = await self._wire.post(url, _headers(command, token), json.dumps(body).encode())
        if not 200 <= reply.status < 300:
            raise self._fault(command, reply)
        document = self._document(reply) if reply.body.strip() else {}
        if errors := document.get("@adminapi.errors"):
            raise Fault("errors", f"{self._host} answers {command.cmdlet} with an error: {shown(_first(errors))}")
        return Answer(document, len(reply.body))

    async def rows(self, command: Command, *, tries: int = TRIES) -> list[Row]:
        """All pages of a reading cmdlet; what may pass is asked again. Raises Fault."""
        rows: list[Row] = []
        link, seen, size = "", set[str](), 0
        try:
            async with asyncio.timeout(READ_SECONDS):
                while True:
                    answer = await self._patiently(command, link, tries)
                    rows += self._listed(command, answer.document)
                    size += answer.size
                    link = self._next(command, answer.document)
                    if not link:
                        return rows
                    if link in seen or len(seen) >= MAX_PAGES - 1 or size > MAX_LIST:
                        raise Fault("malformed", f"{self._host} gives pages of {command.cmdlet} without an end.")
                    seen.add(link)
        except TimeoutError:
            raise Fault("silent", f"{self._host} did not give all of {command.cmdlet} within {READ_SECONDS:.0f} s.") from None

    async def _patiently(self, command: Command, link: str, tries: int) -> Answer:
        pause, fresh = FIRST_PAUSE, False
        while True:
            try:
                return await self.once(command, await self._tokens.get(), link)
            except Fault as fault:
                if fault.kind == "unauthorized" and not fresh:
                    # it may just have expired, or been taken back
                    await self._tokens.drop()
                    fresh = True
                    continue
                tries -= 1
                if fault.kind not in TRANSIENT or tries <= 0:
                    raise
                wait = pause if fault.pause is None else fault.pause
            await asyncio.sleep(min(wait, LONGEST_PAUSE))
            pause *= 2

    def _url(self, command: Command, token: Token) -> str:
        select = "?" + urlencode({"$select": ",".join(command.select)}, safe="$,") if command.select else ""
        return f"{self._base}/adminapi/beta/{quote(token.tenant, safe='')}/InvokeCommand{select}"

    def _next(self, command: Command, document: Mapping[str, Any]) -> str:
        """The link to the next page, "" at the end. Only to the same place: the token goes with it."""
        link = document.get("@odata.nextLink")
        if not link:
            return ""
        if not isinstance(link, str) or _origin(link) != _origin(self._base) or not _PATH.fullmatch(urlsplit(link).path):
            raise Fault("malformed", f"{self._host} sends {command.cmdlet} to another place for its next page.")
        return link

    def _listed(self, command: Command, document: Mapping[str, Any]) -> list[Row]:
        rows = document.get("value")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._malformed(f"to {command.cmdlet} without rows")
        return rows

    def _document(self, reply: Reply) -> Mapping[str, Any]:
        try:
            document = json.loads(reply.body)
        except (ValueError, RecursionError) as error:
            raise self._malformed(f"that is no JSON ({type(error).__name__})") from None
        if not isinstance(document, dict):
            raise self._malformed(f"that is {type(document).__name__}, not an object")
        return document

    def _malformed(self, what: str) -> Fault:
        return Fault("malformed", f"{self._host} gave an answer {what}. Check MAILFLOW_EXCHANGE_URL, and proxies on the way.")

    def _fault(self, command: Command, reply: Reply) -> Fault:
        host, app, cmdlet, status = self._host, self._app.client_id, command.cmdlet, reply.status
        if status == 401:
            return Fault(
                "unauthorized",
                f"{host} does not accept the token of app {app}. If that goes on, give it the application permission "
                "Exchange.ManageAsApp, with an administrator's consent.",
            )
        said = _reason(reply.body)
        if status == 403:
            return Fault("forbidden", f"{host}: app {app} may not run {cmdlet}. Give it the role {command.role!r}.", said=said)
        if status in (429, 503):
            return _HttpFault("busy", f"{host} answers {cmdlet}", reply, ": it is busy. Try again later")
        if status >= 500:
            return _HttpFault("failing", f"{host} answers {cmdlet}", reply, ". Try again later")
        if status in (400, 404, 405):
            return _HttpFault("missing" if status == 404 else "refused", f"{host} answers {cmdlet}", reply)
        return _HttpFault("malformed", f"{host} answers {cmdlet}", reply, ". Check MAILFLOW_EXCHANGE_URL, and proxies on the way")


class _HttpFault(Fault):
    """A status that is no success: what answered, with which status, and what to do."""

    def __init__(self, kind: Kind, what: str, reply: Reply, then: str = "") -> None:
        pause = reply.pause if kind == "busy" else None
        super().__init__(kind, f"{what} with HTTP {reply.status}{then}.", pause, said=_reason(reply.body))


def _origin(url: str) -> tuple[str, int] | None:
    """Host and port of an https address without a user; None for anything else."""
    if len(url) > MAX_LINK or not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = 443 if parts.port is None else parts.port
    except ValueError:
        return None
    plain = parts.scheme == "https" and parts.hostname and parts.username is None
    return (parts.hostname or "", port) if plain else None


def _headers(command: Command, token: Token) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {token.text}",
        "Content-Type": "application/json",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "X-AnchorMailbox": f"{ANCHOR}@{token.tenant}",
        "X-CmdletName": command.cmdlet,
        "X-ResponseFormat": "json",
        "Prefer": f"odata.maxpagesize={PAGE_ROWS}",
    }


def _reason(body: bytes) -> str:
    """The service's own words: its details say why, its message only that something failed."""
    try:
        error = json.loads(body)["error"]
        details = [entry["message"] for entry in error.get("details") or ()]
        inner = ((error.get("innererror") or {}).get("internalException") or {}).get("message")
        said = details[0] if details else inner or error.get("message")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return said if isinstance(said, str) else ""


def _first(errors: object) -> str:
    first = errors[0] if isinstance(errors, list) and errors else errors
    return first if isinstance(first, str) else str(first)[:1000]
