"""TLS on a connection that is open already, with every step that a peer's bytes can make expensive in the crypto pool.

asyncio's own start_tls computes in the event loop: one server that picks ffdhe8192 stops everybody for 0.1 s a handshake.
"""

import asyncio
import ssl
from typing import Literal

from diagnostics.fair import Party
from diagnostics.probes.crypto_pool import CryptoPool

MAX_HANDSHAKE = 256 * 1024
"""Bytes of a peer before its handshake is done. OpenSSL itself takes no certificate message over 100 KiB."""

MAX_AFTER = 64 * 1024
"""Bytes of a peer after that: two replies of SMTP. Bounds key updates too, which cost CPU in the event loop."""

MAX_CPU = 0.5
"""Seconds of CPU for one handshake. The dearest group costs 0.1 s; a sound server needs about a millisecond."""

MAX_WAIT = 30.0
"""Seconds that one step may wait for its turn in the pool, where others' handshakes are being computed."""

_HEADER = 5
_RECORD_TYPES = range(20, 24)  # change_cipher_spec, alert, handshake, application_data (RFC 8446 section 5.1)


class HandshakeCost(Exception):
    """The handshake wants more than a stranger gets. A limit of ours, so no fault of the peer. `how`: which one."""

    def __init__(self, how: Literal["handshake-cpu", "handshake-bytes", "handshake-wait"], limit: str) -> None:
        super().__init__(how)
        self.how, self.limit = how, limit


class TlsChannel(asyncio.Protocol, asyncio.Transport):
    """Protocol to the connection below, transport to the conversation above."""

    def __init__(self, raw: asyncio.Transport, context: ssl.SSLContext, sni: str | None) -> None:
        super().__init__()
        self._raw = raw
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.secured = context.wrap_bio(self._incoming, self._outgoing, server_hostname=sni)
        self._received = bytearray()
        self._total = 0
        self._arrival: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._is_eof = False
        self._lost: Exception | None = None
        self._above: asyncio.Protocol | None = None
        raw.set_protocol(self)

    async def handshake(self, pool: CryptoPool, party: Party, timeout: float) -> None:
        """The peer has `timeout` seconds in all; what waits for a turn in the pool is not its silence.

        Raises TimeoutError, ssl.SSLError, OSError (the connection ended) or HandshakeCost.
        """
        loop = asyncio.get_running_loop()
        spent, left = 0.0, timeout
        done = self._step()  # the ClientHello: no byte of the peer is in it yet
        self._flush()
        while not done:
            if spent > MAX_CPU:
                raise HandshakeCost("handshake-cpu", f"{MAX_CPU:g}")
            asked = loop.time()
            async with asyncio.timeout(left):
                await self._whole_record()
            left = max(0.0, left - (loop.time() - asked))
            done, seconds = await self._computed(pool, party)
            spent += seconds

    async def _computed(self, pool: CryptoPool, party: Party) -> tuple[bool, float]:
        try:
            async with asyncio.timeout(MAX_WAIT):
                return await pool.run(self._step, party)
        except TimeoutError:
            raise HandshakeCost("handshake-wait", f"{MAX_WAIT:g}") from None
        finally:
            self._flush()

    def start(self, above: asyncio.Protocol) -> None:
        """From here on `above` gets what the peer says."""
        self._above = above
        self._total = 0
        self._take(bytes(self._received))
        self._received.clear()

    def _step(self) -> bool:
        try:
            self.secured.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    async def _whole_record(self) -> None:
        """Wait until there is something that OpenSSL can work on, and hand it over: a byte at a time would cost a thread each."""
        while not (size := _whole(self._received)) and not self._is_eof and self._lost is None:
            if self._total > MAX_HANDSHAKE:
                raise HandshakeCost("handshake-bytes", str(MAX_HANDSHAKE))
            self._arrival = asyncio.get_running_loop().create_future()
            await self._arrival
        if self._lost is not None and not size:
            raise self._lost
        self._incoming.write(bytes(self._received[:size]))
        del self._received[:size]
        if self._is_eof and not self._received:
            self._incoming.write_eof()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._raw.is_closing():
            self._raw.write(self._outgoing.read())

    # ---- what the connection below says

    def data_received(self, data: bytes) -> None:
        self._total += len(data)
        if self._above is not None:
            self._take(data)
        elif self._total <= MAX_HANDSHAKE + len(data):
            self._received += data
            self._wake()

    def eof_received(self) -> bool:
        self._is_eof = True
        self._wake()
        if self._above is not None:
            self._incoming.write_eof()
            self._take(b"")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = exc or ConnectionAbortedError("closed")
        self._wake()
        if self._above is not None:
            self._above.connection_lost(exc)

    def _wake(self) -> None:
        if not self._arrival.done():
            self._arrival.set_result(None)

    def _take(self, data: bytes) -> None:
        """Decrypt, and hand on. Nothing is renegotiated (tls.py forbids it), so this costs what the bytes cost."""
        above = self._above
        if above is None or self._raw.is_closing():
            return
        if self._total > MAX_AFTER:
            self._fail(ConnectionAbortedError("more than two replies of SMTP can hold"))
            return
        if data:
            self._incoming.write(data)
        try:
            while piece := self.secured.read(MAX_AFTER):
                above.data_received(piece)
        except ssl.SSLWantReadError:
            self._flush()
            return
        except ssl.SSLEOFError:
            pass
        except ssl.SSLError as error:
            self._fail(error)
            return
        above.eof_received()
        self._raw.close()

    def _fail(self, error: Exception) -> None:
        above, self._above = self._above, None
        self._raw.abort()
        if above is not None:
            above.connection_lost(error)

    # ---- what the conversation above wants

    def write(self, data: bytes | bytearray | memoryview) -> None:
        try:
            self.secured.write(data)
        except ssl.SSLError as error:
            self._fail(error)
        else:
            self._flush()

    def is_closing(self) -> bool:
        return self._raw.is_closing()

    def close(self) -> None:
        self._raw.close()

    def abort(self) -> None:
        self._raw.abort()


def _whole(received: bytearray) -> int:
    """How many bytes of whole records are there; all of them where they are no TLS, which OpenSSL tells best itself."""
    at = 0
    while len(received) - at >= _HEADER:
        if received[at] not in _RECORD_TYPES:
            return len(received)
        size = _HEADER + int.from_bytes(received[at + 3 : at + 5], "big")
        if len(received) - at < size:
            break
        at += size
    return at
