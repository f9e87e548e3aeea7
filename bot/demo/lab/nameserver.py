"""The lab's DNS resolver: answers out of a world over UDP and TCP, honestly or in one of the named wrong ways."""

import asyncio
import contextlib
import socket
from collections import Counter
from typing import Any

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from bot.demo.lab.answers import MISBEHAVIOURS, Query, Reaction, honest
from bot.demo.lab.background import Background
from bot.demo.lab.world import Answer, World

MAX_CHAIN = 16
DRIP_SECONDS = 0.2


class NameServer:
    """The resolver of a world, on 127.0.0.1. `queries` counts what was asked: (name, type) → times."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._parents = {".".join(name.split(".")[i:]) for name in world.dns for i in range(1, name.count(".") + 1)}
        self.queries: Counter[tuple[str, str]] = Counter()
        self._background = Background()
        self._sockets: list[socket.socket] = []
        self._udp: socket.socket
        self.port = 0

    async def start(self) -> None:
        udp, tcp = _bound_pair()
        self._udp, self._sockets, self.port = udp, [udp, tcp], udp.getsockname()[1]
        self._background.start(self._serve_udp(udp))
        self._background.listen(tcp, self._serve_connection)

    async def stop(self) -> None:
        try:
            await self._background.stop()
        finally:
            for bound in self._sockets:
                bound.close()

    def react(self, wire: bytes, *, tcp: bool) -> Reaction:
        """The reaction to one message; to what is no question, none."""
        try:
            message = dns.message.from_wire(wire)
        except dns.exception.DNSException:
            return Reaction()
        if not message.question:
            return Reaction()
        question = message.question[0]
        rdtype = dns.rdatatype.to_text(question.rdtype)
        key = (question.name.to_text(omit_final_dot=True).lower(), rdtype)
        self.queries[key] += 1
        response = dns.message.make_response(message, recursion_available=True)
        behaviour = self._fill(response, question.name, rdtype, self.queries[key] - 1)
        query = Query(message, question.name, rdtype, tcp, response)
        return MISBEHAVIOURS[behaviour](query) if behaviour else honest(query)

    def _fill(self, response: dns.message.Message, name: dns.name.Name, rdtype: str, earlier: int) -> str:
        """Put the honest records in, following CNAMEs, and return the misbehaviour of the name where that ended."""
        for _ in range(MAX_CHAIN):
            text = name.to_text(omit_final_dot=True).lower()
            answers = self._answers(text)
            if answers is None:
                # an ancestor of a listed name exists, though it has no records
                response.set_rcode(dns.rcode.NOERROR if text in self._parents else dns.rcode.NXDOMAIN)
                return ""
            answer = answers[min(earlier, len(answers) - 1)]
            here = _rrset(name, rdtype, answer)
            alias = None if here or rdtype == "CNAME" else _rrset(name, "CNAME", answer)
            response.answer += [rrset for rrset in (here, alias) if rrset]
            if answer.behaviour(rdtype) or not alias:
                return answer.behaviour(rdtype)
            name = dns.name.from_text(alias[0].to_text())
        response.answer.clear()
        return "servfail"

    def _answers(self, name: str) -> tuple[Answer, ...] | None:
        """What the world says of a name: its own entry, else that of the nearest wildcard."""
        if name in self._world.dns:
            return self._world.dns[name]
        rest = name
        while rest and rest not in self._parents:
            rest = rest.partition(".")[2]
            wildcard = self._world.dns.get(f"*.{rest}" if rest else "*")
            if wildcard:
                return wildcard
        return None

    async def _serve_udp(self, udp: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            wire, peer = await loop.sock_recvfrom(udp, 4096)
            reaction = self.react(wire, tcp=False)
            if reaction.delay:
                self._background.start(self._send_later(reaction, peer))
            else:
                await self._send(reaction, peer)

    async def _send_later(self, reaction: Reaction, peer: Any) -> None:
        await asyncio.sleep(reaction.delay)
        await self._send(reaction, peer)

    async def _send(self, reaction: Reaction, peer: Any) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            out = self._udp
            if reaction.from_elsewhere:
                out = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                out.setblocking(False)
                out.bind(("127.0.0.1", 0))
            for wire in reaction.wires:
                await loop.sock_sendto(out, wire, peer)

    async def _serve_connection(self, connection: socket.socket, _: str) -> None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):
            while True:
                length = await _exactly(connection, 2)
                wire = await _exactly(connection, int.from_bytes(length, "big"))
                reaction = self.react(wire, tcp=True)
                if not length or not wire or reaction.close:
                    return
                await asyncio.sleep(reaction.delay)
                for out in reaction.wires:
                    framed = len(out).to_bytes(2, "big") + out
                    step = 1 if reaction.drip else len(framed)
                    for start in range(0, len(framed), step):
                        await loop.sock_sendall(connection, framed[start : start + step])
                        await asyncio.sleep(DRIP_SECONDS if reaction.drip else 0)


async def _exactly(connection: socket.socket, length: int) -> bytes:
    """So many bytes, or none when the other side ends before."""
    found = b""
    while len(found) < length:
        more = await asyncio.get_running_loop().sock_recv(connection, length - len(found))
        if not more:
            return b""
        found += more
    return found


def _rrset(name: dns.name.Name, rdtype: str, answer: Answer) -> dns.rrset.RRset | None:
    rows = [record for record in answer.records if record.type == rdtype]
    if not rows:
        return None
    texts = [record.data for record in rows]
    return dns.rrset.from_text_list(name, rows[0].ttl, "IN", rdtype, texts, origin=dns.name.root, relativize=False)


def _bound_pair() -> tuple[socket.socket, socket.socket]:
    """A UDP and a listening TCP socket on one free port of 127.0.0.1."""
    for _ in range(50):
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            udp.bind(("127.0.0.1", 0))
            tcp.bind(udp.getsockname())
            tcp.listen(100)
        except OSError:
            udp.close()
            tcp.close()
            continue
        udp.setblocking(False)
        tcp.setblocking(False)
        return udp, tcp
    raise OSError("no port of 127.0.0.1 is free for both UDP and TCP")
