"""`check` and `connectors` with exports that are not what they seem (contract 2)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab, parse
from bot.wiring import open_services
from commands.reply import Reply
from commands.request import Request
from commands.run import run
from diagnostics.model import Diagnosis, Result
from tests.scenario import OWNER, settings_for

WORLD: dict[str, Any] = {
    "dns": {
        "plain.lab.test": ["A 127.0.44.1"],
        "ok.lab.test": ["A 127.0.44.2"],
        "expired.lab.test": ["A 127.0.44.3"],
        "dead.lab.test": ["A 127.0.44.9"],
    },
    "mail": {
        "127.0.44.1": {"behaviour": "no-starttls"},
        "127.0.44.2": {},
        "127.0.44.3": {"certificate": "expired"},
    },
}
ROW = {"Name": "HQ", "Enabled": True, "UseMXRecord": False, "RecipientDomains": ["contoso.test"], "TlsSettings": "EncryptionOnly"}


@dataclass(frozen=True)
class Outcome:
    reply: Reply
    queries: Mapping[tuple[str, str], int]

    @property
    def results(self) -> Sequence[Result]:
        assert isinstance(self.reply.document, Diagnosis), self.reply.headline
        return self.reply.document.results


async def ask(folder: Path, rows: object, *words: str) -> Outcome:
    file = folder / "export.json"
    file.write_text(rows if isinstance(rows, str) else json.dumps(rows), encoding="utf-8")
    async with Lab(parse(WORLD), folder) as lab, open_services(settings_for(lab, connectors=file)) as services:
        reply = await run(Request(words, OWNER), services, lambda _: None)
        return Outcome(reply, dict(lab.queries))


def without(row: Mapping[str, Any], *fields: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in fields}


def to(host: str, **fields: Any) -> dict[str, Any]:
    return ROW | {"SmartHosts": [host]} | fields


@pytest.mark.parametrize(
    ("rows", "cmdlet"),
    [
        ([{"Name": "a", "SmartHosts": ["plain.lab.test"], "AddressSpaces": ["smtp:*;1"], "Enabled": True}], "Get-SendConnector"),
        ([{"Name": "a", "SenderDomains": ["smtp:*;1"], "RequireTls": True, "Enabled": True}], "Get-InboundConnector"),
        ([{"Name": "a", "DomainName": "contoso.test", "DomainType": "Authoritative"}], "Get-AcceptedDomain"),
    ],
)
@pytest.mark.parametrize("words", [("check",), ("check", "plain.lab.test"), ("connectors",)])
async def test_another_cmdlets_output_is_a_configuration_error(
    rows: object, cmdlet: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = await ask(tmp_path, rows, *words)
    assert (outcome.reply.exit_code, outcome.reply.document) == (2, None)
    assert f"this is the output of {cmdlet} " in outcome.reply.headline
    assert "Write it anew: Get-OutboundConnector" in outcome.reply.headline
    assert "\n" not in outcome.reply.headline
    assert not outcome.queries


@pytest.mark.parametrize(
    ("host", "verdict", "reason"),
    [
        ("plain.lab.test", "unknown", "starttls-missing"),
        ("expired.lab.test", "unknown", "certificate-expired"),
        ("ok.lab.test", "unknown", "nothing-to-check"),
        ("dead.lab.test", "failing", "tcp-refused"),
    ],
)
@pytest.mark.parametrize("words", [("check",), ("check", "HQ"), ("check", "{host}"), ("check", "contoso.test")])
async def test_without_tls_settings_nothing_is_healthy(
    host: str, verdict: str, reason: str, words: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = await ask(tmp_path, without(to(host), "TlsSettings"), *(word.format(host=host) for word in words))
    (told,) = outcome.results
    assert (told.verdict, told.reason) == (verdict, reason), told.summary
    assert "tls-settings-unknown" in {warning.id for warning in told.warnings}
    if verdict == "unknown":
        assert "the export has no TlsSettings" in told.summary
        assert "demands TLS, but" not in told.summary
        assert told.meaning == ""  # neither Microsoft's experience nor this machine's view is why
        assert (told.code, outcome.reply.exit_code, told.fix_now.offered) == (None, 3, False)


async def test_the_cause_of_what_is_not_known_is_the_export(tmp_path: Path) -> None:
    (told,) = (await ask(tmp_path, without(to("ok.lab.test"), "TlsSettings"), "check")).results
    assert {cause.id: cause.likelihood for cause in told.causes} == {
        "export-incomplete": "confirmed",
        "no-host-named": "ruled-out",
    }
    assert [fix.id for fix in told.fixes] == ["export-anew"]


@pytest.mark.parametrize(
    ("settings", "host", "verdict"),
    [
        (None, "plain.lab.test", "healthy"),
        ("EncryptionOnly", "plain.lab.test", "failing"),
        ("EncryptionOnly", "expired.lab.test", "healthy"),
        ("CertificateValidation", "expired.lab.test", "failing"),
        (2, "ok.lab.test", "unknown"),
        (2, "plain.lab.test", "failing"),
        ("SomethingNew", "expired.lab.test", "unknown"),
    ],
)
async def test_settings_that_are_there_count(settings: object, host: str, verdict: str, tmp_path: Path) -> None:
    (told,) = (await ask(tmp_path, to(host, TlsSettings=settings), "check")).results
    assert told.verdict == verdict, told.summary


@pytest.mark.parametrize("cut", ["System.Collections.ArrayList", ["ok.lab.test..."], "@{Length=3}", "ok.lab.test or so"])
@pytest.mark.parametrize("words", [("check",), ("check", "contoso.test")])
async def test_a_cut_host_is_a_fault_of_the_export_and_never_looked_up(
    cut: object, words: tuple[str, ...], tmp_path: Path
) -> None:
    rows = [ROW | {"SmartHosts": cut}, to("plain.lab.test", Name="other", RecipientDomains=["other.test"])]
    outcome = await ask(tmp_path, rows, *words)
    told = outcome.results[0]
    assert (told.verdict, told.reason, told.code, told.paths) == ("unknown", "nothing-to-check", None, ())
    assert "cannot be judged from this export" in told.summary
    assert "export-cut" in {warning.id for warning in told.warnings}
    assert [fix.id for fix in told.fixes] == ["export-anew"]
    assert {name for name, _ in outcome.queries} <= {"plain.lab.test"}
    if len(outcome.results) == 2:
        assert outcome.results[1].verdict == "failing"  # the others are checked as ever


@pytest.mark.parametrize(
    ("hosts", "verdict"), [("{ok.lab.test...}", "unknown"), ("{dead.lab.test...}", "unknown"), ("{ok.lab.test}", "healthy")]
)
async def test_hosts_that_are_missing_in_a_list_leave_it_open(hosts: str, verdict: str, tmp_path: Path) -> None:
    (told,) = (await ask(tmp_path, ROW | {"SmartHosts": hosts}, "check")).results
    assert told.verdict == verdict
    assert told.paths


async def test_hosts_joined_by_blanks_are_looked_up_one_by_one_and_told(tmp_path: Path) -> None:
    outcome = await ask(tmp_path, ROW | {"SmartHosts": "ok.lab.test plain.lab.test"}, "check")
    (told,) = outcome.results
    assert (told.verdict, len(told.paths)) == ("degraded", 2)
    assert "SmartHosts is one text: ok.lab.test plain.lab.test" in " ".join(w.text for w in told.warnings)
    assert not any(" " in name for name, _ in outcome.queries)


async def test_what_is_not_used_or_not_known_stands_in_the_list(tmp_path: Path) -> None:
    rows = [
        {"Name": "in", "cippconnectortype": "Inbound"},
        without(ROW, "TlsSettings") | {"SmartHosts": "System.String[]", "cippconnectortype": "outbound"},
    ]
    reply = (await ask(tmp_path, rows, "connectors")).reply
    lines = [part for section in reply.sections for item in section.items for part in (item.text, *item.notes)]
    said = "\n".join(lines)
    assert "1 of its entries is inbound connectors (Get-InboundConnector), not used." in said
    assert "hosts not known; TLS: not known (the export has no TlsSettings)" in said
    assert "the export lost values of SmartHosts" in said
