"""The TLS side of the lab's servers: OpenSSL contexts by certificate and variant, each made once."""

import ssl
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

from bot.demo.lab.certificates import Recipe, ca_pem, issue


class LabTLS(ssl.SSLObject):
    """A server's side of TLS that keeps the name the client asked for."""

    asked: str | None = None


def _as_it_is(_: ssl.SSLContext) -> None:
    """TLS 1.2 and 1.3 with everything the library has."""


def _old_only(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        # the deprecation is the point
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1


def _tls12_only(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2


def _tls13_only(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3


def _odd_cipher(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ARIA256-GCM-SHA384:ECDHE-ARIA256-GCM-SHA384:@SECLEVEL=0")


def _old_suites(context: ssl.SSLContext) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("AES256-SHA:AES128-SHA:@SECLEVEL=0")


def _asks_for_certificate(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_OPTIONAL


def _demands_certificate(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED


def _demands_certificate_late(context: ssl.SSLContext) -> None:
    """Under TLS 1.3 the client has finished its handshake when the alert comes."""
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED


VARIANTS: Mapping[str, Callable[[ssl.SSLContext], None]] = {
    "": _as_it_is,
    "old": _old_only,
    "1.2": _tls12_only,
    "1.3": _tls13_only,
    "odd-cipher": _odd_cipher,
    "old-suites": _old_suites,
    "asks-client": _asks_for_certificate,
    "demands-client": _demands_certificate,
    "demands-client-late": _demands_certificate_late,
    "unknown-name": _as_it_is,
}


class Contexts:
    """Contexts by recipe and variant, made once each. Chains and keys lie in `folder`, where OpenSSL reads them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[tuple[Recipe, tuple[str, ...]], Path] = {}
        self._made: dict[tuple[Recipe, tuple[str, ...], str, Recipe | None], ssl.SSLContext] = {}

    def get(self, recipe: Recipe, names: tuple[str, ...], variant: str = "", without_sni: Recipe | None = None) -> ssl.SSLContext:
        """The context of a server; to clients without SNI it may present another certificate."""
        key = (recipe, names, variant, without_sni)
        if key not in self._made:
            context = self._make(recipe, names, variant)
            plain = self._make(without_sni, names, variant) if without_sni else context
            context.sni_callback = _asked(plain, refuse=variant == "unknown-name")
            self._made[key] = context
        return self._made[key]

    def _make(self, recipe: Recipe, names: tuple[str, ...], variant: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.sslobject_class = LabTLS
        # small keys and old hashes are refused at any higher level, by the server's own side
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.load_cert_chain(self._file(recipe, names))
        context.load_verify_locations(cadata=ca_pem().decode())
        VARIANTS[variant](context)
        return context

    def _file(self, recipe: Recipe, names: tuple[str, ...]) -> Path:
        file = self._files.setdefault((recipe, names), self._folder / f"server-{len(self._files)}.pem")
        if not file.exists():
            file.touch(mode=0o600)
            file.write_bytes(issue(recipe, names).pem())
        return file


def _asked(plain: ssl.SSLContext, *, refuse: bool) -> Callable[[ssl.SSLObject, str | None, ssl.SSLContext], int | None]:
    """Called with the name in the ClientHello (None: no name)."""

    def asked(tls: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> int | None:
        if isinstance(tls, LabTLS):
            tls.asked = name
        if name is None:
            tls.context = plain
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME if refuse and name is not None else None

    return asked
