"""The other side, in a process of its own: plain fast mail servers, silent ports and a DNS, until standard input closes."""

import asyncio
import contextlib
import json
import ssl
import sys
import tempfile
from pathlib import Path

from bot.demo.lab.certificates import RECIPES, ca_pem
from bot.demo.lab.contexts import Contexts
from bot.demo.lab.mailserver import BlackHole, bind
from bot.demo.lab.nameserver import NameServer
from bot.demo.lab.world import parse

HEALTHY = 40
HOLES = 10
PORT = 19_925


async def main() -> None:
    names = {f"mx{n}.bench.test": [f"A 127.0.60.{n}"] for n in range(1, HEALTHY + 1)}
    holes = {f"hole{n}.bench.test": [f"A 127.0.61.{n}"] for n in range(1, HOLES + 1)}
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dns = NameServer(parse({"dns": names | holes}))
        stack.push_async_callback(dns.stop)
        await dns.start()
        for n in range(1, HOLES + 1):
            hole = BlackHole(stack.enter_context(bind(f"127.0.61.{n}", PORT)))
            stack.push_async_callback(hole.stop)
            await hole.start()
        context = Contexts(folder).get(RECIPES["good"], tuple(names), "", None)
        for n in range(1, HEALTHY + 1):
            server = await asyncio.start_server(lambda r, w: converse(r, w, context), f"127.0.60.{n}", PORT, backlog=512)
            stack.callback(server.close)
        ca_file = folder / "ca.pem"
        ca_file.write_bytes(ca_pem())
        print(json.dumps({"dns": f"127.0.0.1:{dns.port}", "smtp_port": PORT, "ca_file": str(ca_file)}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, context: ssl.SSLContext) -> None:
    """A sound mail server, as far as a sender goes before MAIL; attack/peers/sound.py serves the same."""
    with contextlib.suppress(OSError, ssl.SSLError):
        writer.write(b"220 bench.test ESMTP\r\n")
        while verb := (await reader.readline()).strip().upper()[:8]:
            writer.write(b"250-bench.test\r\n250 STARTTLS\r\n" if verb.startswith(b"EHLO") else b"220 go\r\n")
            if verb == b"STARTTLS":
                await writer.start_tls(context)
            if verb == b"QUIT":
                break
    writer.close()


if __name__ == "__main__":
    asyncio.run(main())
