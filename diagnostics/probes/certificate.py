"""The step `certificate`: the chain as sent, judged apart from the handshake, as Exchange Online would judge it.

Exchange Online fetches no intermediates and so nothing is fetched here: an AIA, CRL or OCSP address in a certificate is
somebody else's choice of where we connect. Judged is the path that leads from the leaf to a root, not what is sent beside it.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from OpenSSL import crypto

from diagnostics.findings import CERTIFICATE, Clue, Facts, Finding, Reason, Warn
from diagnostics.model import Certificate
from diagnostics.net.cert_names import fits
from diagnostics.probes.chain import Path, is_self_signed, paths
from diagnostics.probes.der import DerError
from diagnostics.probes.trust import TrustStore
from diagnostics.probes.x509 import ANY_USAGE, SERVER_AUTH, X509
from diagnostics.text import readable

MIN_RSA_BITS = 2048
WARN_STEPS = (3, 14, 30)
SHOWN_NAMES = 10

# X509_V_ERR_…: the path ends in a self-signed certificate
_SELF_SIGNED = {18, 19}

# RFC 5280 section 4.2.1.3: digitalSignature, keyEncipherment, keyAgreement, one of which every TLS server needs
_FOR_TLS = 0x80 | 0x20 | 0x08

Judgement = tuple[Certificate | None, tuple[Finding, ...]]


def judge(
    chain: Sequence[bytes], trust: TrustStore, wanted: str | None, now: datetime
) -> tuple[Certificate | None, tuple[Finding, ...]]:
    """Facts and faults of a chain as sent (DER, leaf first), worst first in contract 3's order.

    `wanted` is the name that the connector asks for (None: no name is compared). Raises TrustFault.
    """
    sent = _read(chain)
    leaf = sent[0] if sent else None
    if leaf is None:
        return None, (Finding(Reason.CERTIFICATE_INVALID, {"how": "unreadable"}),)
    others = [c for c in sent[1:] if c is not None]
    path, found = _best(leaf, others, trust, now)
    found += _name(leaf, wanted) if wanted is not None else []
    facts = _facts(leaf, sent, wanted, now)
    found += _unneeded(sent, path) + _expires_soon(facts, found)
    return facts, (*_ranked(found), *(f for f in found if not isinstance(f.tag, Reason)))


def fingerprint(der: bytes) -> str:
    """SHA-256 of a certificate, as people compare it."""
    return hashlib.sha256(der).hexdigest().upper()


def hides_an_rsa_one(seen: Certificate) -> bool:
    """Whether a server that presents this one may present an RSA certificate to a client that prefers RSA's suites."""
    return not seen.key.startswith("RSA")


def _read(chain: Sequence[bytes]) -> list[X509 | None]:
    """Each certificate once, None for one that is none: sent beside a sound path it does no harm."""
    found: list[X509 | None] = []
    for data in dict.fromkeys(chain):
        try:
            found.append(X509(data))
        except (DerError, crypto.Error):
            found.append(None)
    return found


def _best(leaf: X509, others: Sequence[X509], trust: TrustStore, now: datetime) -> tuple[Path, list[Finding]]:
    """The path with the least fault, as Windows chooses, and what is wrong with it."""
    best: tuple[Path, list[Finding]] | None = None
    for path in paths(leaf, others, trust, now):
        found = _chain_fault(path, others) + _usage(path) + _weak(path) + _dates(path, now)
        if best is None or _badness(found) < _badness(best[1]):
            best = path, found
        if not found:
            break
    if best is None:
        raise AssertionError("there is always the path of the leaf alone")
    return best


def _badness(found: Sequence[Finding]) -> int:
    """How bad the worst is. A path that ends in an unknown root is better known than one that breaks off."""
    return max((_WORSE.index(f.tag) + 1 for f in found if f.tag in _WORSE), default=0)


_WORSE = (
    Reason.CERTIFICATE_NOT_YET_VALID,
    Reason.CERTIFICATE_EXPIRED,
    Reason.CERTIFICATE_WEAK,
    Reason.CERTIFICATE_INVALID,
    Reason.CERTIFICATE_UNTRUSTED,
    Reason.CERTIFICATE_INCOMPLETE_CHAIN,
)


def _ranked(found: Sequence[Finding]) -> list[Finding]:
    """One finding a reason, in the order of contract 3."""
    unique = {f.tag: f for f in reversed(found)}
    return [unique[tag] for tag in CERTIFICATE if tag in unique]


def _chain_fault(path: Path, others: Sequence[X509]) -> list[Finding]:
    if path.is_trusted:
        return []
    leaf, last = path.certificates[0], path.certificates[-1]
    if is_self_signed(leaf):
        facts = {"how": "self-signed", "name": leaf.subject}
        return [Finding(Reason.CERTIFICATE_UNTRUSTED, facts), Finding(Clue.SELF_SIGNED, facts)]
    if path.breaks_off:
        how = "other-key" if any(c.subject_key == last.issuer_key for c in others) else "not-sent"
        facts = {"how": how, "name": last.issuer, "of": last.subject}
        return [Finding(Reason.CERTIFICATE_INCOMPLETE_CHAIN, facts), Finding(Clue.ISSUER_NOT_SENT, facts)]
    if path.code in _SELF_SIGNED:
        return [Finding(Reason.CERTIFICATE_UNTRUSTED, {"how": "root", "name": last.subject})]
    if path.refused:
        issuer, child = path.certificates[path.refused], path.certificates[path.refused - 1]
        return [Finding(Reason.CERTIFICATE_INVALID, {"how": "issuer-refused", "name": issuer.subject, "of": child.subject})]
    facts = {"how": "openssl", "error": path.words, "code": str(path.code)}
    return [Finding(Reason.CERTIFICATE_INVALID, facts)]


def _usage(path: Path) -> list[Finding]:
    """What the path is meant for (RFC 5280 sections 4.2.1.3, 4.2.1.12), which OpenSSL judges only when a purpose is set."""
    leaf = path.certificates[0]
    if leaf.key_usage is not None and not leaf.key_usage & _FOR_TLS:
        return [Finding(Reason.CERTIFICATE_INVALID, {"how": "key-usage", "name": leaf.subject})]
    for certificate in path.certificates:
        if certificate.usages is not None and not {SERVER_AUTH, ANY_USAGE} & set(certificate.usages):
            return [Finding(Reason.CERTIFICATE_INVALID, {"how": "purpose", "name": certificate.subject})]
    return []


def _weak(path: Path) -> list[Finding]:
    for number, certificate in enumerate(path.certificates, 1):
        kind, bits = certificate.key
        if kind == "RSA" and bits < MIN_RSA_BITS:
            facts = {"how": "key", "name": certificate.subject, "bits": str(bits), "least": str(MIN_RSA_BITS)}
            return [Finding(Reason.CERTIFICATE_WEAK, facts)]
        # a root's own signature is never looked at: it is trusted for being in the store
        is_root = path.is_trusted and number == len(path.certificates)
        if not is_root and certificate.signature in ("MD5", "SHA1") and not certificate.names_itself:
            facts = {"how": "signature", "name": certificate.subject, "hash": certificate.signature}
            return [Finding(Reason.CERTIFICATE_WEAK, facts)]
    return []


def _dates(path: Path, now: datetime) -> list[Finding]:
    for certificate in path.certificates:
        if certificate.not_after < now:
            end = certificate.not_after
            days = (now - end).days
            facts = {"how": "days-ago" if days else "today", "name": certificate.subject, "days": str(days)}
            return [Finding(Reason.CERTIFICATE_EXPIRED, facts | {"moment": f"{end:%Y-%m-%d %H:%M}"})]
    for certificate in path.certificates:
        if certificate.not_before > now:
            facts = {"name": certificate.subject, "moment": f"{certificate.not_before:%Y-%m-%d %H:%M}"}
            return [Finding(Reason.CERTIFICATE_NOT_YET_VALID, facts)]
    return []


def _name(leaf: X509, wanted: str) -> list[Finding]:
    """Subject or SAN: Microsoft's wording of DomainValidation ("the subject name or subject alternative name")."""
    dns, addresses, common = leaf.names
    if fits(wanted, dns, addresses, ()):
        return []
    names = ", ".join(_shown(name) for name in [*dns, *addresses][:SHOWN_NAMES])
    if fits(wanted, (), (), common):
        how = "other-names" if names else "no-names"
        return [Finding(Warn.CERTIFICATE_NAME_IN_CN_ONLY, {"how": how, "wanted": wanted, "names": names})]
    return [Finding(Reason.CERTIFICATE_NAME_MISMATCH, {"wanted": wanted, "names": names or leaf.subject})]


def _unneeded(sent: Sequence[X509 | None], path: Path) -> list[Finding]:
    needed = {c.der for c in path.certificates}
    beside = ["?" if c is None else c.subject for c in sent if c is None or c.der not in needed]
    if not beside:
        return []
    return [Finding(Warn.CERTIFICATE_UNNEEDED, {"count": str(len(beside)), "names": ", ".join(beside[:SHOWN_NAMES])})]


def _expires_soon(facts: Certificate, found: Sequence[Finding]) -> list[Finding]:
    is_dated = any(f.tag in (Reason.CERTIFICATE_EXPIRED, Reason.CERTIFICATE_NOT_YET_VALID) for f in found)
    if is_dated or facts.days_left > WARN_STEPS[-1]:
        return []
    step = next(step for step in WARN_STEPS if facts.days_left <= step)
    soon: Facts = {"step": str(step), "days": str(facts.days_left), "date": f"{facts.not_after:%Y-%m-%d}"}
    return [Finding(Warn.CERTIFICATE_EXPIRES_SOON, soon)]


def _facts(leaf: X509, sent: Sequence[X509 | None], wanted: str | None, now: datetime) -> Certificate:
    names = [*leaf.names.dns, *leaf.names.addresses]
    kind, bits = leaf.key
    return Certificate(
        subject=leaf.subject,
        sans=tuple(_shown(name) for name in names[:SHOWN_NAMES]),
        sans_total=len(names),
        issuer=leaf.issuer,
        not_before=leaf.not_before,
        not_after=leaf.not_after,
        days_left=(leaf.not_after - now) // timedelta(days=1),
        sha1=hashlib.sha1(leaf.der, usedforsecurity=False).hexdigest().upper(),
        sha256=fingerprint(leaf.der),
        key=f"{kind} {bits}" if bits else kind,
        signature=leaf.signature,
        chain=tuple("?" if c is None else c.subject for c in sent[:SHOWN_NAMES]),
        wanted=wanted,
        revocation_list=leaf.revocation_list,
    )


def _shown(name: str) -> str:
    return readable(name.encode())[:253]
