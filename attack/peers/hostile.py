"""`python -m attack.peers.hostile PORT FOLDER`: mail servers that attack in their handshakes, until standard input closes."""

import asyncio
import contextlib
import functools
import ssl
import sys
import warnings
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from attack.peers import certificates, forged_tls
from attack.peers.sockets import bound

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter
Handshake = Callable[[Reader, Writer], Awaitable[None]]

FORGED: Mapping[str, Handshake] = {
    "anonymous-dh": forged_tls.anonymous,
    "ephemeral-dh": forged_tls.ephemeral,
    "ffdhe8192": forged_tls.ffdhe8192,
}
CHAINS: Mapping[str, Callable[[], bytes]] = {
    "huge-rsa": certificates.huge_rsa,
    "long-chain": certificates.long_chain,
    "slow-curve": certificates.slow_curve,
}
KINDS = (*FORGED, *CHAINS)
"""Each has a network of its own: 127.81.0.0/16 and on."""

MOST = 320
LINES = 20


def address(kind: str, number: int) -> str:
    """Of the server `number` (0 to MOST-1) of a kind."""
    return f"127.{81 + KINDS.index(kind)}.{number // 250}.{number % 250 + 1}"


async def main(port: int, folder: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for kind in KINDS:
            handshake = FORGED.get(kind) or functools.partial(_with_chain, _context(CHAINS[kind](), folder / f"{kind}.pem"))
            for number in range(MOST):
                own = stack.enter_context(bound(address(kind, number), port))
                server = await asyncio.start_server(functools.partial(_converse, handshake), sock=own)
                stack.callback(server.close)
        print("{}", flush=True)
        await asyncio.to_thread(sys.stdin.read)


async def _converse(handshake: Handshake, reader: Reader, writer: Writer) -> None:
    failures = (OSError, ssl.SSLError, asyncio.IncompleteReadError, TimeoutError, IndexError, forged_tls.Refused, ValueError)
    with contextlib.suppress(*failures):
        writer.write(b"220 hostile.attack.test ESMTP\r\n")
        for _ in range(LINES):
            verb = (await reader.readline()).strip().upper()
            if not verb or verb == b"QUIT":
                break
            if verb != b"STARTTLS":
                writer.write(b"250-hostile.attack.test\r\n250 STARTTLS\r\n")
                continue
            writer.write(b"220 2.0.0 Go ahead\r\n")
            await handshake(reader, writer)
            if verb == b"STARTTLS" and handshake in FORGED.values():
                break
    writer.close()


async def _with_chain(context: ssl.SSLContext, _: Reader, writer: Writer) -> None:
    await writer.start_tls(context)


def _context(pem: bytes, file: Path) -> ssl.SSLContext:
    file.touch(mode=0o600)
    file.write_bytes(pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(file)
    return context


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    asyncio.run(main(int(sys.argv[1]), Path(sys.argv[2])))
