"""What a recursive resolver says of a name: its records, or why there are none. CNAMEs are followed, bogus DNSSEC is told apart.

dnspython's own resolver class hides CNAME loops and the reason of a failure; its messages are too slow to read (message.py).
"""

import asyncio
import resource
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial

from diagnostics.findings import NO_FACTS, Facts
from diagnostics.probes import message
from diagnostics.probes.asking import Asking, Cut, Server, is_exhausted
from diagnostics.probes.message import Nonsense, Question, Reply
from diagnostics.probes.slots import Slots

MAX_CHAIN = 8
"""CNAMEs followed; longer chains are answered with nonsense by some resolvers and are refused by others."""

MAX_QUESTIONS = 256
"""Under way at once. Each has a socket, and a process may open 1,024 files by default: connections need theirs."""

_RESEND = (1.0, 2.0, 4.0, 8.0)
_FIRST_WAIT = 0.5
"""Of the timeout at most, so that a question can be asked again within a short one."""

PLAIN_SECONDS = 300.0
"""A server that answers only without EDNS is asked that way first for so long: each question costs it a second otherwise."""

_PAUSE = 0.2  # after an error that came at once
# Extended DNS Errors that say that validation failed (RFC 8914 section 4, codes 5 to 12)
_BOGUS_CODES = frozenset(range(5, 13))
_ANSWERS = (message.NOERROR, message.NXDOMAIN)


class Status(StrEnum):
    OK = "ok"
    NXDOMAIN = "nxdomain"
    NO_DATA = "no-data"
    FAILURE = "failure"
    BOGUS = "bogus"
    TIMEOUT = "timeout"
    LOCAL = "local"
    """This machine could not ask: nothing is known of the name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a resolver said of one name and type. `records` are texts of rdata; `facts` tell a failure by their `how`.

    `aliases`: where CNAMEs lead, the last one being the owner of the records. `loop`: they lead back, or too far.
    `server`: who answered, as ADDRESS or ADDRESS#PORT. `authentic`: it says that it validated the answer (AD).
    """

    status: Status
    records: tuple[str, ...] = ()
    facts: Facts = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    seconds: float = 0.0
    rcode: str = ""
    loop: bool = False
    server: str = ""
    authentic: bool = False

    @property
    def alias(self) -> str | None:
        return self.aliases[-1] if self.aliases else None


class Resolver:
    """Asks `servers` ((address, port), in order). One object serves a process, in one event loop; `close` ends what is open."""

    def __init__(self, servers: Sequence[Server], timeout: float) -> None:
        self.servers, self.timeout = tuple(servers), timeout
        self._slots = Slots(_most_questions(len(self.servers)))
        self._open: set[Asking] = set()
        self._plain: dict[Server, float] = {}  # those that are silent to EDNS, and until when that is believed
        self._first = 0  # the server that answered last is asked first: a dead one must not cost a second each time

    async def ask(self, name: str, kind: str) -> Answer:
        """The answer for `name` and a record type of message.KINDS; never raises. `seconds` counts from now."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        answer = await self._follow(name, kind)
        return replace(answer, seconds=loop.time() - started)

    async def close(self) -> None:
        for asking in self._open:
            asking.close()
        self._open.clear()

    async def _follow(self, name: str, kind: str) -> Answer:
        asked = {"name": name[:253], "kind": kind}
        try:
            owner, aliases, seen = message.encode(name), list[str](), set[bytes]()
        except ValueError:
            return Answer(Status.FAILURE, facts=asked | {"how": "bad-name"})
        while len(seen) <= MAX_CHAIN:
            seen.add(owner)
            said = await self._settled(owner, kind)
            if isinstance(said, Answer):
                return said
            server, reply = said
            led = _aliases(reply, owner)
            if led is None or not seen.isdisjoint(led):
                return Answer(Status.FAILURE, facts=asked | {"how": "loop", "limit": str(MAX_CHAIN)}, loop=True, server=server)
            target = led[-1] if led else owner
            aliases += map(message.decode, led)
            text = message.decode(target)
            here = {"name": text, "kind": kind}
            rcode = message.rcode_text(reply.rcode)
            found = partial(Answer, aliases=tuple(aliases), rcode=rcode, server=server, authentic=reply.authentic)
            if target in reply.rows:
                return found(Status.OK, reply.rows[target])
            if reply.rcode == message.NXDOMAIN:
                return found(Status.NXDOMAIN, facts=here | {"how": "nxdomain"})
            if target == owner:
                return found(Status.NO_DATA, facts=here | {"how": "no-data"})
            owner = target  # a resolver that does not follow: ask for the rest
        return Answer(Status.FAILURE, facts=asked | {"how": "loop", "limit": str(MAX_CHAIN)}, loop=True)

    async def _settled(self, owner: bytes, kind: str) -> tuple[str, Reply] | Answer:
        """A usable reply and who gave it, or the Answer that says why there is none."""
        number = message.KINDS[kind]
        said = await self._exchange(Question(0, owner, number))
        if isinstance(said, Answer) or said[1].rcode in _ANSWERS:
            return said
        server, reply = said
        if reply.rcode in (message.FORMERR, message.NOTIMP):
            plain = await self._exchange(Question(0, owner, number, edns=False))  # RFC 6891 section 7: it may not know EDNS
            if isinstance(plain, Answer) or plain[1].rcode in _ANSWERS:
                return plain
        failed = _failure(server, reply, {"name": message.decode(owner), "kind": kind})
        if failed.status is Status.BOGUS or reply.rcode != message.SERVFAIL:
            return failed
        unchecked = await self._exchange(Question(0, owner, number, checking_disabled=True))
        if isinstance(unchecked, Answer) or unchecked[1].rcode not in _ANSWERS:
            return failed
        again = await self._exchange(Question(0, owner, number))
        if not isinstance(again, Answer) and again[1].rcode != message.SERVFAIL:
            return again
        return replace(failed, status=Status.BOGUS, facts={**failed.facts, "how": "checking-disabled"})

    async def _exchange(self, question: Question) -> tuple[str, Reply] | Answer:
        """One question within `timeout` seconds, once a socket may be opened for it."""
        try:
            async with self._slots.hold(self.timeout):
                asking = Asking(question, self.timeout / 2)
                self._open.add(asking)
                try:
                    return await self._heard(asking, question)
                finally:
                    asking.close()
                    self._open.discard(asking)
        except TimeoutError:
            return Answer(Status.LOCAL, facts={"how": "dns-busy", "seconds": f"{self.timeout:g}"})

    async def _heard(self, asking: Asking, question: Question) -> tuple[str, Reply] | Answer:
        """What the servers say, asked in turn and again. A resend does not end the wait for what was sent before."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timeout
        troubles = _Troubles()
        attempt = 0
        while (left := deadline - loop.time()) > 0:
            server = self.servers[(self._first + attempt) % len(self.servers)]
            again = attempt // len(self.servers)
            wait = min(left, _RESEND[min(again, len(_RESEND) - 1)])
            if not again:
                wait = min(wait, self.timeout * _FIRST_WAIT / len(self.servers))
            attempt += 1
            trouble: OSError | None = None
            try:
                asking.send(server, edns=question.edns and self._is_asked_with_edns(server, again))
                troubles.sent = True
            except OSError as error:
                trouble, wait = error, min(left, _PAUSE)
            try:
                async with asyncio.timeout(wait):
                    by, heard, edns = await asking.heard.get()
            except TimeoutError:
                troubles.add(server, trouble)
                continue
            if isinstance(heard, Reply):
                if question.edns:
                    self._note_edns(by, edns=edns)
                if heard.rcode not in (message.SERVFAIL, message.REFUSED) or attempt >= len(self.servers):
                    self._first = self.servers.index(by)
                    return _server(by), heard
            elif isinstance(heard, Nonsense):
                facts = {**heard.facts, "server": _server(by), "name": message.decode(question.owner)}
                return Answer(Status.FAILURE, facts=facts, server=_server(by))
            else:
                troubles.add(by, heard)
                await asyncio.sleep(min(_PAUSE, max(0.0, deadline - loop.time())))
        return troubles.answer(question, self.timeout)

    def _is_asked_with_edns(self, server: Server, again: int) -> bool:
        """Silence may be that of a server or firewall that drops EDNS (RFC 6891 section 6.2.5): the second try goes without."""
        is_plain = self._plain.get(server, 0.0) > asyncio.get_running_loop().time()
        return (again == 1) is is_plain

    def _note_edns(self, server: Server, *, edns: bool) -> None:
        """Which of the two ways the server answered."""
        now = asyncio.get_running_loop().time()
        if edns:
            self._plain.pop(server, None)
        elif self._plain.get(server, 0.0) <= now:
            self._plain[server] = now + PLAIN_SECONDS


class _Troubles:
    """Why no server answered, and whether that is this machine's fault."""

    def __init__(self) -> None:
        self.sent = False
        self._servers: dict[str, str] = {}
        self._ours: Facts = NO_FACTS

    def add(self, server: Server, error: Exception | None) -> None:
        """`error` None: it did not answer in time."""
        word = ""
        if isinstance(error, OSError):
            word = error.strerror or str(error)
            if is_exhausted(error, server):
                self._ours = {"server": _server(server), "error": word}
        elif isinstance(error, Cut):
            word = f"TCP, {error.seconds:g}"
        self._servers[_server(server)] = word

    def answer(self, question: Question, timeout: float) -> Answer:
        tried = ", ".join(f"{server} ({word})" if word else server for server, word in self._servers.items())
        if self._ours or not self.sent:
            return Answer(Status.LOCAL, facts={"how": "dns-cannot-ask", "servers": tried, "error": "", **self._ours})
        facts = {"how": "silent", "name": message.decode(question.owner), "seconds": f"{timeout:g}", "servers": tried}
        return Answer(Status.TIMEOUT, facts=facts)


def _failure(server: str, reply: Reply, asked: Facts) -> Answer:
    """A reply that is no answer. RFC 8914's code tells bogus DNSSEC; its text is shown, and decides nothing."""
    rcode = message.rcode_text(reply.rcode)
    facts = {**asked, "how": "rcode", "server": server, "rcode": rcode}
    if reply.note:
        facts |= {"how": "rcode-note", "note": reply.note[1]}
    status = Status.BOGUS if reply.note and reply.note[0] in _BOGUS_CODES else Status.FAILURE
    return Answer(status, facts=facts, rcode=rcode, server=server)


def _most_questions(servers: int) -> int:
    """A quarter of the files that this process may open, for all sockets that questions have."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_QUESTIONS if files == resource.RLIM_INFINITY else max(4, min(MAX_QUESTIONS, files // 4 // max(1, servers)))


def _aliases(reply: Reply, owner: bytes) -> list[bytes] | None:
    """Where the CNAMEs in this reply lead, one after another; None for a loop or a chain that is too long."""
    led: list[bytes] = []
    while owner not in reply.rows and owner in reply.aliases:
        owner = reply.aliases[owner]
        if owner in led or len(led) > MAX_CHAIN:
            return None
        led.append(owner)
    return led


def _server(server: Server) -> str:
    host, port = server
    return host if port == 53 else f"{host}#{port}"
