"""The step `tls`: one handshake without verification, to get the chain as sent; it is judged apart (certificate.py).

The probe offers what Exchange Online offers: TLS 1.2 and 1.3, its suites and their ECDSA twins, SNI of the host name, and
connects to servers without RFC 5746, as Schannel does.
"""

import _ssl
import asyncio
import ssl
import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

from diagnostics.fair import Party
from diagnostics.findings import Clue, Finding, Reason, Trace
from diagnostics.probes.conversation import Conversation, tls_words
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

_NO_COMMON = frozenset({40, 70, 71})
"""Alerts for an offer that the server cannot take: handshake_failure, protocol_version, insufficient_security."""

_LEGACY_SERVER_CONNECT = 0x4  # SSL_OP_LEGACY_SERVER_CONNECT; the ssl module names it from Python 3.12 on
_RENEGOTIATION_INFO = 0xFF01  # RFC 5746 section 3.2
_SERVER_HELLO, _CERTIFICATE_REQUEST = 2, 13  # handshake types (RFC 8446 section 4)
_HANDSHAKE_CONTENT, _ALERT_CONTENT = 22, 21


@dataclass(frozen=True, slots=True)
class Handshake:
    """`chain` is as sent, DER, leaf first; after a failure, which `findings` tell, as far as it came. `suite`: OpenSSL's name.

    `asked`: the server asked for a client certificate. `legacy`: it does not know RFC 5746.
    """

    chain: tuple[bytes, ...] = ()
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    version: str = ""
    suite: str = ""
    asked: bool = False
    legacy: bool = False

    @property
    def note(self) -> Finding:
        """What the step shows: the failure, or what was agreed on."""
        return self.findings[0] if self.findings else Finding(Trace.TLS_UP, {"version": self.version, "suite": self.suite})


class Observed(ssl.SSLObject):
    """A client's side of TLS that keeps what the server's messages say and Python's ssl does not tell."""

    asked = False
    legacy = False
    alert: int | None = None


async def handshake(
    talk: Conversation, sni: str | None, timeout: float, pool: CryptoPool, party: Party, *, old: bool = False
) -> Handshake:
    """Upgrade the conversation after its 220 to STARTTLS. `old` offers TLS 1.0 to 1.2 with every suite that is safe to try."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    if not isinstance(talk.transport, asyncio.Transport):
        return Handshake(findings=(Finding(Reason.TLS_HANDSHAKE, {"how": "closed"}),))
    channel = TlsChannel(talk.transport, _context(old), sni)
    secured = channel.secured
    try:
        await channel.handshake(pool, party, timeout)
    except (OSError, HandshakeCost) as error:  # TimeoutError and SSLError are OSErrors
        findings = _failure(error, timeout, secured)
        asked = _observed(secured).asked
        return Handshake(_chain_as_sent(secured) if asked else (), findings, loop.time() - started, asked=asked)
    seconds = loop.time() - started
    talk.into_tls(channel)
    channel.start(talk)
    version, suite, seen = secured.version() or "", (secured.cipher() or ("",))[0], _observed(secured)
    # TLS 1.3 has no renegotiation (RFC 8446 section 4.1.2)
    legacy = seen.legacy and version != "TLSv1.3"
    return Handshake(_chain_as_sent(secured), (), seconds, version, suite, seen.asked, legacy)


def _failure(error: Exception, timeout: float, secured: ssl.SSLObject) -> tuple[Finding, ...]:
    match error:
        case HandshakeCost():
            return (Finding(Reason.VANTAGE_FAULT, {"how": error.how, "limit": error.limit}),)
        case TimeoutError():
            facts = {"how": "timeout", "seconds": f"{timeout:g}"}
        case ssl.SSLEOFError():
            facts = {"how": "closed"}
        case ssl.SSLError():
            facts = {"how": "openssl", "error": tls_words(error)}
            alert = _observed(secured).alert
            if alert is not None:
                facts |= {"how": "alert", "alert": str(alert)}
                clue = (Finding(Clue.ALERT, facts),) if alert in _NO_COMMON else ()
                return (Finding(Reason.TLS_HANDSHAKE, facts), *clue)
        case ConnectionResetError():
            facts = {"how": "reset"}
        case _:
            facts = {"how": "closed"}
    return (Finding(Reason.TLS_HANDSHAKE, facts),)


def refuses_for_want_of_certificate(shaken: Handshake) -> bool:
    """Whether the server ended this handshake after it had asked for a client certificate, as it would without one."""
    return shaken.asked and any(f.tag is Reason.TLS_HANDSHAKE and f.facts["how"] in _ENDED_BY_PEER for f in shaken.findings)


_ENDED_BY_PEER = ("alert", "closed", "reset")


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
    context.options |= ssl.OP_NO_RENEGOTIATION | _LEGACY_SERVER_CONNECT
    context.sslobject_class = Observed
    # the public property would make enumerations of every argument of every message
    _ssl._SSLContext._msg_callback.__set__(context, _observe)  # type: ignore[attr-defined]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is offered in order to be reported
        context.minimum_version = ssl.TLSVersion.TLSv1 if old else ssl.TLSVersion.TLSv1_2
        if old:
            context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def _observe(secured: object, direction: str, _version: int, content: int, kind: int, message: bytes) -> None:
    """Called by OpenSSL with each message, in the thread of the handshake."""
    if direction != "read" or not isinstance(secured, Observed):
        return
    if content == _HANDSHAKE_CONTENT:
        if kind == _CERTIFICATE_REQUEST:
            secured.asked = True
        elif kind == _SERVER_HELLO:
            secured.legacy = _RENEGOTIATION_INFO not in _extensions(message)
    elif content == _ALERT_CONTENT and message[:1] == b"\x02":
        secured.alert = message[1]


def _extensions(hello: bytes) -> frozenset[int]:
    """The types of the extensions of a ServerHello, with its header (RFC 5246 section 7.4.1.3)."""
    at = 4 + 2 + 32
    at += 1 + hello[at] if at < len(hello) else 0
    at += 2 + 1 + 2
    found = []
    while at + 4 <= len(hello):
        found.append(int.from_bytes(hello[at : at + 2], "big"))
        at += 4 + int.from_bytes(hello[at + 2 : at + 4], "big")
    return frozenset(found)


def _observed(secured: Any) -> Observed:
    assert isinstance(secured, Observed)  # noqa: S101
    return secured


def _chain_as_sent(secured: ssl.SSLObject) -> tuple[bytes, ...]:
    """Public from Python 3.13; before, the object behind it has it under the same name."""
    if hasattr(secured, "get_unverified_chain"):
        return tuple(secured.get_unverified_chain())
    inner = secured._sslobj  # type: ignore[attr-defined]
    return tuple(certificate.public_bytes(_ssl.ENCODING_DER) for certificate in inner.get_unverified_chain() or ())
