"""Whatever a resolver sends, a check ends in a verdict of the DNS step or goes on, in time."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import dns.exception
import dns.message
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import parse
from bot.wiring import open_services
from diagnostics.model import Result
from tests.properties.peers import check
from tests.scenario import settings_for

WORLD = parse({"mail": {"127.0.53.1": {"behaviour": "banner-554"}}})
REASONS = {
    "dns-nxdomain", "dns-no-records", "dns-null-mx", "dns-server-failure", "dns-dnssec-bogus", "dns-timeout", "smtp-rejected",
    "tcp-refused", "address-not-public",
}  # fmt: skip
RECORDS = {
    "MX": ["10 mail.lab.test.", "20 other.lab.test."],
    "A": ["127.0.53.1"],
    "AAAA": ["::1"],
}
Change = tuple[int, int]


class Spoiler(asyncio.DatagramProtocol):
    """An honest resolver whose messages are changed on the way: bytes behind the id, the length, what follows."""

    def __init__(self, changes: Sequence[Change], cut: int, tail: bytes) -> None:
        self.changes, self.cut, self.tail = changes, cut, tail

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        try:
            query = dns.message.from_wire(data)
        except dns.exception.DNSException:
            return
        question = query.question[0]
        kind = question.rdtype.name
        response = dns.message.make_response(query, recursion_available=True)
        wire = bytearray(response.to_wire())
        if kind in RECORDS:
            lines = "".join(f"{question.name} 60 IN {kind} {data}\n" for data in RECORDS[kind])
            text = f"id {query.id}\nopcode QUERY\nflags QR RD RA\n;QUESTION\n{question.name} IN {kind}\n;ANSWER\n{lines}"
            wire = bytearray(dns.message.from_text(text).to_wire())
        # an address stays what it is: another one could be somebody's
        kept = {"A": 4, "AAAA": 16}.get(kind, 0)
        for place, byte in self.changes:
            wire[2 + place % (len(wire) - 2 - kept)] = byte
        self.transport.sendto(bytes(wire[: max(2, len(wire) - self.cut)]) + self.tail, addr)


async def ask(folder: Path, spoiler: Spoiler) -> tuple[Result, float]:
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: spoiler, local_addr=("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        async with Lab(WORLD, folder) as lab:
            plain = settings_for(lab, dns=(f"127.0.0.1:{port}",), timeout=0.2, deadline=1.0)
            async with open_services(plain) as services:
                return await check(services, "mail.example.test")
    finally:
        transport.close()


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    changes=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=4),
    cut=st.sampled_from([0, 0, 0, 1, 5, 30]),
    tail=st.sampled_from([b"", b"", b"\0", b"\xc0\x0c" * 20]),
)
@example(changes=[], cut=0, tail=b"")
def test_any_message_ends_in_a_verdict_in_time(changes: list[Change], cut: int, tail: bytes, tmp_path: Path) -> None:
    result, seconds = asyncio.run(ask(tmp_path, Spoiler(changes, cut, tail)))
    assert result.verdict in ("failing", "degraded", "unknown")
    assert {str(path.reason) for path in result.paths} <= REASONS, result.summary
    assert seconds < 4
