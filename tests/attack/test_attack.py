"""The attack tool itself: what is over a limit fails, and the clock on the loop sees what holds it up."""

import asyncio
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import dns.message
import pytest

from attack.__main__ import ATTACKS
from attack.attacks.survival import STOPS_WITHIN
from attack.peers import certificates, forged_tls
from attack.peers.big_answers import BIG, MOST, ZONE_OF, BigNames
from attack.peers.hostile import Handshake
from attack.report import LIMITS, MEMORY_MIB, Figures, head, row
from attack.stage import TRANSPORTS
from bot.demo.lab.world import parse

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "deploy/mailflow.service").read_text()


def test_the_limits_are_those_of_the_unit() -> None:
    assert f"MemoryMax={MEMORY_MIB:.0f}M\n" in UNIT
    assert f"TimeoutStopSec={STOPS_WITHIN:.0f}\n" in UNIT


@pytest.mark.parametrize("name", LIMITS)
def test_a_figure_over_its_limit_fails(name: str) -> None:
    most = LIMITS[name].most
    assert Figures("a", "socket", {name: most}).passed
    over = Figures("a", "socket", {name: most * 1.01 + 0.01})
    assert not over.passed
    assert row(over).count("!") == 1
    assert LIMITS[name].title in head()


def test_what_is_wrong_fails_without_a_figure() -> None:
    figures = Figures("a", "http", wrong=["it is"])
    assert not figures.passed
    assert "wrong: it is" in row(figures)


@pytest.mark.parametrize("name", ATTACKS)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_each_attack_has_cases(name: str, transport: str) -> None:
    attack = import_module(f"attack.attacks.{name}").attack
    assert 0 < len(attack(transport, short=True)) <= len(attack(transport, short=False))


def test_ci_attacks() -> None:
    assert re.search(r"^make attack ATTACK_ARGS=--short$", (ROOT / ".ci/run").read_text(), re.M)
    assert re.search(r"^make attack$", (ROOT / ".ci/full").read_text(), re.M)


def test_the_clock_sees_a_callback_that_computes(tmp_path: Path) -> None:
    program = (
        "import asyncio, sys, time\n"
        "from attack import measured\n"
        "def burn():\n"
        "    began = time.thread_time()\n"
        "    while time.thread_time() - began < 0.2: pass\n"
        "async def main():\n"
        "    asyncio.get_running_loop().call_soon(burn)\n"
        "    await asyncio.to_thread(burn)\n"
        "    time.sleep(0.2)\n"
        "measured._measure(open(sys.argv[1], 'w', buffering=1))\n"
        "asyncio.run(main())\n"
    )
    file = tmp_path / "lag.jsonl"
    subprocess.run([sys.executable, "-c", program, file], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)}, timeout=60)
    (line,) = [json.loads(line) for line in file.read_text().splitlines()]
    assert line["seconds"] == pytest.approx(0.2, abs=0.1)
    assert "burn" in line["what"]


def old_client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    return context


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("handshake", [forged_tls.anonymous, forged_tls.ephemeral])
async def test_a_forged_handshake_costs_the_client_and_not_the_server(handshake: Handshake) -> None:
    """A client that takes any group computes for half a second; the server only writes."""
    spent = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await handshake(reader, writer)
        writer.close()

    def connect(port: int) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = old_client().wrap_bio(incoming, outgoing)
        with socket.create_connection(("127.0.0.1", port)) as connection:
            began = time.thread_time()
            with pytest.raises(ssl.SSLError):  # noqa: PT012
                while True:
                    try:
                        client.do_handshake()
                    except ssl.SSLWantReadError:
                        connection.sendall(outgoing.read())
                        incoming.write(connection.recv(65536))
            spent.append(time.thread_time() - began)

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        await asyncio.to_thread(connect, server.sockets[0].getsockname()[1])
    assert spent[0] > 0.1


@pytest.mark.parametrize("make", [certificates.huge_rsa, certificates.slow_curve, certificates.long_chain])
def test_openssl_loads_the_chains(make: Callable[[], bytes], tmp_path: Path) -> None:
    file = tmp_path / "chain.pem"
    file.write_bytes(make())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.load_cert_chain(file)


@pytest.mark.parametrize("kind", BIG)
def test_the_big_answers_are_read_by_a_dns_library(kind: str) -> None:
    """What is no DNS would be thrown away at once."""
    rdtype = "MX" if kind == "deep-names" else "A"
    query = dns.message.make_query(ZONE_OF[kind], rdtype)
    (wire,) = BigNames(parse({})).react(query.to_wire(), tcp=True).wires
    assert MOST * 0.9 < len(wire) <= MOST
    assert query.is_response(dns.message.from_wire(wire))
