"""What one person may ask for: every command costs what it costs, and DNS tells what a name costs."""

from pathlib import Path

import pytest

from bot.demo.lab.world import parse
from bot.settings import Settings
from bot.wiring import open_services
from commands import registry
from commands.allowance import ADDRESSES, ADDRESSES_PER_SECOND, BURST, PER_SECOND, Allowance
from commands.command import Command
from commands.mistake import CommandError
from commands.request import Actor, Request
from commands.run import run
from diagnostics.model import Diagnosis
from tests.properties.peers import bench
from tests.scenario import OWNER

READER = Actor("U1", frozenset({"reader"}))
OF_THE_CLOCK = ("expire", "verify")
ASKED_FOR = [c for c in registry.COMMANDS if c.run and c.name not in OF_THE_CLOCK]


@pytest.mark.parametrize("command", ASKED_FOR, ids=lambda c: c.name)
async def test_no_command_can_be_asked_for_without_end(command: Command) -> None:
    """Whatever it comes to: an id that is not known was looked for too."""
    words = () if command.name in ("connectors", "fixes", "check") else ("x-0123456789abcdef",)
    line = Request((command.name, *words), READER, "place", clicked=True)
    async with open_services(Settings(dns=("127.0.0.1:1",), control_host="", timeout=0.05, deadline=0.1)) as services:
        said = [(await run(line, services, lambda _: None)).headline for _ in range(BURST // command.cost + 2)]
        refused = [headline for headline in said if "Try again in" in headline]
        assert 0 < len(refused) < len(said)
        assert "Try again in" not in (await run(Request(line.words, OWNER, "place"), services, lambda _: None)).headline


@pytest.mark.parametrize("name", ["fix", "undo", "resume", "ask", "approve"])
def test_what_asks_a_tenant_costs_more(name: str) -> None:
    found = registry.find(name)
    assert found is not None
    assert found.cost == registry.PLAN


@pytest.mark.parametrize("name", OF_THE_CLOCK)
def test_what_the_clock_says_costs_nothing(name: str) -> None:
    found = registry.find(name)
    assert found is not None
    assert found.cost == 0


async def test_help_and_mistakes_are_free() -> None:
    async with open_services(Settings(dns=("127.0.0.1:1",), control_host="")) as services:
        for words in (("help",), ("frobnicate",), ("check", "--frobnicate"), ("fix", "--help")) * BURST:
            assert "Try again in" not in (await run(Request(words, READER), services, lambda _: None)).headline


@pytest.mark.parametrize(
    ("spend", "burst", "per_second"), [("spend", BURST, PER_SECOND), ("dial", ADDRESSES, ADDRESSES_PER_SECOND)]
)
def test_a_bucket_is_emptied_by_one_and_filled_by_time(spend: str, burst: int, per_second: float) -> None:
    now = 0.0
    allowance = Allowance(lambda: now)
    take = getattr(allowance, spend)
    with pytest.raises(CommandError, match="Name fewer"):
        take("a", burst + 1)
    take("a", burst)
    take("b", burst)
    with pytest.raises(CommandError, match=f"Try again in {10 / per_second:.0f} s"):
        take("a", 10)
    now = 10 / per_second
    take("a", 10)


async def test_addresses_are_charged_once_dns_has_told_them(tmp_path: Path) -> None:
    """Fifteen names of sixteen addresses are 240; and connectors of one's own cost nothing, however many they are."""
    names = {f"h{n}.lab.test": [f"A 127.40.{n}.{a}" for a in range(1, 17)] for n in range(32)}
    rows = [{"Name": f"to {name}", "SmartHosts": [name]} for name in list(names)[16:]]
    async with bench(parse({"dns": names, "connectors": rows}), tmp_path) as (services, _):

        async def ask(*words: str) -> int | str:
            reply = await run(Request(("check", *words), READER), services, lambda _: None)
            return len(reply.document.results) if isinstance(reply.document, Diagnosis) else reply.headline

        assert await ask() == 16
        assert "256 addresses to try" in str(await ask(*list(names)[:16]))
        assert await ask(*list(names)[:15]) == 15
        refused = str(await ask("h15.lab.test"))
        assert "16 addresses to try" in refused
        assert "Try again in" in refused
        assert await ask() == 16


@pytest.mark.parametrize("word", ["x" * 401, "connector:" + "n" * 900, "smarthost:" + "é" * 5000])
async def test_a_target_that_is_too_long_is_one_line_that_names_it(word: str) -> None:
    async with open_services(Settings(dns=("127.0.0.1:1",), control_host="")) as services:
        reply = await run(Request(("check", "ok.lab.test", word), READER), services, lambda _: None)
    assert (reply.exit_code, reply.document) == (2, None)
    assert word[:40] in reply.headline
    assert f"{len(word)} characters" in reply.headline
    assert len(reply.headline) < 200


async def test_a_connector_with_a_long_name_breaks_no_run(tmp_path: Path) -> None:
    """Its name does not fit into the store."""
    rows = [{"Name": name, "Guid": "", "SmartHosts": ["ok.lab.test"]} for name in ("n" * 900, "plain")]
    world = parse({"dns": {"ok.lab.test": ["A 127.0.41.1"]}, "mail": {"127.0.41.1": {}}, "connectors": rows})
    async with bench(world, tmp_path, database_url=f"sqlite:///{tmp_path}/store.db") as (services, _):
        reply = await run(Request(("check",), READER), services, lambda _: None)
        assert isinstance(reply.document, Diagnosis), reply.headline
        assert [r.verdict for r in reply.document.results] == ["healthy", "healthy"]
        again = await run(Request(("result", reply.document.results[0].id), READER), services, lambda _: None)
        assert again.document is not None
