"""What is asked of one address, by how many connections, when many ask: names and policies share what they can."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab.world import parse
from diagnostics.model import Result
from tests.scenario import Outcome, check

ADDRESS = "127.0.88.1"
TEN = [f"mx{number}.lab.test" for number in range(10)]


async def checked(tmp_path: Path, connectors: Sequence[dict[str, Any]], **host: Any) -> Outcome:
    """Connectors with their smart hosts all at one address; a server with these properties answers there."""
    names = {name for connector in connectors for name in connector["SmartHosts"]}
    world = {"dns": {name: [f"A {ADDRESS}"] for name in names}, "mail": {ADDRESS: host}, "connectors": list(connectors)}
    return await check(parse(world), tmp_path)


def each(names: Sequence[str], tls: str | None = "EncryptionOnly") -> list[dict[str, Any]]:
    return [{"Name": name, "SmartHosts": [name], "TlsSettings": tls} for name in names]


def connections(outcome: Outcome) -> int:
    assert outcome.lab.mail[ADDRESS].most_open <= 2
    return len(outcome.lab.mail[ADDRESS].sessions)


def verdicts(outcome: Outcome) -> dict[str, tuple[str, str | None]]:
    return {result.target: (result.verdict, result.reason) for result in outcome.results}


@pytest.mark.parametrize(
    ("behaviour", "reason", "count"),
    [
        ("banner-421", "smtp-unavailable", 1),
        ("close-at-accept", "smtp-closed", 1),
        ("ehlo-and-helo-refused", "smtp-rejected", 1),
        ("starttls-454", "starttls-rejected", 1),
        ("no-starttls", "starttls-missing", 2),
    ],
)
async def test_a_fault_before_the_handshake_holds_for_every_name(tmp_path: Path, behaviour: str, reason: str, count: int) -> None:
    outcome = await checked(tmp_path, each(TEN), behaviour=behaviour)
    assert verdicts(outcome) == dict.fromkeys(TEN, ("failing", reason))
    assert connections(outcome) == count


async def test_ten_connectors_behind_a_dead_address_wait_once(tmp_path: Path) -> None:
    """Two at a time they would wait five times."""
    outcome = await checked(tmp_path, each(TEN), behaviour="black-hole")
    assert verdicts(outcome) == dict.fromkeys(TEN, ("failing", "tcp-timeout"))
    assert max(step.seconds or 0 for result in outcome.results for path in result.paths for step in path.steps) > 1
    assert outcome.reply.document.seconds < 7  # type: ignore[union-attr]
    assert {result.age for result in outcome.results} == {0.0}, "this run saw it"


async def test_each_name_has_a_handshake_of_its_own(tmp_path: Path) -> None:
    outcome = await checked(tmp_path, each(TEN))
    assert verdicts(outcome) == dict.fromkeys(TEN, ("healthy", None))
    assert connections(outcome) == len(TEN)
    assert {session.sni for session in outcome.lab.mail[ADDRESS].sessions} == set(TEN)


async def test_policies_judge_the_same_evidence(tmp_path: Path) -> None:
    policies: list[tuple[str, str | None, str | None]] = [
        ("any", None, None),
        ("encryption", "EncryptionOnly", None),
        ("chain", "CertificateValidation", None),
        ("name", "DomainValidation", None),
        ("agreed", "DomainValidation", "mx.lab.test"),
    ]
    connectors = [{"Name": n, "SmartHosts": ["mx.lab.test"], "TlsSettings": t, "TlsDomain": d} for n, t, d in policies]
    outcome = await checked(tmp_path, connectors)
    assert verdicts(outcome) == {name: ("healthy", None) for name, *_ in policies}
    assert connections(outcome) == 1


async def test_each_policy_has_its_own_verdict_of_one_chain(tmp_path: Path) -> None:
    connectors = [
        {"Name": "encryption", "SmartHosts": ["mx.lab.test"], "TlsSettings": "EncryptionOnly"},
        {"Name": "chain", "SmartHosts": ["mx.lab.test"], "TlsSettings": "CertificateValidation"},
        {"Name": "other", "SmartHosts": ["mx.lab.test"], "TlsSettings": "DomainValidation", "TlsDomain": "old.lab.test"},
    ]
    outcome = await checked(tmp_path, connectors)
    assert verdicts(outcome) == {
        "encryption": ("healthy", None),
        "chain": ("healthy", None),
        "other": ("failing", "certificate-name-mismatch"),
    }
    assert connections(outcome) == 3, "one for all, one more for the doubt, and one without SNI, which showed the same"


async def test_the_question_of_sni_takes_four_connections_and_no_more(tmp_path: Path) -> None:
    host = {"certificate": {"names": ["other.lab.test"]}, "certificate_without_sni": "good"}
    outcome = await checked(tmp_path, each(["mx.lab.test"], "DomainValidation"), **host)
    (result,) = outcome.results
    assert likelihood(result, "certificate-by-sni") == "confirmed"
    assert [session.sni for session in outcome.lab.mail[ADDRESS].sessions] == ["mx.lab.test", "mx.lab.test", None, None]
    assert outcome.lab.mail[ADDRESS].most_open == 1


async def test_nodes_that_take_turns_are_not_taken_for_sni(tmp_path: Path) -> None:
    outcome = await checked(
        tmp_path, each(["mx.lab.test"], "DomainValidation"), certificate=[{"names": ["other.lab.test"]}, "good"]
    )
    (result,) = outcome.results
    assert (result.verdict, result.code, result.reason) == ("degraded", "450 4.7.320", "certificate-name-mismatch")
    assert [path.verdict for path in result.paths] == ["degraded"]
    assert likelihood(result, "one-node-of-several") == "confirmed"
    assert likelihood(result, "certificate-by-sni") == "possible"
    assert connections(outcome) == 2


async def test_what_is_in_no_doubt_is_one_connection(tmp_path: Path) -> None:
    for host in ({}, {"certificate": "expired"}, {"certificate": "self-signed"}):
        assert connections(await checked(tmp_path, each(["mx.lab.test"]), **host)) == 1


async def test_a_failed_handshake_is_three_connections_at_most(tmp_path: Path) -> None:
    assert connections(await checked(tmp_path, each(["mx.lab.test"]), behaviour="tls-old-only")) == 3


def likelihood(result: Result, cause: str) -> str | None:
    return next((c.likelihood for c in result.causes if c.id == cause), None)
