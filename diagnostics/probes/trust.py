"""The roots that a server's chain must end in, loaded once per process and as late as possible (19 ms for a full store)."""

import ssl
from functools import cached_property
from pathlib import Path

from OpenSSL import crypto

_NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, for which pyOpenSSL has no name


class TrustFault(Exception):
    """No roots can be loaded: a fault of this machine or of its settings. `how`: no-roots, or bad-roots in `file`."""

    def __init__(self, how: str, file: str = "") -> None:
        super().__init__(f"{file} holds no PEM certificates that can be read" if file else "this machine has no trusted roots")
        self.how, self.file = how, file


class TrustStore:
    """`ca_file` replaces the default store (contract 2). `dated` goes by the system's clock, `store` heeds no dates.

    OpenSSL keeps the first time that a store is told, so neither is told one.
    """

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file

    @cached_property
    def dated(self) -> crypto.X509Store:
        return self._load()

    @cached_property
    def store(self) -> crypto.X509Store:
        store = self._load()
        store.set_flags(_NO_CHECK_TIME)
        return store

    def _load(self) -> crypto.X509Store:
        """Raises TrustFault."""
        store = crypto.X509Store()
        if self._ca_file:
            _load_locations(store, str(self._ca_file), None)
            return store
        paths = ssl.get_default_verify_paths()
        directory = paths.capath if paths.capath and any(Path(paths.capath).iterdir()) else None
        if not paths.cafile and not directory:
            raise TrustFault("no-roots")
        _load_locations(store, paths.cafile, directory)
        return store


def _load_locations(store: crypto.X509Store, cafile: str | None, capath: str | None) -> None:
    try:
        store.load_locations(cafile, capath)
    except crypto.Error:
        raise TrustFault("bad-roots", cafile or capath or "") from None
