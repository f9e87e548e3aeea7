"""A limit that several people share: round robin by person, and nobody holds so much that a newcomer finds nothing.

How much one may hold follows what is free (the dynamic threshold of Choudhury and Hahne, 1998): less than `share` times that.
So one person alone uses most of it, ten leave each other something, and nothing has to be set aside for kinds of work.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from types import TracebackType

SHARE = 2.0
"""One person alone may hold two thirds; two hold two fifths each."""

MAX_ACCOUNTS = 10_000


@dataclass(frozen=True, slots=True)
class Asker:
    """Who work is done for. `name` "" has the machine to itself: no share, no rate.

    `charge` takes the number of addresses that are about to be dialled and that no connector lists; what it raises ends the run.
    """

    name: str = "mailflow"
    charge: Callable[[int], None] | None = None


OWNER = Asker("")


class Party:
    """Those who wait for the same work: it is done as soon as it is the turn of any of them."""

    def __init__(self, name: str) -> None:
        self.names = [name]
        self._waiting: dict[_Ticket, FairQueue] = {}

    def join(self, name: str) -> None:
        """One more waits for it; what is under way goes on."""
        if name not in self.names:
            self.names.append(name)
            for ticket, queue in tuple(self._waiting.items()):
                queue.also_for(ticket, name)


@dataclass(slots=True, eq=False)
class _Ticket:
    key: Hashable
    future: "asyncio.Future[_Account]"


@dataclass(slots=True, eq=False)
class _Account:
    """What one person holds, waits for, and may still begin within this second."""

    name: str
    tokens: float
    since: float
    held: int = 0
    waiting: deque[_Ticket] = field(default_factory=deque)
    timer: asyncio.TimerHandle | None = None


@dataclass(slots=True, eq=False)
class _Key:
    """How many hold one key, the tickets that wait for it, by account, and the number of each account's last turn with it."""

    held: int = 0
    parked: dict[_Account, deque[_Ticket]] = field(default_factory=dict)
    turns: int = 0
    last: dict[_Account, int] = field(default_factory=dict)


class FairQueue:
    """At most `most` turns at once, `per_key` with one key, `each` for a person; `rate` turns of a person begin in a second."""

    def __init__(self, most: int, *, each: int | None = None, per_key: int | None = None, rate: float | None = None) -> None:
        self._free, self._each, self._per_key, self._rate = most, each or most, per_key, rate
        self._accounts: OrderedDict[str, _Account] = OrderedDict()
        self._ring: OrderedDict[_Account, None] = OrderedDict()
        self._keys: dict[Hashable, _Key] = {}

    def turn(self, party: Party, key: Hashable = None) -> "Turn":
        """`async with` it: inside, one of the turns is taken. Who waits for a busy key keeps nobody else waiting."""
        return Turn(self, party, key)

    async def take(self, party: Party, key: Hashable) -> _Account:
        accounts = [self._account(name) for name in party.names]
        for account in accounts:
            if not account.waiting and self._may(account) and not self._is_busy(key):
                return self._grant(account, key)
        ticket = _Ticket(key, asyncio.get_running_loop().create_future())
        party._waiting[ticket] = self
        for account in accounts:
            self._enqueue(account, ticket)
        self._dispatch()
        try:
            return await ticket.future
        except asyncio.CancelledError:
            if ticket.future.done() and not ticket.future.cancelled():
                self.release(ticket.future.result(), key)
            else:
                ticket.future.cancel()
                self._unpark(key)
                self._dispatch()
            raise
        finally:
            del party._waiting[ticket]

    def release(self, account: _Account, key: Hashable) -> None:
        self._free += 1
        account.held -= 1
        if self._per_key is not None and key is not None:
            self._keys[key].held -= 1
            self._unpark(key)
        if self._ring:
            self._dispatch()

    def also_for(self, ticket: _Ticket, name: str) -> None:
        self._enqueue(self._account(name), ticket)
        self._dispatch()

    # ---- accounts

    def _account(self, name: str) -> _Account:
        account = self._accounts.get(name)
        if account is None:
            account = self._accounts[name] = _Account(name, self._rate or 0.0, asyncio.get_running_loop().time())
            oldest = next(iter(self._accounts.values()))
            if len(self._accounts) > MAX_ACCOUNTS and not oldest.held and not oldest.waiting:
                del self._accounts[oldest.name]
        else:
            self._accounts.move_to_end(name)
        return account

    def _may(self, account: _Account) -> bool:
        if not self._free:
            return False
        if not account.name:
            return True
        return account.held < min(self._each, SHARE * self._free) and (self._rate is None or self._has_token(account, self._rate))

    def _has_token(self, account: _Account, rate: float) -> bool:
        loop = asyncio.get_running_loop()
        now = loop.time()
        account.tokens = min(rate, account.tokens + (now - account.since) * rate)
        account.since = now
        if account.tokens >= 1:
            return True
        if account.timer is None:
            account.timer = loop.call_later((1 - account.tokens) / rate, self._next_token, account)
        return False

    def _next_token(self, account: _Account) -> None:
        account.timer = None
        self._dispatch()

    # ---- tickets

    def _enqueue(self, account: _Account, ticket: _Ticket) -> None:
        account.waiting.append(ticket)
        self._ring[account] = None

    def _dispatch(self) -> None:
        """Turns go round the accounts until each was passed over once."""
        passed_over = 0
        while self._free and passed_over < len(self._ring):
            account, _ = self._ring.popitem(last=False)
            if self._serve(account):
                passed_over = 0
            elif account.waiting:
                passed_over += 1
            if account.waiting:
                self._ring[account] = None

    def _serve(self, account: _Account) -> bool:
        while account.waiting and self._may(account):
            ticket = account.waiting.popleft()
            if ticket.future.done():
                continue  # cancelled, or granted to somebody else who waited for the same
            if self._is_busy(ticket.key):
                self._keys[ticket.key].parked.setdefault(account, deque()).append(ticket)
                continue
            ticket.future.set_result(self._grant(account, ticket.key))
            return True
        return False

    def _grant(self, account: _Account, key: Hashable) -> _Account:
        self._free -= 1
        account.held += 1
        account.tokens -= 1
        if self._per_key is not None and key is not None:
            state = self._keys.setdefault(key, _Key())
            state.held += 1
            state.turns += 1
            state.last[account] = state.turns
        return account

    def _is_busy(self, key: Hashable) -> bool:
        return self._per_key is not None and key in self._keys and self._keys[key].held >= self._per_key

    def _unpark(self, key: Hashable) -> None:
        """Of each person who waits for this key, one ticket is looked at again: first of those who had no turn for longest."""
        state = self._keys.get(key)
        if state is None:
            return
        for account in sorted(state.parked, key=lambda each: state.last.get(each, 0)):
            parked = state.parked[account]
            while parked:
                ticket = parked.popleft()
                if not ticket.future.done():
                    account.waiting.appendleft(ticket)
                    self._ring[account] = None
                    break
            if not parked:
                del state.parked[account]
        if not state.held and not state.parked:
            del self._keys[key]


class Turn:
    """One turn, or the wait for it."""

    __slots__ = ("_account", "_key", "_party", "_queue")

    def __init__(self, queue: FairQueue, party: Party, key: Hashable) -> None:
        self._queue, self._party, self._key = queue, party, key
        self._account: _Account | None = None

    async def __aenter__(self) -> None:
        self._account = await self._queue.take(self._party, self._key)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._account is not None:
            self._queue.release(self._account, self._key)
