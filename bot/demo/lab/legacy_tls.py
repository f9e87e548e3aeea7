"""The server's side of TLS 1.2 as appliances had it before RFC 5746: OpenSSL's own always knows secure renegotiation.

One suite, TLS_RSA_WITH_AES_128_GCM_SHA256 (RFC 5288), and no extension at all. It checks nothing of the client's.
"""

import hashlib
import hmac
import os
import ssl
from collections.abc import Iterator

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.demo.lab.certificates import Issued

SUITE = "AES128-GCM-SHA256"
_SUITE_NUMBER = b"\x00\x9c"
_VERSION = b"\x03\x03"
_CHANGE, _ALERT, _HANDSHAKE, _DATA = 20, 21, 22, 23


class Ended(ssl.SSLError):
    """The client has given up, with an alert."""

    reason = "ALERT"


class LegacyTLS:
    """As much of ssl.SSLObject as the lab uses, over the same two memory BIOs."""

    def __init__(self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, issued: Issued) -> None:
        self._incoming, self._outgoing, self._issued = incoming, outgoing, issued
        self._received = b""
        self._said = b""
        self._keys: tuple[AESGCM, AESGCM, bytes, bytes] | None = None
        self._opens = self._seals = False
        self._opened = self._sealed = 0
        self._steps = self._handshake()

    def version(self) -> str:
        return "TLSv1.2"

    def cipher(self) -> tuple[str, str, int]:
        return SUITE, "TLSv1.2", 128

    def do_handshake(self) -> None:
        """Raises ssl.SSLWantReadError until the client's side is there."""
        for _ in self._steps:
            raise ssl.SSLWantReadError

    def read(self, _: int) -> bytes:
        while (record := self._record()) is not None:
            kind, body = record
            if kind == _DATA:
                return body
            if kind == _ALERT:
                return b""
        raise ssl.SSLWantReadError

    def write(self, data: bytes) -> None:
        self._send(_DATA, data)

    def unwrap(self) -> None:
        self._send(_ALERT, b"\x01\x00")

    def _handshake(self) -> Iterator[None]:
        while (hello := self._message()) is None:
            yield
        ours = os.urandom(32)
        # version, random, no session, suite, no compression; no extensions, so no renegotiation_info
        self._say(2, _VERSION + ours + b"\x00" + _SUITE_NUMBER + b"\x00")
        chain = b"".join(_sized(c.public_bytes(serialization.Encoding.DER)) for c in self._issued.chain)
        self._say(11, _sized(chain))
        self._say(14, b"")
        while (exchange := self._message()) is None:
            yield
        key = self._issued.key
        assert isinstance(key, rsa.RSAPrivateKey), "the suite needs an RSA key"  # noqa: S101
        master = _prf(key.decrypt(exchange[6:], padding.PKCS1v15()), b"master secret", hello[6:38] + ours, 48)
        block = _prf(master, b"key expansion", ours + hello[6:38], 40)
        self._keys = AESGCM(block[:16]), AESGCM(block[16:32]), block[32:36], block[36:40]
        while self._message() is None:  # the client's Finished, behind its ChangeCipherSpec
            yield
        self._send(_CHANGE, b"\x01")
        self._seals = True
        self._say(20, _prf(master, b"server finished", hashlib.sha256(self._said).digest(), 12))

    def _message(self) -> bytes | None:
        """The next handshake message with its header: each client's message stands in a record of its own."""
        while (record := self._record()) is not None:
            kind, body = record
            if kind == _CHANGE:
                self._opens = True
            elif kind == _HANDSHAKE:
                self._said += body
                return body
            else:
                raise Ended
        return None

    def _say(self, kind: int, body: bytes) -> None:
        message = bytes([kind]) + _sized(body)
        self._said += message
        self._send(_HANDSHAKE, message)

    def _record(self) -> tuple[int, bytes] | None:
        self._received += self._incoming.read()
        size = 5 + int.from_bytes(self._received[3:5], "big")
        if len(self._received) < max(size, 5):
            return None
        record, self._received = self._received[:size], self._received[size:]
        kind, body = record[0], record[5:]
        if self._opens and self._keys:
            about = self._opened.to_bytes(8, "big") + bytes([kind]) + _VERSION + (len(body) - 24).to_bytes(2, "big")
            body = self._keys[0].decrypt(self._keys[2] + body[:8], body[8:], about)
            self._opened += 1
        return kind, body

    def _send(self, kind: int, body: bytes) -> None:
        if self._seals and self._keys:
            number = self._sealed.to_bytes(8, "big")
            about = number + bytes([kind]) + _VERSION + len(body).to_bytes(2, "big")
            body = number + self._keys[1].encrypt(self._keys[3] + number, body, about)
            self._sealed += 1
        self._outgoing.write(bytes([kind]) + _VERSION + len(body).to_bytes(2, "big") + body)


def _sized(body: bytes) -> bytes:
    return len(body).to_bytes(3, "big") + body


def _prf(secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """RFC 5246 section 5, with SHA-256."""
    seed = label + seed
    made, link = b"", seed
    while len(made) < size:
        link = hmac.digest(secret, link, "sha256")
        made += hmac.digest(secret, link + seed, "sha256")
    return made[:size]
