"""local-slack runs, is reached from this machine alone, and never outlives who started it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bot.demo import in_slack
from bot.demo.enclosure import __file__ as ENCLOSURE
from bot.demo.local_slack import BINARY, LocalSlack, Unavailable, eventually

ROOT = Path(__file__).parents[2]
USES_IT = pytest.mark.needs("local-slack", "namespaces")
LISTEN = "0A"


def listening(port: int) -> set[str]:
    """The local addresses, in the kernel's hexadecimal, on which this port is listened to in our namespace."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return {row[1].partition(":")[0] for row in lines if row[3] == LISTEN and row[1].endswith(f":{port:04X}")}


def running(port: int) -> list[int]:
    """Processes that have this port on their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if str(port).encode() in words:
            found.append(int(folder.name))
    return found


@USES_IT
async def test_it_is_reached_on_loopback_alone() -> None:
    async with LocalSlack(in_slack.SEED) as slack:
        assert listening(slack.port) == {"0100007F"}
        with socket.socket() as outside, pytest.raises(ConnectionRefusedError):
            # another address of this machine: "all interfaces" would answer here
            outside.connect(("127.0.0.9", slack.port))
        assert len(running(slack.port)) == 2
    assert listening(slack.port) == set()
    assert running(slack.port) == []


@USES_IT
async def test_page_api_socket_and_control_work_through_the_relay() -> None:
    async with LocalSlack(in_slack.SEED) as slack, aiohttp.ClientSession() as client:
        async with client.get(slack.base) as page:
            assert "<html" in await page.text()
        token = {"Authorization": f"Bearer {in_slack.APP_TOKEN}"}
        async with client.post(slack.api + "apps.connections.open", headers=token) as response:
            url = (await response.json())["url"]
        assert url.startswith(f"ws://127.0.0.1:{slack.port}/")
        async with client.ws_connect(url) as bot:
            assert (await bot.receive_json())["type"] == "hello"
            command = asyncio.create_task(slack.command(in_slack.CHANNEL, in_slack.USER, "check a.test"))
            envelope = await bot.receive_json()
            assert envelope["payload"]["text"] == "check a.test"
            assert envelope["payload"]["response_url"].startswith(slack.base)
            await bot.send_json({"envelope_id": envelope["envelope_id"]})
            await command
        posted = await slack.post(in_slack.CHANNEL, in_slack.USER, "x" * 100_000)
        assert (await slack.messages(in_slack.CHANNEL))[-1]["text"] == posted["message"]["text"] == "x" * 100_000
        assert in_slack.CHANNEL in (await slack.ui_snapshot())["messages"]
        assert "ack" in {entry["kind"] for entry in await slack.log()}
        await slack.reset()
        assert await slack.messages(in_slack.CHANNEL) == []


@USES_IT
async def test_it_ends_with_who_started_it(tmp_path: Path) -> None:
    script = (
        "import asyncio\n"
        "from bot.demo.in_slack import SEED\n"
        "from bot.demo.local_slack import LocalSlack\n"
        "async def main():\n"
        "    async with LocalSlack(SEED) as slack:\n"
        "        print(slack.port, flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )
    assert process.stdout
    port = int(await process.stdout.readline())
    assert len(running(port)) == 2
    process.send_signal(signal.SIGKILL)
    await process.wait()

    async def gone() -> bool:
        return not running(port)

    assert await eventually(gone)


async def test_not_installed(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="local-slack is not installed"):
        await LocalSlack(in_slack.SEED, binary=tmp_path / "local-slack").__aenter__()


@pytest.mark.needs("namespaces")
async def test_it_ends_at_once() -> None:
    with pytest.raises(Unavailable, match=r"^true did not start \(the server ended with code 0\)$"):
        await LocalSlack(in_slack.SEED, binary=Path("/bin/true")).__aenter__()


@pytest.mark.needs("namespaces")
def test_where_namespaces_are_forbidden() -> None:
    """A user namespace whose own limits allow no further one."""
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces && echo 0 > /proc/sys/user/max_net_namespaces && "
    run = f"{forbid} exec {sys.executable} -I {ENCLOSURE} 3 4 /bin/true"
    done = subprocess.run(["unshare", "--user", "--map-root-user", "sh", "-c", run], capture_output=True, text=True, check=False)
    assert done.stdout == "this system allows no network namespace (No space left on device)\n", done.stderr
    assert done.returncode == 1


def test_the_binary_is_where_npm_puts_it() -> None:
    assert BINARY.relative_to(ROOT) == Path("bot/demo/node_modules/local-slack-linux-x64/bin/local-slack")
