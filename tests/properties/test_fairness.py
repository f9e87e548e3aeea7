"""What one person asks for does not keep others waiting; through the real command, and the queue alone."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.demo.lab.lab import Lab
from bot.demo.lab.world import parse
from commands.command import Services
from commands.reply import Reply
from commands.request import Actor, Request
from commands.run import run
from diagnostics.fair import FairQueue, Party
from diagnostics.model import Diagnosis
from tests.properties.peers import bench

ONE, OTHER, THIRD = (Actor(id, frozenset({"reader"})) for id in ("U01ONE", "U02OTHER", "U03THIRD"))
AT_MOST = 2.0
"""Seconds that a check of a healthy host may take beside what others do; alone it takes 0.03."""

BEGUN = 1.0
"""Seconds after which a large run has begun all that it may."""


@asynccontextmanager
async def silent(folder: Path, hosts: int, addresses: int, *, listed: bool) -> AsyncIterator[tuple[Services, Lab]]:
    """So many hosts, h0.lab.test and so on, that take connections and say nothing; and healthy ones, mail0.lab.test and so on."""
    names = {f"h{n}.lab.test": [f"127.{40 + n // 250}.{n % 250}.{a}" for a in range(1, addresses + 1)] for n in range(hosts)}
    world = {
        "dns": {name: [f"A {a}" for a in each] for name, each in names.items()}
        | {f"mail{n}.lab.test": [f"A 127.0.53.{n + 1}"] for n in range(5)},
        "mail": {a: {"behaviour": "banner-never"} for each in names.values() for a in each}
        | {f"127.0.53.{n + 1}": {} for n in range(5)},
        "connectors": [{"Name": f"to {name}", "SmartHosts": [name]} for name in names] if listed else [],
    }
    async with bench(parse(world), folder, timeout=10.0, deadline=30.0, concurrency=64) as (services, lab):
        yield services, lab


@asynccontextmanager
async def beside(services: Services, actor: Actor, *words: str) -> AsyncIterator[None]:
    """While somebody waits for a check."""
    other = asyncio.create_task(ask(services, actor, *words))
    await asyncio.sleep(BEGUN)
    assert not other.done()
    yield
    assert not other.done()
    other.cancel()


async def ask(services: Services, actor: Actor, *words: str) -> tuple[Reply, float]:
    started = time.monotonic()
    reply = await run(Request(("check", *words), actor), services, lambda _: None)
    return reply, time.monotonic() - started


async def healthy(services: Services, actor: Actor, *words: str) -> None:
    reply, seconds = await ask(services, actor, *words)
    assert isinstance(reply.document, Diagnosis), reply.headline
    assert {r.verdict for r in reply.document.results} == {"healthy"}
    assert seconds < AT_MOST


def connections(lab: Lab) -> int:
    return sum(len(mail.sessions) for address, mail in lab.mail.items() if not address.startswith("127.0.53."))


async def test_all_connectors_of_one_delay_nobody(tmp_path: Path) -> None:
    """Neither another's single check nor one's own, nor a host that stands in the long line itself."""
    async with silent(tmp_path, 300, 1, listed=True) as (services, lab), beside(services, ONE):
        await healthy(services, OTHER, "mail0.lab.test")
        await healthy(services, ONE, "mail1.lab.test")
        await healthy(services, OTHER, "mail2.lab.test", "mail3.lab.test")
        assert connections(lab) < 64


async def test_who_joins_a_check_that_waits_does_not_wait_behind_it(tmp_path: Path) -> None:
    """The last of a long line is what another asks for."""
    async with silent(tmp_path, 300, 1, listed=True) as (services, _):
        words = [f"h{n}.lab.test" for n in range(300)]
        async with beside(services, ONE, *words, "mail0.lab.test"):
            await healthy(services, OTHER, "mail0.lab.test")


async def test_names_that_lead_to_too_many_addresses_are_refused_before_any_is_dialled(tmp_path: Path) -> None:
    async with silent(tmp_path, 59, 16, listed=False) as (services, lab):
        reply, _ = await ask(services, ONE, *(f"h{n}.lab.test" for n in range(59)))
        assert reply.document is None
        assert "944 addresses" in reply.headline
        assert "Name fewer" in reply.headline
        assert not connections(lab)
        async with beside(services, THIRD, *(f"h{n}.lab.test" for n in range(15))):
            await healthy(services, OTHER, "mail0.lab.test")


async def test_one_host_is_never_too_much(tmp_path: Path) -> None:
    async with silent(tmp_path, 1, 17, listed=False) as (services, lab), beside(services, ONE, "h0.lab.test"):
        assert connections(lab) == 16


async def test_connections_begin_at_a_limited_rate_for_a_person(tmp_path: Path) -> None:
    """400 addresses that refuse at once: nothing holds them up but the rate."""
    names = {f"h{n}.lab.test": [f"A 127.40.{n}.{a}" for a in range(1, 17)] for n in range(25)}
    rows = [{"Name": f"to {name}", "SmartHosts": [name]} for name in names]
    async with bench(parse({"dns": names, "connectors": rows}), tmp_path) as (services, _):
        _, seconds = await ask(services, ONE)
        _, of_owner = await ask(services, Actor("owner", frozenset({"reader", "owner"})), "--", *list(names)[:1])
    assert seconds > 2.5
    assert of_owner < seconds


# ---- the queue alone


class World:
    """Tickets in a queue, and the order in which they were served."""

    def __init__(self, queue: FairQueue) -> None:
        self.queue = queue
        self.served: list[str] = []
        self.running: dict[str, int] = {}
        self.most = 0
        self.go = asyncio.Event()

    async def hold(self, name: str, key: str | None = None, party: Party | None = None) -> None:
        async with self.queue.turn(party or Party(name), key):
            self.served.append(name)
            self.running[str(key)] = self.running.get(str(key), 0) + 1
            self.most = max(self.most, sum(self.running.values()))
            try:
                await self.go.wait()
            finally:
                self.running[str(key)] -= 1


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_alone_leaves_a_third_and_two_leave_a_fifth() -> None:
    world = World(FairQueue(30))
    tasks = [asyncio.create_task(world.hold("a")) for _ in range(100)]
    await settle()
    assert world.served == ["a"] * 20
    tasks += [asyncio.create_task(world.hold("b")) for _ in range(100)]
    await settle()
    assert world.served.count("b") == 7
    tasks.append(asyncio.create_task(world.hold("c")))
    await settle()
    assert world.served[-1] == "c"
    world.go.set()
    await asyncio.gather(*tasks)
    assert len(world.served) == 201


async def test_the_owner_has_all_of_it() -> None:
    world = World(FairQueue(30, rate=1.0))
    tasks = [asyncio.create_task(world.hold("")) for _ in range(40)]
    await settle()
    assert len(world.served) == 30
    world.go.set()
    await asyncio.gather(*tasks)


async def test_who_waits_for_a_busy_key_holds_nothing_and_takes_turns_with_others() -> None:
    world = World(FairQueue(30, per_key=1))
    tasks = [asyncio.create_task(world.hold("a", "same")) for _ in range(50)]
    await settle()
    tasks.append(asyncio.create_task(world.hold("b", "same")))
    tasks.append(asyncio.create_task(world.hold("a", "another")))
    await settle()
    assert world.served == ["a", "a"]
    world.go.set()
    await asyncio.gather(*tasks)
    assert world.served.index("b") <= 4
    assert not world.queue._keys


async def test_who_joins_is_served_by_their_own_turn() -> None:
    world = World(FairQueue(3))
    tasks = [asyncio.create_task(world.hold("a")) for _ in range(10)]
    party = Party("a")
    tasks.append(asyncio.create_task(world.hold("shared", party=party)))
    await settle()
    assert "shared" not in world.served
    party.join("b")
    await settle()
    assert world.served[-1] == "shared"
    world.go.set()
    await asyncio.gather(*tasks)


TICKETS = st.lists(
    st.tuples(st.sampled_from(["a", "b", "c", ""]), st.sampled_from(["x", "y", "z", None]), st.sampled_from(["", "a", "b"])),
    min_size=1,
    max_size=40,
)


@given(tickets=TICKETS, most=st.integers(1, 5), per_key=st.integers(1, 2), ends=st.lists(st.integers(0, 60), max_size=60))
def test_whatever_is_cancelled_or_joined_all_others_are_served(
    tickets: Sequence[tuple[str, str | None, str]], most: int, per_key: int, ends: Sequence[int]
) -> None:
    """And the limits hold at any time; nothing is left behind."""

    async def work() -> None:
        queue = FairQueue(most, per_key=per_key)
        held: dict[str | None, int] = {}
        total = 0
        done = 0

        async def one(party: Party, key: str | None) -> None:
            nonlocal total, done
            async with queue.turn(party, key):
                held[key] = held.get(key, 0) + 1
                total += 1
                try:
                    assert total <= most
                    assert key is None or held[key] <= per_key
                    await asyncio.sleep(0)
                    await asyncio.sleep(0)
                finally:
                    total -= 1
                    held[key] -= 1
                done += 1

        tasks = []
        for name, key, joins in tickets:
            party = Party(name)
            tasks.append(asyncio.create_task(one(party, key)))
            await asyncio.sleep(0)
            if joins:
                party.join(joins)
        for number in ends:
            if number < len(tasks):
                tasks[number].cancel()
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(result is None or isinstance(result, asyncio.CancelledError) for result in results), results
        assert (queue._free, queue._keys, dict(queue._ring)) == (most, {}, {})
        assert not any(account.held or any(not t.future.done() for t in account.waiting) for account in queue._accounts.values())

    asyncio.run(work())


async def test_a_rate_is_kept_and_nobody_is_forgotten() -> None:
    queue = FairQueue(1000, rate=50.0)
    started = time.monotonic()

    async def one(name: str) -> None:
        async with queue.turn(Party(name)):
            pass

    await asyncio.gather(*(one("a") for _ in range(75)))
    assert time.monotonic() - started >= 0.45
    await asyncio.wait_for(one("b"), 1)


@pytest.mark.parametrize("waiting", [0, 5000])
async def test_a_turn_costs_next_to_nothing(waiting: int) -> None:
    """Microseconds of CPU, however many wait."""
    queue = FairQueue(256, per_key=2, rate=None)
    tasks = [asyncio.create_task(World(queue).hold("many", str(n))) for n in range(waiting)]
    await settle()
    best = 1.0
    for _ in range(5):
        began = time.thread_time()
        for n in range(1000):
            async with queue.turn(Party("b"), n):
                pass
        best = min(best, (time.thread_time() - began) / 1000)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert best < 100e-6
