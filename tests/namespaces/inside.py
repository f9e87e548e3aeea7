"""Runs a lab and the program inside a network namespace that this process is already in. No pytest here.

One JSON object comes on standard input (Network.run of network.py makes it), one goes out on standard output. The program
is the real one, started for each check; it shares nothing with the lab but the network.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import parse

CHECK_SECONDS = 40.0


def shell(script: str) -> None:
    """The steps of a script, each of which must succeed. Raises CalledProcessError."""
    if script.strip():
        subprocess.run(["bash", "-euo", "pipefail", "-c", script], check=True, stdout=sys.stderr)


async def check(words: Sequence[str]) -> dict[str, Any]:
    """What the program prints, and how it ends."""
    started = time.monotonic()
    program = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bot", "check", *words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            out, errors = await program.communicate()
    finally:
        if program.returncode is None:
            program.kill()
    return {
        "exit_code": program.returncode,
        "out": out.decode(),
        "errors": errors.decode(),
        "seconds": time.monotonic() - started,
    }


async def command(argv: Sequence[str]) -> str:
    """What another program says of the same network, both its streams."""
    program = await asyncio.create_subprocess_exec(
        *argv, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(CHECK_SECONDS):
        return (await program.communicate())[0].decode()


def counted() -> dict[str, int]:
    """Packets by the name of the counter."""
    listed = subprocess.run(["nft", "-j", "list", "counters"], check=False, capture_output=True, text=True).stdout
    rows = json.loads(listed)["nftables"] if listed else []
    return {row["counter"]["name"]: row["counter"]["packets"] for row in rows if "counter" in row}


async def act(order: Mapping[str, Any]) -> dict[str, Any]:
    shell(order["before"])
    world, folder = parse(order["world"]), Path(order["folder"])
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shell, order["end"])
        for daemon in order["daemons"]:
            await stack.enter_async_context(_daemon(daemon))
        lab = await stack.enter_async_context(Lab(world, folder, smtp_port=25, anywhere=True))
        ours = {
            "--ca-file": str(lab.ca_file),
            "--connectors": str(lab.connectors_file),
            "--dns": lab.dns,
            "--ehlo-name": "probe.lab.test",
        }
        shell(order["after"])
        # in turn, so that what was counted is counted for one check at a time
        answers = []
        for words in order["checks"]:
            before = counted() if order["count"] else {}
            flags = [word for flag, value in ours.items() if flag not in words for word in (flag, value)]
            answer = await check([*flags, *words])
            after = counted() if order["count"] else {}
            answers.append(answer | {"packets": {name: n - before.get(name, 0) for name, n in after.items()}})
        return {
            "answers": answers,
            "said": [await command(argv) for argv in order["commands"]],
            "sessions": {address: [s.lines for s in mail.sessions] for address, mail in lab.mail.items()},
            "queries": [[name, kind, times] for (name, kind), times in lab.queries.items()],
        }


@contextlib.asynccontextmanager
async def _daemon(order: Mapping[str, Any]) -> Any:
    """A server of Debian's, once it takes connections at `ready` ([address, port]); its words go to standard error."""
    program = await asyncio.create_subprocess_exec(
        *order["argv"],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=sys.stderr,
        stderr=sys.stderr,
        start_new_session=True,  # Postfix's master ends its process group
    )
    try:
        async with asyncio.timeout(15):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection(*order["ready"])
                    writer.close()
                    break
                if program.returncode is not None:
                    raise RuntimeError(f"{order['argv'][0]} ended with code {program.returncode}")
                await asyncio.sleep(0.02)
        yield
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(act(json.load(sys.stdin)))))
