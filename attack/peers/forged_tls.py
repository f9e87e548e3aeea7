"""TLS handshakes made by hand: what costs the client seconds of modular arithmetic costs this server nothing.

OpenSSL takes groups of up to 10,000 bits (OPENSSL_DH_MAX_MODULUS_BITS) from a server of TLS 1.2 or older, and generates a
private value as long as the group. RFC 5246 7.4.3 has the messages, RFC 8446 4.1.4 the retry with another group.
"""

import asyncio
import hashlib
import os
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from attack.peers.certificates import leaf_of

GROUP_BYTES = 1250
MODULUS = (1 << 9_999 | 1 << 9_998 | 0x5DEECE66D << 5_000 | 1).to_bytes(GROUP_BYTES, "big")
"""Odd and 10,000 bits long. Nobody looks whether it is a prime: that would take longer still."""

DH_ANON, DHE_RSA, AES_TLS13 = 0x0034, 0x0033, 0x1302
FFDHE8192 = 0x0104
TLS11, TLS12, TLS13 = 0x0302, 0x0303, 0x0304
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
SECURE_RENEGOTIATION = b"\xff\x01\0\x01\0"
"""Without this extension (RFC 5746) OpenSSL leaves at once."""

FAILURE = b"\x15\x03\x01\x00\x02\x02\x28"
SECONDS = 30.0


class Refused(Exception):
    """The client did not offer what this server is for."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What of a ClientHello matters: its random, session id, suites, and the newest version."""

    random: bytes
    session: bytes
    suites: frozenset[int]
    version: int


async def anonymous(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Anonymous DH in a group of 10,000 bits, to those who offer TLS 1.1 at most."""
    await _old(reader, writer, DH_ANON)


async def ephemeral(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """DHE signed with RSA, likewise."""
    await _old(reader, writer, DHE_RSA)


async def ffdhe8192(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """TLS 1.3 that wants ffdhe8192: the client generates two keys, and derives one secret."""
    hello = _hello(await _record(reader))
    _want(hello.version == TLS13, writer)
    shared = _vector(2, FFDHE8192.to_bytes(2, "big"))[2:]
    writer.write(_handshake(TLS12, _server_hello13(hello, RETRY, shared)))
    again = await _record(reader)
    if again[:1] == b"\x14":  # change_cipher_spec, for the middle boxes
        again = await _record(reader)
    share = FFDHE8192.to_bytes(2, "big") + _vector(2, b"\x7f" * 1024)
    writer.write(_handshake(TLS12, _server_hello13(_hello(again), os.urandom(32), share)))
    writer.write(b"\x17" + _version(TLS12) + _vector(2, os.urandom(64)))
    await writer.drain()


async def _old(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, suite: int) -> None:
    hello = _hello(await _record(reader))
    _want(hello.version <= TLS11 and suite in hello.suites, writer)
    random = os.urandom(32)
    said = _version(hello.version) + random + b"\0" + suite.to_bytes(2, "big") + b"\0" + _vector(2, SECURE_RENEGOTIATION)
    writer.write(_handshake(hello.version, _message(2, said)))
    group = _vector(2, MODULUS) + _vector(2, b"\x02") + _vector(2, b"\x55" * GROUP_BYTES)
    if suite == DHE_RSA:
        key, certificate = _signer()
        writer.write(_handshake(hello.version, _message(11, _vector(3, _vector(3, certificate)))))
        group += _vector(2, _signed(key, hello.random + random + group))
    writer.write(_handshake(hello.version, _message(12, group), _message(14, b"")))
    await writer.drain()
    await _record(reader)  # ClientKeyExchange: the client has paid
    writer.write(FAILURE)


def _want(right: bool, writer: asyncio.StreamWriter) -> None:
    if not right:
        writer.write(FAILURE)
        raise Refused


async def _record(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(SECONDS):
        head = await reader.readexactly(5)
        return head + await reader.readexactly(int.from_bytes(head[3:], "big"))


def _hello(record: bytes) -> Hello:
    version, random, rest = int.from_bytes(record[9:11], "big"), record[11:43], record[43:]
    session, rest = rest[1 : 1 + rest[0]], rest[1 + rest[0] :]
    length = int.from_bytes(rest[:2], "big")
    suites = frozenset(int.from_bytes(rest[i : i + 2], "big") for i in range(2, 2 + length, 2))
    return Hello(random, session, suites, TLS13 if AES_TLS13 in suites else version)


def _server_hello13(hello: Hello, random: bytes, key_share: bytes) -> bytes:
    extensions = b"\0\x2b" + _vector(2, _version(TLS13)) + b"\0\x33" + _vector(2, key_share)
    body = _version(TLS12) + random + _vector(1, hello.session) + AES_TLS13.to_bytes(2, "big") + b"\0" + _vector(2, extensions)
    return _message(2, body)


def _message(kind: int, body: bytes) -> bytes:
    return bytes([kind]) + _vector(3, body)


def _handshake(version: int, *messages: bytes) -> bytes:
    return b"\x16" + _version(version) + _vector(2, b"".join(messages))


def _version(number: int) -> bytes:
    return number.to_bytes(2, "big")


def _vector(width: int, body: bytes) -> bytes:
    return len(body).to_bytes(width, "big") + body


@cache
def _signer() -> tuple[rsa.RSAPrivateKey, bytes]:
    key = rsa.generate_private_key(65537, 2048)
    return key, leaf_of(key).public_bytes(Encoding.DER)


def _signed(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
    """TLS 1.0 and 1.1 sign MD5 and SHA-1 side by side (RFC 4346 7.4.3), which no library offers any more."""
    numbers = key.private_numbers()
    digest = hashlib.md5(data).digest() + hashlib.sha1(data).digest()  # noqa: S324 - the protocol's own
    padded = b"\0\x01" + b"\xff" * (256 - 3 - len(digest)) + b"\0" + digest
    return pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n).to_bytes(256, "big")
