"""Servers that present the table's chains, and what OpenSSL's and Postfix's own clients say of them. Loopback only."""

import asyncio
import contextlib
import os
import re
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.agreement.certificate_factory import NAME, Made

AT_ONCE = 6
SECONDS = 30

_HOSTNAME_MISMATCH = "62"


@dataclass(frozen=True)
class Said:
    """A client's answer: does the chain lead to a trusted root, is the name right (None: not asked), and its words."""

    trust: bool
    name: bool | None
    words: str


def pem(certificates: Sequence[Made]) -> str:
    return "".join(ssl.DER_cert_to_PEM_cert(made.der) for made in certificates)


@contextlib.asynccontextmanager
async def servers(chains: Mapping[str, Sequence[Made]], folder: Path) -> AsyncIterator[int]:
    """One server an address, all on the port that is given."""
    opened: list[asyncio.Server] = []
    port = _free_port(next(iter(chains)))
    try:
        for number, (address, chain) in enumerate(chains.items()):
            file = folder / f"{number}.pem"
            file.write_text(chain[0].key_pem().decode() + pem(chain), encoding="ascii")
            opened.append(await asyncio.start_server(_smtp(_context(file)), address, port))
        yield port
    finally:
        for server in opened:
            server.close()


def _free_port(address: str) -> int:
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


def _context(file: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(file)
    return context


def _smtp(context: ssl.SSLContext):  # type: ignore[no-untyped-def]
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, ssl.SSLError, asyncio.IncompleteReadError):
            writer.write(b"220 lab.test ESMTP\r\n")
            while line := await reader.readline():
                verb = line.strip().upper()
                if verb == b"STARTTLS":
                    writer.write(b"220 go on\r\n")
                    await writer.start_tls(context)
                elif verb.startswith(b"EHLO"):
                    writer.write(b"250-lab.test\r\n250 STARTTLS\r\n")
                else:
                    writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"502 no\r\n")
                    if verb == b"QUIT":
                        break
        with contextlib.suppress(OSError, ssl.SSLError):
            writer.close()

    return serve


class Clients:
    """Runs other people's clients, a few at once."""

    def __init__(self, port: int, roots: Path) -> None:
        self._port, self._roots = port, roots
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def openssl(self, address: str) -> Said:
        """s_client at Debian's security level (112 bits), without a name and with it: it tells the first fault alone."""
        plain = [
            "openssl",
            "s_client",
            "-starttls",
            "smtp",
            "-connect",
            f"{address}:{self._port}",
            "-cipher",
            "DEFAULT@SECLEVEL=2",
        ]
        plain += ["-CAfile", str(self._roots), "-no-CApath", "-no-CAstore", "-purpose", "sslserver"]
        words = await self._run(plain)
        trust = _verified(words)
        if not trust:
            return Said(False, None, words)
        return Said(True, _verified(await self._run([*plain, "-verify_hostname", NAME])), words)

    async def postfix(self, address: str) -> Said:
        """posttls-finger without a name, where a wrong one hides no other fault, and with it, where strength counts too."""
        plain = ["posttls-finger", "-c", "-F", str(self._roots)]
        place = f"[{address}]:{self._port}"
        words = await self._run([*plain, "-l", "encrypt", place])
        if "Trusted TLS connection established" not in words:
            return Said(False, None, words)
        words = await self._run([*plain, "-l", "secure", place, NAME])
        errors = set(re.findall(r"num=(\d+):", words))
        return Said(errors <= {_HOSTNAME_MISMATCH}, "Verified TLS connection established" in words, words)

    async def _run(self, command: Sequence[str]) -> str:
        async with self._gate:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={"PATH": f"{os.environ['PATH']}:/usr/sbin", "LANG": "C"},
            )
            try:
                said, _ = await asyncio.wait_for(process.communicate(), SECONDS)
            except TimeoutError:
                process.kill()
                raise
        return said.decode("utf-8", "replace")


def _verified(words: str) -> bool:
    code = re.search(r"Verif\w+ (?:return code|error)?:? ?(\d+) \(", words)
    assert code, words[-500:]
    return code[1] == "0"
