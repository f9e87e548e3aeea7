"""The step `tls`: one handshake without verification, to get the chain as sent; it is judged apart (certificate.py).

The probe offers what Exchange Online offers: TLS 1.2 and 1.3, its suites and their ECDSA twins, SNI of the host name.
"""

import _ssl
import asyncio
import ssl
import warnings
from dataclasses import dataclass
from functools import cache
from typing import cast

from diagnostics.findings import Clue, Finding, Reason
from diagnostics.probes.conversation import Conversation

# Microsoft, "Technical reference details about encryption": suites for TLS 1.2. SECLEVEL 0 because a weak certificate must
# be seen to be named (certificate.py judges it)
_SUITES = (
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-SHA384:ECDHE-RSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA256:ECDHE-RSA-AES128-SHA256:"
    "ECDHE-ECDSA-AES256-SHA:ECDHE-RSA-AES256-SHA:ECDHE-ECDSA-AES128-SHA:ECDHE-RSA-AES128-SHA:"
    "AES256-GCM-SHA384:AES128-GCM-SHA256:@SECLEVEL=0"
)


@dataclass(frozen=True, slots=True)
class Handshake:
    """`chain` is as sent, DER, leaf first; empty after a failure, which `findings` and `detail` tell."""

    chain: tuple[bytes, ...] = ()
    detail: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    timed_out: bool = False


async def handshake(talk: Conversation, sni: str | None, timeout: float, *, old: bool = False) -> Handshake:
    """Upgrade the conversation after its 220 to STARTTLS. `old` offers TLS 1.0 and 1.1 instead."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    failed, timed_out, clue = "", False, False
    try:
        async with asyncio.timeout(timeout):
            upgraded = await loop.start_tls(
                cast(asyncio.WriteTransport, talk.transport),
                talk,
                _context(old),
                server_hostname=sni,
                ssl_handshake_timeout=timeout + 1,
            )
    except TimeoutError:
        failed, timed_out = f"no end of the handshake within {timeout:g} s", True
    except ssl.SSLError as error:
        failed, clue = _words(error), "alert" in str(error).lower()
    except (OSError, AttributeError, RuntimeError) as error:
        failed = _closed(error)
    seconds = loop.time() - started
    if failed or upgraded is None:
        line = f"TLS handshake after the 220 to STARTTLS: {failed or 'the server closed the connection'}"
        findings = (Finding(Reason.TLS_HANDSHAKE, line),) + ((Finding(Clue.ALERT, line),) if clue else ())
        return Handshake((), line, findings, seconds, timed_out)
    talk.into_tls(upgraded)
    secured = upgraded.get_extra_info("ssl_object")
    suite = secured.cipher()
    return Handshake(_chain_as_sent(secured), f"{secured.version()}, {suite[0] if suite else 'no suite'}", (), seconds)


@cache
def _context(old: bool) -> ssl.SSLContext:
    """One context a process and kind: a new one each costs more than the handshake's own reading."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0" if old else _SUITES)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # TLS 1.0 is offered in order to be reported
        context.minimum_version = ssl.TLSVersion.TLSv1 if old else ssl.TLSVersion.TLSv1_2
        if old:
            context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _chain_as_sent(secured: ssl.SSLObject) -> tuple[bytes, ...]:
    """Public from Python 3.13; before, the object behind it has it under the same name."""
    if hasattr(secured, "get_unverified_chain"):
        return tuple(secured.get_unverified_chain())
    inner = secured._sslobj  # type: ignore[attr-defined]
    return tuple(certificate.public_bytes(_ssl.ENCODING_DER) for certificate in inner.get_unverified_chain() or ())


def _words(error: ssl.SSLError) -> str:
    reason = (error.reason or str(error)).replace("_", " ").lower()
    return reason[:120]


def _closed(error: Exception) -> str:
    if isinstance(error, ConnectionResetError):
        return "the connection was reset or closed"
    return "the server closed the connection"
