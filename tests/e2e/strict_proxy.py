"""Between the bot and local-slack: what real Slack refuses and local-slack lets pass, faults on demand, and a record of all.

Web API, Socket Mode and response_urls all lead through here. `violations` is what Slack, or a reader of its pages, would
hold against the bot: it ends every test empty. Refusals that no bot can foresee (a channel it is not in) are no violations.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
from aiohttp import WSMsgType, web
from slack_sdk.signature import SignatureVerifier

from tests.e2e.slack_rules import Json, check_message, check_view

ACK_SECONDS = 3.0
HOOK_USES = 5
UPDATES_A_MINUTE = 50
TOKENS = {"xoxb-test-token", "xapp-test-token"}
TRIGGER_SECONDS = 3.0
BOT_METHODS = {
    "conversations.replies",
    *("auth.test", "apps.connections.open"),
    *("chat.postMessage", "chat.postEphemeral", "chat.update", "chat.delete"),
    *("views.open", "views.update", "users.info", "usergroups.users.list", "conversations.info", "files.info"),
}
"""What the manifest's scopes allow, the optional ones of docs/install.md, and the app-level token."""

BOT_EVENTS = {"app_mention", "message"}
"""What the manifest subscribes to; local-slack sends whatever happens."""

SIGNING_SECRET = "test-signing-secret"


@dataclass(frozen=True, slots=True)
class Call:
    """One request of the bot's, and what it was answered ("ok" or the error)."""

    at: float
    method: str
    args: Mapping[str, Any]
    answer: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What a method answers instead of reaching local-slack; `seconds` delays, and without a body nothing else happens.

    `raw` instead of `body`: what is no answer of Slack's API, as proxies and load balancers give it.
    """

    status: int = 200
    body: Json | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    raw: bytes | None = None


def rate_limited(seconds: int) -> Fault:
    return Fault(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(seconds)})


def odd(status: int, raw: bytes, kind: str) -> Fault:
    return Fault(status, raw=raw, headers={"Content-Type": kind})


BODIES = {
    "text": (b"upstream connect error or disconnect/reset before headers", "text/plain"),
    "html": (b"<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
    "list": (b'[{"ok": true}]', "application/json"),
    "empty list": (b"[]", "application/json"),
    "string": (b'"ok"', "application/json"),
    "null": (b"null", "application/json"),
    "empty": (b"", "application/json"),
    "no json": (b"{", "application/json"),
    "no utf-8": (b'{"ok": "\xff"}', "application/json; charset=nonsense"),
    "gzip": (b"\x1f\x8b\x08", "application/gzip"),
    "nothing in it": (b"{}", "application/json"),
    "error of another kind": (b'{"ok": false, "error": {"code": 1}}', "application/json"),
}
"""What stands in an answer's place that is none: bytes and content type."""

ODD = {f"{status} {name}": odd(status, *BODIES[name]) for status in (200, 500, 502, 503, 504) for name in BODIES}


class StrictProxy:
    """`async with StrictProxy(slack.base) as proxy:` gives `proxy.api`, the bot's base URL.

    `rate` messages a second and channel after a `burst`: Slack's "about one a second, short bursts are tolerated".
    `ack_takes`: seconds until an acknowledgement has its effect.
    """

    def __init__(self, base: str, *, rate: float = 1.0, burst: int = 5, outlet: str = "") -> None:
        self._base = base
        self._outlet = outlet
        self._rate, self._burst = rate, burst
        self._buckets: dict[str, tuple[float, float]] = {}
        self._sockets: list[str] = []
        self._live: set[web.WebSocketResponse] = set()
        self.connected = 0  # sockets that were opened, and carry envelopes from then on
        self._hooks: list[str] = []
        self._open_envelopes: dict[str, float] = {}
        self._stack = contextlib.AsyncExitStack()
        self._http: aiohttp.ClientSession
        self._own = ""
        self.calls: list[Call] = []
        self.acks: list[float] = []
        self.violations: list[str] = []
        self.faults: dict[str, list[Fault]] = {}
        self.away: Fault | None = None
        self.closed: dict[str, str] = {}
        self.tokens = set(TOKENS)
        self.groups: dict[str, list[str]] = {}
        self.user_flags: dict[str, Json] = {}
        self.channel_flags: dict[str, Json] = {}
        self.envelopes: list[str] = []
        self.requests: list[tuple[bytes, dict[str, str]]] = []
        self.target = ""
        self.ack_takes = 0.0
        self._triggers: dict[str, float] = {}

    async def __aenter__(self) -> Self:
        self._http = await self._stack.enter_async_context(aiohttp.ClientSession())
        app = web.Application(client_max_size=8 << 20)
        app.router.add_route("*", "/api/{method}", self._api)
        app.router.add_get("/files-pri/{path:.+}", self._file)
        app.router.add_post("/hooks/{number}", self._hook)
        app.router.add_get("/socket/{number}", self._socket)
        app.router.add_post("/slack/events", self._event)
        runner = web.AppRunner(app, shutdown_timeout=1)
        self._stack.push_async_callback(runner.cleanup)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        self._own = f"127.0.0.1:{runner.addresses[0][1]}"
        if self._outlet:
            await web.UnixSite(runner, self._outlet).start()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.violations += [f"no ack of {envelope}" for envelope in self._open_envelopes]
        await self._stack.aclose()

    @property
    def api(self) -> str:
        return f"http://{self._own}/api/"

    def fail(self, method: str, *faults: Fault) -> None:
        """The next calls of `method` ("response_url" and "download" included) meet these, one each."""
        self.faults.setdefault(method, []).extend(faults)

    @contextlib.contextmanager
    def outage(self, fault: Fault) -> Iterator[None]:
        """Everything that the bot asks meets this meanwhile; a Socket Mode connection stays."""
        self.away = fault
        try:
            yield
        finally:
            self.away = None

    def close_channel(self, channel: str, error: str) -> None:
        """From now on the bot cannot write there: `channel_not_found` (private), `is_archived`…"""
        self.closed[channel] = error

    def made(self, method: str, answer: str = "ok") -> list[Call]:
        """The bot's calls of a method that were answered so."""
        return [call for call in self.calls if call.method == method and call.answer == answer]

    async def drop_sockets(self) -> None:
        """As when Slack restarts a server: all Socket Mode connections end."""
        for socket in list(self._live):
            await socket.close()

    async def send_envelope(self, envelope: str) -> None:
        """Once more, as Slack does when it heard no acknowledgement."""
        self._open_envelopes[json.loads(envelope)["envelope_id"]] = time.monotonic()
        for socket in list(self._live):
            await socket.send_str(envelope)

    # ---- Web API

    async def _api(self, request: web.Request) -> web.StreamResponse:
        method = request.match_info["method"]
        raw = await request.read()
        args = await _arguments(request, raw)
        if (fault := self._odd(method)) is not None:
            self.calls.append(Call(time.monotonic(), method, args, f"HTTP {fault.status}"))
            await asyncio.sleep(fault.seconds)
            return web.Response(status=fault.status, body=fault.raw, headers=fault.headers)
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        body, status, headers = await self._answer(request, method, raw, args, token)
        self.calls.append(Call(time.monotonic(), method, args, "ok" if body.get("ok") else str(body.get("error"))))
        return web.json_response(body, status=status, headers=headers)

    async def _answer(
        self, request: web.Request, method: str, raw: bytes, args: Json, token: str
    ) -> tuple[Json, int, Mapping[str, str]]:
        if fault := self._fault(method):
            await asyncio.sleep(fault.seconds)
            if fault.body is not None:
                return fault.body, fault.status, fault.headers
        if token not in self.tokens:
            return {"ok": False, "error": "invalid_auth" if token else "not_authed"}, 200, {}
        error = self._refusal(method, args, token) or self._trigger(method, args) or await self._no_place(method, args)
        if error == "ratelimited":
            return {"ok": False, "error": error}, 429, {"Retry-After": "1"}
        if error:
            return {"ok": False, "error": error}, 200, {}
        if method == "usergroups.users.list":
            users = self.groups.get(str(args.get("usergroup")))
            return ({"ok": True, "users": users} if users is not None else {"ok": False, "error": "no_such_subteam"}), 200, {}
        sent = {key: value for key, value in request.headers.items() if key in ("Authorization", "Content-Type")}
        async with self._http.request(
            request.method, f"{self._base}/api/{method}", params=request.query, data=raw, headers=sent
        ) as response:
            body: Json = await response.json()
        if method == "users.info" and body.get("ok"):
            body["user"] |= self.user_flags.get(body["user"]["id"], {})
        if method == "conversations.info" and body.get("ok"):
            body["channel"] |= self.channel_flags.get(body["channel"]["id"], {})
        if method == "files.info" and body.get("ok"):
            file = body["file"]
            file |= {key: f"http://{self._own}{urlsplit(file[key]).path}" for key in ("url_private", "url_private_download")}
        if method == "apps.connections.open" and body.get("ok"):
            self._sockets.append(body["url"])
            body["url"] = f"ws://{self._own}/socket/{len(self._sockets) - 1}"
        return body, 200, {}

    async def _file(self, request: web.Request) -> web.StreamResponse:
        """A file's content, for the bot token alone."""
        sent = request.headers.get("Authorization", "")
        if sent != "Bearer xoxb-test-token":
            self._violated("download", "not_authed")
        fault = self._fault("download")
        self.calls.append(Call(time.monotonic(), "download", {"path": request.path}, f"HTTP {fault.status}" if fault else "ok"))
        if fault:
            return web.Response(status=fault.status, headers=fault.headers)
        async with self._http.get(f"{self._base}{request.path}", headers={"Authorization": sent}) as found:
            return web.Response(status=found.status, body=await found.read(), content_type=found.content_type)

    def _odd(self, method: str) -> Fault | None:
        """The next fault, if it is no answer of Slack's."""
        waiting = self.faults.get(method)
        coming = self.away or (waiting[0] if waiting else None)
        return self._fault(method) if coming is not None and coming.raw is not None else None

    def _fault(self, method: str) -> Fault | None:
        if self.away is not None:
            return self.away
        waiting = self.faults.get(method)
        return waiting.pop(0) if waiting else None

    def _refusal(self, method: str, args: Json, token: str) -> str:
        """An error that the bot could have known: a violation."""
        wrong: list[str] = []
        if method not in BOT_METHODS:
            wrong = ["missing_scope"]
        elif (method == "apps.connections.open") != token.startswith("xapp-"):
            wrong = ["not_allowed_token_type"]
        elif method in ("views.open", "views.update"):
            wrong = ["invalid_arguments", *errors] if (errors := check_view(args.get("view") or {})) else []
        elif method in ("chat.postMessage", "chat.postEphemeral", "chat.update"):
            if errors := check_message(args.get("text"), args.get("blocks")):
                wrong = ["invalid_blocks", *errors]
            elif method == "chat.postMessage" and not (args.get("unfurl_links") is args.get("unfurl_media") is False):
                wrong = ["names unfurl unless unfurl_links and unfurl_media are false"]
            elif sum(call.at > time.monotonic() - 60 for call in self.made("chat.update")) >= UPDATES_A_MINUTE:
                wrong = ["more than 50 edits a minute"]
        return self._violated(method, *wrong) if wrong else ""

    def _trigger(self, method: str, args: Json) -> str:
        """Slack's are good for three seconds, and once."""
        if method != "views.open":
            return ""
        at = self._triggers.pop(str(args.get("trigger_id")), None)
        if at is None:
            return "exchanged_trigger_id"
        return "expired_trigger_id" if time.monotonic() - at > TRIGGER_SECONDS else ""

    async def _no_place(self, method: str, args: Json) -> str:
        """An error that only the try can tell: no violation, unless the message itself is addressed wrongly."""
        channel = args.get("channel")
        if channel is None:
            return ""
        if not isinstance(channel, str) or not isinstance(args.get("ts", ""), str):
            return self._violated(method, "invalid_arguments", "channel and ts are strings")
        if error := self.closed.get(channel, "") or await self._not_a_member(channel):
            reads = method == "conversations.info" and error != "channel_not_found"
            return "" if reads else error
        if (thread := args.get("thread_ts")) and not await self._is_parent(channel, thread):
            known = any(call.args.get("ts") == thread for call in self.calls)
            return "thread_not_found" if known else self._violated(method, "thread_ts is no parent's ts")
        return self._too_fast(channel) if method == "chat.postMessage" else ""

    async def _not_a_member(self, channel: str) -> str:
        state = await self._control("/state")
        if any(user["id"] == channel for user in state["users"]):
            return ""  # a person's id stands for the direct message with them
        found = next((c for c in state["channels"] if c["id"] == channel), None)
        bots = {app["botUserId"] for app in state["apps"]}
        if found is None:
            return "channel_not_found"
        if found.get("is_im") or bots & set(found["members"]):
            return ""
        # of a private channel Slack does not say that it exists
        return "channel_not_found" if found.get("is_private") else "not_in_channel"

    async def _is_parent(self, channel: str, ts: str) -> bool:
        messages = (await self._control(f"/messages/{channel}"))["messages"]
        return any(m["ts"] == ts and (m.get("thread_ts") or ts) == ts for m in messages)

    def _too_fast(self, channel: str) -> str:
        now = time.monotonic()
        level, at = self._buckets.get(channel, (float(self._burst), now))
        level = min(float(self._burst), level + (now - at) * self._rate)
        self._buckets[channel] = (level - 1 if level >= 1 else level, now)
        return "" if level >= 1 else "ratelimited"

    def _violated(self, method: str, error: str, *details: str) -> str:
        self.violations.append(": ".join((method, error, *details)))
        return error

    async def _control(self, path: str) -> Json:
        async with self._http.get(f"{self._base}/_control{path}") as response:
            body: Json = await response.json()
            return body

    # ---- Socket Mode: envelopes in, acknowledgements out

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        bot = web.WebSocketResponse()
        try:
            async with self._http.ws_connect(self._sockets[int(request.match_info["number"])]) as slack:
                # only now: what local-slack sends while no socket is open is lost
                await bot.prepare(request)
                self._live.add(bot)
                self.connected += 1
                down = asyncio.create_task(self._down(slack, bot))
                await self._up(bot, slack)
                await slack.close()
                await down
        finally:
            self._live.discard(bot)
        return bot

    async def _down(self, slack: aiohttp.ClientWebSocketResponse, bot: web.WebSocketResponse) -> None:
        async for message in slack:
            if message.type is WSMsgType.TEXT:
                envelope = json.loads(message.data)
                if _nobody_subscribed(envelope.get("payload") or {}):
                    await slack.send_str(json.dumps({"envelope_id": envelope["envelope_id"]}))
                    continue
                self._through_here(envelope.get("payload") or {})
                if "envelope_id" in envelope:
                    self.envelopes.append(json.dumps(envelope))
                    self._open_envelopes[envelope["envelope_id"]] = time.monotonic()
                await bot.send_str(json.dumps(envelope))
        await bot.close()

    async def _up(self, bot: web.WebSocketResponse, slack: aiohttp.ClientWebSocketResponse) -> None:
        async for message in bot:
            if message.type is not WSMsgType.TEXT:
                continue
            answer = json.loads(message.data)
            # two sockets acknowledge one envelope; real Slack would have sent it to one of them
            took = time.monotonic() - self._open_envelopes.pop(answer["envelope_id"], time.monotonic())
            self.acks.append(took)
            if took > ACK_SECONDS:
                self.violations.append(f"ack after {took:.1f} s")
            if answer.get("payload"):
                self._judge_ack(answer["payload"])
            await asyncio.sleep(self.ack_takes)
            await slack.send_str(message.data)

    def _through_here(self, payload: Json) -> None:
        """Its response_url leads through here, and its trigger begins to live."""
        if payload.get("response_url"):
            self._hooks.append(payload["response_url"])
            payload["response_url"] = f"http://{self._own}/hooks/{len(self._hooks) - 1}"
        if payload.get("trigger_id"):
            self._triggers[payload["trigger_id"]] = time.monotonic()

    # ---- signed HTTP: requests in, acknowledgements out

    async def _event(self, request: web.Request) -> web.StreamResponse:
        """local-slack's request, checked, changed, and signed anew for `target`."""
        raw = await request.read()
        if not SignatureVerifier(SIGNING_SECRET).is_valid_request(raw, dict(request.headers)):
            self._violated("local-slack", "bad signature")
        if request.content_type == "application/json" and _nobody_subscribed(json.loads(raw)):
            return web.Response()
        body, kind = self._changed(raw, request.content_type)
        headers = {"Content-Type": kind, **signature(body)}
        self.requests.append((body, headers))
        began = time.monotonic()
        async with self._http.post(self.target, data=body, headers=headers) as answer:
            text = await answer.text()
        self.acks.append(time.monotonic() - began)
        if answer.status != 200 or self.acks[-1] > ACK_SECONDS:
            self.violations.append(f"HTTP {answer.status} after {self.acks[-1]:.1f} s")
        if answer.content_type == "application/json" and text:
            self._judge_ack(json.loads(text))
        return web.Response(status=answer.status, text=text, content_type=answer.content_type)

    def _changed(self, raw: bytes, kind: str) -> tuple[bytes, str]:
        if kind == "application/json":
            return raw, kind
        form = dict(parse_qsl(raw.decode(), keep_blank_values=True))
        if "payload" in form:
            payload = json.loads(form["payload"])
            self._through_here(payload)
            form["payload"] = json.dumps(payload)
        else:
            self._through_here(form)
        return urlencode(form).encode(), "application/x-www-form-urlencoded"

    # ---- response_url

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        number = int(request.match_info["number"])
        uses = sum(call.method == "response_url" and call.args["hook"] == number for call in self.calls)
        answer = "ok"
        if uses >= HOOK_USES:
            answer = self._violated("response_url", f"used more than {HOOK_USES} times")
        if fault := self._fault("response_url"):
            answer = f"HTTP {fault.status}"
        self.calls.append(Call(time.monotonic(), "response_url", {**body, "hook": number}, answer))
        if fault and fault.raw is not None:
            return web.Response(status=fault.status, body=fault.raw, headers=fault.headers)
        if fault:
            return web.json_response(fault.body, status=fault.status, headers=fault.headers)
        if answer != "ok":
            return web.Response(status=404, text="used_url")
        self._judge_private("response_url", body)
        async with self._http.post(self._hooks[number], json=body) as response:
            return web.Response(status=response.status, text=await response.text())

    def _judge_ack(self, body: Json) -> None:
        """Of a form that was sent: what it becomes; of anything else: a message for the asker alone."""
        action = body.get("response_action")
        if action is None:
            self._judge_private("ack", body)
        elif action == "update" and (errors := check_view(body.get("view") or {})):
            self._violated("ack", *errors)
        elif action == "errors" and not body.get("errors"):
            self._violated("ack", "errors without any")

    def _judge_private(self, what: str, body: Json) -> None:
        if body.get("response_type") not in ("ephemeral", "in_channel"):
            self._violated(what, "response_type is not said")
        if what == "response_url" and not (body.get("unfurl_links") is body.get("unfurl_media") is False):
            self._violated(what, "names unfurl unless unfurl_links and unfurl_media are false")
        if "blocks" in body and (errors := check_message(body.get("text"), body["blocks"])):
            self._violated(what, *errors)


def _nobody_subscribed(payload: Json) -> bool:
    return "event" in payload and payload["event"].get("type") not in BOT_EVENTS


def signature(body: bytes, *, secret: str = SIGNING_SECRET, at: float | None = None) -> dict[str, str]:
    """The headers with which Slack signs."""
    stamp = str(int(time.time() if at is None else at))
    signed = SignatureVerifier(secret).generate_signature(timestamp=stamp, body=body)
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": str(signed)}


async def _arguments(request: web.Request, raw: bytes) -> Json:
    """As Slack reads them: query, form or JSON, with JSON within forms unpacked."""
    args: Json = dict(request.query)
    if request.content_type == "application/json":
        args |= json.loads(raw or b"{}")
    elif request.method == "POST":
        args |= dict(await request.post())
    for key in ("blocks", "attachments", "metadata", "view"):
        if isinstance(args.get(key), str):
            args[key] = json.loads(args[key])
    args.pop("token", None)
    return args
