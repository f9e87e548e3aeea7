"""Each misbehaviour of the lab's resolver does on the wire what its name says; dnspython is the judge."""

import asyncio
import socket
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import dns.asyncquery
import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import pytest

from bot.demo.lab import Lab, parse
from bot.demo.lab.answers import MISBEHAVIOURS

Judge = Callable[[Lab, str], Awaitable[None]]

HONEST = {
    "mx.lab.test": ["A 127.0.0.9"],
    "lab.test": ["MX 10 mx.lab.test", "MX 20 mx2.lab.test"],
    "alias.lab.test": ["CNAME mx.lab.test"],
    "dangling.lab.test": ["CNAME nowhere.lab.test"],
    "to-silent.lab.test": ["CNAME broken.lab.test"],
    "broken.lab.test": "servfail",
    "turns.lab.test": [["0 A 127.0.0.2"], ["0 A 127.0.0.3"]],
    "deep.sub.lab.test": ["A 127.0.0.4"],
    "*.wild.lab.test": ["A 127.0.0.5"],
    "half.lab.test": {"A": ["127.0.0.6"], "AAAA": "servfail"},
    "null.lab.test": ["MX 0 ."],
    "dane.lab.test": ["TLSA 3 1 1 " + "ab" * 32],
}


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    bad = {f"{name}.bad.test": name for name in MISBEHAVIOURS}
    async with Lab(parse({"dns": {**HONEST, **bad}}), tmp_path) as lab:
        yield lab


def port(lab: Lab) -> int:
    return int(lab.dns.rpartition(":")[2])


async def ask(
    lab: Lab, name: str, rdtype: str = "A", *, tcp: bool = False, edns: bool = True, cd: bool = False, seconds: float = 2.0
) -> dns.message.Message:
    message = dns.message.make_query(name, rdtype, use_edns=0 if edns else -1)
    if cd:
        message.flags |= dns.flags.CD
    query = dns.asyncquery.tcp if tcp else dns.asyncquery.udp
    return await query(message, "127.0.0.1", port=port(lab), timeout=seconds)


def data(response: dns.message.Message) -> list[str]:
    """Type and data of all records; the library shuffles them as real servers do."""
    return [f"{dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}" for rrset in response.answer for rdata in rrset]


async def test_honest_answers(lab: Lab) -> None:
    assert data(await ask(lab, "mx.lab.test")) == ["A 127.0.0.9"]
    assert data(await ask(lab, "MX.Lab.Test", tcp=True)) == ["A 127.0.0.9"]
    assert sorted(data(await ask(lab, "lab.test", "MX"))) == ["MX 10 mx.lab.test.", "MX 20 mx2.lab.test."]
    assert data(await ask(lab, "alias.lab.test")) == ["CNAME mx.lab.test.", "A 127.0.0.9"]
    assert data(await ask(lab, "alias.lab.test", "CNAME")) == ["CNAME mx.lab.test."]
    assert data(await ask(lab, "x.wild.lab.test")) == ["A 127.0.0.5"]
    assert data(await ask(lab, "null.lab.test", "MX")) == ["MX 0 ."]
    assert data(await ask(lab, "dane.lab.test", "TLSA")) == ["TLSA 3 1 1 " + "ab" * 32]
    assert lab.queries[("mx.lab.test", "A")] == 2


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [
        ("nowhere.lab.test", "A", dns.rcode.NXDOMAIN),
        ("microsoft.com", "MX", dns.rcode.NXDOMAIN),
        ("dangling.lab.test", "A", dns.rcode.NXDOMAIN),
        ("to-silent.lab.test", "A", dns.rcode.SERVFAIL),
        ("mx.lab.test", "AAAA", dns.rcode.NOERROR),
        ("sub.lab.test", "A", dns.rcode.NOERROR),
        ("half.lab.test", "A", dns.rcode.NOERROR),
        ("half.lab.test", "AAAA", dns.rcode.SERVFAIL),
        ("half.lab.test", "MX", dns.rcode.NOERROR),
    ],
)
async def test_what_is_not_listed(lab: Lab, name: str, rdtype: str, rcode: dns.rcode.Rcode) -> None:
    assert (await ask(lab, name, rdtype)).rcode() == rcode


async def test_a_series_goes_on_and_its_last_answer_stays(lab: Lab) -> None:
    found = [data(await ask(lab, "turns.lab.test")) for _ in range(3)]
    assert found == [["A 127.0.0.2"], ["A 127.0.0.3"], ["A 127.0.0.3"]]


async def test_what_is_no_question_is_not_answered(lab: Lab) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        await asyncio.get_running_loop().sock_sendto(udp, b"hello", ("127.0.0.1", port(lab)))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await asyncio.get_running_loop().sock_recv(udp, 100)


async def rcode_of(lab: Lab, name: str) -> str:
    return dns.rcode.to_text((await ask(lab, name)).rcode())


def says(rcode: str) -> Judge:
    async def judge(lab: Lab, name: str) -> None:
        assert await rcode_of(lab, name) == rcode
        assert data(await ask(lab, name)) == []

    return judge


async def no_answer(lab: Lab, name: str) -> None:
    with pytest.raises(dns.exception.Timeout):
        await ask(lab, name, seconds=0.3)


async def slow(lab: Lab, name: str) -> None:
    begun = time.monotonic()
    assert data(await ask(lab, name)) == ["A 127.0.0.1"]
    assert time.monotonic() - begun > 0.9


async def twice(lab: Lab, name: str) -> None:
    assert len(await datagrams(lab, name, 2)) == 2


async def formerr_to_edns(lab: Lab, name: str) -> None:
    assert await rcode_of(lab, name) == "FORMERR"
    assert data(await ask(lab, name, edns=False)) == ["A 127.0.0.1"]


async def silent_to_edns(lab: Lab, name: str) -> None:
    await no_answer(lab, name)
    assert data(await ask(lab, name, edns=False)) == ["A 127.0.0.1"]


async def cname_loop(lab: Lab, name: str) -> None:
    assert data(await ask(lab, name)) == [f"CNAME {name}."]


async def cname_loop_of_two(lab: Lab, name: str) -> None:
    assert data(await ask(lab, name)) == [f"CNAME loop-b.{name}.", f"CNAME {name}."]


async def cname_chain(lab: Lab, name: str) -> None:
    assert (await ask(lab, name)).flags & dns.flags.TC
    found = data(await ask(lab, name, tcp=True))
    assert len(found) == 201
    assert found[-1] == "A 127.0.0.1"


async def datagrams(lab: Lab, name: str, count: int) -> list[tuple[bytes, int]]:
    """Bytes and source port of what comes back."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_sendto(udp, dns.message.make_query(name, "A", id=77).to_wire(), ("127.0.0.1", port(lab)))
        async with asyncio.timeout(2):
            found = [await loop.sock_recvfrom(udp, 4096) for _ in range(count)]
    return [(wire, peer[1]) for wire, peer in found]


async def wrong_id(lab: Lab, name: str) -> None:
    ((wire, _),) = await datagrams(lab, name, 1)
    assert dns.message.from_wire(wire).id == 77 ^ 0x5555


async def wrong_question(lab: Lab, name: str) -> None:
    ((wire, _),) = await datagrams(lab, name, 1)
    assert dns.message.from_wire(wire).question[0].name.to_text() == "evil.example."


async def wrong_source(lab: Lab, name: str) -> None:
    ((wire, source),) = await datagrams(lab, name, 1)
    assert data(dns.message.from_wire(wire)) == ["A 127.0.0.1"]
    assert source != port(lab)


async def unreadable(lab: Lab, name: str) -> None:
    ((wire, _),) = await datagrams(lab, name, 1)
    assert struct.unpack("!H", wire[:2]) == (77,)
    with pytest.raises(dns.exception.DNSException):
        dns.message.from_wire(wire)


async def truncated(lab: Lab, name: str) -> None:
    assert (await ask(lab, name)).flags & dns.flags.TC
    assert data(await ask(lab, name, tcp=True)) == ["A 127.0.0.1"]


async def always_truncated(lab: Lab, name: str) -> None:
    assert (await ask(lab, name)).flags & dns.flags.TC
    assert (await ask(lab, name, tcp=True)).flags & dns.flags.TC


async def tcp_closed(lab: Lab, name: str) -> None:
    assert (await ask(lab, name)).flags & dns.flags.TC
    with pytest.raises(EOFError):
        await ask(lab, name, tcp=True)


async def tcp_without_answer_in_time(lab: Lab, name: str) -> None:
    assert (await ask(lab, name)).flags & dns.flags.TC
    with pytest.raises(dns.exception.Timeout):
        await ask(lab, name, tcp=True, seconds=0.7)


async def many_a(lab: Lab, name: str) -> None:
    assert (await ask(lab, name)).flags & dns.flags.TC
    assert len(data(await ask(lab, name, tcp=True))) == 4000


async def many_mx(lab: Lab, name: str) -> None:
    message = dns.message.make_query(name, "MX")
    found = await dns.asyncquery.tcp(message, "127.0.0.1", port=port(lab), timeout=5)
    assert len(data(found)) == 2000


async def evil_labels(lab: Lab, name: str) -> None:
    found = sorted(data(await ask(lab, name, "MX")))
    assert found[0] == "MX 10 <!channel>.lab.test."
    assert len(found) == 6


async def bogus_dnssec(lab: Lab, name: str) -> None:
    assert await rcode_of(lab, name) == "SERVFAIL"
    assert data(await ask(lab, name, cd=True)) == ["A 127.0.0.1"]


def explains(code: dns.edns.EDECode) -> Judge:
    async def judge(lab: Lab, name: str) -> None:
        response = await ask(lab, name)
        assert response.rcode() == dns.rcode.SERVFAIL
        assert [option.code for option in response.options if isinstance(option, dns.edns.EDEOption)] == [code]
        assert (await ask(lab, name, cd=True)).rcode() == dns.rcode.SERVFAIL

    return judge


JUDGES: dict[str, Judge] = {
    "nxdomain": says("NXDOMAIN"),
    "nodata": says("NOERROR"),
    "servfail": says("SERVFAIL"),
    "refused": says("REFUSED"),
    "formerr": says("FORMERR"),
    "notimp": says("NOTIMP"),
    "formerr-to-edns": formerr_to_edns,
    "silent": no_answer,
    "slow": slow,
    "twice": twice,
    "cname-loop": cname_loop,
    "cname-loop-2": cname_loop_of_two,
    "cname-chain": cname_chain,
    "wrong-id": wrong_id,
    "wrong-question": wrong_question,
    "wrong-source": wrong_source,
    "garbage": unreadable,
    "pointer-loop": unreadable,
    "truncated": truncated,
    "always-truncated": always_truncated,
    "tcp-closed": tcp_closed,
    "tcp-silent": tcp_without_answer_in_time,
    "tcp-drip": tcp_without_answer_in_time,
    "many-a": many_a,
    "many-mx": many_mx,
    "evil-labels": evil_labels,
    "bogus-dnssec": bogus_dnssec,
    "ede-dnssec": explains(dns.edns.EDECode.DNSSEC_BOGUS),
    "ede-expired": explains(dns.edns.EDECode.SIGNATURE_EXPIRED),
    "silent-to-edns": silent_to_edns,
    "ede-says-refused": explains(dns.edns.EDECode.NETWORK_ERROR),
    "ede-says-cname": explains(dns.edns.EDECode.OTHER),
    "ede-network": explains(dns.edns.EDECode.NO_REACHABLE_AUTHORITY),
}


@pytest.mark.parametrize("behaviour", MISBEHAVIOURS)
async def test_each_misbehaviour_is_what_it_is_called(lab: Lab, behaviour: str) -> None:
    await JUDGES[behaviour](lab, f"{behaviour}.bad.test")
