"""What a recursive resolver says of a name: its records, or why there are none. CNAMEs are followed, bogus DNSSEC is told apart.

dnspython's own resolver class hides CNAME loops and the reason of a failure; its messages are too slow to read (message.py).
"""

import asyncio
import resource
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from diagnostics.probes import message
from diagnostics.probes.asking import Asking, Server, is_exhausted
from diagnostics.probes.message import Nonsense, Question, Reply
from diagnostics.probes.slots import Slots

MAX_CHAIN = 8
"""CNAMEs followed; longer chains are answered with nonsense by some resolvers and are refused by others."""

MAX_QUESTIONS = 256
"""Under way at once. Each has a socket, and a process may open 1,024 files by default: connections need theirs."""

_RESEND = (1.0, 2.0, 4.0, 8.0)
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
    """What a resolver said of one name and type. `records` are texts of rdata; `detail` tells the failure in words."""

    status: Status
    records: tuple[str, ...] = ()
    detail: str = ""
    alias: str | None = None
    seconds: float = 0.0


class Resolver:
    """Asks `servers` ((address, port), in order). One object serves a process, in one event loop; `close` ends what is open."""

    def __init__(self, servers: Sequence[Server], timeout: float) -> None:
        self.servers, self.timeout = tuple(servers), timeout
        self._slots = Slots(_most_questions(len(self.servers)))
        self._open: set[Asking] = set()
        self._first = 0  # the server that answered last is asked first: a dead one must not cost a second each time

    async def ask(self, name: str, kind: str) -> Answer:
        """The answer for `name` and a record type of message.KINDS; never raises. `seconds` counts from now."""
        loop = asyncio.get_running_loop()
        started = loop.time()
        answer = await self._follow(name, message.KINDS[kind], kind)
        return Answer(answer.status, answer.records, answer.detail, answer.alias, loop.time() - started)

    async def close(self) -> None:
        for asking in self._open:
            asking.close()
        self._open.clear()

    async def _follow(self, name: str, kind: int, kind_text: str) -> Answer:
        try:
            owner, alias, seen = message.encode(name), None, set[bytes]()
        except ValueError as error:
            return Answer(Status.FAILURE, detail=f"{name[:80]!r} cannot be asked for: {error}")
        while len(seen) <= MAX_CHAIN:
            seen.add(owner)
            reply = await self._settled(owner, kind, kind_text)
            if isinstance(reply, Answer):
                return reply
            target = _last_alias(reply, owner)
            if target in seen and target != owner:
                return Answer(Status.FAILURE, detail=f"the CNAME of {name} leads back to itself")
            if target is None:
                return Answer(Status.FAILURE, detail=f"the CNAMEs of {name} form a loop or a chain longer than {MAX_CHAIN}")
            text = message.decode(target)
            alias = text if text != name else alias
            if target in reply.rows:
                return Answer(Status.OK, reply.rows[target], alias=alias)
            if reply.rcode == message.NXDOMAIN:
                return Answer(Status.NXDOMAIN, detail=f"{text} does not exist (NXDOMAIN)", alias=alias)
            if target == owner:
                return Answer(Status.NO_DATA, detail=f"{text} has no {kind_text} record", alias=alias)
            owner = target  # a resolver that does not follow: ask for the rest
        return Answer(Status.FAILURE, detail=f"the CNAMEs of {name} form a chain longer than {MAX_CHAIN}")

    async def _settled(self, owner: bytes, kind: int, kind_text: str) -> Reply | Answer:
        """A usable reply, or the Answer that says why there is none."""
        reply = await self._exchange(Question(0, owner, kind))
        if isinstance(reply, Answer) or reply.rcode in _ANSWERS:
            return reply
        if reply.rcode in (message.FORMERR, message.NOTIMP):
            plain = await self._exchange(Question(0, owner, kind, edns=False))  # RFC 6891 section 7: it may not know EDNS
            if isinstance(plain, Answer) or plain.rcode in _ANSWERS:
                return plain
        said = f"the resolver answered {message.rcode_text(reply.rcode)} for {message.decode(owner)} {kind_text}"
        if reply.note:
            code, note = reply.note
            if code in _BOGUS_CODES:
                return Answer(Status.BOGUS, detail=f"{said}: {note}")
            said += f" ({note})"
        if reply.rcode != message.SERVFAIL:
            return Answer(Status.FAILURE, detail=said)
        unchecked = await self._exchange(Question(0, owner, kind, checking_disabled=True))
        if isinstance(unchecked, Answer) or unchecked.rcode not in _ANSWERS:
            return Answer(Status.FAILURE, detail=said)
        again = await self._exchange(Question(0, owner, kind))
        if not isinstance(again, Answer) and again.rcode != message.SERVFAIL:
            return again
        return Answer(Status.BOGUS, detail=f"{said}, and answers when DNSSEC checking is switched off (CD)")

    async def _exchange(self, question: Question) -> Reply | Answer:
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
            return Answer(Status.LOCAL, detail=f"this machine had too many DNS questions under way for {self.timeout:g} s")

    async def _heard(self, asking: Asking, question: Question) -> Reply | Answer:
        """What the servers say, asked in turn and again. A resend does not end the wait for what was sent before."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.timeout
        troubles = _Troubles()
        attempt = 0
        while (left := deadline - loop.time()) > 0:
            server = self.servers[(self._first + attempt) % len(self.servers)]
            wait = min(left, _RESEND[min(attempt // len(self.servers), len(_RESEND) - 1)])
            attempt += 1
            trouble: OSError | None = None
            try:
                asking.send(server)
                troubles.sent = True
            except OSError as error:
                trouble, wait = error, min(left, _PAUSE)
            try:
                async with asyncio.timeout(wait):
                    by, heard = await asking.heard.get()
            except TimeoutError:
                troubles.add(server, trouble)
                continue
            if isinstance(heard, Reply):
                if heard.rcode not in (message.SERVFAIL, message.REFUSED) or attempt >= len(self.servers):
                    self._first = self.servers.index(by)
                    return heard
            elif isinstance(heard, Nonsense):
                return Answer(Status.FAILURE, detail=f"{_server(by)} {heard}")
            else:
                troubles.add(by, heard)
                await asyncio.sleep(min(_PAUSE, max(0.0, deadline - loop.time())))
        return troubles.answer(question, self.timeout)


class _Troubles:
    """Why no server answered, and whether that is this machine's fault."""

    def __init__(self) -> None:
        self.sent = False
        self._words: list[str] = []
        self._ours = ""

    def add(self, server: Server, error: Exception | None) -> None:
        """`error` None: it did not answer in time."""
        words = f"{_server(server)} did not answer"
        if isinstance(error, OSError):
            words = f"{_server(server)} cannot be asked ({error.strerror or error})"
            self._ours = words if is_exhausted(error, server) else self._ours
        elif error:
            words = f"{_server(server)} {error}"
        if words not in self._words:
            self._words.append(words)

    def answer(self, question: Question, timeout: float) -> Answer:
        if self._ours or not self.sent:
            return Answer(Status.LOCAL, detail=f"this machine could not ask: {self._ours or ', '.join(self._words)}")
        name = message.decode(question.owner)
        return Answer(Status.TIMEOUT, detail=f"no answer for {name} within {timeout:g} s: " + ", ".join(self._words))


def _most_questions(servers: int) -> int:
    """A quarter of the files that this process may open, for all sockets that questions have."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MAX_QUESTIONS if files == resource.RLIM_INFINITY else max(4, min(MAX_QUESTIONS, files // 4 // max(1, servers)))


def _last_alias(reply: Reply, owner: bytes) -> bytes | None:
    """Where the CNAMEs in this reply lead; `owner` itself without any; None for a loop or a chain that is too long."""
    seen = {owner}
    for _ in range(MAX_CHAIN + 1):
        if owner in reply.rows or owner not in reply.aliases:
            return owner
        owner = reply.aliases[owner]
        if owner in seen:
            return None
        seen.add(owner)
    return None


def _server(server: Server) -> str:
    host, port = server
    return f"resolver {host}" + ("" if port == 53 else f" port {port}")
