"""The step `tcp` on real sockets of this machine: each errno is told apart (contract 4)."""

import asyncio
import errno
import ipaddress
import os
import socket
import time

import pytest

from diagnostics.findings import Finding, Reason
from diagnostics.probes import tcp
from tests.diagnostics.making import CATALOGUE

LOOPBACK = ipaddress.ip_address("127.0.0.1")


def said(finding: Finding) -> str:
    return CATALOGUE.evidence(finding)


async def test_a_listening_port_gives_an_open_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = await tcp.connect(LOOPBACK, server.getsockname()[1], 2)
        assert done.finding is None
        assert done.socket is not None
        assert done.socket.getpeername() == server.getsockname()
        done.socket.close()


async def test_a_closed_port_is_refused_at_once() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        done = await tcp.connect(LOOPBACK, held.getsockname()[1], 2)
    assert done.socket is None
    assert done.finding is not None
    assert done.finding.tag is Reason.TCP_REFUSED
    assert "RST" not in said(done.finding)
    assert done.seconds < 1


async def test_a_port_that_takes_no_syn_times_out_when_it_should() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        await asyncio.sleep(0.05)
        started = time.monotonic()
        done = await tcp.connect(LOOPBACK, full.getsockname()[1], 0.3)
        took = time.monotonic() - started
        for filler in fillers:
            filler.close()
    assert done.finding is not None
    assert done.finding.tag is Reason.TCP_TIMEOUT
    assert "0.3 s" in said(done.finding)
    assert 0.29 <= took < 1


@pytest.mark.parametrize(
    ("number", "at_once", "v6", "reason"),
    [
        (errno.ECONNREFUSED, False, False, Reason.TCP_REFUSED),
        (errno.ECONNREFUSED, True, True, Reason.TCP_REFUSED),
        (errno.ETIMEDOUT, False, False, Reason.TCP_TIMEOUT),
        (errno.ECONNRESET, False, False, Reason.SMTP_CLOSED),
        (errno.EHOSTUNREACH, False, False, Reason.TCP_UNREACHABLE),
        (errno.ENETUNREACH, False, True, Reason.TCP_UNREACHABLE),
        (errno.EACCES, False, False, Reason.TCP_UNREACHABLE),
        (errno.ENETUNREACH, True, False, Reason.VANTAGE_NO_ROUTE),
        (errno.EHOSTUNREACH, True, False, Reason.VANTAGE_NO_ROUTE),
        (errno.EINVAL, True, False, Reason.VANTAGE_NO_ROUTE),
        (errno.EACCES, True, False, Reason.VANTAGE_NO_ROUTE),
        (errno.EPERM, True, False, Reason.VANTAGE_NO_ROUTE),
        (errno.ENETUNREACH, True, True, Reason.VANTAGE_NO_IPV6),
        (errno.EADDRNOTAVAIL, True, True, Reason.VANTAGE_NO_IPV6),
        (errno.EADDRNOTAVAIL, True, False, Reason.VANTAGE_FAULT),
        (errno.EMFILE, True, False, Reason.VANTAGE_FAULT),
        (errno.ENFILE, True, True, Reason.VANTAGE_FAULT),
        (errno.ENOBUFS, True, False, Reason.VANTAGE_FAULT),
        (errno.EAGAIN, True, False, Reason.VANTAGE_FAULT),
    ],
)
async def test_each_error_of_connect_has_its_reason(
    number: int, at_once: bool, v6: bool, reason: Reason, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dialled(*_: object) -> tuple[int, bool]:
        return number, at_once

    monkeypatch.setattr(tcp, "_dial", dialled)
    done = await tcp.connect(ipaddress.ip_address("2001:db8::1" if v6 else "192.0.2.1"), 25, 1)
    assert done.socket is None
    assert done.finding is not None
    assert done.finding.tag is reason
    assert os.strerror(number) in said(done.finding) or number == errno.ETIMEDOUT


@pytest.mark.parametrize(
    ("number", "reason"), [(errno.EAFNOSUPPORT, Reason.VANTAGE_NO_IPV6), (errno.EMFILE, Reason.VANTAGE_FAULT)]
)
async def test_a_socket_that_cannot_be_had_is_our_fault(number: int, reason: Reason, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("diagnostics.probes.tcp.socket.socket", refuse)
    done = await tcp.connect(ipaddress.ip_address("::1"), 25, 1)
    assert done.finding is not None
    assert done.finding.tag is reason
