"""The lab's mail servers: one listener an address, which records what it sees and behaves as its world says."""

import asyncio
import contextlib
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.demo.lab.background import Background
from bot.demo.lab.banners import BANNERS
from bot.demo.lab.certificates import Issued, Recipe, issue
from bot.demo.lab.contexts import Contexts
from bot.demo.lab.dialogues import DIALOGUES
from bot.demo.lab.handshakes import HANDSHAKES
from bot.demo.lab.manners import Behaviour
from bot.demo.lab.talk import Gone, Session, Talk, family
from bot.demo.lab.world import MailHost

BEHAVIOURS: Mapping[str, Behaviour] = {**DIALOGUES, **BANNERS, **HANDSHAKES}
"""Every behaviour of a mail server that a world can name, BLACK_HOLE excepted."""

BLACK_HOLE = "black-hole"
"""No behaviour of a server, but of a port: it takes no SYN."""

FILL_SECONDS = 0.1
MAX_FILLERS = 64


@dataclass(slots=True)
class Mail:
    """What came to one address: sessions in order of arrival, how many are open, and the most that ever were."""

    sessions: list[Session] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    @property
    def lines(self) -> list[str]:
        """Every command line received, over all sessions."""
        return [line for session in self.sessions for line in session.lines]


class MailServer:
    """A server of one address, on a bound socket that stays its maker's."""

    def __init__(self, host: MailHost, names: tuple[str, ...], bound: socket.socket, contexts: Contexts) -> None:
        self._host = host
        self._names = names
        self._socket = bound
        self._contexts = contexts
        self._background = Background()
        self.mail = Mail()

    async def start(self) -> None:
        self._socket.listen(1024)
        self._background.listen(self._socket, self._converse)

    async def stop(self) -> None:
        await self._background.stop()

    async def _converse(self, connection: socket.socket, peer: str) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session, number = Session(peer), len(self.mail.sessions)
        self.mail.sessions.append(session)
        self.mail.open += 1
        self.mail.most_open = max(self.mail.open, self.mail.most_open)
        contexts = lambda variant: self._context(number, variant)  # noqa: E731
        talk = Talk(connection, self._host, session, contexts, lambda: self._issued(number))
        turns = self._host.turns or (self._host.behaviour,)
        behaviour = turns[number % len(turns)]
        if 0 < self._host.most_at_once < self.mail.open:
            behaviour = "too-many-connections"
        try:
            with contextlib.suppress(Gone):
                await BEHAVIOURS[behaviour](talk)
        finally:
            self.mail.open -= 1
            session.ended = time.monotonic()

    def _context(self, number: int, variant: str) -> ssl.SSLContext:
        return self._contexts.get(self._recipe(number), self._names, variant, self._host.certificate_without_sni)

    def _issued(self, number: int) -> Issued:
        return issue(self._recipe(number), self._names)

    def _recipe(self, number: int) -> Recipe:
        """The connection's certificate: several take turns."""
        return self._host.certificates[number % len(self._host.certificates)]


class BlackHole:
    """A port that swallows SYNs: its queue is full and nobody takes from it, so the kernel drops every further one."""

    def __init__(self, bound: socket.socket) -> None:
        self._socket = bound
        self._fillers: list[socket.socket] = []
        self.mail = Mail()

    async def start(self) -> None:
        """Fill the queue until a connection stays pending. Raises OSError when none ever does."""
        self._socket.listen(0)
        for _ in range(MAX_FILLERS):
            filler = socket.socket(self._socket.family, socket.SOCK_STREAM)
            filler.setblocking(False)
            self._fillers.append(filler)
            filler.connect_ex(self._socket.getsockname())
            if not await _connected(filler):
                return
        raise OSError("this kernel does not drop SYNs for a full queue, so no black hole can be made")

    async def stop(self) -> None:
        for filler in self._fillers:
            filler.close()


async def _connected(connection: socket.socket) -> bool:
    """Whether a connection that was begun is there within FILL_SECONDS; on loopback that takes microseconds."""
    end = time.monotonic() + FILL_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            connection.getpeername()
            return True
        await asyncio.sleep(0.005)
    return False


def bind(address: str, port: int, *, again: bool = False) -> socket.socket:
    """A bound TCP socket that does not listen yet; `again`: even if connections of an earlier one linger."""
    bound = socket.socket(family(address), socket.SOCK_STREAM)
    try:
        bound.setblocking(False)
        if again:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((address, port))
    except OSError as error:
        bound.close()
        raise OSError(error.errno, f"{error.strerror}: {address} port {port}") from None
    return bound
