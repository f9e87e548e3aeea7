"""local-slack, a stand-in for Slack with Socket Mode and a page to look at: start it, drive it, end it.

It listens on all interfaces and cannot be told otherwise, so it runs inside `enclosure.py`; outside is only 127.0.0.1.
"""

import asyncio
import contextlib
import json
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp

HERE = Path(__file__).parent
BINARY = HERE / "node_modules" / "local-slack-linux-x64" / "bin" / "local-slack"
ENCLOSURE = HERE / "enclosure.py"
START_SECONDS = 15.0
END_SECONDS = 5.0
VIEW_SECONDS = 6.0

Json = dict[str, Any]
T = TypeVar("T")


class Unavailable(Exception):
    """local-slack cannot run here; the text says why, fit to be shown."""


class LocalSlack:
    """`async with LocalSlack(config) as slack:`; config: its seed (workspace, app, users, channels), or a file of it.

    `base` is the page's address, `api` the base URL of the Web API. Raises Unavailable on entry.
    """

    def __init__(self, config: Mapping[str, Any] | Path, *, binary: Path | None = None) -> None:
        self._config = config
        self._binary = binary or BINARY
        self._stack = contextlib.AsyncExitStack()
        self._process: asyncio.subprocess.Process
        self._http: aiohttp.ClientSession
        self.port = 0
        self.base = ""
        self.api = ""

    async def __aenter__(self) -> Self:
        if not self._binary.is_file():
            raise Unavailable("local-slack is not installed (npm ci in bot/demo does it)")
        async with contextlib.AsyncExitStack() as stack:
            await self._start(stack)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()

    async def _start(self, stack: contextlib.AsyncExitStack) -> None:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailflow-slack-")))
        config = self._config
        if not isinstance(config, Path):
            config = folder / "config.json"
            config.write_text(json.dumps(self._config), encoding="utf-8")
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.port = listener.getsockname()[1]
        self.base = f"http://127.0.0.1:{self.port}"
        self.api = self.base + "/api/"
        # the same number inside and outside: local-slack writes it into the addresses it hands out
        server = [str(self._binary), "--config", str(config), "--port", str(self.port), "--base-host", "127.0.0.1"]
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(ENCLOSURE), str(listener.fileno()), str(self.port)),
            *(*server, "--files-dir", str(folder)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            pass_fds=[listener.fileno()],
            cwd=folder,
            # Ctrl-C reaches the whole group of a terminal; the bot shall still find its Slack while it finishes
            start_new_session=True,
        )
        # from here on the enclosure alone listens: when it ends, connections are refused
        listener.close()
        stack.push_async_callback(self._end)
        await self._until_ready()
        self._http = await stack.enter_async_context(aiohttp.ClientSession())

    async def _until_ready(self) -> None:
        assert self._process.stdout  # noqa: S101 (it is a pipe)
        try:
            async with asyncio.timeout(START_SECONDS):
                line = (await self._process.stdout.readline()).decode().strip()
        except TimeoutError:
            line = "local-slack gave no sign of life"
        if line != "ready":
            raise Unavailable(line or "local-slack ended at once")

    async def _end(self) -> None:
        """The end of its standard input ends it; only a process that this object started is ever killed."""
        assert self._process.stdin  # noqa: S101 (it is a pipe)
        self._process.stdin.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def state(self) -> Json:
        return await self._get("/state")

    async def log(self) -> list[Json]:
        """What went to and fro, newest last; entries have a `kind`, as "ack"."""
        found: list[Json] = (await self._get("/log"))["log"]
        return found

    async def messages(self, channel: str) -> list[Json]:
        """All messages of a channel; replies have `thread_ts`."""
        found: list[Json] = (await self._get(f"/messages/{channel}"))["messages"]
        return found

    async def reset(self) -> None:
        """Back to the seed."""
        await self._post("/reset", {})

    async def command(self, channel: str, user: str, text: str, command: str = "/mailflow") -> Json:
        """Type a slash command. Returns after the ack, or after 5 s without one."""
        return await self._post("/command", {"channel": channel, "user": user, "command": command, "text": text})

    async def post(self, channel: str, user: str, text: str, thread_ts: str | None = None) -> Json:
        """Write a message as a user."""
        return await self._post("/message", {"channel": channel, "user": user, "text": text, "thread_ts": thread_ts})

    async def click(self, message: Json, action_id: str, user: str) -> Json:
        """Click a button of a message. Raises LookupError when it has none of that id."""
        for block in message.get("blocks", []):
            for element in (*block.get("elements", ()), block.get("accessory") or {}):
                if element.get("action_id") == action_id:
                    action = {key: element.get(key) for key in ("type", "action_id", "value", "text")}
                    action["block_id"] = block.get("block_id")
                    body = {"channel": message["channel"], "messageTs": message["ts"], "user": user, "action": action}
                    return await self._post("/interact", body)
        raise LookupError(f"no element {action_id!r} in {json.dumps(message)[:300]}")

    async def open_home(self, user: str) -> Json:
        return await self._post("/open-home", {"user": user})

    async def ui_snapshot(self) -> Json:
        """What the page shows: messages, modalStack, homeViews[user][app]."""
        async with self._http.ws_connect(self.base + "/ui") as page:
            state: Json = (await page.receive_json())["state"]
            return state

    async def submit_view(self, user: str, values: Json) -> Json:
        """Submit the top modal: values[block_id][action_id] = {"type", "value"}. Gives "errors" or "stack"."""
        async with self._http.ws_connect(self.base + "/ui") as page, asyncio.timeout(VIEW_SECONDS):
            await page.receive()
            await page.send_json({"t": "view_submit", "user": user, "values": values})
            while True:
                heard: Json = await page.receive_json()
                if heard["t"] == "view_errors":
                    return {"errors": heard["errors"]}
                if heard["t"] == "view":
                    return {"stack": heard["stack"]}

    async def _get(self, path: str) -> Json:
        async with self._http.get(f"{self.base}/_control{path}") as response:
            found: Json = await response.json()
            return found

    async def _post(self, path: str, body: Json) -> Json:
        async with self._http.post(f"{self.base}/_control{path}", json=body) as response:
            found: Json = await response.json()
            return found


async def eventually(look: Callable[[], Awaitable[T]], *, seconds: float = 10.0, every: float = 0.05) -> T:
    """What `look` finds, as soon as that is true. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = await look()
            if found:
                return found
            await asyncio.sleep(every)
