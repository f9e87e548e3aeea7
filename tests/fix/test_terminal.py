"""The program in a terminal: fix, undo, resume, fixes; exit codes, the JSON of contract 6, settings, and what is never shown."""

import asyncio
import json
import re
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab
from bot.demo.lab.tenant import Trouble
from tests.documents import is_valid
from tests.fix.office import AFTER, BEFORE, CONNECTOR, DOMAIN, EVER, SET_CONNECTOR, SET_DOMAIN
from tests.fix.processes import ROOT, Process, Program
from tests.fix.stage import Stage, staged
from tests.store.conftest import NewUrl

PERSONS = {"bob.canary@contoso.test": "bob.canary@elsewhere.test"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
STATES = [
    *("planned", "blocked", "awaiting-approval", "rejected", "expired"),
    *("running", "done", "half-done", "failed", "unknown", "undone"),
]


@pytest.fixture
async def stage(lab: Lab, tmp_path: Path, new_url: NewUrl) -> AsyncIterator[Stage]:
    async with staged(lab, tmp_path, new_url(), mail_users=PERSONS) as opened:
        yield opened


def as_in_contract_6(document: dict[str, Any]) -> bool:
    """Every key, with its type."""
    assert document["schema"] == "mailflow/fix/1"
    assert is_valid(document)
    assert document["state"] in STATES
    texts = (document["id"], document["requester"], document["reason"], *document["approvers"])
    assert document["connector"] is None or set(document["connector"]) == {"name", "guid"}
    for step in document["steps"]:
        assert step["object"] in ("accepted-domain", "connector")
        assert step["state"] in ("todo", "done", "failed", "unknown", "undone")
        kind = str if step["object"] == "accepted-domain" else bool
        assert isinstance(step["before"], kind)
        assert isinstance(step["after"], kind)
        texts += (step["identity"], step["name"], step["property"], step["cmdlet"])
    for note in (*document["blocked"], *document["warnings"]):
        assert set(note) == {"id", "text"}
        texts += (*note.values(),)
    assert all(MOMENT.fullmatch(at) for at in document["verify_at"])
    return all(isinstance(text, str) for text in texts)


async def ids(process: Process, key: str = "blocked") -> list[str]:
    return [note["id"] for note in (await process.said())[key]]


# ---- the whole way


async def mailflow(stage: Stage, *argv: str) -> tuple[int, str]:
    """The program as it is started by people: exit code, and what it printed."""
    env = {**stage.env, "PYTHONPATH": str(ROOT)}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-m", "bot", *argv), env=env, stdout=asyncio.subprocess.PIPE, cwd=stage.env["HOME"]
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_the_whole_way(stage: Stage) -> None:
    code, text = await mailflow(stage, "connectors")
    assert (code, f"From Exchange Online (tenant {stage.tenant.guid})" in text) == (0, True)
    code, text = await mailflow(stage, "fix", CONNECTOR)
    assert (code, stage.sent) == (0, (0, 0))
    assert f"accepted domain {DOMAIN}: DomainType InternalRelay → Authoritative" in text
    assert f"connector {CONNECTOR}: Enabled on → off" in text
    code, text = await mailflow(stage, "fix", CONNECTOR, "--reason", "CHG-1", "--yes", "--gone-for-good", "--json")
    done = json.loads(text)
    assert (code, done["state"], done["reason"], stage.truth) == (0, "done", "CHG-1", AFTER)
    assert as_in_contract_6(done)
    assert len(done["verify_at"]) == 2
    assert [(s["object"], s["identity"], s["before"], s["after"], s["state"], s["cmdlet"]) for s in done["steps"]] == [
        *(("accepted-domain", guid := stage.guids[0], "InternalRelay", "Authoritative", "done", set_domain(guid)),),
        *(
            (
                "connector",
                guid := stage.guids[1],
                True,
                False,
                "done",
                f"Set-OutboundConnector -Identity '{guid}' -Enabled $false",
            ),
        ),
    ]
    code, text = await mailflow(stage, "undo", done["id"], "--yes", "--json")
    undone = json.loads(text)
    assert as_in_contract_6(undone)
    assert (code, undone["state"], undone["verify_at"], stage.truth) == (0, "undone", [], BEFORE)
    code, text = await mailflow(stage, "fixes")
    assert (code, done["id"] in text, "CHG-1" in text) == (0, True, True)


async def test_of_two_fixes_the_later_one_is_taken_back_first(stage: Stage) -> None:
    """The connector was switched on by hand between them, so the first has nothing of its own to take back any more."""
    _, text = await mailflow(stage, "fix", CONNECTOR, "--yes", "--gone-for-good", "--json")
    first = json.loads(text)["id"]
    stage.tenant.change("connector", CONNECTOR, "Enabled", True)
    _, text = await mailflow(stage, "fix", CONNECTOR, "--yes", "--gone-for-good", "--json")
    second = json.loads(text)["id"]
    writes = stage.effective
    assert (await mailflow(stage, "undo", first, "--yes"))[0] == 1
    assert stage.effective == writes
    for id in (second, first):
        assert (await mailflow(stage, "undo", id, "--yes"))[0] == 0
    assert stage.truth == BEFORE


def set_domain(guid: str) -> str:
    return f"Set-AcceptedDomain -Identity '{guid}' -DomainType 'Authoritative'"


async def test_every_fix_and_every_line(programs: Program, stage: Stage) -> None:
    stage.tenant.spoil(Trouble(SET_CONNECTOR, "refused"))
    half = await programs.start("fix", CONNECTOR, "--yes", "--gone-for-good", "--json", env=stage.env).said()
    assert (half["state"], as_in_contract_6(half)) == ("half-done", True)
    resumed = programs.start("resume", half["id"], "--yes", "--json", env=stage.env)
    assert ((await resumed.said())["state"], await resumed.code()) == ("done", 0)
    document = await programs.start("fixes", "--json", env=stage.env).said()
    assert document["schema"] == "mailflow/fixes/1"
    assert is_valid(document)
    assert [fix["id"] for fix in document["fixes"] if as_in_contract_6(fix)] == [half["id"]]
    assert [line["event"] for line in document["audit"]] == [
        *("planned", "begun", "about to write", "written", "about to write", "stopped: failed", "stopped: half-done"),
        *("resumed", "about to write", "written", "done"),
    ]
    assert all(line["fix"] == half["id"] and line["actor"] and MOMENT.fullmatch(line["at"]) for line in document["audit"])


@pytest.mark.parametrize(
    ("on", "trouble", "state"),
    [(SET_DOMAIN, "refused", "failed"), (SET_CONNECTOR, "refused", "half-done"), (SET_DOMAIN, "errors", "unknown")],
)
async def test_exit_code_1(programs: Program, stage: Stage, on: str, trouble: str, state: str) -> None:
    stage.tenant.spoil(Trouble(on, trouble, EVER))
    process = programs.start("fix", CONNECTOR, "--yes", "--gone-for-good", "--json", env=stage.env)
    assert ((await process.said())["state"], await process.code()) == (state, 1)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        ("fix Nobody --yes --gone-for-good", 1, "connector-not-found"),
        ("undo f-none --yes", 2, "There is no fix 'f-none'"),
        ("resume", 2, "Usage: resume FIX-ID"),
        ("fix", 2, "Usage: fix CONNECTOR"),
        ("fix a --reason", 2, "--reason"),
    ],
)
async def test_what_is_not_there(programs: Program, stage: Stage, words: str, code: int, says: str) -> None:
    process = programs.start(*words.split(), env=stage.env)
    assert await process.code() == code
    assert says in process.out.read_text() + process.errors
    assert stage.sent == (0, 0)


async def test_ctrl_c(programs: Program, stage: Stage) -> None:
    """The connector is free at once, and the ledger says what is not known."""
    process = programs.start("fix", CONNECTOR, "--yes", "--gone-for-good", env=stage.env, at=("after-send", 1, "stop"))
    await process.sleeps()
    await process.send(signal.SIGINT)
    await process.send(signal.SIGCONT)
    assert await process.code() == 130
    (row,) = await stage.store.fixes()
    assert (row.state, row.owner) == ("unknown", None)
    resumed = programs.start("resume", row.id, "--yes", "--json", env=stage.env)
    assert ((await resumed.said())["state"], stage.effective) == ("done", (1, 1))


# ---- settings

NO_WRITER = {"MAILFLOW_EXCHANGE_FIX_CLIENT_ID": "", "MAILFLOW_EXCHANGE_FIX_CLIENT_SECRET": ""}
NO_READER = {"MAILFLOW_EXCHANGE_TENANT": "", "MAILFLOW_EXCHANGE_CLIENT_ID": "", "MAILFLOW_EXCHANGE_CLIENT_SECRET": ""}


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"MAILFLOW_EXCHANGE_CLIENT_ID": ""}, "MAILFLOW_EXCHANGE_CLIENT_ID"),
        ({"MAILFLOW_EXCHANGE_CLIENT_SECRET": ""}, "MAILFLOW_EXCHANGE_CLIENT_SECRET"),
        ({"MAILFLOW_EXCHANGE_CERTIFICATE": "/nowhere.pem"}, "MAILFLOW_EXCHANGE_CERTIFICATE"),
        ({"MAILFLOW_EXCHANGE_TENANT": ""}, "MAILFLOW_EXCHANGE_TENANT"),
        ({"MAILFLOW_EXCHANGE_FIX_CLIENT_ID": ""}, "MAILFLOW_EXCHANGE_FIX_CLIENT_ID"),
        ({"MAILFLOW_EXCHANGE_FIX_CLIENT_SECRET": ""}, "MAILFLOW_EXCHANGE_FIX_CLIENT_SECRET"),
        ({"MAILFLOW_EXCHANGE_CLIENT_ID": "", "MAILFLOW_EXCHANGE_CLIENT_SECRET": ""}, "MAILFLOW_EXCHANGE_CLIENT_ID"),
        ({"MAILFLOW_EXCHANGE_URL": "http://127.0.0.1:1"}, "MAILFLOW_EXCHANGE_URL"),
        ({"MAILFLOW_LOGIN_URL": "http://127.0.0.1:1"}, "MAILFLOW_LOGIN_URL"),
        ({"MAILFLOW_EXCHANGE_CA_FILE": "/nowhere.pem"}, "MAILFLOW_EXCHANGE_CA_FILE"),
        ({"MAILFLOW_EXCHANGE_CLIENT_SECRET": "canary-wrong"}, "its secret or certificate"),
        ({"MAILFLOW_FIX_VERIFY_AFTER": "soon"}, "MAILFLOW_FIX_VERIFY_AFTER"),
        ({"MAILFLOW_FIX_TERMINAL": "off"}, "MAILFLOW_FIX_TERMINAL"),
        ({"MAILFLOW_DATABASE_URL": "mysql://x"}, "MAILFLOW_DATABASE_URL"),
    ],
    ids=str,
)
async def test_one_line_that_names_the_setting(programs: Program, stage: Stage, settings: dict[str, str], named: str) -> None:
    process = programs.start("fix", CONNECTOR, "--yes", "--gone-for-good", env=stage.env | settings)
    assert await process.code() == 2
    assert process.out.read_text() == ""
    assert len(process.errors.strip().splitlines()) == 1
    assert named in process.errors
    assert "canary" not in process.errors
    assert stage.sent == (0, 0)


@pytest.mark.parametrize("yes", [(), ("--yes", "--gone-for-good")])
async def test_without_credentials_to_write_the_cmdlets_are_printed(
    programs: Program, stage: Stage, yes: tuple[str, ...]
) -> None:
    process = programs.start("fix", CONNECTOR, *yes, env=stage.env | NO_WRITER)
    assert await process.code() == 1
    text = process.out.read_text()
    assert "not-writable" in text
    assert text.index(set_domain(stage.guids[0])) < text.index(f"Set-OutboundConnector -Identity '{stage.guids[1]}'")
    assert await ids(programs.start("fix", CONNECTOR, *yes, "--json", env=stage.env | NO_WRITER)) == ["not-writable"]
    assert not [request for request in stage.tenant.requests if request.app == stage.tenant.writer.client_id]
    assert await stage.store.fixes() == []


async def test_an_exported_file_alone(programs: Program, stage: Stage, tmp_path: Path) -> None:
    """A plan with its cmdlets, and a word on all that an export does not tell."""
    rows = {"connectors": "connector", "accepted-domains": "accepted-domain"}
    for name, table in rows.items():
        text = json.dumps([one.row for one in stage.tenant.state.tables[table]])  # type: ignore[index]
        (tmp_path / f"{name}.json").write_text(text)
    files = [f"--{name}={tmp_path}/{name}.json" for name in rows]
    process = programs.start("fix", CONNECTOR, "--json", *files, env=stage.env | NO_WRITER | NO_READER)
    document = await process.said()
    assert (await process.code(), as_in_contract_6(document)) == (1, True)
    assert (await ids(process), await ids(process, "warnings")) == (["not-writable"], ["recipients-not-read"])
    assert [step["state"] for step in document["steps"]] == ["todo", "todo"]
    assert not stage.tenant.requests


# ---- what nobody may see


async def test_no_secret_and_nobodys_address(programs: Program, stage: Stage, tmp_path: Path) -> None:
    """Not in what is printed, not in the ledger, whatever goes wrong."""
    env = stage.env
    for trouble in ("refused", "forbidden", "html", "errors"):
        stage.tenant.spoil(Trouble(SET_CONNECTOR, trouble, 1), Trouble("Get-MailUser", trouble, 1))
        fix = await programs.start("fix", CONNECTOR, "--yes", "--gone-for-good", "--json", env=env).said()
        back = programs.start("undo", fix["id"], "--yes", env=env)
        assert await back.code() == 0, (trouble, back.errors)
    await programs.start("check", env=env).code()
    await programs.start("fixes", "--json", env=env).code()
    stage.tenant.change("mail-user", "bob.canary@contoso.test", "ExternalEmailAddress", "SMTP:bob.canary@contoso.test")
    last = programs.start("fix", CONNECTOR, "--json", env=env)
    assert await ids(last) == ["recipients-on-premises"]
    files = [*tmp_path.glob("ledger*"), *last.out.parent.glob("out-*")]
    written = b"".join(file.read_bytes() for file in files)
    assert b"mailflow/fix/1" in written
    assert len(files) > 10
    tokens = [text.encode() for text in stage.tenant.tokens.given]
    secrets = [stage.tenant.reader.secret.encode(), stage.tenant.writer.secret.encode()]
    for canary in (b"bob.canary", b"alice@", b"canary-wrong", *secrets, *tokens):
        assert canary not in written, canary
