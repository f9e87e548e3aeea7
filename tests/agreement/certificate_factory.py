"""Certificates of every shape, sound and odd. Keys are made once a process; names and dates are arguments."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

NAME = "mail.lab.test"
NOW = datetime.now(UTC).replace(microsecond=0)

_KINDS: dict[str, Any] = {
    "ec": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 (the point)
    "dsa": lambda: dsa.generate_private_key(2048),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "ed448": ed448.Ed448PrivateKey.generate,
}

SERVER, CLIENT = ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH
CODE, ANY = ExtendedKeyUsageOID.CODE_SIGNING, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE
SAN, POLICIES, INFORMATION, STAPLE = (
    ObjectIdentifier(oid) for oid in ("2.5.29.17", "2.5.29.32", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.24")
)

_RSA_SHA256 = bytes.fromhex("06092a864886f70d01010b")
_OLD: dict[str, tuple[bytes, hashes.HashAlgorithm]] = {
    "sha1": (bytes.fromhex("06092a864886f70d010105"), hashes.SHA1()),  # noqa: S303 (the point)
    "md5": (bytes.fromhex("06092a864886f70d010104"), hashes.MD5()),  # noqa: S303 (the point)
}


@cache
def key(owner: str, kind: str = "ec") -> Any:
    return _KINDS[kind]()


@dataclass(frozen=True)
class Made:
    """A certificate as bytes, since a library may refuse to read it, with what its subjects need to be issued."""

    der: bytes
    subject: x509.Name
    key: Any = field(repr=False)

    def key_pem(self) -> bytes:
        pem: bytes = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return pem


def tlv(tag: int, content: bytes) -> bytes:
    """One element of DER."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def raw_san(*names: tuple[int, bytes]) -> x509.UnrecognizedExtension:
    """A SAN of names by tag, for those that no library writes."""
    return x509.UnrecognizedExtension(SAN, tlv(0x30, b"".join(tlv(tag, content) for tag, content in names)))


def make(
    common_name: str | x509.Name,
    issuer: Made | None = None,
    *,
    own: Any = None,
    days: tuple[float, float] = (-30, 90),
    ca: bool | None = False,
    path_length: int | None = None,
    sans: Sequence[str | x509.GeneralName] = (),
    eku: Sequence[ObjectIdentifier] = (),
    ku: str = "",
    key_ids: bool = True,
    authority_key: Any = None,
    more: Sequence[tuple[x509.ExtensionType, bool]] = (),
    signature: str = "sha256",
    signer: Any = None,
    serial: int | None = None,
    edits: Sequence[tuple[bytes, bytes]] = (),
) -> Made:
    """One certificate; without `issuer` it signs itself. ca None: no basic constraints. ku: names of key usage, by blanks.

    `edits` are done before signing, each from some bytes to as many others. `signer`: another key than the issuer's.
    """
    own = own or key("server")
    subject = (
        common_name if isinstance(common_name, x509.Name) else x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    )
    above = issuer.key if issuer else own
    builder = (
        x509.CertificateBuilder(subject_name=subject, issuer_name=issuer.subject if issuer else subject)
        .public_key(own.public_key())
        .serial_number(serial or x509.random_serial_number())
        .not_valid_before(NOW + timedelta(days=days[0]))
        .not_valid_after(NOW + timedelta(days=days[1]))
    )
    extensions: list[tuple[x509.ExtensionType, bool]] = list(more)
    if ca is not None:
        extensions.append((x509.BasicConstraints(ca=ca, path_length=path_length), True))
    if key_ids:
        authority = (authority_key or above).public_key()
        extensions.append((x509.SubjectKeyIdentifier.from_public_key(own.public_key()), False))
        extensions.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), False))
    if sans:
        names = [x509.DNSName(name) if isinstance(name, str) else name for name in sans]
        extensions.append((x509.SubjectAlternativeName(names), False))
    if eku:
        extensions.append((x509.ExtendedKeyUsage(list(eku)), False))
    if ku:
        extensions.append((_key_usage(ku.split()), True))
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Made(_signed(builder, signer or above, signature, edits), subject, own)


def _key_usage(wanted: Sequence[str]) -> x509.KeyUsage:
    bits = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
            "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip
    return x509.KeyUsage(**{bit: bit in wanted for bit in bits})


def _signed(builder: x509.CertificateBuilder, signer: Any, signature: str, edits: Sequence[tuple[bytes, bytes]]) -> bytes:
    is_edwards = isinstance(signer, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32) if signature == "pss" else None
    made = builder.sign(signer, None if is_edwards else hashes.SHA256(), rsa_padding=pss)
    if not edits and signature not in _OLD:
        return made.public_bytes(Encoding.DER)
    # what the library refuses to make: changed in place, and signed anew
    body, algorithm = made.tbs_certificate_bytes, made.public_bytes(Encoding.DER)
    algorithm = algorithm[algorithm.index(body) + len(body) : -len(made.signature)]
    algorithm = algorithm[: 2 + algorithm[1]]
    for old, new in edits:
        assert old in body
        assert len(old) == len(new)
        body = body.replace(old, new)
    used: hashes.HashAlgorithm = hashes.SHA256()
    if signature in _OLD:
        identifier, used = _OLD[signature]
        body, algorithm = body.replace(_RSA_SHA256, identifier), algorithm.replace(_RSA_SHA256, identifier)
    sealed = (
        signer.sign(body, padding.PKCS1v15(), used)
        if isinstance(signer, rsa.RSAPrivateKey)
        else signer.sign(body, ec.ECDSA(used))
    )
    return tlv(0x30, body + algorithm + tlv(0x03, b"\0" + sealed))
