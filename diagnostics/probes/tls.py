"""The step `tls`: one handshake without verification, to get the chain as sent; it is judged apart (certificate.py).

The probe offers what Exchange Online offers: TLS 1.2 and 1.3, its suites and their ECDSA twins, SNI of the host name.
"""

import _ssl
import asyncio
import ssl
import warnings
from dataclasses import dataclass
from functools import cache

from diagnostics.fair import Party
from diagnostics.findings import Clue, Finding, Reason, Trace
from diagnostics.probes.conversation import Conversation
from diagnostics.probes.crypto_pool import CryptoPool
from diagnostics.probes.tls_channel import HandshakeCost, TlsChannel

# Microsoft, "Technical reference details about encryption": suites for TLS 1.2. SECLEVEL 0 because a weak certificate must
# be seen to be named (certificate.py judges it)
_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
    "AES256-GCM-SHA384:AES128-GCM-SHA256:@SECLEVEL=0"
)


# The second look offers all that a server may still have up to TLS 1.2, but nothing where the peer chooses a group of any size
# (DHE, anonymous DH: 0.6 s of CPU at 10,000 bits) and nothing that proves no server (aNULL, eNULL, PSK, SRP).
_OLD_SUITES = "ALL:!DH:!aNULL:!eNULL:!EXPORT:!PSK:!SRP:@SECLEVEL=0"


CURRENT = ("TLSv1.2", "TLSv1.3")
"""What Exchange Online speaks."""


@dataclass(frozen=True, slots=True)
class Handshake:
    """`chain` is as sent, DER, leaf first; empty after a failure, which `findings` tell. `suite`: OpenSSL's name."""

    chain: tuple[bytes, ...] = ()
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    version: str = ""
    suite: str = ""

    @property
    def note(self) -> Finding:
        """What the step shows: the failure, or what was agreed on."""
        return self.findings[0] if self.findings else Finding(Trace.TLS_UP, {"version": self.version, "suite": self.suite})


async def handshake(
    talk: Conversation, sni: str | None, timeout: float, pool: CryptoPool, party: Party, *, old: bool = False
) -> Handshake:
    """Upgrade the conversation after its 220 to STARTTLS. `old` offers TLS 1.0 to 1.2 with every suite that is safe to try."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    try:
        if not isinstance(talk.transport, asyncio.Transport):
            raise ConnectionAbortedError
        channel = TlsChannel(talk.transport, _context(old), sni)
        async with asyncio.timeout(timeout):
            await channel.handshake(pool, party)
    except (OSError, HandshakeCost) as error:  # TimeoutError and SSLError are OSErrors
        return Handshake((), _failure(error, timeout), loop.time() - started)
    seconds = loop.time() - started
    talk.into_tls(channel)
    channel.start(talk)
    secured = channel.secured
    return Handshake(_chain_as_sent(secured), (), seconds, secured.version() or "", (secured.cipher() or ("",))[0])


def _failure(error: Exception, timeout: float) -> tuple[Finding, ...]:
    match error:
        case HandshakeCost():
            return (Finding(Reason.VANTAGE_FAULT, {"how": error.how, "limit": error.limit}),)
        case TimeoutError():
            facts = {"how": "timeout", "seconds": f"{timeout:g}"}
        case ssl.SSLEOFError():
            facts = {"how": "closed"}
        case ssl.SSLError():
            facts = {"how": "openssl", "error": (error.reason or str(error)).replace("_", " ").lower()[:120]}
            if "alert" in str(error).lower():
                return (Finding(Reason.TLS_HANDSHAKE, facts), Finding(Clue.ALERT, facts))
        case ConnectionResetError():
            facts = {"how": "reset"}
        case _:
            facts = {"how": "closed"}
    return (Finding(Reason.TLS_HANDSHAKE, facts),)


def is_offered(suite: str) -> bool:
    """Whether the first look offers this suite (OpenSSL's name)."""
    return suite in {offered["name"] for offered in _context(False).get_ciphers()}


@cache
def _context(old: bool) -> ssl.SSLContext:
    """One context a process and kind: a new one each costs more than the handshake's own reading."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers(_OLD_SUITES if old else _SUITES)
    context.options |= ssl.OP_NO_RENEGOTIATION
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is offered in order to be reported
        context.minimum_version = ssl.TLSVersion.TLSv1 if old else ssl.TLSVersion.TLSv1_2
        if old:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _chain_as_sent(secured: ssl.SSLObject) -> tuple[bytes, ...]:
    """Public from Python 3.13; before, the object behind it has it under the same name."""
    if hasattr(secured, "get_unverified_chain"):
        return tuple(secured.get_unverified_chain())
    inner = secured._sslobj  # type: ignore[attr-defined]
    return tuple(certificate.public_bytes(_ssl.ENCODING_DER) for certificate in inner.get_unverified_chain() or ())
