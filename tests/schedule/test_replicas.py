"""Several replicas over one PostgreSQL database: each place is told once, by whichever."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from commands.command import Services
from commands.memory import Memory
from commands.reply import Reply
from diagnostics.store import Store
from diagnostics.store.opening import open_store
from tests.schedule.conftest import FAILING, HEALTHY, Checks, Clock, quiet, until, watched
from tests.store.conftest import _server, server  # noqa: F401 - fixtures
from tests.store.factories import DAY, MINUTE, watch
from tests.store.server import Server

pytestmark = pytest.mark.needs("postgresql")

PLACES = 90


@pytest.fixture
def url(server: Server) -> str:  # noqa: F811 - the fixture
    return server.new_database()


async def test_three_replicas(services: Services, url: str, store: Store, clock: Clock, checks: Checks) -> None:
    told: list[tuple[int, str]] = []
    for n in range(PLACES):
        await store.add_watch(watch(f"w-{n}", f"mail{n}.contoso.com", f"place {n}"), now=clock())
        checks.replies[f"mail{n}.contoso.com"] = FAILING if n % 3 else HEALTHY
    clock.forward(5 * MINUTE)

    async with AsyncExitStack() as replicas:
        for number in range(3):
            own = await replicas.enter_async_context(open_store(url))

            async def tell(place: str, _reply: Reply, number: int = number) -> None:
                await asyncio.sleep(0.02)
                told.append((number, place))

            await replicas.enter_async_context(watched(replace(services, store=own, memory=Memory(own)), tell))
        await until(lambda: len(told) >= PLACES // 3, 20)
        checks.replies = dict.fromkeys(checks.replies, HEALTHY)
        clock.forward(5 * MINUTE)
        await until(lambda: len(told) >= PLACES, 20)
        await quiet()
    assert Counter(place for _, place in told) == Counter(f"place {n}" for n in range(PLACES))
    assert len({number for number, _ in told}) > 1
    assert await store.take_due_watches("later", now=clock() + DAY) == []
    assert await store.take_unfinished("later", now=clock() + DAY) == []


async def test_the_server_dies_and_comes_back(
    *,
    services: Services,
    server: Server,  # noqa: F811 - the fixture
    store: Store,
    clock: Clock,
    checks: Checks,
) -> None:
    """Checks answered without a store are not lost: the watch is looked at again when it is there."""
    told: list[str] = []

    async def tell(place: str, _reply: Reply) -> None:
        told.append(place)

    await store.add_watch(watch(), now=clock())
    clock.forward(5 * MINUTE)

    async def die() -> None:
        server.kill()

    checks.before, checks.replies[watch().word] = die, HEALTHY
    async with watched(services, tell):
        await until(lambda: checks.requests, 10)
        await quiet(0.5)
        assert told == []
        checks.before = None
        server.start()
        clock.forward(MINUTE)
        await until(lambda: told, 20)
        await quiet()
    assert told == [watch().place]
