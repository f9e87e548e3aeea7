"""DNS questions to a recursive resolver: one shared UDP socket each, TCP on truncation, and no trust in what comes back.

dnspython makes and reads the messages; its own resolver class opens a socket for each question and hides CNAME loops.
"""

import asyncio
import errno
import secrets
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

MAX_CHAIN = 8
"""CNAMEs followed; longer chains are answered with nonsense by some resolvers and are refused by others."""

_RESEND = (1.0, 2.0, 4.0, 8.0)
# Extended DNS Errors that say that validation failed (RFC 8914 section 4, codes 5 to 12)
_BOGUS_CODES = frozenset(range(5, 13))


class Status(StrEnum):
    OK = "ok"
    NXDOMAIN = "nxdomain"
    NO_DATA = "no-data"
    FAILURE = "failure"
    BOGUS = "bogus"
    TIMEOUT = "timeout"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a resolver said of one name and type. `records` are texts of rdata; `detail` tells the failure in words."""

    status: Status
    records: tuple[str, ...] = ()
    detail: str = ""
    alias: str | None = None
    seconds: float = 0.0


class _Nonsense(Exception):
    """A reply that is no answer to the question; the words say why."""


class Resolver:
    """Asks `servers` ((address, port), in order). One object serves a process; call `close` in the loop that used it."""

    def __init__(self, servers: Sequence[tuple[str, int]], timeout: float) -> None:
        self.servers, self.timeout = tuple(servers), timeout
        self._sockets: dict[tuple[str, int], _Socket] = {}
        self._opening = asyncio.Lock()
        self._closed = False
        self._first = 0  # the server that answered last is asked first: a dead one must not cost a second each time

    async def ask(self, name: str, kind: str) -> Answer:
        """The answer for `name` and record type `kind`; never raises. Follows CNAMEs, tells bogus DNSSEC from other failures."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        answer = await self._follow(name, kind)
        return Answer(answer.status, answer.records, answer.detail, answer.alias, loop.time() - started)

    async def close(self) -> None:
        """What is still asked for gets no answer any more, and no new socket."""
        self._closed = True
        for socket in self._sockets.values():
            socket.close()
        self._sockets.clear()

    async def _follow(self, name: str, kind: str) -> Answer:
        try:
            owner, alias, seen = dns.name.from_text(name + "."), None, set[dns.name.Name]()
        except dns.exception.DNSException as error:
            return Answer(Status.FAILURE, detail=f"{name[:80]!r} cannot be asked for: {error}")
        rdtype = dns.rdatatype.from_text(kind)
        while len(seen) <= MAX_CHAIN:
            seen.add(owner)
            reply = await self._settled(owner, rdtype)
            if isinstance(reply, Answer):
                return reply
            target = _last_alias(reply, owner, rdtype)
            if target in seen and target != owner:
                return Answer(Status.FAILURE, detail=f"the CNAME of {name} leads back to itself")
            if target is None:
                return Answer(Status.FAILURE, detail=f"the CNAMEs of {name} form a loop or a chain longer than {MAX_CHAIN}")
            alias = _text(target) if _text(target) != name else alias
            rows = reply.get_rrset(reply.answer, target, dns.rdataclass.IN, rdtype)
            if rows is not None:
                return Answer(Status.OK, tuple(row.to_text() for row in rows), alias=alias)
            if reply.rcode() == dns.rcode.NXDOMAIN:
                return Answer(Status.NXDOMAIN, detail=f"{_text(target)} does not exist (NXDOMAIN)", alias=alias)
            if target == owner:
                return Answer(Status.NO_DATA, detail=f"{_text(target)} has no {kind} record", alias=alias)
            owner = target  # a resolver that does not follow: ask for the rest
        return Answer(Status.FAILURE, detail=f"the CNAMEs of {name} form a chain longer than {MAX_CHAIN}")

    async def _settled(self, owner: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.message.Message | Answer:
        """A usable reply, or the Answer that says why there is none."""
        reply = await self._exchange(owner, rdtype)
        if isinstance(reply, Answer) or reply.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return reply
        if reply.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP):
            plain = await self._exchange(owner, rdtype, edns=False)  # RFC 6891 section 7: it may not know EDNS
            if isinstance(plain, Answer) or plain.rcode() in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
                return plain
        code = dns.rcode.to_text(reply.rcode())
        said = f"the resolver answered {code} for {_text(owner)} {dns.rdatatype.to_text(rdtype)}"
        if note := _extended_error(reply):
            if note[0] in _BOGUS_CODES:
                return Answer(Status.BOGUS, detail=f"{said}: {note[1]}")
            said += f" ({note[1]})"
        if reply.rcode() != dns.rcode.SERVFAIL:
            return Answer(Status.FAILURE, detail=said)
        unchecked = await self._exchange(owner, rdtype, checking_disabled=True)
        if isinstance(unchecked, Answer) or unchecked.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return Answer(Status.FAILURE, detail=said)
        again = await self._exchange(owner, rdtype)
        if not isinstance(again, Answer) and again.rcode() != dns.rcode.SERVFAIL:
            return again
        return Answer(Status.BOGUS, detail=f"{said}, and answers when DNSSEC checking is switched off (CD)")

    async def _exchange(
        self, owner: dns.name.Name, rdtype: dns.rdatatype.RdataType, *, checking_disabled: bool = False, edns: bool = True
    ) -> dns.message.Message | Answer:
        """One question with resends, going round the servers, within `timeout` seconds in all."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timeout
        troubles: list[str] = []
        asked: dict[asyncio.Task[dns.message.Message], tuple[str, int]] = {}
        attempt = 0
        try:
            while (left := deadline - loop.time()) > 0:
                server = self.servers[(self._first + attempt) % len(self.servers)]
                wait = min(left, _RESEND[min(attempt // len(self.servers), len(_RESEND) - 1)])
                attempt += 1
                query = dns.message.make_query(owner, rdtype, use_edns=0 if edns else False, payload=1232)
                if checking_disabled:
                    query.flags |= dns.flags.CD
                asked[asyncio.create_task(self._once(server, query))] = server
                # a resend does not end the wait for what was sent before: a slow answer is an answer
                done, _ = await asyncio.wait(asked, timeout=wait, return_when=asyncio.FIRST_COMPLETED)
                trouble = "" if done else f"{_server(server)} did not answer"
                for task in done:
                    by = asked.pop(task)
                    try:
                        reply = task.result()
                    except _Nonsense as error:
                        return Answer(Status.FAILURE, detail=f"{_server(by)} {error}")
                    except OSError as error:
                        trouble = f"{_server(by)} cannot be asked ({error.strerror or error})"
                        await asyncio.sleep(min(0.2, max(0.0, deadline - loop.time())))
                        continue
                    if reply.rcode() not in (dns.rcode.SERVFAIL, dns.rcode.REFUSED) or attempt >= len(self.servers):
                        self._first = self.servers.index(by)
                        return reply
                if trouble and trouble not in troubles:
                    troubles.append(trouble)
        finally:
            for task in asked:
                task.cancel()
        return Answer(Status.TIMEOUT, detail=f"no answer for {_text(owner)} within {self.timeout:g} s: " + ", ".join(troubles))

    async def _once(self, server: tuple[str, int], query: dns.message.Message) -> dns.message.Message:
        async with self._opening:
            socket = self._sockets.get(server)
            if self._closed:
                raise ConnectionAbortedError(errno.ECONNABORTED, "closed")
            if socket is None or socket.closed:
                socket = self._sockets[server] = await _Socket.open(server)
        reply = await socket.ask(query)
        if reply.flags & dns.flags.TC:
            return await _over_tcp(server, query)
        return reply


class _Socket(asyncio.DatagramProtocol):
    """One connected UDP socket: the kernel checks the source; we check id and question, and wait on for the right one."""

    closed = False
    _transport: asyncio.DatagramTransport

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[dns.message.Message, asyncio.Future[dns.message.Message]]] = {}

    @classmethod
    async def open(cls, server: tuple[str, int]) -> "_Socket":
        _, protocol = await asyncio.get_running_loop().create_datagram_endpoint(cls, remote_addr=server)
        return protocol

    async def ask(self, query: dns.message.Message) -> dns.message.Message:
        while query.id in self._waiting or query.id == 0:
            query.id = secrets.randbelow(65535) + 1
        future: asyncio.Future[dns.message.Message] = asyncio.get_running_loop().create_future()
        number = query.id
        self._waiting[number] = (query, future)
        try:
            self._transport.sendto(query.to_wire())
            return await future
        finally:
            self._waiting.pop(number, None)
            query.id = secrets.randbelow(65535) + 1

    def close(self) -> None:
        self.closed = True
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, _addr: object) -> None:
        if len(data) < 12:
            return
        waiting = self._waiting.get(struct.unpack_from("!H", data)[0])
        if waiting is None or waiting[1].done():
            return
        query, future = waiting
        try:
            reply = _read(data, query)
        except _Nonsense as error:
            future.set_exception(error)
            return
        if reply is not None:
            future.set_result(reply)

    def error_received(self, exc: Exception) -> None:
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self.error_received(exc or ConnectionAbortedError("closed"))


async def _over_tcp(server: tuple[str, int], query: dns.message.Message) -> dns.message.Message:
    try:
        reader, writer = await asyncio.open_connection(*server)
    except OSError as error:
        raise _Nonsense(f"truncated its answer and refuses TCP ({error.strerror or error})") from None
    try:
        wire = query.to_wire()
        writer.write(struct.pack("!H", len(wire)) + wire)
        (size,) = struct.unpack("!H", await reader.readexactly(2))
        reply = _read(await reader.readexactly(size), query)
    except (OSError, asyncio.IncompleteReadError):
        raise _Nonsense("truncated its answer and closed the TCP connection without one") from None
    finally:
        writer.close()
    if reply is None:
        raise _Nonsense("answered another question over TCP")
    return reply


def _read(wire: bytes, query: dns.message.Message) -> dns.message.Message | None:
    """The reply, or None if it is not the answer to `query` (spoofed or late). Raises _Nonsense for what cannot be read."""
    try:
        reply = dns.message.from_wire(wire, ignore_trailing=True, raise_on_truncation=False)
    except (dns.exception.DNSException, ValueError, struct.error, IndexError) as error:
        raise _Nonsense(f"sent a message that cannot be read ({type(error).__name__})") from None
    if reply.rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP) and not reply.question:
        return reply
    return reply if query.is_response(reply) else None


def _last_alias(reply: dns.message.Message, owner: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.name.Name | None:
    """Where the CNAMEs in this reply lead; `owner` itself without any; None for a loop or a chain that is too long."""
    seen = {owner}
    for _ in range(MAX_CHAIN + 1):
        if reply.get_rrset(reply.answer, owner, dns.rdataclass.IN, rdtype) is not None:
            return owner
        alias = reply.get_rrset(reply.answer, owner, dns.rdataclass.IN, dns.rdatatype.CNAME)
        if alias is None:
            return owner
        owner = alias[0].target
        if owner in seen:
            return None
        seen.add(owner)
    return None


def _extended_error(reply: dns.message.Message) -> tuple[int, str] | None:
    for option in reply.options:
        if isinstance(option, dns.edns.EDEOption):
            return int(option.code), (option.text or f"Extended DNS Error {int(option.code)}")[:200]
    return None


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()


def _server(server: tuple[str, int]) -> str:
    host, port = server
    return f"resolver {host}" + ("" if port == 53 else f" port {port}")
