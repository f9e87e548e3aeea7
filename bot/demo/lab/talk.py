"""One conversation as a mail server sees it, on a raw socket, so that every byte and reset is the behaviour's own.

asyncio's streams would answer for us (buffers, TLS alerts, FIN instead of RST); the faults live exactly there.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import ip_address

from bot.demo.lab.certificates import Issued
from bot.demo.lab.contexts import LabTLS
from bot.demo.lab.legacy_tls import LegacyTLS
from bot.demo.lab.world import MailHost

MAX_LINE = 16 * 1024
LINGER_SECONDS = 1.0
TLS_RECORD = 16 * 1024


class Gone(Exception):
    """The other side ended the conversation."""


@dataclass(slots=True)
class Session:
    """What a server saw of one connection. `lines` are the commands as received, before and after TLS."""

    peer: str
    started: float = field(default_factory=time.monotonic)
    lines: list[str] = field(default_factory=list)
    tls: str = ""
    cipher: str = ""
    sni: str | None = None
    tls_error: str = ""
    ended: float | None = None

    def said(self, verb: str) -> bool:
        """Whether this command came."""
        return any(line.upper().startswith(verb.upper()) for line in self.lines)


class Talk:
    """A connection, its server and what may be done with it."""

    def __init__(
        self,
        connection: socket.socket,
        host: MailHost,
        session: Session,
        contexts: Callable[[str], ssl.SSLContext],
        issued: Callable[[], Issued],
    ) -> None:
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._tls: ssl.SSLObject | LegacyTLS | None = None
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._contexts, self._issued = contexts, issued
        self.host = host
        self.delay = host.delay
        self.pace = 0.0
        self.session = session

    @property
    def name(self) -> str:
        """What the server calls itself."""
        return self.host.name or "mail.lab.test"

    @property
    def encrypted(self) -> bool:
        return self._tls is not None

    async def say(self, *lines: str, newline: str = "\r\n") -> None:
        """`S:` lines, after the host's delay."""
        await asyncio.sleep(self.delay)
        await self.send("".join(line + newline for line in lines).encode())

    async def reply(self, text: str) -> None:
        """A reply of one code: "250 a" or, from "250 a\\nb", "250-a" and "250 b"."""
        code, first, *rest = text[:3], *text[4:].split("\n")
        lines = [first, *rest]
        await self.say(*(f"{code}-{line}" for line in lines[:-1]), f"{code} {lines[-1]}")

    async def send(self, data: bytes) -> None:
        """Bytes, through TLS when that is up."""
        if self._tls is None:
            await self.send_raw(data)
            return
        for start in range(0, len(data), TLS_RECORD):
            try:
                self._tls.write(data[start : start + TLS_RECORD])
            except ssl.SSLError as error:
                raise Gone from error
            await self._flush()

    async def send_raw(self, data: bytes) -> None:
        """Bytes on the wire, whatever stands above; one at a time when `pace` is set."""
        if not self.pace:
            await self._put(data)
            return
        for byte in data:
            await asyncio.sleep(self.pace)
            await self._put(bytes([byte]))

    async def _put(self, data: bytes) -> None:
        try:
            await self._loop.sock_sendall(self._socket, data)
        except OSError as error:
            raise Gone from error

    async def hear(self) -> str:
        """The next `C:` line, recorded."""
        while b"\n" not in self._buffer:
            if len(self._buffer) > MAX_LINE:
                raise Gone
            self._buffer += await self.receive()
        line, _, self._buffer = self._buffer.partition(b"\n")
        text = line.rstrip(b"\r").decode("utf-8", "backslashreplace")
        self.session.lines.append(text)
        return text

    async def receive(self) -> bytes:
        """The next bytes. Raises Gone at the end."""
        if self._tls is None:
            return await self.receive_raw()
        while True:
            try:
                data = self._tls.read(TLS_RECORD)
            except ssl.SSLWantReadError:
                self._incoming.write(await self.receive_raw())
                continue
            except ssl.SSLZeroReturnError:
                raise Gone from None
            except ssl.SSLError as error:
                self.session.tls_error = str(error.reason)
                await self._flush()
                raise Gone from error
            if not data:
                raise Gone
            return data

    async def receive_raw(self) -> bytes:
        """The next bytes from the wire. Raises Gone at the end."""
        try:
            data = await self._loop.sock_recv(self._socket, 64 * 1024)
        except OSError as error:
            raise Gone from error
        if not data:
            raise Gone
        return data

    async def start_tls(self, variant: str = "") -> None:
        """Shake hands in a variant of the host's context. Raises Gone when that fails; the alert is sent."""
        await self._secure(self._contexts(variant).wrap_bio(self._incoming, self._outgoing, server_side=True))

    async def start_legacy_tls(self) -> None:
        """Shake hands without RFC 5746; the host's certificate has to be an RSA one."""
        await self._secure(LegacyTLS(self._incoming, self._outgoing, self._issued()))

    async def _secure(self, tls: ssl.SSLObject | LegacyTLS) -> None:
        while True:
            try:
                self._shake_hands(tls)
                break
            except ssl.SSLWantReadError:
                await self._flush()
                self._incoming.write(await self.receive_raw())
            except ssl.SSLError as error:
                self.session.tls_error = str(error.reason)
                await self._flush()
                raise Gone from error
        self._tls = tls
        self._buffer = b""
        self.session.tls, self.session.cipher = tls.version() or "", (tls.cipher() or ("", "", 0))[0]
        await self._flush()

    def _shake_hands(self, tls: ssl.SSLObject | LegacyTLS) -> None:
        """One step. What it learns is recorded before the client can know that the step is done."""
        try:
            tls.do_handshake()
        finally:
            self.session.sni = tls.asked if isinstance(tls, LabTLS) else None

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self.send_raw(self._outgoing.read())

    async def close(self) -> None:
        """End politely: close_notify, FIN, and wait a little: a plain close would send RST where bytes are unread."""
        if self._tls is not None:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            await self._flush()
            self._tls = None
        with contextlib.suppress(OSError, Gone, TimeoutError):
            self._socket.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(LINGER_SECONDS):
                while True:
                    await self.receive_raw()

    def reset(self) -> None:
        """End rudely: RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def family(address: str) -> socket.AddressFamily:
    """The socket family of an address."""
    return socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
