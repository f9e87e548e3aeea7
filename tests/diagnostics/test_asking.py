"""A DNS question on the wire: from a port of its own, past forgers, within time and descriptors, whatever comes back."""

import asyncio
import errno
import itertools
import os
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from diagnostics.findings import Reason
from diagnostics.probes import dns, resolver
from diagnostics.probes.message import KINDS
from diagnostics.probes.resolver import Resolver, Status
from diagnostics.probes.slots import RUN, Slots
from diagnostics.target import Destination
from tests.hostile_dns import COSTLY, Costly, address, longest_callback, reply, serving

TRUTH, FORGED = "127.0.0.7", "127.0.0.66"


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Nothing more can be opened by this process, as when thousands of connections are open."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


async def test_every_question_has_a_source_port_of_its_own() -> None:
    async with serving(lambda query, _: [reply(query, address(TRUTH))]) as server:
        asking = Resolver([("127.0.0.1", server.port)], 5)
        before = descriptors()
        for _ in range(50):
            assert (await asking.ask("a.test", "A")).records == (TRUTH,)
        assert descriptors() == before
        ports = [port for _, port in server.clients]
        steps = {after - before for before, after in itertools.pairwise(ports)}
        # of some 28,000 ports: two equal ones among 50 are likely once in 23 runs, six are not
        assert len(set(ports)) > 44
        assert len(steps) > 44
        await asking.close()


async def test_two_questions_in_a_row_use_different_ids_and_ports() -> None:
    seen = []

    def answer(query: bytes, client: tuple[str, int]) -> list[bytes]:
        seen.append((query[:2], client[1]))
        return [reply(query, address(TRUTH))]

    async with serving(answer) as server:
        asking = Resolver([("127.0.0.1", server.port)], 5)
        for _ in range(8):
            await asking.ask("a.test", "A")
    assert len({number for number, _ in seen}) > 5
    assert len({port for _, port in seen}) > 5


@pytest.mark.parametrize("source", [("127.0.0.1", 0), ("127.0.0.9", 0)])
async def test_an_answer_from_another_port_or_address_is_not_taken(source: tuple[str, int]) -> None:
    """It has the right id and question: all that protects is that the kernel compares where it comes from."""

    def forge(query: bytes, client: tuple[str, int]) -> list[bytes]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
            forger.bind(source)
            forger.sendto(reply(query, address(FORGED)), client)
        return [reply(query, address(TRUTH))]

    async with serving(forge) as server:
        assert (await Resolver([("127.0.0.1", server.port)], 5).ask("a.test", "A")).records == (TRUTH,)


async def test_the_port_of_an_earlier_question_gets_a_forger_nowhere() -> None:
    """He knows the port that was used before, and tries ids there as from the resolver itself."""

    def forge(query: bytes, _: object) -> list[bytes]:
        if len(server.clients) > 1:
            wrong = [struct.pack("!H", number) + reply(query, address(FORGED))[2:] for number in range(2000)]
            for answer in wrong:
                server.transport.sendto(answer, server.clients[0])
            server.transport.sendto(reply(query, address(FORGED)), server.clients[0])  # even with the right id
        return [reply(query, address(TRUTH))]

    async with serving(forge) as server:
        asking = Resolver([("127.0.0.1", server.port)], 5)
        await asking.ask("a.test", "A")
        assert (await asking.ask("b.test", "A")).records == (TRUTH,)


async def test_who_guesses_ids_is_not_listened_to_for_long() -> None:
    """Many wrong ids from the resolver's own address: the question goes over TCP, where nobody can guess."""

    def guess(query: bytes, _: object) -> list[bytes]:
        first = int.from_bytes(query[:2], "big")
        wrong = [struct.pack("!H", (first + step) % 65536) + reply(query, address(FORGED))[2:] for step in range(1, 60)]
        return [*wrong, reply(query, address(FORGED))]

    async with serving(guess, lambda query: reply(query, address(TRUTH))) as server:
        assert (await Resolver([("127.0.0.1", server.port)], 5).ask("a.test", "A")).records == (TRUTH,)


async def test_a_late_answer_to_the_first_try_counts_after_a_resend() -> None:
    """The second try gets none at all."""
    loop = asyncio.get_running_loop()

    def late(query: bytes, client: tuple[str, int]) -> None:
        if len(server.clients) == 1:
            loop.call_later(1.3, server.transport.sendto, reply(query, address(TRUTH)), client)

    async with serving(late) as server:
        assert (await Resolver([("127.0.0.1", server.port)], 5).ask("a.test", "A")).records == (TRUTH,)
        assert len(server.clients) == 2


async def test_an_answer_that_drips_over_tcp_is_given_up_before_the_question_is() -> None:
    def cut(query: bytes, _: object) -> list[bytes]:
        return [reply(query, flags=0x8380)]

    async with serving(cut, lambda query: reply(query, *[address(TRUTH)] * 50), drips=True) as server:
        answer = await Resolver([("127.0.0.1", server.port)], 1.0).ask("a.test", "A")
        assert answer.status is Status.TIMEOUT
        assert answer.facts["servers"] == f"127.0.0.1#{server.port}"


# --- what this machine lacks is nobody else's fault ---


async def test_without_descriptors_the_machine_says_so_of_itself() -> None:
    async with serving(lambda query, _: [reply(query, address(TRUTH))]) as server:
        asking = Resolver([("127.0.0.1", server.port)], 0.5)
        with no_more_descriptors():
            answer = await asking.ask("a.test", "A")
            found = (await dns.resolve(Destination("a.test", "smart-host"), asking.ask)).endpoints
        assert answer.status is Status.LOCAL
        assert answer.facts["error"] == os.strerror(errno.EMFILE)
        assert [f.tag for endpoint in found for f in endpoint.findings] == [Reason.VANTAGE_FAULT]
        assert (await asking.ask("a.test", "A")).records == (TRUTH,)


async def test_descriptors_that_come_back_in_time_cost_no_answer() -> None:
    async with serving(lambda query, _: [reply(query, address(TRUTH))]) as server:
        asking = Resolver([("127.0.0.1", server.port)], 5)
        with no_more_descriptors():
            question = asyncio.create_task(asking.ask("a.test", "A"))
            await asyncio.sleep(0.3)
            assert not question.done()
        assert (await question).records == (TRUTH,)


async def test_one_family_that_could_not_be_looked_up_is_untested_and_no_fault_of_the_name() -> None:
    async def lookup(_: str, kind: str) -> resolver.Answer:
        if kind == "AAAA":
            return resolver.Answer(Status.LOCAL, facts={"how": "dns-busy", "seconds": "1"})
        return resolver.Answer(Status.OK, (TRUTH,)) if kind == "A" else resolver.Answer(Status.NO_DATA)

    found = (await dns.resolve(Destination("a.test", "smart-host"), lookup)).endpoints
    assert [(str(e.address), [f.tag for f in e.findings]) for e in found] == [
        (TRUTH, []),
        ("None", [Reason.VANTAGE_FAULT]),
    ]


@pytest.mark.needs("namespaces")
def test_no_route_to_the_resolver_is_our_fault_as_well() -> None:
    asks = (
        "import asyncio; from diagnostics.probes.resolver import Resolver;"
        "print(asyncio.run(Resolver([('192.0.2.53', 53), ('2001:db8::53', 53)], 0.5).ask('a.test', 'A')))"
    )
    alone = ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", asks]
    done = subprocess.run(alone, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=60, check=True)
    assert "<Status.LOCAL" in done.stdout
    assert os.strerror(errno.ENETUNREACH) in done.stdout


async def test_sockets_are_bounded_and_who_waited_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolver, "MAX_QUESTIONS", 5)
    async with serving(lambda *_: None) as server:
        asking = Resolver([("127.0.0.1", server.port)], 0.6)
        before = descriptors()
        questions = [asyncio.create_task(asking.ask(f"n{number}.test", "A")) for number in range(20)]
        await asyncio.sleep(0.3)
        assert descriptors() - before == 5
        answers = await asyncio.gather(*questions)
        assert [a.status for a in answers].count(Status.TIMEOUT) >= 5
        assert {a.status for a in answers} == {Status.TIMEOUT, Status.LOCAL}
        assert descriptors() == before


async def test_a_run_with_one_question_does_not_wait_for_all_of_another() -> None:
    slots, order = Slots(1), []

    async def hold(run: str) -> None:
        RUN.set(run)
        async with slots.hold(60):
            order.append(run)
            await asyncio.sleep(0)

    await asyncio.gather(*(hold("many") for _ in range(10)), hold("one"), hold("other"))
    assert order[:4] == ["many", "many", "one", "other"] or order[:4] == ["many", "one", "other", "many"]
    assert len(order) == 12


async def test_a_wait_that_ends_early_gives_its_turn_back() -> None:
    slots = Slots(1)

    async def hold(patience: float) -> None:
        async with slots.hold(patience):
            await asyncio.sleep(0.05)

    first = asyncio.create_task(hold(1))
    waiting = [asyncio.create_task(hold(patience)) for patience in (0.001, 1, 1, 1)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    done = await asyncio.gather(first, *waiting, return_exceptions=True)
    assert [type(result).__name__ for result in done] == ["NoneType", "TimeoutError", "CancelledError", "NoneType", "NoneType"]
    await asyncio.wait_for(hold(1), 1)


# --- 64 KiB of a stranger's bytes ---


@pytest.mark.parametrize("over", ["udp", "tcp"])
@pytest.mark.parametrize("kind", KINDS)
async def test_no_message_holds_up_the_loop(kind: str, over: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No callback takes 100 ms of this thread's CPU, from the first byte to the addresses that would be tried."""
    for costly, make in COSTLY.items():
        made: dict[bytes, bytes] = {}

        def answer(query: bytes, made: dict[bytes, bytes] = made, make: Costly = make) -> bytes:
            body = made.setdefault(query[2:], make(query, KINDS[kind]))
            return query[:2] + body[2:]

        def udp(query: bytes, _: object, answer: Callable[[bytes], bytes] = answer) -> list[bytes]:
            # one datagram carries 65,507 bytes at most; a message that is cut there cannot be read, which takes time too
            return [answer(query)[:65507] if over == "udp" else reply(query, flags=0x8380)]

        async with serving(udp, answer) as server:
            asking = Resolver([("127.0.0.1", server.port)], 5)
            await asking.ask("name.test", kind)  # the peer makes its message once, which takes longer
            with longest_callback(monkeypatch) as longest:
                await asking.ask("name.test", kind)
                if kind in ("MX", "A"):
                    await dns.resolve(Destination("name.test", "mx" if kind == "MX" else "host"), dns.Lookups(asking.ask))
            assert longest[0] < 0.1, costly
