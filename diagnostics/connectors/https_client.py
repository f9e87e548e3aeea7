"""One POST over HTTPS whose answer may be anything: bounded in time and memory, and it tells whether a byte went out."""

import contextlib
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp

from diagnostics.connectors.faults import Fault, shown
from diagnostics.net.bounded import of_stream
from diagnostics.net.https import session

SECONDS = 25.0
"""For one request, all included: below the lease under which a fix is written (30 s)."""

CONNECT_SECONDS = 8.0
MAX_BODY = 8 << 20
LONGEST_PAUSE = 3600.0
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Reply:
    """`body`: decompressed. `pause`: seconds of Retry-After, if that was sent and can be read."""

    status: int
    body: bytes
    pause: float | None = None


class Wire:
    """Connections to one service, named `host` in messages. `keep`: connections are used again.

    A write goes out on a new one: on an old one, just closed by the other side, it could not be told whether it got through.
    Raises Fault("setting") for a file without roots.
    """

    def __init__(self, host: str, ca_file: Path | None, *, keep: bool) -> None:
        self._host, self._keep, self._context = host, keep, _trusting(ca_file)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Raises Fault: not-sent, silent, cut or malformed (too large, or not to be decompressed)."""
        try:
            async with self._opened().post(url, headers=headers, data=body, allow_redirects=False) as response:
                raw = await self._read(response.content)
                return Reply(response.status, self._unpacked(raw), pause_of(response.headers.get("Retry-After")))
        except aiohttp.ClientConnectorCertificateError as error:
            why = shown(str(error.certificate_error), 160)
            raise Fault(
                "not-sent", f"{self._host} shows a certificate that is not trusted ({why}). Check MAILFLOW_EXCHANGE_CA_FILE."
            ) from None
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            why = shown(getattr(error, "strerror", None) or "", 120)
            raise Fault(
                "not-sent",
                f"{self._host} cannot be reached ({why or 'no answer'}). "
                "Check MAILFLOW_EXCHANGE_URL and the way out of this machine.",
            ) from None
        except TimeoutError:
            raise Fault("silent", f"{self._host} did not answer within {SECONDS:.0f} s. Try again later.") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Fault("cut", f"{self._host} broke off the answer ({type(error).__name__}). Try again later.") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = session(self._context, seconds=SECONDS, connect=CONNECT_SECONDS, keep=self._keep)
        return self._session

    async def _read(self, content: aiohttp.StreamReader) -> bytes:
        raw = await of_stream(content, MAX_BODY)
        if len(raw) > MAX_BODY:
            raise self._too_large()
        return raw

    def _unpacked(self, raw: bytes) -> bytes:
        """By its first bytes: the header lies when a cmdlet is not allowed."""
        if not raw.startswith(_GZIP):
            return raw
        try:
            body = zlib.decompressobj(wbits=31).decompress(raw, MAX_BODY + 1)
        except zlib.error:
            raise Fault("malformed", f"{self._host} sent bytes that cannot be decompressed.") from None
        if len(body) > MAX_BODY:
            raise self._too_large()
        return body

    def _too_large(self) -> Fault:
        return Fault(
            "malformed",
            f"{self._host} sent more than {MAX_BODY >> 20} MiB, which is no answer to this. Check MAILFLOW_EXCHANGE_URL.",
        )


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        why = None if isinstance(error, ssl.SSLError) else error.strerror
        raise Fault(
            "setting", f"MAILFLOW_EXCHANGE_CA_FILE: {ca_file}: no roots can be read from it ({why or 'no PEM'})."
        ) from None


def pause_of(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After, a number or a date (RFC 9110 section 10.2.3). None: not told, or not to be understood."""
    text = (retry_after or "").strip()[:64]
    with contextlib.suppress(ValueError, OverflowError):
        if text.isascii() and text.isdigit():
            return min(float(text), LONGEST_PAUSE)
        when = parsedate_to_datetime(text)
        seconds = ((when if when.tzinfo else when.replace(tzinfo=UTC)) - datetime.now(UTC)).total_seconds()
        return min(max(0.0, seconds), LONGEST_PAUSE)
    return None
