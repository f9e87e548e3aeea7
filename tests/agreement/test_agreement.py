"""Chains served over STARTTLS, judged by mailflow, by OpenSSL and by Postfix: the same answer, or the reason why not."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.settings import Settings
from bot.wiring import open_services
from commands.request import Actor, Request
from commands.run import run
from diagnostics.findings import CERTIFICATE, Reason
from diagnostics.model import Diagnosis, Result
from tests.agreement.certificate_factory import NAME
from tests.agreement.chains import ROWS, TRUSTED
from tests.agreement.peers import Clients, Said, pem, servers

pytestmark = pytest.mark.needs("openssl", "postfix")

ADDRESSES = {name: f"127.0.27.{number}" for number, name in enumerate(ROWS, 1)}


@dataclass(frozen=True)
class Answers:
    """What each says of each chain."""

    ours: Mapping[str, Result]
    peers: Mapping[str, Mapping[str, Said]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Answers:
    return asyncio.run(_asked(tmp_path_factory.mktemp("agreement")))


async def _asked(folder: Path) -> Answers:
    roots = folder / "ca.pem"
    roots.write_text(pem(TRUSTED), encoding="ascii")
    async with servers({ADDRESSES[name]: row.chain for name, row in ROWS.items()}, folder) as port:
        ours = await _ours(folder, roots, port)
        clients = Clients(port, roots)
        asked = {"openssl": clients.openssl, "postfix": clients.postfix}
        pairs = [(peer, name) for peer in asked for name in ROWS]
        said = await asyncio.gather(*(asked[peer](ADDRESSES[name]) for peer, name in pairs))
    table = dict(zip(pairs, said, strict=True))
    return Answers(ours, {peer: {name: table[peer, name] for name in ROWS} for peer in asked})


async def _ours(folder: Path, roots: Path, port: int) -> Mapping[str, Result]:
    export = [
        {"Name": name, "ConnectorType": "OnPremises", "Enabled": True, "UseMXRecord": False, "RecipientDomains": ["x.example"],
         "SmartHosts": [ADDRESSES[name]], "TlsSettings": "DomainValidation", "TlsDomain": NAME}
        for name in ROWS
    ]  # fmt: skip
    connectors = folder / "connectors.json"
    connectors.write_text(json.dumps(export), encoding="utf-8")
    settings = Settings(
        connectors=connectors,
        dns=("127.0.0.1:1",),
        smtp_port=port,
        ca_file=roots,
        allow_private=True,
        control_host="",
        timeout=20.0,
    )
    async with open_services(settings) as services:
        reply = await run(Request(("check",), Actor("test", frozenset({"reader", "owner"}))), services, lambda _: None)
    assert isinstance(reply.document, Diagnosis), reply.headline
    return {result.target: result for result in reply.document.results}


def _faults(result: Result) -> set[str]:
    return {str(tag) for tag in (result.reason, *(w.id for w in result.warnings)) if tag in CERTIFICATE}


def test_there_are_enough_chains() -> None:
    assert len(ROWS) >= 60


@pytest.mark.parametrize("name", ROWS)
def test_mailflow_says_what_is_wrong(name: str, answers: Answers) -> None:
    row, result = ROWS[name], answers.ours[name]
    assert _faults(result) == set(row.faults)
    assert (result.verdict, result.reason) == (("failing", row.faults[0]) if row.faults else ("healthy", None))
    warnings = {w.id for w in result.warnings} & {"certificate-unneeded", "certificate-name-in-cn-only"}
    assert warnings == set(row.warns)
    said = [*(line for cause in result.causes for line in cause.evidence), *(w.text for w in result.warnings)]
    assert row.says in "\n".join(said)


@pytest.mark.parametrize("peer", ["openssl", "postfix"])
@pytest.mark.parametrize("name", ROWS)
def test_a_peer_agrees_or_the_table_says_why_not(name: str, peer: str, answers: Answers) -> None:
    row, said = ROWS[name], answers.peers[peer][name]
    faults = _faults(answers.ours[name])
    agrees = said.trust == (faults <= {Reason.CERTIFICATE_NAME_MISMATCH})
    assert agrees != (peer in row.trust), said.words[-1500:]
    if said.trust:
        agrees = said.name == (Reason.CERTIFICATE_NAME_MISMATCH not in faults)
        assert agrees != (peer in row.name), said.words[-1500:]
