"""The paths that can be built from a leaf with what was sent, and OpenSSL's verdict on each.

Windows looks at every path and takes the best; OpenSSL takes the first issuer that fits, so it is given one path at a time.
"""

import warnings
from collections.abc import Iterator, Sequence
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
from diagnostics.probes.x509 import X509

# what it would tell on standard error is the certificate's maker's business
warnings.filterwarnings("ignore", category=CryptographyDeprecationWarning, module=__name__)

MAX_DEPTH = 100
"""OpenSSL's own limit for a path."""

MAX_PATHS = 6
"""Two editions of an intermediate under three roots. More are a stranger's way to make us compute."""

MAX_SIGNATURES = 32
"""Signatures looked at to tell issuers of one name apart, where no key identifier tells them."""


@dataclass(frozen=True, slots=True)
class Path:
    """A path from the leaf. `code` 0: it ends in a trusted root, which is part of it; else OpenSSL's error at `depth`."""

    certificates: tuple[X509, ...]
    code: int = 0
    words: str = ""
    depth: int = 0

    @property
    def is_trusted(self) -> bool:
        return not self.code

    @property
    def at_fault(self) -> X509:
        return self.certificates[min(self.depth, len(self.certificates) - 1)]


def paths(leaf: X509, others: Sequence[X509], trust: TrustStore, now: datetime) -> Iterator[Path]:
    """The path that is valid today, if OpenSSL finds it at once; then every way up by itself, dates left aside.

    Raises TrustFault.
    """
    ordered = sorted(others, key=lambda c: (not c.not_before <= now <= c.not_after, -c.not_after.timestamp()))
    direct = _verify((leaf, *ordered), trust.dated)
    if direct.is_trusted:
        yield direct
    for sent in islice(_Ways(ordered).up((leaf,)), MAX_PATHS):
        yield _verify(sent, trust.store)


def is_self_signed(certificate: X509) -> bool:
    """Whether its own key signed it, whatever its key identifiers say."""
    return certificate.names_itself and _is_signed_by(certificate, certificate)


class _Ways:
    """The ways up through what was sent. A signature is looked at where nothing else tells, and not without end."""

    def __init__(self, others: Sequence[X509]) -> None:
        self._by_subject: dict[object, list[X509]] = {}
        for certificate in others:
            self._by_subject.setdefault(certificate.subject_key, []).append(certificate)
        self._signatures_left = MAX_SIGNATURES

    def up(self, path: tuple[X509, ...]) -> Iterator[tuple[X509, ...]]:
        """Every way from the end of `path`, the preferred one first."""
        child = path[-1]
        known = () if len(path) >= MAX_DEPTH or is_self_signed(child) else self._by_subject.get(child.issuer_key, ())
        above = [c for c in known if c not in path and self._issued(c, child)]
        if not above:
            yield path
        for issuer in above:
            yield from self.up((*path, issuer))

    def _issued(self, issuer: X509, child: X509) -> bool:
        """Of two that agree by name: by key identifier, else by signature."""
        if issuer.key_id and child.issuer_key_id:
            return issuer.key_id == child.issuer_key_id
        self._signatures_left -= 1
        return self._signatures_left < 0 or _is_signed_by(child, issuer)


def _is_signed_by(child: X509, issuer: X509) -> bool:
    """False only where the signature is surely another key's: what the library cannot tell is left to OpenSSL."""
    try:
        issuer_read = load_der_x509_certificate(issuer.der)
        load_der_x509_certificate(child.der).verify_directly_issued_by(issuer_read)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return True
    return True


def _verify(sent: Sequence[X509], store: crypto.X509Store) -> Path:
    leaf, *others = (c.openssl for c in sent)
    try:
        found = crypto.X509StoreContext(store, leaf, others).get_verified_chain()
    except crypto.X509StoreContextError as error:
        code, depth, words = error.errors
        return Path(tuple(sent), int(code), str(words), int(depth))
    read = {c.der: c for c in sent}
    ders = (crypto.dump_certificate(crypto.FILETYPE_ASN1, c) for c in found)
    certificates = ((read.get(der) or _from_store(der)) for der in ders)
    return Path(tuple(c for c in certificates if c))


@lru_cache(maxsize=256)
def _from_store(der: bytes) -> X509 | None:
    """A root is trusted for being in the store: one that cannot be read has nothing to be judged."""
    try:
        return X509(der)
    except (DerError, crypto.Error):
        return None
