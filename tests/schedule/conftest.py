"""A store in a file, a clock that can be put forward, and a watcher over both."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import schedule
from bot.settings import Settings
from bot.wiring import open_services
from commands.command import Services
from commands.memory import Memory
from commands.reply import Found, Reply, Tell
from commands.request import Request
from diagnostics.store import Store
from diagnostics.store.opening import open_store
from tests.store.factories import NOW

FAILING = Reply("Failing: mail.contoso.com — 450 4.4.316 Connection refused", "bad", exit_code=1, verdict="failing")
WELL = Found("mail.contoso.com", "healthy", "mail can be delivered")
HEALTHY = Reply("Healthy: mail.contoso.com — mail can be delivered", "good", verdict="healthy", results=(WELL,))


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta) -> datetime:
        self.now += by
        return self.now


@dataclass
class Told:
    """What was said, and where."""

    said: list[tuple[str, Reply]] = field(default_factory=list)

    async def __call__(self, place: str, reply: Reply) -> None:
        self.said.append((place, reply))

    @property
    def headlines(self) -> list[str]:
        return [reply.headline for _, reply in self.said]


Watching = Callable[..., contextlib.AbstractAsyncContextManager[asyncio.Task[None]]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/mailflow.db"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with open_store(url) as opened:
        yield opened


@pytest.fixture
async def services(store: Store, clock: Clock) -> AsyncIterator[Services]:
    """Services that ask nobody: checks are played (see `answers`)."""
    async with open_services(Settings(dns=("127.0.0.1:9",), control_host="")) as opened:
        opened.tools.instruments.now = clock
        yield replace(opened, store=store, memory=Memory(store))


class Checks:
    """Plays `check`: the answer of each word, and the requests that were made."""

    def __init__(self) -> None:
        self.replies: dict[str, Reply] = {}
        self.requests: list[Request] = []
        self.before: Callable[[], Awaitable[object]] | None = None

    async def __call__(self, request: Request, services: Services, tell: Tell) -> Reply:
        self.requests.append(request)
        if self.before is not None:
            await self.before()
        return self.replies.get(request.words[-1], FAILING)


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Checks:
    played = Checks()
    monkeypatch.setattr(schedule, "run", played)
    return played


@contextlib.asynccontextmanager
async def watched(services: Services, tell: schedule.Tell, **options: float) -> AsyncIterator[asyncio.Task[None]]:
    """The watcher runs, and at the end it is told to stop, and has to."""
    stop = asyncio.Event()
    task = asyncio.create_task(schedule.watching(services, tell, stop, tick=options.get("tick", 0.02)))
    try:
        yield task
    finally:
        stop.set()
        async with asyncio.timeout(schedule.DRAIN + 10):
            await task


async def until(condition: Callable[[], object], seconds: float = 5) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def quiet(seconds: float = 0.15) -> None:
    """Time in which something wrong would have happened."""
    await asyncio.sleep(seconds)


def ids(things: Iterable[object]) -> list[str]:
    return sorted(str(getattr(thing, "id", "")) for thing in things)
