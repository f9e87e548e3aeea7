"""The step `tcp`: one connection to one address, opened here so that its errno is kept.

A mail library that opens the socket itself cannot tell "no answer to SYN" from "no banner".
"""

import asyncio
import errno
import os
import socket
from dataclasses import dataclass

from diagnostics.findings import Finding, Reason
from diagnostics.net.names import Address

_NO_ROUTE = frozenset(
    {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EINVAL, errno.EACCES, errno.EPERM, errno.EADDRNOTAVAIL, errno.ENETDOWN}
)
"""At once out of connect(), these come from this machine's own routes and rules: no packet was sent."""

_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOBUFS, errno.EAGAIN})


@dataclass(frozen=True, slots=True)
class Connected:
    """An open socket, or None and the finding that says why not."""

    socket: socket.socket | None
    finding: Finding | None
    seconds: float

    @property
    def error(self) -> str:
        """The system's word for the failure."""
        return self.finding.facts.get("error", "") if self.finding else ""


async def connect(address: Address, port: int, timeout: float) -> Connected:
    """Connect within `timeout` seconds. Never raises for what the network does."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    where = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
    try:
        sock = socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    except OSError as error:
        reason = Reason.VANTAGE_NO_IPV6 if error.errno == errno.EAFNOSUPPORT else Reason.VANTAGE_FAULT
        return Connected(None, Finding(reason, {"how": "no-socket", "error": _words(error.errno)}), 0.0)
    keep = False
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number, at_once = await _dial(loop, sock, (str(address), port), timeout)
        keep = number == 0
    finally:
        if not keep:
            sock.close()
    seconds = loop.time() - started
    if not number:
        return Connected(sock, None, seconds)
    return Connected(None, _finding(number, at_once, address, where, timeout), seconds)


async def _dial(loop: asyncio.AbstractEventLoop, sock: socket.socket, peer: tuple[str, int], timeout: float) -> tuple[int, bool]:
    """(errno or 0, whether it came out of connect() at once). ETIMEDOUT when `timeout` passed."""
    number = sock.connect_ex(peer)
    if number not in (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EINTR):
        return number, True
    writable: asyncio.Future[None] = loop.create_future()
    loop.add_writer(sock, _done, writable)
    try:
        async with asyncio.timeout(timeout):
            await writable
    except TimeoutError:
        return errno.ETIMEDOUT, False
    finally:
        loop.remove_writer(sock)
    return sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR), False


def _done(writable: asyncio.Future[None]) -> None:
    if not writable.done():
        writable.set_result(None)


def _finding(number: int, at_once: bool, address: Address, where: str, timeout: float) -> Finding:
    facts = {"place": where, "address": str(address), "error": _words(number)}
    if number == errno.ECONNREFUSED:
        # an ICMP port-unreachable gives the same errno as a reset, so the text claims neither
        return Finding(Reason.TCP_REFUSED, facts)
    if number == errno.ECONNRESET:
        return Finding(Reason.SMTP_CLOSED, facts | {"how": "while-opened"})
    if number == errno.ETIMEDOUT:
        return Finding(Reason.TCP_TIMEOUT, facts | {"seconds": f"{timeout:g}"})
    if number in _EXHAUSTED or (number == errno.EADDRNOTAVAIL and address.version == 4):
        return Finding(Reason.VANTAGE_FAULT, facts | {"how": "connect"})
    if at_once and number in _NO_ROUTE:
        return Finding(Reason.VANTAGE_NO_IPV6 if address.version == 6 else Reason.VANTAGE_NO_ROUTE, facts)
    return Finding(Reason.TCP_UNREACHABLE, facts)


def _words(number: int | None) -> str:
    return f"{os.strerror(number)}, {errno.errorcode.get(number, number)}" if number else ""
