"""Chains that take long to verify: keys of 16,384 bits, a hundred certificates, a slow curve. Made in a second or two."""

import datetime
import hashlib
import math
import secrets
from collections.abc import Callable, Sequence

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NAME = "hostile.attack.test"
EXPONENT = (1 << 64) - 59
"""The longest that OpenSSL takes beside a long modulus (OPENSSL_RSA_MAX_PUBEXP_BITS)."""

PRIMES = 16
_SHA256_WITH_RSA = bytes.fromhex("300d06092a864886f70d01010b0500")
_SHA256_DIGEST = bytes.fromhex("3031300d060960864801650304020105000420")

Signer = Callable[[x509.CertificateBuilder], bytes]


def leaf_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """A self-signed certificate of that key."""
    return _builder(NAME, NAME, key.public_key()).sign(key, hashes.SHA256())


def huge_rsa() -> bytes:
    """Key and chain in PEM: an elliptic leaf below 21 authorities of 16,384 bits each, 95 kB: OpenSSL reads 100 kB."""
    n, sign = _huge_key()
    return _pem(rsa.RSAPublicNumbers(EXPONENT, n).public_key(), sign, 21)


def slow_curve() -> bytes:
    """Key and chain in PEM: a hundred certificates on brainpoolP512r1, for which OpenSSL has no fast arithmetic."""
    key = ec.generate_private_key(ec.BrainpoolP512R1())
    return _pem(key.public_key(), lambda builder: builder.sign(key, hashes.SHA512()).public_bytes(Encoding.DER), 99)


def long_chain() -> bytes:
    """Key and chain in PEM: a hundred certificates of about 1 kB."""
    key = rsa.generate_private_key(65537, 2048)
    return _pem(key.public_key(), lambda builder: builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER), 99)


def _pem(authority: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, sign: Signer, authorities: int) -> bytes:
    leaf = ec.generate_private_key(ec.SECP256R1())
    subjects = [NAME, *(f"Authority {n} of the attack" for n in range(1, authorities + 1))]
    chain = [
        sign(_builder(subject, issuer, authority if depth else leaf.public_key(), is_ca=depth > 0))
        for depth, (subject, issuer) in enumerate(zip(subjects, [*subjects[1:], subjects[-1]], strict=True))
    ]
    return leaf.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + _texts(chain)


def _texts(chain: Sequence[bytes]) -> bytes:
    return b"".join(x509.load_der_x509_certificate(one).public_bytes(Encoding.PEM) for one in chain)


def _builder(
    subject: str, issuer: str, key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, *, is_ca: bool = False
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    builder = x509.CertificateBuilder(name(issuer), name(subject), key, secrets.randbits(64) | 1)
    builder = builder.not_valid_before(now - datetime.timedelta(1)).not_valid_after(now + datetime.timedelta(9))
    builder = builder.add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    return builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject.replace(" ", "-"))]), critical=False)


def _huge_key() -> tuple[int, Signer]:
    """A modulus of 16,384 bits out of 16 primes of 1,024: two primes of 8,192 would take minutes to find."""
    primes = [p for _ in range(PRIMES // 2) for p in _primes()]
    n = math.prod(primes)
    parts = [(p, pow(EXPONENT, -1, p - 1), n // p * pow(n // p, -1, p)) for p in primes]
    size = (n.bit_length() + 7) // 8
    placeholder = ec.generate_private_key(ec.SECP256R1())

    def sign(builder: x509.CertificateBuilder) -> bytes:
        unsigned = builder.sign(placeholder, hashes.SHA256()).tbs_certificate_bytes
        # the algorithm stands in what is signed, too
        body = unsigned.replace(bytes.fromhex("300a06082a8648ce3d040302"), _SHA256_WITH_RSA, 1)
        body = _der(0x30, body[4 if body[1] == 0x82 else 3 if body[1] == 0x81 else 2 :])
        digest = _SHA256_DIGEST + hashlib.sha256(body).digest()
        padded = b"\0\x01" + b"\xff" * (size - 3 - len(digest)) + b"\0" + digest
        number = int.from_bytes(padded, "big")
        signature = sum(pow(number, d, p) * weight for p, d, weight in parts) % n
        return _der(0x30, body + _SHA256_WITH_RSA + _der(0x03, b"\0" + signature.to_bytes(size, "big")))

    return n, sign


def _primes() -> tuple[int, int]:
    """Two of 1,024 bits, whose product has 2,048."""
    while True:
        found = rsa.generate_private_key(65537, 2048).private_numbers()
        if all(math.gcd(EXPONENT, prime - 1) == 1 for prime in (found.p, found.q)):
            return found.p, found.q


def _der(tag: int, body: bytes) -> bytes:
    size = len(body)
    width = (size.bit_length() + 7) // 8
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x80 | width]) + size.to_bytes(width, "big")) + body
