"""How much is asked, of whom, and how long an answer counts; through the real command."""

import ast
import socket
import time
from pathlib import Path

import pytest

import diagnostics
from bot.demo.lab.world import parse
from commands.request import Actor, Request
from commands.run import run
from diagnostics.model import Diagnosis, Result
from tests.properties.peers import bench, check
from tests.scenario import check as check_world

READER = Actor("U01READER", frozenset({"reader"}))


async def test_one_person_cannot_ask_for_five_hundred_hosts_at_once(tmp_path: Path) -> None:
    """And learns in a moment how long to wait; somebody else is not held up."""
    asked, refused = 0, []
    world = parse({"dns": {"*.lab.test": ["A 127.0.51.1"]}, "mail": {"127.0.51.1": {"behaviour": "banner-554"}}})
    async with bench(world, tmp_path) as (services, lab):
        for number in range(500):
            started = time.monotonic()
            reply = await run(Request(("check", f"h{number}.lab.test"), READER), services, lambda _: None)
            if reply.document is None:
                refused.append(reply)
                assert time.monotonic() - started < 1
            else:
                asked += 1
        other = await run(
            Request(("check", "other.lab.test"), Actor("U02OTHER", frozenset({"reader"}))), services, lambda _: None
        )
    assert 20 <= asked <= 100
    assert len({name for name, _ in lab.queries}) == asked + 1
    assert len(lab.mail["127.0.51.1"].sessions) == 1, "a refusal in the greeting holds for every name at the address"
    assert all("Try again in" in reply.headline and reply.exit_code for reply in refused)
    assert other.document is not None


async def test_five_hundred_hosts_in_one_line_are_no_way_round(tmp_path: Path) -> None:
    world = parse({"dns": {"*.lab.test": ["A 127.0.51.2"]}, "mail": {"127.0.51.2": {"behaviour": "banner-554"}}})
    line = ("check", *(f"h{number}.lab.test" for number in range(500)))
    async with bench(world, tmp_path) as (services, lab):
        await run(Request(line, READER), services, lambda _: None)
    assert len(lab.mail["127.0.51.2"].sessions) <= 100


async def test_an_answer_counts_for_a_minute_and_a_fresh_one_can_be_had(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The zone changes between two checks, and says that its records may not be kept at all."""
    monkeypatch.setattr("diagnostics.probes.flights.FRESH_SECONDS", 0.0)
    world = parse(
        {
            "dns": {"turns.lab.test": [["0 A 127.0.52.1"], ["0 A 127.0.52.2"]]},
            "mail": {"127.0.52.1": {}, "127.0.52.2": {}},
        }
    )
    async with bench(world, tmp_path) as (services, _):
        first, _ = await check(services, "turns.lab.test")
        second, _ = await check(services, "turns.lab.test")
        fresh, _ = await check(services, "--again", second.id)
    assert addresses(first) == addresses(second) == ["127.0.52.1"]
    assert addresses(fresh) == ["127.0.52.2"]
    assert len({first.id, second.id, fresh.id}) == 3


def addresses(result: Result) -> list[str | None]:
    return [path.address for path in result.paths]


async def test_a_resolver_that_is_silent_does_not_hide_one_that_answers(tmp_path: Path) -> None:
    world = parse({"dns": {"mail.lab.test": ["A 127.0.52.1"]}, "mail": {"127.0.52.1": {}}})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent_one = f"127.0.0.1:{silent.getsockname()[1]}"
        async with bench(world, tmp_path) as (_, lab):
            pair = (silent_one, lab.dns)
            async with bench(world, tmp_path, dns=pair, smtp_port=lab.smtp_port, timeout=3.0) as (services, _):
                result, seconds = await check(services, "mail.lab.test")
    assert result.verdict == "healthy"
    assert seconds < 6


async def test_a_silent_resolver_is_named(tmp_path: Path) -> None:
    world = parse({"dns": {"mail.lab.test": "silent"}})
    outcome = await check_world(world, tmp_path, "mail.lab.test")
    (result,) = outcome.results
    assert result.reason == "dns-timeout"
    assert "resolver 127.0.0.1#" in result.paths[0].steps[0].detail


async def test_nothing_in_a_certificate_is_fetched(tmp_path: Path) -> None:
    """Every certificate of the lab names an issuer's and a revocation list's address; nobody looks these hosts up."""
    world = parse(
        {
            "dns": {"mail.lab.test": ["A 127.0.52.1"]},
            "mail": {"127.0.52.1": {"certificate": "missing-intermediate"}},
            "connectors": [{"Name": "them", "SmartHosts": ["mail.lab.test"], "TlsSettings": "DomainValidation"}],
        }
    )
    outcome = await check_world(world, tmp_path)
    assert outcome.results[0].reason == "certificate-incomplete-chain"
    assert {name for name, _ in outcome.lab.queries} == {"mail.lab.test"}


async def test_capabilities_after_tls_are_asked_for_anew(tmp_path: Path) -> None:
    world = parse({"dns": {"mail.lab.test": ["A 127.0.52.1"]}, "mail": {"127.0.52.1": {"behaviour": "tls-other-extensions"}}})
    outcome = await check_world(world, tmp_path, "mail.lab.test")
    assert isinstance(outcome.reply.document, Diagnosis)
    (session,) = outcome.lab.mail["127.0.52.1"].sessions
    assert [line.split()[0] for line in session.lines] == ["EHLO", "STARTTLS", "EHLO", "QUIT"]


def test_signatures_are_left_to_the_resolver() -> None:
    """A zone with very many keys and signatures costs whoever validates it; that must not be this event loop."""
    for file in Path(diagnostics.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            assert not any("dnssec" in name for name in (*names, module)), file
