"""`python -m attack.peers.sound PORT FOLDER WORLD`: sound servers, silent addresses and the DNS, until standard input closes.

Prints {"dns", "ca_file"}. Silent is all of 127.72.0.0/14: one listener on the loopback device whose queue is full takes no SYN.
"""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from attack.peers.big_answers import BIG, BigNames
from attack.peers.sockets import bound
from bench.server import converse
from bot.demo.lab.certificates import RECIPES, ca_pem
from bot.demo.lab.contexts import Contexts
from bot.demo.lab.mailserver import BlackHole
from bot.demo.lab.world import parse

HEALTHY = 200
SILENT = "127.72.{}.{}"


def healthy(number: int) -> tuple[str, str]:
    """Name and address of a sound server."""
    return f"mx{number}.sound.test", f"127.70.0.{number % HEALTHY + 1}"


async def main(port: int, folder: Path, world: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        sound = dict(healthy(n) for n in range(HEALTHY))
        asked = json.loads(world.read_text(encoding="utf-8"))
        names = BigNames(parse({"dns": {**{name: [f"A {where}"] for name, where in sound.items()}, **asked}}))
        stack.push_async_callback(names.stop)
        await names.start()
        context = Contexts(folder).get(RECIPES["good"], tuple(sound), "", None)
        for where in sound.values():
            own = stack.enter_context(bound(where, port))
            server = await asyncio.start_server(lambda r, w: converse(r, w, context), sock=own, backlog=512)
            stack.callback(server.close)
        hole = BlackHole(stack.enter_context(bound("0.0.0.0", port)))  # noqa: S104 - on the loopback device alone
        stack.push_async_callback(hole.stop)
        await hole.start()
        ca_file = folder / "ca.pem"
        ca_file.write_bytes(ca_pem())
        print(json.dumps({"dns": f"127.0.0.1:{names.port}", "ca_file": str(ca_file), "big": list(BIG)}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])))
