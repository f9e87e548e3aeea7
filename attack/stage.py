"""A Slack as strict as the real one, sound and hostile peers, and the bot between them: what every attack happens on."""

import asyncio
import json
import random
import socket
import sqlite3
import tempfile
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from attack.proxy import Proxy
from attack.service import PEER_PORTS, Json, Serve, free_port, peer
from bot.demo.local_slack import BINARY, LocalSlack
from tests.e2e import outward
from tests.e2e.strict_proxy import SIGNING_SECRET

BOT = "U0BOT"
TRANSPORTS = ("socket", "http")
PEOPLE, ROOMS = 40, 240
TIMEOUT = 5
_RUNNING = "⏳"

Names = Mapping[str, Sequence[str] | str]
"""DNS as a world of the lab has it: name → records."""


@dataclass(slots=True)
class Question:
    """What somebody asked in a room of its own. `expects`: what the answer has to have in it."""

    room: str
    user: str
    text: str
    expects: str = ""
    asked: float = field(default_factory=time.monotonic)
    answered: float | None = None


class Stage:
    """`serve` is started by `opened`; the rest is there before."""

    def __init__(self, slack: LocalSlack, proxy: Proxy, serve: Serve, folder: Path, transport: str) -> None:
        self.slack, self.proxy, self.serve, self.folder, self.transport = slack, proxy, serve, folder, transport
        self.questions: list[Question] = []
        self._rooms = iter(range(ROOMS))
        self._typing: set[asyncio.Task[Any]] = set()

    def ask(self, person: int, text: str, expects: str = "") -> Question:
        """Type a slash command; returns at once."""
        question = self._question(person, text, expects)
        task = asyncio.create_task(self.slack.command(question.room, question.user, text))
        self._typing.add(task)
        task.add_done_callback(self._typing.discard)
        return question

    async def upload(self, person: int, name: str, content: bytes, expects: str = "") -> Question:
        """Drop a file into a room and mention the bot, which is to explain it."""
        question = self._question(person, f"explain {name}", expects)
        form = aiohttp.FormData({"channel": question.room, "user": question.user, "text": f"<@{BOT}> explain"})
        form.add_field("file", content, filename=name)
        async with aiohttp.ClientSession() as http, http.post(f"{self.slack.base}/_control/upload", data=form) as answer:
            answer.raise_for_status()
        return question

    def _question(self, person: int, text: str, expects: str) -> Question:
        question = Question(f"C0ROOM{next(self._rooms)}", f"U0PERSON{person}", text, expects)
        self.questions.append(question)
        return question

    async def said(self, question: Question) -> list[Json]:
        """What the bot wrote in the question's room, also for the asker alone."""
        direct = [dict(c.args) for c in self.proxy.calls if c.method == "chat.postMessage" and c.args["channel"] == question.user]
        return await self._public(question) + self.proxy.private.get(question.room, []) + direct

    async def _public(self, question: Question) -> list[Json]:
        return [m for m in await self.slack.messages(question.room) if m.get("user") == BOT]

    async def is_answered(self, question: Question) -> bool:
        if question.answered is None and any(not m["text"].startswith(_RUNNING) for m in await self.said(question)):
            question.answered = time.monotonic()
        return question.answered is not None

    async def all_answered(self, seconds: float, questions: Sequence[Question] | None = None) -> list[Question]:
        """Waits so long for these, else for all; those that have no answer then."""
        end = time.monotonic() + seconds
        while True:
            left = [q for q in questions or self.questions if not await self.is_answered(q)]
            if not left or time.monotonic() > end:
                return left
            await asyncio.sleep(0.2)

    async def still_running(self) -> list[Question]:
        """Whose message says that it runs."""
        return [q for q in self.questions if any(m["text"].startswith(_RUNNING) for m in await self._public(q))]

    async def texts(self) -> str:
        return json.dumps([m["text"] for q in self.questions for m in await self.said(q)], ensure_ascii=False)

    def let_leases_end(self) -> None:
        """As if half a minute had passed since the process died."""
        with sqlite3.connect(self.folder / "mailflow.sqlite3") as database:
            database.execute("update mailflow_answers set lease_until = started where finished is null")


@asynccontextmanager
async def opened(
    transport: str,
    *,
    names: Names | None = None,
    connectors: Sequence[Json] = (),
    hostile: bool = False,
    nofile: int = 0,
    start: bool = True,
    variables: Mapping[str, str] | None = None,
) -> AsyncIterator[Stage]:
    """Everything, on loopback. Leaving it leaves no process behind. Raises local_slack.Unavailable."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailflow-attack-")))
        slack, proxy = await _slack(stack, transport, folder)
        port = _peer_port()
        world = folder / "names.json"
        world.write_text(json.dumps(names or {}), encoding="utf-8")
        sound = await stack.enter_async_context(peer("attack.peers.sound", str(port), str(folder), str(world)))
        if hostile:
            await stack.enter_async_context(peer("attack.peers.hostile", str(port), str(folder)))
        more = _over_http(proxy) if transport == "http" else {"SLACK_APP_TOKEN": "xapp-test-token"}
        serve = Serve(
            folder,
            _flags(folder, sound, port, connectors),
            {**_common(folder, proxy), **more, **(variables or {})},
            nofile=nofile,
        )
        stack.push_async_callback(serve.kill)
        if start:
            await serve.start()
        yield Stage(slack, proxy, serve, folder, transport)


async def _slack(stack: AsyncExitStack, transport: str, folder: Path) -> tuple[LocalSlack, Proxy]:
    outlet = folder / "out"
    app = {"appId": "A01MAILFLOW", "botUserId": BOT, "botName": "mailflow", "botToken": "xoxb-test-token"}
    app |= {"appToken": "xapp-test-token", "signingSecret": SIGNING_SECRET, "mode": "socket"}
    binary = None
    if transport == "http":
        app |= {"mode": "events", "requestUrl": f"http://127.0.0.1:{outward.PORT}/slack/events"}
        binary = outward.wrapper(folder, outlet, BINARY)
    people = [f"U0PERSON{n}" for n in range(PEOPLE)]
    seed = {
        "workspace": {"name": "Attack", "domain": "mailflow-attack", "teamId": "T01TEST"},
        "app": app,
        "users": [{"id": id, "name": id.lower(), "real_name": id} for id in people],
        "channels": [{"id": f"C0ROOM{n}", "name": f"room{n}", "members": [BOT, *people]} for n in range(ROOMS)],
    }
    slack = await stack.enter_async_context(LocalSlack(seed, binary=binary))
    proxy = await stack.enter_async_context(Proxy(slack.base, outlet=str(outlet) if transport == "http" else ""))
    return slack, proxy


def _over_http(proxy: Proxy) -> dict[str, str]:
    address = f"127.0.0.1:{free_port()}"
    proxy.target = f"http://{address}/slack/events"
    return {"SLACK_SIGNING_SECRET": SIGNING_SECRET, "MAILFLOW_HTTP_ADDRESS": address}


def _common(folder: Path, proxy: Proxy) -> dict[str, str]:
    return {
        "SLACK_BOT_TOKEN": "xoxb-test-token",
        "SLACK_API_URL": proxy.api,
        "MAILFLOW_ENDPOINTS_URL": "",
        "MAILFLOW_DATABASE_URL": f"sqlite:///{folder}/mailflow.sqlite3",
    }


def _flags(folder: Path, sound: Json, port: int, connectors: Sequence[Json]) -> tuple[str, ...]:
    flags = ["--allow-private", "--control-host", "", "--timeout", str(TIMEOUT), "--dns", sound["dns"]]
    flags += ["--smtp-port", str(port), "--ca-file", sound["ca_file"], "--ehlo-name", "attack.test"]
    if connectors:
        file = folder / "connectors.json"
        file.write_text(json.dumps(list(connectors)), encoding="utf-8")
        flags += ["--connectors", str(file)]
    return tuple(flags)


def _peer_port() -> int:
    """Free on all addresses: the silent listener is bound to each of them."""
    for _ in range(50):
        port = random.choice(PEER_PORTS)  # noqa: S311 - no secret
        with socket.socket() as tried:
            try:
                tried.bind(("", port))
            except OSError:
                continue
            return port
    raise OSError("no port is free for the peers")
