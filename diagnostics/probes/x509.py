"""The fields of a certificate (RFC 5280 section 4.1), each read by itself: what is odd is left out, the rest counts."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from ipaddress import ip_address
from typing import NamedTuple

from OpenSSL import crypto

from diagnostics.probes import der
from diagnostics.probes.der import DerError, Element
from diagnostics.text import readable

_OPTIONAL = (0xA0, 0x81, 0x82)
"""Tags of version, issuerUniqueID and subjectUniqueID."""

_COMMON_NAME = "2.5.4.3"
_LABELS = {
    _COMMON_NAME: "CN", "2.5.4.6": "C", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU",
    "0.9.2342.19200300.100.1.25": "DC", "1.2.840.113549.1.9.1": "emailAddress",
}  # fmt: skip

_SUBJECT_KEY, _KEY_USAGE, _SAN, _REVOCATION_LISTS, _AUTHORITY_KEY, _EXTENDED_KEY_USAGE = (
    "2.5.29.14", "2.5.29.15", "2.5.29.17", "2.5.29.31", "2.5.29.35", "2.5.29.37",
)  # fmt: skip

SERVER_AUTH, ANY_USAGE = "1.3.6.1.5.5.7.3.1", "2.5.29.37.0"

_RSA, _RSA_PSS, _DSA, _EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10040.4.1", "1.2.840.10045.2.1"
_KEYS = {"1.3.101.112": "Ed25519", "1.3.101.113": "Ed448"}
_CURVES = {
    "1.2.840.10045.3.1.1": "secp192r1", "1.3.132.0.33": "secp224r1", "1.2.840.10045.3.1.7": "secp256r1",
    "1.3.132.0.34": "secp384r1", "1.3.132.0.35": "secp521r1", "1.3.132.0.10": "secp256k1",
    "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1", "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
    "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
}  # fmt: skip

_HASHES = {
    "1.2.840.113549.1.1.4": "MD5", "1.2.840.113549.1.1.5": "SHA1", "1.3.14.3.2.29": "SHA1", "1.2.840.10040.4.3": "SHA1",
    "1.2.840.10045.4.1": "SHA1", "1.3.14.3.2.26": "SHA1", "1.2.840.113549.2.5": "MD5",
    "1.2.840.113549.1.1.14": "SHA224", "1.2.840.113549.1.1.11": "SHA256", "1.2.840.113549.1.1.12": "SHA384",
    "1.2.840.113549.1.1.13": "SHA512", "1.2.840.10045.4.3.1": "SHA224", "1.2.840.10045.4.3.2": "SHA256",
    "1.2.840.10045.4.3.3": "SHA384", "1.2.840.10045.4.3.4": "SHA512", "2.16.840.1.101.3.4.3.1": "SHA224",
    "2.16.840.1.101.3.4.3.2": "SHA256", "2.16.840.1.101.3.4.2.1": "SHA256", "2.16.840.1.101.3.4.2.2": "SHA384",
    "2.16.840.1.101.3.4.2.3": "SHA512", "2.16.840.1.101.3.4.2.4": "SHA224",
}  # fmt: skip
"""Signature algorithms, and the hash algorithms that RSASSA-PSS names apart (RFC 4055, 5758)."""


Name = tuple[tuple[str, str], ...]
"""A distinguished name: object identifier and text of each attribute."""


class Names(NamedTuple):
    """What a certificate can stand for. `dns` and `addresses` of the SAN, `common` of the subject."""

    dns: tuple[str, ...]
    addresses: tuple[str, ...]
    common: tuple[str, ...]


class X509:
    """One certificate. Raises DerError or OpenSSL.crypto.Error when it is none, or lacks what every certificate has."""

    def __init__(self, data: bytes) -> None:
        self.der = data
        try:
            signed, self._algorithm, _ = der.only(data, der.SEQUENCE).parts()
            fields = [part for part in signed.parts() if part.tag not in _OPTIONAL]
            _, _, self._issuer, validity, self._subject, self._key_info, *rest = fields
            self.not_before, self.not_after = (_moment(part) for part in validity.parts())
        except ValueError as error:
            raise DerError("fields") from error
        self._extensions = rest[0].content if rest and rest[0].tag == 0xA3 else b""
        self.openssl = crypto.load_certificate(crypto.FILETYPE_ASN1, data)

    @cached_property
    def subject(self) -> str:
        """The common name, else the whole name, for a person."""
        return _shown(self._subject_parts)

    @cached_property
    def issuer(self) -> str:
        return _shown(self._issuer_parts)

    @cached_property
    def subject_key(self) -> Name:
        """The subject in a form that equal names share (RFC 5280 section 7.1: case, blanks and string type do not count)."""
        return _comparable(self._subject_parts)

    @cached_property
    def issuer_key(self) -> Name:
        return _comparable(self._issuer_parts)

    @cached_property
    def _subject_parts(self) -> Name:
        return _attributes(self._subject)

    @cached_property
    def _issuer_parts(self) -> Name:
        return _attributes(self._issuer)

    @cached_property
    def extensions(self) -> Mapping[str, bytes]:
        """Content by object identifier; the first of several, and none from where they cannot be read."""
        found: dict[str, bytes] = {}
        try:
            for extension in der.only(self._extensions, der.SEQUENCE).parts() if self._extensions else ():
                name, *_, value = extension.parts()
                found.setdefault(name.oid(), value.content)
        except ValueError:
            pass
        return found

    @cached_property
    def key_id(self) -> bytes:
        """Subject key identifier; empty without."""
        return _first(self.extensions.get(_SUBJECT_KEY, b""), der.OCTET_STRING)

    @cached_property
    def issuer_key_id(self) -> bytes:
        """Authority key identifier; empty without."""
        return _first(_first(self.extensions.get(_AUTHORITY_KEY, b""), der.SEQUENCE), 0x80)

    @cached_property
    def names(self) -> Names:
        """Names that are no names are left out: a dNSName that is not ASCII, an address that has neither 4 nor 16 bytes."""
        dns, addresses = [], []
        try:
            for name in der.elements(_first(self.extensions.get(_SAN, b""), der.SEQUENCE)):
                if name.tag == 0x82 and name.content.isascii():
                    dns.append(name.content.decode())
                elif name.tag == 0x87 and len(name.content) in (4, 16):
                    addresses.append(str(ip_address(name.content)))
        except DerError:
            pass
        common = tuple(text for kind, text in self._subject_parts if kind == _COMMON_NAME)
        return Names(tuple(dns), tuple(addresses), common)

    @cached_property
    def revocation_list(self) -> str:
        """Address of the first revocation list that it names; empty without. Nothing is ever fetched from it."""
        found = der.elements(_first(self.extensions.get(_REVOCATION_LISTS, b""), der.SEQUENCE))
        try:
            for tag in (der.SEQUENCE, 0xA0, 0xA0, 0x86):  # DistributionPoint, distributionPoint, fullName, a URI
                at = next(part for part in found if part.tag == tag)
                found = der.elements(at.content)
        except (DerError, StopIteration):
            return ""
        return readable(at.content)[:200]

    @cached_property
    def usages(self) -> tuple[str, ...] | None:
        """Extended key usage: what it is meant for, None where it does not say."""
        if _EXTENDED_KEY_USAGE not in self.extensions:
            return None
        try:
            return tuple(part.oid() for part in der.only(self.extensions[_EXTENDED_KEY_USAGE], der.SEQUENCE).parts())
        except DerError:
            return ()

    @cached_property
    def key_usage(self) -> int | None:
        """The first eight bits of the key usage, digitalSignature the highest; None where it does not say."""
        bits = _first(self.extensions.get(_KEY_USAGE, b""), der.BIT_STRING)
        return bits[1] if len(bits) > 1 else None

    @cached_property
    def key(self) -> tuple[str, int]:
        """(kind of the public key: RSA, DSA, EC and its curve, Ed25519, …; bits of RSA and DSA, else 0)."""
        try:
            algorithm, bits = self._key_info.parts()
            kind, *parameters = algorithm.parts()
            oid = kind.oid()
            if oid in (_RSA, _RSA_PSS):
                return "RSA", _bits(der.only(bits.content[1:], der.SEQUENCE))
            if oid == _DSA:
                return "DSA", _bits(parameters[0])
            if oid == _EC:
                curve = parameters[0].oid() if parameters[0].tag == der.OID else "explicit"
                return f"EC {_CURVES.get(curve, curve)}", 0
        except (ValueError, IndexError):
            return "unknown", 0
        return _KEYS.get(oid, "unknown"), 0

    @cached_property
    def signature(self) -> str:
        """The hash of the signature (MD5, SHA1, SHA256, …), or the algorithm's object identifier."""
        try:
            kind, *parameters = self._algorithm.parts()
            if kind.oid() == _RSA_PSS:
                # RFC 4055 section 3.1: hashAlgorithm [0], SHA-1 where it is left out
                named = [part for part in parameters[0].parts() if part.tag == 0xA0] if parameters else []
                return _HASHES.get(named[0].parts()[0].parts()[0].oid(), "") if named else "SHA1"
        except (ValueError, IndexError):
            return ""
        return _HASHES.get(kind.oid(), kind.oid())

    @property
    def names_itself(self) -> bool:
        return self.subject_key == self.issuer_key


def _moment(element: Element) -> datetime:
    """RFC 5280 section 4.1.2.5: with seconds, in UTC; two digits of a year mean 1950 to 2049."""
    text = element.content.decode("ascii", "replace")
    if element.tag == der.UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    if len(text) != 15 or not text[:14].isdigit() or text[14] != "Z":
        raise DerError("time")
    month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
    return datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)


def _first(data: bytes, tag: int) -> bytes:
    try:
        return der.only(data, tag).content
    except DerError:
        return b""


def _bits(sequence: Element) -> int:
    return int.from_bytes(sequence.parts()[0].content, "big").bit_length()


def _attributes(name: Element) -> Name:
    found = []
    try:
        for relative in name.parts():
            for attribute in relative.parts():
                kind, value = attribute.parts()[:2]
                found.append((kind.oid(), value.text()))
    except ValueError:
        pass
    return tuple(found)


def _comparable(parts: Name) -> Name:
    return tuple((kind, " ".join(text.split()).casefold()) for kind, text in parts)


def _shown(parts: Name) -> str:
    common = next((text for kind, text in parts if kind == _COMMON_NAME), None)
    text = common or ",".join(f"{_LABELS.get(kind, kind)}={text}" for kind, text in reversed(parts))
    return readable(text.encode("utf-8", "replace"))[:200] or "?"
