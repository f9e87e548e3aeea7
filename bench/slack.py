"""Figures of Slack: a burst of commands, memory, a click. With a real `mailflow serve`, local-slack and `bench.server`."""

import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from bot.demo.local_slack import Json, LocalSlack, Unavailable, eventually
from diagnostics.probes.flights import FRESH_SECONDS

ROOT = Path(__file__).parents[1]
USERS, CHANNELS = 20, 10  # a command for each pair: 10 a person, far below what one person may ask for
COMMANDS = USERS * CHANNELS
CLICKED, CLICKER = f"C0CHANNEL{CHANNELS}", "U0USER0"
CLICKS = 5
START, IDLE, ANSWERED, END = 20.0, 5.0, 60.0, 30.0  # seconds
TIMEOUT = 2.0  # of the bot's probes
BOT, TOKENS = "U0BOT", ("xoxb-bench", "xapp-bench")

SEED: Json = {
    "workspace": {"name": "Bench", "domain": "mailflow-bench", "teamId": "T0BENCH"},
    "app": {
        "appId": "A0MAILFLOW",
        "botUserId": BOT,
        "botName": "mailflow",
        "botToken": TOKENS[0],
        "appToken": TOKENS[1],
        "signingSecret": "unused",
        "mode": "socket",
    },
    "users": [{"id": f"U0USER{n}", "name": f"user{n}", "real_name": f"User {n}"} for n in range(USERS)],
    "channels": [
        {"id": f"C0CHANNEL{n}", "name": f"channel{n}", "members": [BOT, *(f"U0USER{n}" for n in range(USERS))]}
        for n in range(CHANNELS + 1)  # the last one is for clicks
    ],
}


CREDENTIALS = {
    "MAILFLOW_EXCHANGE_TENANT": "11111111-2222-4333-8444-555555555555",
    "MAILFLOW_EXCHANGE_CLIENT_ID": "11111111-2222-4333-8444-666666666666",
    "MAILFLOW_EXCHANGE_CLIENT_SECRET": "bench",
    "MAILFLOW_EXCHANGE_FIX_CLIENT_ID": "11111111-2222-4333-8444-777777777777",
    "MAILFLOW_EXCHANGE_FIX_CLIENT_SECRET": "bench",
    "MAILFLOW_EXCHANGE_URL": "https://127.0.0.1:9",
    "MAILFLOW_LOGIN_URL": "https://127.0.0.1:9",
    "MAILFLOW_FIX_APPROVERS": "U0USER1",
}
"""Nothing is asked for, so nobody has to answer there."""


def measure() -> None:
    """Prints a row a figure. `bench.server` must not run meanwhile: its ports are fixed."""
    asyncio.run(_measure())


async def _measure() -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailflow-bench-")))
        try:
            slack = await stack.enter_async_context(LocalSlack(SEED))
        except Unavailable as why:
            _row("Slack", f"not measured: {why}")
            return
        lab = await stack.enter_async_context(_lab())
        # a connection for each command, so that none waits for another one here
        http = await stack.enter_async_context(aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)))
        async with _serve(slack, lab, folder, http) as pid:
            await asyncio.sleep(IDLE)
            _row(f"idle serve, {IDLE:g} s after its start (< 170 MiB)", f"{_rss(pid):.0f} MiB")
            await _burst(slack, http)
            _row("  memory after the burst", f"{_rss(pid):.0f} MiB")
        async with _serve(slack, lab, folder, http, **CREDENTIALS) as pid:
            await asyncio.sleep(IDLE)
            _row("  idle, with credentials of Exchange Online (< 170 MiB)", f"{_rss(pid):.0f} MiB")
        # another one: after a burst, edits wait for what Slack takes in a minute
        async with _serve(slack, lab, folder, http):
            for what, seconds in (await _clicks(slack)).items():
                figure = f"{statistics.median(seconds) * 1000:.0f} ms, slowest {max(seconds) * 1000:.0f} ms"
                _row(f"Check again of a {what} server: click to first sign (< 1 s)", figure)


@asynccontextmanager
async def _lab() -> AsyncIterator[Json]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.server"), cwd=ROOT, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None  # noqa: S101 - they are pipes
    assert process.stdout is not None  # noqa: S101
    try:
        async with asyncio.timeout(START):
            lab: Json = json.loads(await process.stdout.readline())
        yield lab
    finally:
        process.stdin.close()
        await _ended(process)


@asynccontextmanager
async def _serve(slack: LocalSlack, lab: Json, folder: Path, http: aiohttp.ClientSession, **more: str) -> AsyncIterator[int]:
    """`mailflow serve` as a process of its own, with a new store of the default kind; its id, once it takes commands."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    with socket.create_server(("127.0.0.1", 0)) as found:
        ops = f"127.0.0.1:{found.getsockname()[1]}"
    variables = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "HOME": str(folder),
        "SLACK_BOT_TOKEN": TOKENS[0],
        "SLACK_APP_TOKEN": TOKENS[1],
        "SLACK_API_URL": slack.api,
        "MAILFLOW_OPS_ADDRESS": ops,
        "MAILFLOW_ENDPOINTS_URL": "",
        "MAILFLOW_DATABASE_URL": f"sqlite:///{folder}/mailflow.sqlite3",
        **more,
    }
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "serve", "--allow-private", "--control-host", "", "--timeout", f"{TIMEOUT:g}"),
            *("--dns", lab["dns"], "--smtp-port", str(lab["smtp_port"]), "--ca-file", lab["ca_file"]),
            *("--ehlo-name", "bench.test"),
            cwd=folder,
            env=variables,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    async def ready() -> bool:
        if process.returncode is not None:
            raise RuntimeError(f"mailflow serve ended: {log.read_text()[-500:]}")
        try:
            async with http.get(f"http://{ops}/readyz") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    try:
        await eventually(ready, seconds=START)
        yield process.pid
    finally:
        # not asked to end: it would first finish what it is owed, at 48 edits a minute
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Killed when it does not end by itself."""
    try:
        async with asyncio.timeout(END):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _burst(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    await asyncio.gather(*(_warm(slack, http) for _ in range(COMMANDS)))
    started = time.perf_counter()
    acks = await asyncio.gather(*(_command(slack, http, user, channel) for user, channel in _pairs()))
    messages: list[list[Json]] = []

    async def answered() -> bool:
        nonlocal messages
        messages = [await slack.messages(f"C0CHANNEL{channel}") for channel in range(CHANNELS)]
        return _answers(messages) == COMMANDS

    try:
        await eventually(answered, seconds=ANSWERED, every=0.2)
        end = f"in {time.perf_counter() - started:.1f} s"
    except TimeoutError:
        end = f"{COMMANDS - _answers(messages)} LOST after {ANSWERED:g} s"
    slowest, median = max(acks) * 1000, statistics.median(acks) * 1000
    _row(f"{COMMANDS} commands in one burst: slowest ack (< 1 s)", f"{slowest:.0f} ms, median {median:.0f} ms")
    _row("  answered with a verdict, in the thread or to the asker alone", f"{_answers(messages)} of {COMMANDS}, {end}")
    # a thread is complete before its parent is edited; Slack takes 50 edits a minute
    parents = [m for channel in messages for m in channel if m.get("user") == BOT and _is_parent(m)]
    concluded = sum(m["text"].startswith("✅") for m in parents)
    _row("  parents that say it by then (48 edits a minute)", f"{concluded} of {len(parents)}")


def _pairs() -> Iterator[tuple[int, int]]:
    return ((user, channel) for channel in range(CHANNELS) for user in range(USERS))


def _host(user: int, channel: int) -> str:
    """No two commands of one channel ask for the same, so that each answer can be told."""
    return f"mx{user + 1 + USERS * (channel % 2)}.bench.test"


async def _warm(slack: LocalSlack, http: aiohttp.ClientSession) -> None:
    """What is measured is not how fast local-slack's side takes 200 new connections."""
    async with http.get(f"{slack.base}/_control/state") as answer:
        await answer.read()


async def _command(slack: LocalSlack, http: aiohttp.ClientSession, user: int, channel: int) -> float:
    """Seconds to the ack, and a little more: local-slack answers when it has that, or after 5 s without."""
    text = f"check {_host(user, channel)}"
    body = {"channel": f"C0CHANNEL{channel}", "user": f"U0USER{user}", "command": "/mailflow", "text": text}
    started = time.perf_counter()
    async with http.post(f"{slack.base}/_control/command", json=body) as answer:
        await answer.read()
    return time.perf_counter() - started


def _answers(channels: list[list[Json]]) -> int:
    """How many commands have a verdict."""
    verdicts = [[m for m in messages if m.get("user") == BOT and m["text"].startswith("✅")] for messages in channels]
    return sum(any(_is_for(m, user, _host(user, channel)) for m in verdicts[channel]) for user, channel in _pairs())


def _is_for(message: Json, user: int, host: str) -> bool:
    return _names(message, host) and message.get("ephemeral_to", f"U0USER{user}") == f"U0USER{user}"


def _names(message: Json, host: str) -> bool:
    return host in message["text"].replace(":", " ").split()


def _is_parent(message: Json) -> bool:
    return message.get("subtype") != "ephemeral" and message.get("thread_ts", message["ts"]) == message["ts"]


async def _clicks(slack: LocalSlack) -> dict[str, list[float]]:
    """Seconds from each click to a new reply in its thread. Of a silent server it says that the check runs."""
    hosts = {
        what: [f"{name}{n}.bench.test" for n in range(1, CLICKS + 1)] for what, name in (("healthy", "mx"), ("silent", "hole"))
    }
    every = [host for group in hosts.values() for host in group]
    await asyncio.gather(*(slack.command(CLICKED, CLICKER, f"check {host}") for host in every))
    buttons: dict[str, Json] = {}

    async def clickable() -> bool:
        for message in await slack.messages(CLICKED):
            if "check-again" in json.dumps(message.get("blocks", [])):
                buttons.update({host: message for host in every if _names(message, host)})
        return len(buttons) == len(every)

    await eventually(clickable)
    # clicked sooner, it says again what it has just said
    await asyncio.sleep(FRESH_SECONDS + 1)
    return {what: [await _click(slack, buttons[host]) for host in group] for what, group in hosts.items()}


async def _click(slack: LocalSlack, button: Json) -> float:
    thread = button.get("thread_ts", button["ts"])

    async def replies() -> int:
        return sum(m.get("thread_ts") == thread for m in await slack.messages(CLICKED))

    before = await replies()

    async def more() -> bool:
        return await replies() > before

    started = time.perf_counter()
    await slack.click(button, "check-again", CLICKER)
    await eventually(more, every=0.005)
    return time.perf_counter() - started


def _rss(pid: int) -> float:
    """Resident memory in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _row(what: str, figure: str) -> None:
    print(f"{what:<62} {figure}", flush=True)
