"""The strict proxy of the end-to-end tests, which can besides be a Slack in trouble, and tells what waits for its ack."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import aiohttp
from aiohttp import web

from attack.service import Json
from tests.e2e.strict_proxy import StrictProxy

Outage = Callable[[str, bytes], "Trouble | None"]
"""Called with the method ("response_url" for hooks) and the body: None lets the call through."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """An HTTP answer that is not Slack's own: any status, any body."""

    status: int
    body: bytes
    content_type: str


class Proxy(StrictProxy):
    """`trouble` answers instead of Slack while it is set."""

    def __init__(self, base: str, *, outlet: str = "") -> None:
        super().__init__(base, outlet=outlet)
        self.trouble: Outage | None = None
        self.troubled = 0
        self.private: dict[str, list[Json]] = {}
        """Room → what the bot wrote there for the asker alone, which no history of the room has."""
        self._rooms: list[str] = []
        self._requests_open: dict[int, float] = {}

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        # a new connection for each request, as Slack may make: one that is kept would hide a port that takes none
        connector = aiohttp.TCPConnector(force_close=True, limit=0)
        self._http = await self._stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        return self

    def waiting_for_ack(self) -> list[float]:
        """Seconds since each envelope or request that has no acknowledgement yet."""
        now = time.monotonic()
        return [now - at for at in (*self._open_envelopes.values(), *self._requests_open.values())]

    async def _api(self, request: web.Request) -> web.StreamResponse:
        return await self._trouble(request, request.match_info["method"]) or await super()._api(request)

    def _through_here(self, payload: Json) -> None:
        if payload.get("response_url"):
            self._rooms.append(str(payload.get("channel_id") or payload.get("channel", {}).get("id") or ""))
        super()._through_here(payload)

    async def _hook(self, request: web.Request) -> web.StreamResponse:
        if trouble := await self._trouble(request, "response_url"):
            return trouble
        answer = await super()._hook(request)
        if answer.status == 200:
            room = self._rooms[int(request.match_info["number"])]
            self.private.setdefault(room, []).append({"text": (await request.json()).get("text", ""), "user": "U0BOT"})
        return answer

    async def _event(self, request: web.Request) -> web.StreamResponse:
        self._requests_open[id(request)] = time.monotonic()
        try:
            return await super()._event(request)
        except aiohttp.ClientError:
            return web.Response(status=502)  # the bot was killed: Slack tells that to the person itself
        finally:
            self._requests_open.pop(id(request))

    async def _trouble(self, request: web.Request, method: str) -> web.Response | None:
        trouble = self.trouble(method, await request.read()) if self.trouble else None
        if trouble is None:
            return None
        self.troubled += 1
        return web.Response(status=trouble.status, body=trouble.body, content_type=trouble.content_type)
