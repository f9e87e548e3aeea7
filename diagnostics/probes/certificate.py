"""The step `certificate`: the chain as sent, judged apart from the handshake, as Exchange Online would judge it.

Exchange Online fetches no intermediates and so nothing is fetched here: an AIA, CRL or OCSP address in a certificate is
somebody else's choice of where we connect.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from OpenSSL import crypto

from diagnostics.findings import CERTIFICATE, Clue, Finding, Reason, Warn
from diagnostics.model import Certificate
from diagnostics.probes.trust import TrustStore
from diagnostics.sans import fits
from diagnostics.text import readable

MIN_RSA_BITS = 2048
WARN_STEPS = (3, 14, 30)
SHOWN_NAMES = 10

# X509_V_ERR_…: the chain ends in a self-signed certificate; an issuer is neither sent nor known
_SELF_SIGNED = {18, 19}
_NO_ISSUER = {2, 20, 21}


def judge(
    chain: Sequence[bytes], trust: TrustStore, wanted: str | None, now: datetime
) -> tuple[Certificate | None, tuple[Finding, ...]]:
    """Facts and faults of a chain as sent (DER, leaf first), worst first in contract 3's order.

    `wanted` is the name that the connector asks for (None: no name is compared). Raises TrustFault.
    """
    try:
        certificates = [x509.load_der_x509_certificate(der) for der in chain]
        leaf = certificates[0]
        facts = _facts(leaf, certificates, chain[0], wanted, now)
        found = _trusted(certificates, trust, now) + _weak(certificates) + _usage(certificates)
    except (ValueError, TypeError, IndexError, UnsupportedAlgorithm, crypto.Error) as error:
        unread = {"how": "unreadable", "error": type(error).__name__, "text": readable(str(error).encode())[:120]}
        return None, (Finding(Reason.CERTIFICATE_INVALID, unread),)
    if wanted is not None and not fits(wanted, *names(leaf)):
        shown = ", ".join(facts.sans) or facts.subject
        found.append(Finding(Reason.CERTIFICATE_NAME_MISMATCH, {"wanted": wanted, "names": shown}))
    unique = {f.tag: f for f in reversed(found)}
    ranked = [unique[tag] for tag in CERTIFICATE if tag in unique] + [f for f in found if isinstance(f.tag, Clue)]
    if (
        not any(f.tag in (Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID) for f in ranked)
        and facts.days_left <= WARN_STEPS[-1]
    ):
        step = next(step for step in WARN_STEPS if facts.days_left <= step)
        soon = {"step": str(step), "days": str(facts.days_left), "date": f"{facts.not_after:%Y-%m-%d}"}
        ranked.append(Finding(Warn.CERTIFICATE_EXPIRES_SOON, soon))
    return facts, tuple(ranked)


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate, as people compare it."""
    return hashlib.sha256(der).hexdigest().upper()


def names(leaf: x509.Certificate) -> tuple[list[str], list[str], list[str]]:
    """(DNS names, IP addresses, common names) that a certificate stands for. The last count only without a SAN."""
    try:
        sans = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        common = [str(a.value) for a in leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        return [], [], common
    return sans.get_values_for_type(x509.DNSName), [str(a) for a in sans.get_values_for_type(x509.IPAddress)], []


def _trusted(certificates: Sequence[x509.Certificate], trust: TrustStore, now: datetime) -> list[Finding]:
    """OpenSSL's verdict on the chain without its dates, then the dates of the path that it found."""
    path, code, words, depth = _verify(certificates, trust.store)
    dates = _dates(path, now)
    if dates and not code and not _dates(path[:1], now) and not _verify(certificates, trust.dated)[1]:
        dates = []  # cross-signed: another path to a trusted root is in date
    return _chain_fault(certificates, code, words, depth) + dates


def _chain_fault(certificates: Sequence[x509.Certificate], code: int, words: str, depth: int) -> list[Finding]:
    last = certificates[-1]
    if not code:
        return []
    if code in _SELF_SIGNED:
        root = {"name": _name(last.subject)}
        found = [Finding(Reason.CERTIFICATE_UNTRUSTED, root)]
        return found + ([Finding(Clue.SELF_SIGNED, root)] if len(certificates) == 1 else [])
    if code in _NO_ISSUER:
        missing = {"count": str(len(certificates)), "name": _name(last.issuer)}
        return [Finding(Reason.CERTIFICATE_INCOMPLETE_CHAIN, missing), Finding(Clue.ISSUER_NOT_SENT, missing)]
    return [Finding(Reason.CERTIFICATE_INVALID, {"how": "openssl", "error": words, "code": str(code), "depth": str(depth)})]


def _verify(
    certificates: Sequence[x509.Certificate], store: crypto.X509Store
) -> tuple[Sequence[x509.Certificate], int, str, int]:
    """The path to a root and OpenSSL's error number, words and depth; what was sent, when it leads to none."""
    leaf, *others = (crypto.X509.from_cryptography(c) for c in certificates)
    try:
        path = crypto.X509StoreContext(store, leaf, others).get_verified_chain()
    except crypto.X509StoreContextError as error:
        number, depth, words = int(error.errors[0]), int(error.errors[1]), str(error.errors[2])
        return certificates, number, words, depth
    return [c.to_cryptography() for c in path], 0, "", 0


def _dates(certificates: Sequence[x509.Certificate], now: datetime) -> list[Finding]:
    for certificate in certificates:
        if certificate.not_valid_after_utc < now:
            end = certificate.not_valid_after_utc
            days = (now - end).days
            facts = {"how": "days-ago" if days else "today", "name": _name(certificate.subject), "days": str(days)}
            return [Finding(Reason.CERTIFICATE_EXPIRED, facts | {"moment": f"{end:%Y-%m-%d %H:%M}"})]
    for certificate in certificates:
        if certificate.not_valid_before_utc > now:
            facts = {"name": _name(certificate.subject), "moment": f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M}"}
            return [Finding(Reason.CERTIFICATE_NOT_YET_VALID, facts)]
    return []


def _weak(certificates: Sequence[x509.Certificate]) -> list[Finding]:
    for certificate in certificates:
        key = certificate.public_key()
        if isinstance(key, rsa.RSAPublicKey) and key.key_size < MIN_RSA_BITS:
            facts = {"how": "key", "name": _name(certificate.subject), "bits": str(key.key_size), "least": str(MIN_RSA_BITS)}
            return [Finding(Reason.CERTIFICATE_WEAK, facts)]
        # a root's own signature is never looked at: it is trusted for being in the store
        if certificate.issuer != certificate.subject and _hash(certificate) in ("md5", "sha1"):
            facts = {"how": "signature", "name": _name(certificate.subject), "hash": _hash(certificate).upper()}
            return [Finding(Reason.CERTIFICATE_WEAK, facts)]
    return []


def _usage(certificates: Sequence[x509.Certificate]) -> list[Finding]:
    """Extended key usage (RFC 5280 section 4.2.1.12), which OpenSSL judges only when a purpose is set."""
    for certificate in certificates:
        try:
            usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        except x509.ExtensionNotFound:
            continue
        if not {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE} & set(usage):
            return [Finding(Reason.CERTIFICATE_INVALID, {"how": "purpose", "name": _name(certificate.subject)})]
    return []


def _facts(
    leaf: x509.Certificate, chain: Sequence[x509.Certificate], der: bytes, wanted: str | None, now: datetime
) -> Certificate:
    dns_names, addresses, _ = names(leaf)
    sans = [readable(name.encode())[:253] for name in [*dns_names, *addresses]]
    return Certificate(
        subject=_name(leaf.subject),
        sans=tuple(sans[:SHOWN_NAMES]),
        sans_total=len(sans),
        issuer=_name(leaf.issuer),
        not_before=leaf.not_valid_before_utc,
        not_after=leaf.not_valid_after_utc,
        days_left=(leaf.not_valid_after_utc - now) // timedelta(days=1),
        sha1=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        sha256=fingerprint(der),
        key=_key(leaf),
        signature=_hash(leaf).upper() or leaf.signature_algorithm_oid.dotted_string,
        chain=tuple(_name(c.subject) for c in chain[:SHOWN_NAMES]),
        wanted=wanted,
    )


def _key(certificate: x509.Certificate) -> str:
    match certificate.public_key():
        case rsa.RSAPublicKey(key_size=bits):
            return f"RSA {bits}"
        case ec.EllipticCurvePublicKey(curve=curve):
            return f"EC {curve.name}"
        case ed25519.Ed25519PublicKey():
            return "Ed25519"
        case ed448.Ed448PublicKey():
            return "Ed448"
        case dsa.DSAPublicKey(key_size=bits):
            return f"DSA {bits}"
    return "unknown"


def _hash(certificate: x509.Certificate) -> str:
    try:
        algorithm = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return ""
    return algorithm.name if algorithm else ""


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    text = str(common[0].value) if common else name.rfc4514_string()
    return readable(text.encode("utf-8", "replace"))[:200] or "?"
