"""Mail servers whose TLS costs the client CPU. They live in threads, so that their own work is not measured."""

import base64
import contextlib
import secrets
import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

NOW = datetime.now(UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
"""DHE is signed with RSA: there are no suites of DHE with ECDSA (RFC 5246 appendix C)."""

Speaks = Callable[[socket.socket], None]


@dataclass
class Log:
    """What came to a server: connections opened, and how those ended that have."""

    opened: int = 0
    ends: list[str] = field(default_factory=list)


@contextmanager
def mail_server(speaks: Speaks) -> Iterator[tuple[str, int, Log]]:
    """(address, port, log) of a server that does `speaks` after its 220 to STARTTLS."""
    listener = socket.create_server(("127.0.0.1", 0))
    log = Log()

    def converse(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            connection.sendall(b"220 hostile.test ESMTP\r\n")
            connection.recv(512)
            connection.sendall(b"250-hostile.test\r\n250 STARTTLS\r\n")
            connection.recv(512)
            connection.sendall(b"220 go\r\n")
            try:
                speaks(connection)
                log.ends.append("done")
            except OSError as error:
                log.ends.append(str(error))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                log.opened += 1
                threading.Thread(target=converse, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield (*listener.getsockname(), log)
    finally:
        listener.close()


def over_tls(context: ssl.SSLContext, *, then: bytes = b"") -> Speaks:
    """A handshake with `context`, then `then` in answer to EHLO."""

    def speaks(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(512)
            secured.sendall(then or b"250 hostile.test\r\n")
            secured.recv(512)

    return speaks


def context(
    folder: Path,
    *,
    chain: tuple[bytes, ...] = (),
    ciphers: str = "ALL:@SECLEVEL=0",
    newest: str = "",
    own: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY,
) -> ssl.SSLContext:
    """A server's context with a leaf of the key `own`, and `chain` (DER) sent behind it."""
    pem = folder / "leaf.pem"
    key = own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    pem.write_bytes(key + b"".join(map(_pem, (leaf(own), *chain))))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.set_ciphers(ciphers)
    made.load_cert_chain(pem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        made.minimum_version = ssl.TLSVersion.TLSv1
        if newest:
            made.maximum_version = ssl.TLSVersion[newest]
    return made


def with_dh_group(made: ssl.SSLContext, folder: Path, bits: int) -> ssl.SSLContext:
    """The context with a group of `bits`; whether its modulus is prime makes no difference to what it costs."""
    group = _der(0x30, _der_integer(1 << (bits - 1) | secrets.randbits(bits - 2) | 1) + _der_integer(2))
    file = folder / f"dh-{bits}.pem"
    file.write_text(f"-----BEGIN DH PARAMETERS-----\n{base64.encodebytes(group).decode()}-----END DH PARAMETERS-----\n")
    made.load_dh_params(str(file))
    return made


def leaf(own: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = KEY) -> bytes:
    return _certificate("leaf", "issuer 0", own.public_key())


def long_chain(size: int) -> tuple[bytes, ...]:
    """Issuers, each named by the one before, about `size` bytes in all; no signature is right."""
    chain: list[bytes] = []
    while sum(map(len, chain)) < size:
        chain.append(_certificate(f"issuer {len(chain)}", f"issuer {len(chain) + 1}", KEY.public_key()))
    return tuple(chain)


def with_huge_rsa_key(bits: int) -> tuple[bytes, ...]:
    """One issuer with a modulus of `bits` that nobody can factor; checking a signature by it costs the same as by a sound one."""
    modulus = 1 << (bits - 1) | secrets.randbits(bits - 2) | 1
    return (_certificate("issuer 0", "root", rsa.RSAPublicNumbers(65537, modulus).public_key()),)


def with_many_names(count: int) -> tuple[bytes, ...]:
    names = x509.SubjectAlternativeName([x509.DNSName(f"host-{n}.example") for n in range(count)])
    return (_certificate("issuer 0", "root", KEY.public_key(), names),)


def _certificate(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey | rsa.RSAPublicKey, names: x509.SubjectAlternativeName | None = None
) -> bytes:
    builder = x509.CertificateBuilder(
        issuer_name=_name(issuer),
        subject_name=_name(subject),
        public_key=key,
        serial_number=x509.random_serial_number(),
        not_valid_before=NOW - timedelta(days=1),
        not_valid_after=NOW + timedelta(days=90),
    )
    if names:
        builder = builder.add_extension(names, critical=False)
    return builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x80 | len(octets)]) + octets) + body


def _der_integer(number: int) -> bytes:
    return _der(2, number.to_bytes(number.bit_length() // 8 + 1, "big"))
