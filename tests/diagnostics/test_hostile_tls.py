"""A peer chooses group, curve, key and chain. Whatever it chooses, the event loop goes on, and the answer is a verdict."""

import asyncio
import ipaddress
import platform
import ssl
import threading
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from diagnostics.fair import Party
from diagnostics.findings import Clue, Reason
from diagnostics.model import Evidence
from diagnostics.net.guard import Guard
from diagnostics.probes import crypto_pool, path, tls, tls_channel
from diagnostics.probes.dns import Endpoint
from diagnostics.probes.instruments import Instruments, Limits
from diagnostics.probes.resolver import Resolver
from diagnostics.probes.trust import TrustStore
from diagnostics.target import Destination, Policy
from tests.diagnostics import hostile_tls as hostile
from tests.diagnostics.loop_lag import MAX_CALLBACK, measured

Context = Callable[[Path], ssl.SSLContext]


def one_group(group: str) -> Context:
    def make(folder: Path) -> ssl.SSLContext:
        made = hostile.context(folder)
        try:
            made.set_ecdh_curve(group)
        except ssl.SSLError:
            pytest.skip(f"Python {platform.python_version()} cannot hold a server to {group}")
        return made

    return make


def sends(*chain: bytes) -> Context:
    return lambda folder: hostile.context(folder, chain=chain)


def dh(bits: int, ciphers: str, newest: str) -> Context:
    def make(folder: Path) -> ssl.SSLContext:
        made = hostile.context(folder, ciphers=f"{ciphers}:@SECLEVEL=0", newest=newest, own=hostile.RSA_KEY)
        return hostile.with_dh_group(made, folder, bits)

    return make


PEERS: dict[str, Context] = {
    "anonymous DH of 10,000 bits": dh(10_000, "aNULL+kDHE", "TLSv1_1"),
    "DHE of 10,000 bits, TLS 1.1": dh(10_000, "kDHE", "TLSv1_1"),
    "DHE of 10,000 bits, TLS 1.2": dh(10_000, "kDHE", "TLSv1_2"),
    "TLS 1.3 with ffdhe8192": one_group("ffdhe8192"),
    "a curve over a binary field of 571 bits": one_group("sect571r1"),
    "a chain of 90 KB": sends(*hostile.long_chain(90_000)),
    "a chain longer than OpenSSL takes": sends(*hostile.long_chain(180_000)),
    "an issuer with an RSA key of 16,384 bits": sends(*hostile.with_huge_rsa_key(16_384)),
    "an issuer with an RSA key of 32,768 bits": sends(*hostile.with_huge_rsa_key(32_768)),
    "3,000 names": sends(*hostile.with_many_names(3_000)),
}


async def look(address: str, port: int) -> Evidence:
    return (await looks(address, port, "hostile.test"))[0]


async def looks(address: str, port: int, *hosts: str, timeout: float = 10.0) -> list[Evidence]:
    """What each of these names at one address shows, all asked at the same time."""
    tools = Instruments(
        Resolver([], 1.0), Guard(allow_private=True), TrustStore(None), Limits(timeout=timeout, deadline=20.0, smtp_port=port)
    )
    policy = Policy("DomainValidation")

    asked = path.Asked("test", asyncio.get_running_loop().time())

    def probe(host: str) -> Coroutine[Any, Any, tuple[Evidence, float]]:
        return path.probe(Endpoint(host, ipaddress.ip_address(address), None), Destination(host, "host"), policy, tools, asked)

    try:
        return [evidence for evidence, _ in await asyncio.gather(*map(probe, hosts))]
    finally:
        await tools.close()
        await asyncio.sleep(0)  # a transport that was aborted closes its socket in the loop's next turn


@pytest.mark.parametrize("peer", PEERS)
async def test_no_peer_keeps_the_event_loop_busy(peer: str, tmp_path: Path) -> None:
    with hostile.mail_server(hostile.over_tls(PEERS[peer](tmp_path))) as (address, port, _), measured() as lag:
        evidence = await look(address, port)
    assert lag.longest < MAX_CALLBACK, f"{lag.what} took {lag.longest:.3f} s of CPU"
    tags = {finding.tag for finding in evidence.findings}
    assert tags & set(Reason), "a hostile peer is not healthy"
    assert Reason.VANTAGE_FAULT not in tags


@pytest.mark.parametrize("peer", [name for name in PEERS if "DH" in name and "ffdhe" not in name])
async def test_no_group_of_the_peers_own_choice_is_agreed_to(peer: str, tmp_path: Path) -> None:
    with hostile.mail_server(hostile.over_tls(PEERS[peer](tmp_path))) as (address, port, server):
        evidence = await look(address, port)
    while len(server.ends) < server.opened:  # the server's side of the last look
        await asyncio.sleep(0.01)
    assert all("UNSUPPORTED_PROTOCOL" in end or "NO_SHARED_CIPHER" in end for end in server.ends), server.ends
    tags = {finding.tag for finding in evidence.findings}
    assert Reason.TLS_HANDSHAKE in tags
    assert Reason.TLS_VERSION not in tags, "only DHE is no proof of an old version"


async def test_the_second_look_is_taken_once_an_address(tmp_path: Path) -> None:
    context = hostile.context(tmp_path, newest="TLSv1_1")
    with hostile.mail_server(hostile.over_tls(context)) as (address, port, server):
        seen = await looks(address, port, *(f"host-{n}.test" for n in range(4)))
    assert [Reason.TLS_VERSION in {f.tag for f in evidence.findings} for evidence in seen] == [True] * 4
    assert server.opened == 9, "four names whose handshakes fail twice, and one look that offers more"


async def test_suites_that_only_the_second_look_offers_confirm_that_none_is_common(tmp_path: Path) -> None:
    context = hostile.context(tmp_path, ciphers="ECDHE-ECDSA-AES128-CCM:@SECLEVEL=0", newest="TLSv1_2")
    with hostile.mail_server(hostile.over_tls(context)) as (address, port, _):
        evidence = await look(address, port)
    tags = {finding.tag for finding in evidence.findings}
    assert {Reason.TLS_HANDSHAKE, Clue.NO_COMMON_SUITE} <= tags
    assert Reason.TLS_VERSION not in tags


async def test_a_handshake_over_our_budget_is_our_limit_and_no_fault_of_the_peer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_channel, "MAX_CPU", -1.0)
    with hostile.mail_server(hostile.over_tls(hostile.context(tmp_path))) as (address, port, _):
        evidence = await look(address, port)
    assert {f.tag for f in evidence.findings} & set(Reason) == {Reason.VANTAGE_FAULT}


async def test_a_busy_machine_is_no_silence_of_the_peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pool is taken for longer than the peer would have; then for longer than anything may wait for it."""

    async def taken(pool: crypto_pool.CryptoPool, work: Callable[[], Any], party: Party) -> tuple[Any, float]:
        await asyncio.sleep(0.4)
        return work(), 0.0

    monkeypatch.setattr(crypto_pool.CryptoPool, "run", taken)
    with hostile.mail_server(hostile.over_tls(hostile.context(tmp_path))) as (address, port, _):
        patient = await looks(address, port, "hostile.test", timeout=0.3)
        monkeypatch.setattr(tls_channel, "MAX_WAIT", 0.1)
        given_up = await look(address, port)
    assert Reason.TLS_HANDSHAKE not in {f.tag for f in patient[0].findings}
    assert {f.tag for f in given_up.findings} & set(Reason) == {Reason.VANTAGE_FAULT}


async def test_nothing_is_renegotiated_after_the_handshake(tmp_path: Path) -> None:
    """TLS 1.2 lets a server ask for a new handshake at any time, as often as it likes (RFC 5246 section 7.4.1.1)."""
    assert tls._context(False).options & ssl.OP_NO_RENEGOTIATION


async def test_the_pool_is_bounded_and_is_not_the_event_loop() -> None:
    pool = crypto_pool.CryptoPool()
    assert 1 <= pool._threads <= crypto_pool.MAX_THREADS
    thread, _ = await pool.run(threading.current_thread, Party("test"))
    pool.close()
    assert thread is not threading.current_thread()
