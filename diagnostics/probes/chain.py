"""The paths that can be built from a leaf with what was sent, and OpenSSL's verdict on each.

Windows looks at every path and takes the best; OpenSSL takes the first issuer that fits, so it is given one path at a time.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509 import load_der_x509_certificate
from OpenSSL import crypto

from diagnostics.probes.der import DerError
from diagnostics.probes.trust import TrustStore
from diagnostics.probes.x509 import X509, Name

# otherwise the library writes on standard error what it dislikes in a stranger's certificate
warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning, module=__name__)

MAX_DEPTH = 100
"""OpenSSL's own limit for a path."""

MAX_PATHS = 6
"""Two editions of an intermediate under three roots. More are a stranger's way to make us compute."""


# X509_V_ERR_…: the store knows no issuer of one of its own; no issuer was sent or is known; a signature is another key's
_NONE_IN_STORE, _NO_ISSUER, _BAD_SIGNATURE = 2, (20, 21), 7


@dataclass(frozen=True, slots=True)
class Path:
    """A path from the leaf. `code` 0: it ends in a trusted root, which is part of it; else OpenSSL's error and its words.

    `breaks_off`: the issuer of the last certificate is missing. `refused`: the place of an issuer that OpenSSL does not accept,
    although its name and key identifier are right (0: none).
    """

    certificates: tuple[X509, ...]
    code: int = 0
    words: str = ""
    breaks_off: bool = False
    refused: int = 0

    @property
    def is_trusted(self) -> bool:
        return not self.code


def paths(leaf: X509, others: Sequence[X509], trust: TrustStore, now: datetime) -> Iterator[Path]:
    """The path that is valid today, if OpenSSL finds it at once; then every way up by itself, dates left aside.

    Raises TrustFault.
    """
    ordered = sorted(others, key=lambda c: (not c.not_before <= now <= c.not_after, -c.not_after.timestamp()))
    direct = _verify((leaf, *ordered), trust.dated)
    if direct.is_trusted:
        yield direct
    by_subject: dict[Name, list[X509]] = {}
    for certificate in ordered:
        by_subject.setdefault(certificate.subject_key, []).append(certificate)
    for sent in islice(_ways((leaf,), by_subject), MAX_PATHS):
        yield _verify(sent, trust.store)


def is_self_signed(certificate: X509) -> bool:
    """Whether its own key signed it. Its key identifiers may say otherwise, as those of some appliances do."""
    return certificate.names_itself and _is_signed_by(certificate, certificate)


def _ways(path: tuple[X509, ...], by_subject: Mapping[Name, Sequence[X509]]) -> Iterator[tuple[X509, ...]]:
    """Every way from the end of `path` up through what was sent, the preferred one first."""
    child = path[-1]
    known = () if len(path) >= MAX_DEPTH or is_self_signed(child) else by_subject.get(child.issuer_key, ())
    above = [c for c in known if c not in path and _can_be_issuer(c, child)]
    if not above:
        yield path
    for issuer in above:
        yield from _ways((*path, issuer), by_subject)


def _can_be_issuer(issuer: X509, child: X509) -> bool:
    """Of two that agree by name. Where a key identifier is missing the signature tells, when the path is verified."""
    return not (issuer.key_id and child.issuer_key_id) or issuer.key_id == child.issuer_key_id


def _is_signed_by(child: X509, issuer: X509) -> bool:
    """By the signature; where the library cannot read or verify it, by the key identifiers."""
    try:
        issuer_read = load_der_x509_certificate(issuer.der)
        load_der_x509_certificate(child.der).verify_directly_issued_by(issuer_read)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return child.issuer_key_id in (b"", issuer.key_id)
    return True


def _verify(sent: Sequence[X509], store: crypto.X509Store) -> Path:
    leaf, *others = (c.openssl for c in sent)
    try:
        found = crypto.X509StoreContext(store, leaf, others).get_verified_chain()
    except crypto.X509StoreContextError as error:
        return _fault(tuple(sent), *error.errors)
    read = {c.der: c for c in sent}
    ders = (crypto.dump_certificate(crypto.FILETYPE_ASN1, c) for c in found)
    certificates = ((read.get(der) or _from_store(der)) for der in ders)
    return Path(tuple(c for c in certificates if c))


def _fault(sent: tuple[X509, ...], code: int, depth: int, words: str) -> Path:
    upto = sent[: depth + 1]
    # by another key than that of the issuer's namesake, where no key identifier says which key is meant
    is_namesake = code == _BAD_SIGNATURE and not upto[-1].issuer_key_id
    if is_namesake or code == _NONE_IN_STORE or (code in _NO_ISSUER and len(upto) == len(sent)):
        return Path(upto, code, words, breaks_off=True)
    return Path(sent, code, words, refused=len(upto) if code in _NO_ISSUER else 0)


@lru_cache(maxsize=256)
def _from_store(der: bytes) -> X509 | None:
    """A root is trusted for being in the store: one that cannot be read has nothing to be judged."""
    try:
        return X509(der)
    except (DerError, crypto.Error):
        return None
