"""LabTenant: token service and admin API on one port of loopback, with TLS; what came is kept, what goes wrong is chosen."""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from bot.demo.lab.certificates import RECIPES, ca_pem, issue
from bot.demo.lab.tenant import cmdlets, tokens, troubles
from bot.demo.lab.tenant.state import Effect, Row, State, Table, state
from bot.demo.lab.tenant.tokens import App, Denial, Tokens
from bot.demo.lab.tenant.troubles import Exchange, Trouble

GUID = "3c1b7a52-8d5e-4f0a-9b7e-2f6d1c0a4e11"
DOMAIN = "contoso.onmicrosoft.test"
READER = App("11111111-aaaa-4000-8000-000000000001", "lab-reader-secret", cmdlets.READING)
WRITER = App("22222222-bbbb-4000-8000-000000000002", "lab-writer-secret", cmdlets.REMOTE_AND_ACCEPTED_DOMAINS)

HOST = "127.0.0.1"
PAGE = 1000
MAX_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: when (time.monotonic), for what ("token" or a cmdlet), by which app, with what. `port`: the client's."""

    at: float
    what: str
    app: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    port: int = 0


class LabTenant:
    """`async with LabTenant(folder, connectors=[…], …) as tenant:`; leaving it leaves no socket and no task behind.

    Rows as a world writes them. `mailboxes`: addresses. `mail_users`: address → target. `page_size`: rows of a page at most.
    The same `port` again: a service that was away and comes back. Raises WorldError for rows that cannot be.
    """

    guid = GUID
    domain = DOMAIN
    reader = READER
    writer = WRITER

    def __init__(
        self,
        folder: Path,
        *,
        connectors: Iterable[Mapping[str, Any]] = (),
        accepted_domains: Iterable[Mapping[str, Any]] = (),
        rules: Iterable[Mapping[str, Any]] = (),
        mailboxes: Iterable[str] = ("alice@contoso.test",),
        mail_users: Mapping[str, str] | None = None,
        waiting: Iterable[str] = (),
        troubles: Iterable[Trouble] = (),
        page_size: int = PAGE,
        port: int = 0,
    ) -> None:
        self._folder = folder
        self.page_size = page_size
        self._stack = contextlib.AsyncExitStack()
        self._came = asyncio.Condition()
        self._troubles: list[Trouble] = []
        self.tokens = Tokens(GUID, {app.client_id: app for app in (READER, WRITER)})
        self.state: State = state(connectors, accepted_domains, rules, mailboxes, mail_users, waiting=waiting)
        self.requests: list[Asked] = []
        self.port = port
        self.ca_file = folder / "tenant-ca.pem"
        self.spoil(*troubles)

    # ---- for those who use it

    @property
    def url(self) -> str:
        """Base of the admin API, and of the token service as well."""
        return f"https://{HOST}:{self.port}"

    login_url = url

    @property
    def variables(self) -> dict[str, str]:
        """What a mailflow is to be told to read this tenant as one app and to write it as the other, by names of settings."""
        return {
            "MAILFLOW_EXCHANGE_TENANT": self.guid,
            "MAILFLOW_EXCHANGE_CLIENT_ID": self.reader.client_id,
            "MAILFLOW_EXCHANGE_CLIENT_SECRET": self.reader.secret,
            "MAILFLOW_EXCHANGE_FIX_CLIENT_ID": self.writer.client_id,
            "MAILFLOW_EXCHANGE_FIX_CLIENT_SECRET": self.writer.secret,
            "MAILFLOW_EXCHANGE_URL": self.url,
            "MAILFLOW_LOGIN_URL": self.login_url,
            "MAILFLOW_EXCHANGE_CA_FILE": str(self.ca_file),
        }

    @property
    def changes(self) -> list[Effect]:
        """Writes that changed something, oldest first, those of somebody else too."""
        return self.state.changes

    def effective(self, name: str, property: str) -> int:
        """How often the apps changed that property of the object of that name or Guid."""
        mine = [effect for effect in self.changes if effect.by in self.tokens.apps and effect.property == property]
        return sum(name.lower() in (effect.name.lower(), effect.guid.lower()) for effect in mine)

    def asked(self, what: str) -> list[Asked]:
        """The requests for a cmdlet, or for a "token"."""
        return [request for request in self.requests if request.what == what]

    async def arrived(self, what: str, times: int = 1) -> None:
        """Until that many requests for it have come, those before included."""
        async with self._came:
            await self._came.wait_for(lambda: len(self.asked(what)) >= times)

    def spoil(self, *chosen: Trouble) -> None:
        """What the next requests meet, in this order; those for the same thing queue up. Raises ValueError for unknown names."""
        for trouble in chosen:
            if trouble.name not in (*troubles.TROUBLES, *tokens.TROUBLES):
                raise ValueError(f"no trouble {trouble.name!r}; known are {', '.join((*troubles.TROUBLES, *tokens.TROUBLES))}")
        self._troubles += chosen

    def heal(self) -> None:
        """No more trouble."""
        self._troubles.clear()

    def lag(self, *, seconds: float = 0.0, reads: int = 0) -> None:
        """From now on reads see the old values for so long after a write, and so many times."""
        self.state.lag_seconds, self.state.lag_reads = seconds, reads

    def change(self, table: Table, name: str, property: str, value: Any) -> None:
        """Somebody else changes it, seen at once. Raises LookupError."""
        self.state.write(table, name, property, value)

    def value(self, table: Table, name: str, property: str) -> Any:
        """What is true now, whatever reads see. Raises LookupError."""
        return self.state.true(table, name)[property]

    def guid_of(self, table: Table, name: str) -> str:
        return str(self.value(table, name, "Guid"))

    def certificate(self, app: App) -> Path:
        """A file with a key and a certificate that is registered for the app from now on."""
        return self.tokens.certificate(app.client_id, self._folder / f"{app.client_id}.pem")

    # ---- start and end

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.stop()

    async def stop(self) -> None:
        """As when the service is away: connections are refused. Twice is fine."""
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        self.ca_file.write_bytes(ca_pem())
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", self._openid)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        app.router.add_post("/{api:(?i:adminapi)}/{version:beta|v1\\.0}/{tenant}/InvokeCommand", self._invoke)
        # a client that is gone ends what is still being done for it
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1, handler_cancellation=True)
        stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, HOST, self.port, ssl_context=self._context()).start()
        self.port = runner.addresses[0][1]

    def _context(self) -> ssl.SSLContext:
        file = self._folder / "tenant-server.pem"
        file.touch(mode=0o600)
        file.write_bytes(issue(RECIPES["good"], (HOST, "localhost")).pem())
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(file)
        return context

    # ---- token service

    async def _openid(self, request: web.Request) -> web.StreamResponse:
        base = f"{self.url}/{request.match_info['tenant']}"
        known = request.match_info["tenant"].lower() in (GUID, DOMAIN)
        document = {
            "issuer": f"{self.url}/{GUID}/v2.0",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        }
        missing = {"error": "invalid_tenant", "error_description": "AADSTS90002: Tenant not found."}
        await self._note(Asked(time.monotonic(), "openid-configuration", ""))

        def answer() -> web.Response:
            return web.json_response(document) if known else web.json_response(missing, status=400)

        return await self._do(request, self._next("openid-configuration"), answer)

    async def _token(self, request: web.Request) -> web.StreamResponse:
        form = dict(await request.post())
        await self._note(Asked(time.monotonic(), "token", str(form.get("client_id", ""))))
        trouble = self._next("token")

        def answer() -> web.Response:
            endpoint = f"{self.url}{request.path}"
            try:
                reply = self.tokens.give(form, endpoint, f"{self.url}/.default", trouble=trouble.name if trouble else "")
            except Denial as denial:
                reply = {"error": denial.error, "error_description": denial.description}
                return web.json_response(reply, status=denial.status)
            return web.json_response(reply)

        return await self._do(request, trouble, answer)

    # ---- admin API

    async def _invoke(self, request: web.Request) -> web.StreamResponse:
        app = self.tokens.known(request.headers.get("Authorization", "").removeprefix("Bearer "))
        try:
            command = json.loads(await request.text())["CmdletInput"]
            name, parameters = str(command["CmdletName"]), dict(command["Parameters"])
        except (ValueError, KeyError, TypeError):
            return web.json_response(troubles.refusal("BadRequest", "The request is invalid."), status=400)
        who = app.client_id if app else ""
        port = request.transport.get_extra_info("peername")[1] if request.transport else 0
        await self._note(Asked(time.monotonic(), name, who, parameters, dict(request.query), dict(request.headers), port))

        def answer() -> web.Response:
            return self._ran(request, app, name, parameters)

        return await self._do(request, self._next(name), answer)

    def _ran(self, request: web.Request, app: App | None, name: str, parameters: Mapping[str, Any]) -> web.Response:
        if app is None:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})
        anchor = request.headers.get("X-AnchorMailbox", "")
        if request.match_info["tenant"].lower() not in (GUID, DOMAIN) or not anchor.startswith("APP:SystemMailbox{"):
            return web.json_response(troubles.refusal("BadRequest", "The anchor mailbox or the tenant is wrong."), status=400)
        if name not in app.may or name not in cmdlets.CMDLETS:
            return troubles.not_allowed()
        try:
            rows = cmdlets.run(self.state, name, parameters, app.client_id)
        except cmdlets.Refusal as no:
            return web.json_response(troubles.refusal(no.code, "Error executing cmdlet.", no.message), status=no.status)
        if name in cmdlets.WRITING:
            return web.Response(status=200)
        return self._page(request, rows)

    def _page(self, request: web.Request, rows: list[Row]) -> web.Response:
        prefer = request.headers.get("Prefer", "").partition("odata.maxpagesize=")[2]
        size = min(int(prefer or PAGE), self.page_size)
        start = int(request.query.get("$skiptoken", 0))
        shown = [_selected(row, request.query.get("$select")) for row in rows[start : start + size]]
        document: dict[str, Any] = {"@odata.context": f"{self.url}/adminapi/beta/$metadata", "value": shown}
        if start + size < len(rows):
            document["@odata.nextLink"] = str(request.url.update_query({"$skiptoken": start + size}))
        return web.json_response(document)

    # ---- both

    async def _note(self, request: Asked) -> None:
        async with self._came:
            self.requests.append(request)
            self._came.notify_all()

    def _next(self, what: str) -> Trouble | None:
        """The next trouble of that request, one time less of it."""
        for place, trouble in enumerate(self._troubles):
            if trouble.on == what or (trouble.on == "*" and "-" in what and what in cmdlets.CMDLETS):
                if trouble.times is not None:
                    left = replace(trouble, times=trouble.times - 1)
                    self._troubles[place : place + 1] = [left] if left.times else []
                return trouble
        return None

    async def _do(self, request: web.Request, trouble: Trouble | None, answer: Callable[[], web.Response]) -> web.StreamResponse:
        if trouble is None or trouble.name not in troubles.TROUBLES:
            return answer()
        return await troubles.TROUBLES[trouble.name](Exchange(request, trouble, answer))


def _selected(row: Row, select: str | None) -> Row:
    wanted = select.split(",") if select else list(row)
    return {key: row[key] for key in wanted if key in row}
