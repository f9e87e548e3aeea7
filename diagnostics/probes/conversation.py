"""One SMTP conversation: aiosmtplib's protocol frames the replies, and what it is lax about is judged here on the raw bytes.

It takes `-20`, `2_2` and `220x` for codes, lets the last code of a reply win, keeps bytes that came behind a reply for the
next one, and cannot tell a TLS record from silence. RFC 5321 section 4.2 is the judge; the limits are Postfix's.
"""

import asyncio
import re
import ssl
from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Literal

from aiosmtplib.errors import SMTPException, SMTPReadTimeoutError, SMTPServerDisconnected
from aiosmtplib.protocol import SMTPProtocol

from diagnostics.findings import NO_FACTS, Facts, Finding, Trace, Warn
from diagnostics.text import readable

MAX_REPLY = 32 * 1024
MAX_LINE = 2048
_REPLY_LINE = re.compile(rb"[2-5][0-9][0-9](?:[ -].*)?")
_REPLY_START = re.compile(rb"[2-5](?:[0-9](?:[0-9](?:[ \r\n-].*)?)?)?", re.DOTALL)

Outcome = Literal["reply", "closed", "timeout", "not-smtp"]


@dataclass(frozen=True, slots=True)
class Said:
    """What came back to one command. `code` 0 without a complete reply; `facts` tell by their `how` what was wrong with it."""

    outcome: Outcome
    code: int = 0
    lines: tuple[str, ...] = ()
    facts: Facts = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The reply as one line, cut to what a person can read."""
        return " / ".join(self.lines)[:300]


class _BrokeRules(SMTPException):
    """The peer sent what is no SMTP reply, or one beyond our limits."""

    def __init__(self, facts: Facts) -> None:
        super().__init__(facts["how"])
        self.facts = facts


class Conversation(SMTPProtocol):
    """A connected server. Records a readable transcript, and irregularities that are no verdict by themselves."""

    def __init__(self) -> None:
        super().__init__()
        self.transcript: list[str | Finding] = []
        self.irregular: list[Finding] = []
        self._raw = bytearray()
        self._judged = 0
        self._expecting = True
        self._ended_by: Exception | None = None
        self.own_address = self.peer_address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.own_address, self.peer_address = (_address(transport, name) for name in ("sockname", "peername"))

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended_by = exc  # it may come while nothing is awaited: the alert of TLS 1.3 before the next command
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if not self._expecting:
            self._unasked(data)
            return
        self._raw += data[: MAX_REPLY + 1 - len(self._raw)]
        trouble, self._judged, whole = _trouble(bytes(self._raw), self._judged)
        waiter = self._response_waiter
        if trouble and waiter is not None and not waiter.done():
            self._set_response_exception(waiter, _BrokeRules(trouble))
            return
        if whole:
            # only now, since aiosmtplib reads a reply anew with each piece
            super().data_received(bytes(self._raw[: self._judged]))
        if waiter is not None and waiter.done():
            self._expecting = False

    async def hear(self, timeout: float) -> Said:
        """The banner."""
        return await self._said(self.read_response(), timeout)

    async def say(self, *words: str, timeout: float) -> Said:
        """Send a command and await its whole reply."""
        self.transcript.append("C: " + " ".join(words))
        self._raw.clear()
        self._judged = 0
        del self._buffer[:]
        self._expecting = True
        return await self._said(self.execute_command(*(w.encode("ascii") for w in words)), timeout)

    def abort(self) -> None:
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    def into_tls(self, transport: asyncio.Transport) -> None:
        """The same conversation over TLS; nothing that came before it counts (RFC 3207 section 4.2)."""
        self.transport = transport
        self._over_ssl = True
        del self._buffer[:]
        self._raw.clear()
        self._judged = 0

    def _unasked(self, data: bytes) -> None:
        self._note("unasked", data)

    def _note(self, how: str, data: bytes) -> None:
        if len(self.irregular) < 8:
            self.irregular.append(Finding(Warn.SMTP_IRREGULAR, {"how": how, "data": readable(data[:100])}))

    async def _said(self, awaited: Awaitable[object], timeout: float) -> Said:
        loop = asyncio.get_running_loop()
        started = loop.time()
        outcome: Outcome = "reply"
        facts: Facts = field(default_factory=dict)
        try:
            async with asyncio.timeout(timeout):
                await awaited
        except (TimeoutError, SMTPReadTimeoutError):
            outcome, facts = "timeout", {"how": "silent"}
        except _BrokeRules as error:
            outcome, facts = "not-smtp", error.facts
        except (SMTPServerDisconnected, OSError) as error:
            outcome, facts = "closed", _ending(self._ended_by or error.__cause__ or error)
        except SMTPException as error:
            outcome, facts = "not-smtp", {"how": "unreadable", "line": readable(str(error).encode("utf-8", "replace"))[:200]}
        finally:
            self._expecting = False
        return self._judge(bytes(self._raw), outcome, facts, loop.time() - started)

    def _judge(self, raw: bytes, outcome: Outcome, facts: Facts, seconds: float) -> Said:
        lines, rest = _split(raw)
        self.transcript += [f"S: {readable(line)}" for line in lines[:64]]
        if outcome != "reply":
            if rest:
                self.transcript.append(f"S: {readable(rest[:200])}…")
            shown = tuple(readable(line) for line in [*lines, rest][:64] if line)
            self.transcript.append(Finding(Trace.BROKE_OFF, facts))
            return Said(outcome, lines=shown, facts=facts, seconds=seconds)
        if not lines:
            # aiosmtplib takes a lost connection for the reply to QUIT
            return Said("closed", facts={"how": "closed"}, seconds=seconds)
        if rest or len(self._buffer):
            self._note("behind", rest or bytes(self._buffer))
        if any(line.endswith(b"\n") and not line.endswith(b"\r\n") for line in raw.splitlines(keepends=True)):
            self._note("bare-lf", lines[0])
        codes = {line[:3] for line in lines}
        if len(codes) > 1:
            facts = {"how": "several-codes", "codes": ", ".join(sorted(c.decode() for c in codes))}
            return Said("not-smtp", lines=tuple(map(readable, lines)), facts=facts, seconds=seconds)
        return Said("reply", int(lines[0][:3]), tuple(readable(line) for line in lines), seconds=seconds)


def _ending(error: BaseException) -> Facts:
    """How the peer ended the connection: with an alert of TLS, a reset, or without a word."""
    if isinstance(error, ssl.SSLError):
        return {"how": "alert", "error": tls_words(error)}
    is_reset = isinstance(error, OSError) and not isinstance(error, SMTPServerDisconnected | ConnectionAbortedError)
    return {"how": "reset" if is_reset else "closed"}


def _address(transport: asyncio.BaseTransport, name: str) -> str:
    """Of one end of the connection, without a zone; empty where there is none."""
    found = transport.get_extra_info(name)
    return str(found[0]).partition("%")[0] if found else ""


def tls_words(error: ssl.SSLError) -> str:
    """OpenSSL's reason, readable."""
    return (error.reason or str(error)).replace("_", " ").lower()[:120]


def _split(raw: bytes) -> tuple[list[bytes], bytes]:
    """The lines of the first whole reply in `raw`, and what stands behind it."""
    lines: list[bytes] = []
    start = 0
    while (end := raw.find(b"\n", start)) >= 0:
        lines.append(raw[start:end].rstrip(b"\r"))
        start = end + 1
        if lines[-1][3:4] != b"-":
            break
    return lines, raw[start:]


def _trouble(raw: bytes, start: int) -> tuple[Facts, int, bool]:
    """Why these bytes cannot become an SMTP reply, or nothing; how far they are whole lines; whether the reply is whole.

    What stands before `start` was judged before: a reply in many pieces must not be read anew with each.
    """
    while (end := raw.find(b"\n", start)) >= 0:
        line = raw[start:end].rstrip(b"\r")
        if not _REPLY_LINE.fullmatch(line):
            return _no_reply(line), start, False
        if len(line) > MAX_LINE * 4:
            return {"how": "long-line", "bytes": str(MAX_LINE * 4)}, start, False
        start = end + 1
        if line[3:4] != b"-":
            return NO_FACTS, start, True
    if len(raw) > MAX_REPLY:
        return {"how": "long-reply", "bytes": str(MAX_REPLY)}, start, False
    rest = raw[start:]
    if rest and not _REPLY_START.fullmatch(rest[:5]):
        return _no_reply(rest), start, False
    return NO_FACTS, start, False


def _no_reply(data: bytes) -> Facts:
    protocol = _protocol(data)
    return {"how": "other-protocol" if protocol else "no-reply", "line": readable(data[:80]), "protocol": protocol}


def _protocol(data: bytes) -> str:
    """The protocol that these bytes belong to, for the person who has to find the wrong service; empty where none is known."""
    for start, name in (
        (b"HTTP/", "HTTP"),
        (b"SSH-", "SSH"),
        (b"\x16\x03", "TLS"),
        (b"\x15\x03", "TLS"),
        (b"* OK", "IMAP"),
        (b"+OK", "POP3"),
    ):
        if data.startswith(start):
            return name
    return ""
