"""`explain` from words to Reply, beside real servers: contract 1 and 5."""

import asyncio
import json
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab, parse
from bot.settings import Settings
from bot.wiring import open_services
from commands import registry
from commands.reply import Reply
from commands.request import Actor, Attached, Request
from commands.run import run
from commands.words import split
from diagnostics.explain import ExplainedError, Explanation
from tests.parse.making import compound, zipped
from tests.scenario import OWNER, settings_for

READER = Actor("U1", frozenset({"reader"}))
WORLD: dict[str, Any] = {
    "dns": {
        "good.lab.test": ["A 127.0.42.1"],
        "dead.lab.test": ["A 127.0.42.9"],
        "old.lab.test": ["A 127.0.42.2"],
        "inside.lab.test": ["A 169.254.169.254"],
        "unlisted.lab.test": ["A 127.0.42.1"],
    },
    "mail": {"127.0.42.1": {}, "127.0.42.2": {"certificate": "expired"}},
    "connectors": [
        {"Name": "good", "ConnectorType": "OnPremises", "SmartHosts": ["good.lab.test"], "TlsSettings": "CertificateValidation"},
        {"Name": "dead", "ConnectorType": "OnPremises", "SmartHosts": ["dead.lab.test"], "RecipientDomains": ["dead.test"]},
        {"Name": "old", "SmartHosts": ["old.lab.test"], "TlsSettings": "CertificateValidation"},
        {"Name": "inside", "SmartHosts": ["inside.lab.test"]},
    ],
}
REFUSED = (
    "450 4.4.316 Connection refused [Message=Socket error code 10061] [LastAttemptedServerName={}] [LastAttemptedIP=192.0.2.1:25]"
)


@dataclass(frozen=True)
class Outcome:
    reply: Reply
    queries: Mapping[tuple[str, str], int]

    @property
    def errors(self) -> tuple[ExplainedError, ...]:
        assert isinstance(self.reply.document, Explanation), self.reply.headline
        return self.reply.document.errors


async def in_the_lab(folder: Path, *words: str, actor: Actor = OWNER, times: int = 1) -> Outcome:
    async with Lab(parse(WORLD), folder) as lab, open_services(settings_for(lab)) as services:
        for _ in range(times):
            reply = await run(Request(("explain", *words), actor), services, lambda _: None)
        return Outcome(reply, dict(lab.queries))


async def said(*words: str, actor: Actor = OWNER, files: tuple[Attached, ...] = (), **settings: Any) -> Reply:
    given = {"dns": ("127.0.0.1:1",), "control_host": "", "timeout": 0.3} | settings
    async with open_services(Settings(**given)) as services:
        return await run(Request(words, actor, files=files), services, lambda _: None)


def text(reply: Reply) -> str:
    lines = [reply.headline]
    for section in reply.sections:
        lines += [section.title, *(part for item in section.items for part in (item.text, item.tag, *item.notes))]
    return "\n".join([*lines, *map(text, reply.parts)])


# ---- two vantage points

# the error, what its destination does → agreement, what the headline adds
LIVE = [
    (REFUSED.format("dead.lab.test"), "same", "the same from here"),
    (REFUSED.format("good.lab.test"), "refused-for-microsoft", "works from here, refused for Microsoft"),
    (
        "450 4.7.320 Certificate validation failed [Message=Certificate expired] [LastAttemptedServerName=good.lab.test]",
        "mended",
        "fixed since",
    ),
    (REFUSED.format("old.lab.test"), "different", "another fault now"),
    (REFUSED.format("inside.lab.test"), "not-told", "not seen from here"),
]


@pytest.mark.parametrize(("error", "agreement", "said"), LIVE, ids=[row[1] for row in LIVE])
async def test_a_destination_that_a_connector_lists_is_checked_beside(
    error: str, agreement: str, said: str, tmp_path: Path
) -> None:
    outcome = await in_the_lab(tmp_path, error)
    (one,) = outcome.errors
    assert one.live
    assert one.live.agreement == agreement, one.live.result.summary
    assert said in outcome.reply.headline
    assert outcome.reply.exit_code == 0
    # the buttons of what was seen stand where it is told, once: beside another fault's words they would mislead
    apart = outcome.reply.parts if agreement == "different" else (outcome.reply,)
    assert [reply for reply in (outcome.reply, *outcome.reply.parts) if reply.actions] == list(apart)
    assert {action.id for reply in apart for action in reply.actions} == {one.live.result.id}


async def test_a_fault_that_is_gone_is_not_told_as_one_that_is_there(tmp_path: Path) -> None:
    reply = (await in_the_lab(tmp_path, REFUSED.format("good.lab.test"))).reply
    assert "As reported, good.lab.test [192.0.2.1] refuses connections on port 25." in text(reply)
    assert "\ngood.lab.test" not in text(reply).partition("Paths")[0]


async def test_the_recipients_domain_leads_to_the_connector(tmp_path: Path) -> None:
    bounce = "550 5.4.316 Message expired, connection refused\nFinal-Recipient: rfc822; bob@dead.test\nAction: failed"
    (one,) = (await in_the_lab(tmp_path, bounce)).errors
    assert one.live
    assert one.live.result.connector
    assert (one.live.agreement, one.live.result.connector.name) == ("same", "dead")
    assert one.fix_now.offered


async def test_a_host_of_the_text_alone_is_not_even_looked_up(tmp_path: Path) -> None:
    for error in (REFUSED.format("unlisted.lab.test"), "550 5.4.310 DNS domain unlisted.lab.test does not exist"):
        outcome = await in_the_lab(tmp_path, error)
        assert outcome.errors[0].live is None
        assert outcome.queries == {}
        assert not outcome.errors[0].fix_now.offered


async def test_check_allows_a_host(tmp_path: Path) -> None:
    outcome = await in_the_lab(tmp_path, "--check", "unlisted.lab.test", REFUSED.format("unlisted.lab.test"))
    assert outcome.errors[0].live
    assert outcome.errors[0].live.agreement == "refused-for-microsoft"


@pytest.mark.parametrize("host", ["a b", "203.0.113.0/24", "mail.test:26"])
async def test_a_host_to_check_that_is_none_is_a_usage_error(host: str, tmp_path: Path) -> None:
    reply = (await in_the_lab(tmp_path, "--check", host, "450 4.4.316")).reply
    assert (reply.exit_code, reply.document) == (2, None)
    assert reply.headline.startswith("--check: ")


async def test_what_one_person_may_check_is_limited_in_slack(tmp_path: Path) -> None:
    words = ("--check", "good.lab.test", "450 4.4.316")
    assert "Try again in" in (await in_the_lab(tmp_path, *words, actor=READER, times=70)).reply.headline


async def test_exchange_online_that_cannot_be_read_does_not_keep_a_text_from_being_explained() -> None:
    app: dict[str, Any] = {"exchange_tenant": "contoso.test", "exchange_client_id": "x", "exchange_client_secret": "y"}
    reply = await said("explain", "450 4.4.316", **app, login_url="https://127.0.0.1:9")
    assert reply.headline == "Queued — 450 4.4.316 Connection refused"
    assert "The connectors could not be read" in text(reply)


async def test_a_broken_export_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text("[{]")
    reply = await said("explain", "450 4.4.316", connectors=tmp_path / "c.json")
    assert (reply.exit_code, reply.document) == (2, None)
    assert "line 1, column 3" in reply.headline


# ---- words


@pytest.mark.parametrize(
    ("line", "headline"),
    [
        ("explain 450 4.4.316 Connection refused", "Queued — 450 4.4.316 Connection refused"),
        ("explain Server at a.test () returned '450 4.4.316 It's refused", "Queued: a.test — 450 4.4.316 Connection refused"),
        ('explain "450 4.4.315', "Queued — 450 4.4.315 Connection timed out"),
        ("EXPLAIN 450 4.4.316 -> --- Original message ---", "Queued — 450 4.4.316 Connection refused"),
        ("explain --json 450 4.4.316", "Queued — 450 4.4.316 Connection refused"),
        ("explain 450 4.4.316 —json", "Queued — 450 4.4.316 Connection refused"),
        ("explain 450 4.4.316\n--_boundary\n--file nothing", "Queued — 450 4.4.316 Connection refused"),
        ("explain\n[{LED=450 4.4.316 Connection refused};{FQDN=a.test}]", "Queued: a.test — 450 4.4.316 Connection refused"),
    ],
)  # fmt: skip
async def test_a_text_reaches_the_parser_as_it_is(line: str, headline: str) -> None:
    reply = await said(*split(line), actor=READER)
    assert reply.headline == headline
    assert reply.as_json is ("json" in line)


def test_lines_stay_lines() -> None:
    assert " ".join(split("explain a b\n\n> c  d\n--e")[1:]) == "a b \n\n> c  d\n--e"


FORBIDDEN = [option.flag for option in registry.OWNER_OPTIONS] + ["--file", "--yes", "--reason", "--frobnicate"]


@pytest.mark.parametrize("flag", FORBIDDEN)
@pytest.mark.parametrize("line", ["explain {} /etc/passwd", "explain 450 4.4.316 {}", "explain {}=/etc/passwd 450 4.4.316"])
async def test_flags_of_the_machines_owner_are_refused_in_slack(flag: str, line: str) -> None:
    reply = await said(*split(line.format(flag)), actor=READER)
    assert (reply.exit_code, reply.document) == (2, None)
    assert f"Unknown option {flag}" in reply.headline


@pytest.mark.parametrize("words", [(), ("",), (" \n ",), ("--json",)])
@pytest.mark.parametrize(("actor", "named"), [(OWNER, "--file"), (READER, "behind the command")])
async def test_no_text_is_a_usage_error_that_says_how(words: tuple[str, ...], actor: Actor, named: str) -> None:
    reply = await said("explain", *words, actor=actor)
    assert (reply.exit_code, reply.document) == (2, None)
    assert named in reply.headline
    assert ("--file" in reply.headline) is (actor is OWNER)


@pytest.mark.parametrize("words", ["hello", "version 1.2.3", "-", "\ud800", "--"])
async def test_a_text_without_a_code_says_what_is_missing(words: str) -> None:
    reply = await said("explain", "--", words)
    assert (reply.exit_code, reply.severity) == (3, "unknown")
    assert reply.headline == "This text names no error code of a mail server"
    assert "450 4.4.316" in text(reply)
    assert json.loads(reply.document.model_dump_json())["errors"] == []  # type: ignore[union-attr]


async def test_what_names_no_code_is_told_to_the_asker_alone_with_the_form_to_paste_more() -> None:
    reply = await said("explain", "hello", actor=READER)
    assert (reply.audience, reply.exit_code) == ("asker", 3)
    assert [(action.verb, action.id) for action in reply.actions] == [("explain-error", "text")]


@pytest.mark.parametrize(
    ("error", "there", "not_there"),
    [
        (
            "550 5.4.317 Message expired, cannot connect to remote server",
            "Returned: it could not be delivered in time",
            ("waits", "queue"),
        ),
        ("550 5.4.310 DNS domain a.test does not exist", "Returned: it was refused", ("waits",)),
        (
            "450 4.4.317 Cannot connect to remote server",
            "tries again every 15 to 60 minutes",
            ("It went back", "it was returned"),
        ),
    ],
)
async def test_where_the_mail_is_is_said_once(error: str, there: str, not_there: tuple[str, ...]) -> None:
    told = text(await said("explain", error))
    assert there in told
    assert not [words for words in not_there if words in told]


async def test_half_characters_are_no_trouble() -> None:
    reply = await said("explain", "450 4.4.316 Connection refused \udcff [LastAttemptedServerName=a\ud800b.test]")
    assert "4.4.316" in reply.document.model_dump_json()  # type: ignore[union-attr]
    assert reply.exit_code == 0


# ---- an alert without a code, a code without a connector

ALERT = "A medium-severity alert has been triggered\nMessages have been delayed"


async def test_an_alert_says_what_it_is_and_checks_all_connectors(tmp_path: Path) -> None:
    reply = (await in_the_lab(tmp_path, ALERT)).reply
    assert reply.headline.startswith("Microsoft's alert “Messages have been delayed” — ")
    assert (reply.exit_code, reply.audience) == (3, "thread")
    assert {"dead.lab.test", "old.lab.test"} <= {word for word in text(reply).split() if word.endswith(".lab.test")}


async def test_an_alert_without_connectors_says_what_to_do() -> None:
    reply = await said("explain", ALERT)
    assert (reply.exit_code, reply.audience) == (3, "asker")
    assert "Run check without a target" in text(reply)
    assert json.loads(reply.document.model_dump_json())["alert"] == "Messages have been delayed"  # type: ignore[union-attr]


@pytest.mark.parametrize("words", [("450 4.4.316",), ("450", "4.4.317")])
async def test_a_bare_code_asks_which_connector(words: tuple[str, ...], tmp_path: Path) -> None:
    guids = {f"00000000-0000-4000-8000-00000000000{n}": f"Connector {n}" for n in range(3)}
    rows = [{"Name": name, "Guid": guid, "SmartHosts": ["good.lab.test"]} for guid, name in guids.items()]
    off = {"Name": "off", "Guid": "00000000-0000-4000-8000-000000000009", "Enabled": False, "SmartHosts": ["good.lab.test"]}
    world = parse({**WORLD, "connectors": [*rows, off]})
    async with Lab(world, tmp_path) as lab, open_services(settings_for(lab)) as services:
        asked = await run(Request(("explain", *words), READER), services, lambda _: None)
        named = await run(Request(("explain", *words, "[LastAttemptedServerName=x.test]"), READER), services, lambda _: None)
    choices = {action.id: action.label for action in asked.actions if action.verb == "check-connector"}
    assert choices == guids
    assert not [action for action in named.actions if action.verb == "check-connector"]


# ---- files


def report_of(folder: Path, rows: int) -> Path:
    """An extended report: many messages, few errors."""
    lines = ["date_time,recipient_address,connector_id,source_context,event_id"]
    for number in range(rows):
        host = ("a.test", "b.test", "b.test")[number % 3]
        lines.append(
            f"2026-11-24T0{number % 10}:00:00Z,bob{number}@contoso.test,Out,"
            f'"450 4.4.316 Connection refused [LastAttemptedServerName={host}]",DEFER'
        )
    file = folder / "report.csv"
    file.write_text("\n".join(lines), encoding="utf-8")
    return file


async def test_a_report_is_a_table_by_code_and_destination(tmp_path: Path) -> None:
    reply = await said("explain", "--file", str(report_of(tmp_path, 30)))
    table = next(section for section in reply.sections if section.title == "All errors of this text")
    assert table.kind == "code"
    head, first, second = (item.text.split() for item in table.items)
    assert head == ["count", "code", "destination", "connector", "first", "last"]
    assert (first[0], first[3], second[0], second[3]) == ("20", "b.test", "10", "a.test")
    assert "bob" not in text(reply)


@pytest.mark.parametrize(
    ("name", "said_of_it"),
    [("missing.eml", "No such file"), (".", "directory"), ("large.csv", "more than 5 MiB")],
)
async def test_a_file_that_cannot_be_read_is_a_usage_error(name: str, said_of_it: str, tmp_path: Path) -> None:
    (tmp_path / "large.csv").write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    reply = await said("explain", "--file", str(tmp_path / name))
    assert (reply.exit_code, reply.document) == (2, None)
    assert said_of_it in reply.headline
    assert "--file" in reply.headline


async def test_a_file_and_a_text_are_too_much(tmp_path: Path) -> None:
    assert (await said("explain", "--file", "a", "450 4.4.316")).exit_code == 2


async def test_people_are_not_repeated() -> None:
    bounce = (
        "From: Alice Canary <alice.canary@contoso.test>\nSubject: Secret canary\nMessage-ID: <canary@contoso.test>\n\n"
        "bob.canary@fabrikam.test\n11/24/2026 9:00:00 AM - Server at mail.fabrikam.test (192.0.2.1) returned "
        "'450 4.4.316 Connection refused [Message=550 5.7.1 <eve.canary@fabrikam.test> no]'"
    )
    reply = await said("explain", bounce)
    shown = text(reply) + reply.document.model_dump_json()  # type: ignore[union-attr]
    assert "4.4.316" in shown
    assert "canary" not in shown.lower()


# ---- files that came along

BOUNCE = Attached("bounce.eml", b"Subject: plans\n\nServer at a.test () returned '450 4.4.316 Connection refused'")
SCOPE = "the Slack app lacks the optional scope files:read"
UNREAD = Attached("bounce.eml", None, SCOPE)
PICTURE = Attached("shot.png", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
A_PICTURE = "Not read: a picture. Paste the text that it shows, or give the bounce itself (.eml or .msg)."


@pytest.mark.parametrize(
    ("words", "files", "codes", "notes"),
    [
        ((), (BOUNCE,), ["450 4.4.316"], ["Read from 1 attached file (.eml)."]),
        (
            ("see",),
            (BOUNCE, PICTURE),
            ["450 4.4.316"],
            ["Read from 1 attached file (.eml).", f"1 attached file (.png). {A_PICTURE}"],
        ),
        (("550 5.1.1 no such user",), (BOUNCE,), ["550 5.1.1", "450 4.4.316"], ["Read from 1 attached file (.eml)."]),
        (("450 4.4.316",), (BOUNCE, BOUNCE), ["450 4.4.316"], ["Read from 2 attached files (.eml)."]),
        (
            ("550 5.1.1",),
            (UNREAD, Attached("b.msg", None, SCOPE)),
            ["550 5.1.1"],
            [f"2 attached files (.eml, .msg) were not read: {SCOPE}."],
        ),
        (("550 5.1.1",), (Attached("Bob\nbob@a.test.eml", b""),), ["550 5.1.1"], ["Read from 1 attached file (.eml)."]),
        (("550 5.1.1",), (Attached("", None, "gone"),), ["550 5.1.1"], ["1 attached file was not read: gone."]),
    ],
)
async def test_files_and_words_are_explained_together(
    words: tuple[str, ...], files: tuple[Attached, ...], codes: list[str], notes: list[str]
) -> None:
    reply = await said("explain", *words, actor=READER, files=files)
    assert isinstance(reply.document, Explanation)
    assert ([error.code for error in reply.document.errors], list(reply.document.notes)) == (codes, notes)
    assert all(note in text(reply) for note in notes)
    assert not reply.actions


@pytest.mark.parametrize("words", [(), ("look at this",)])
async def test_nothing_that_could_be_read_offers_the_form(words: tuple[str, ...]) -> None:
    reply = await said("explain", *words, actor=READER, files=(UNREAD,))
    assert reply.headline == f"No error code was found. 1 attached file (.eml) was not read: {SCOPE}. Paste the text into a form."
    assert (reply.exit_code, reply.audience, reply.sections) == (3, "asker", ())
    assert [action.verb for action in reply.actions] == ["explain-error"]


FETCHED_NOT = Attached("shot.png", form="picture")
ZIPPED = Attached("shots.zip", zipped({"a.png": PICTURE.content or b""}))
OLD = Attached("bounce.doc", compound({"WordDocument": b"450 4.4.316"}))
A_DOCUMENT = "Not read: a Word document. Copy its text and paste that, or save it as plain text (.txt)."


@pytest.mark.parametrize(
    ("words", "files", "headline"),
    [
        ((), (PICTURE,), A_PICTURE),
        (("shot.png",), (PICTURE,), A_PICTURE),
        (("what is this?",), (FETCHED_NOT, FETCHED_NOT), A_PICTURE),
        (("look",), (ZIPPED,), A_PICTURE),
        ((), (OLD,), A_DOCUMENT),
        ((), (PICTURE, Attached("d.docx", form="word")), f"{A_PICTURE} {A_DOCUMENT}"),
    ],
)
async def test_a_form_that_is_not_read_is_the_answer(words: tuple[str, ...], files: tuple[Attached, ...], headline: str) -> None:
    reply = await said("explain", *words, actor=READER, files=files)
    assert (reply.headline, reply.exit_code, reply.audience) == (headline, 2, "asker")
    assert "names no error code" not in text(reply)
    assert "Read from" not in text(reply)
    assert [action.verb for action in reply.actions] == ["explain-error"]


@pytest.mark.parametrize(("file", "headline"), [(PICTURE, A_PICTURE), (ZIPPED, A_PICTURE), (OLD, A_DOCUMENT)])
async def test_likewise_of_a_file_that_is_named(file: Attached, headline: str, tmp_path: Path) -> None:
    (tmp_path / "bounce").write_bytes(file.content or b"")
    reply = await said("explain", "--file", str(tmp_path / "bounce"))
    assert (reply.headline, reply.exit_code) == (headline, 2)
    assert [*reply.document.notes] == [headline]  # type: ignore[union-attr]


async def test_beside_what_was_read_it_is_a_note() -> None:
    reply = await said("explain", actor=READER, files=(Attached("note.txt", b"hello"), PICTURE))
    assert (reply.headline, reply.exit_code) == ("This text names no error code of a mail server", 3)
    assert A_PICTURE in text(reply)


async def test_an_archive_is_read_in_a_process_of_its_own() -> None:
    began = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    reply = await said("explain", actor=READER, files=(Attached("b.zip", zipped({"b.eml": BOUNCE.content or b""})),))
    assert reply.document.errors[0].code == "450 4.4.316"  # type: ignore[union-attr]
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime > began


async def test_where_one_file_was_read_in_vain_the_form_is_offered_for_the_other() -> None:
    reply = await said("explain", actor=READER, files=(Attached("note.txt", b"hello"), UNREAD))
    assert (reply.headline, reply.audience) == ("This text names no error code of a mail server", "asker")
    assert [action.verb for action in reply.actions] == ["explain-error"]
    assert SCOPE in text(reply)


HOSTILE = Attached("hostile.txt", b"4.4.316 " * (5 * 1024 * 1024 // 8))
"""The slowest file known: 3.5 s of CPU."""


@pytest.mark.slow
async def test_no_file_holds_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """The loop's own thread: reading may cost what it wants elsewhere."""
    longest = 0.0
    plain = asyncio.Handle._run

    def timed(handle: asyncio.Handle) -> None:
        nonlocal longest
        began = time.thread_time()
        plain(handle)
        longest = max(longest, time.thread_time() - began)

    await said("explain", "450 4.4.316", actor=READER)  # what is imported once counts for none
    monkeypatch.setattr(asyncio.Handle, "_run", timed)
    process_began = time.process_time()
    async with asyncio.timeout(60):
        reply = await said("explain", actor=READER, files=(HOSTILE,))
    assert reply.document.errors[0].code == "450 4.4.316"  # type: ignore[union-attr]
    assert longest < 0.1
    assert time.process_time() - process_began < 1.5, "no other thread of this process reads it either"


@pytest.mark.parametrize(
    ("doing", "ended"), [("bytearray(2 << 30)", {1}), ("while True: pass", {-signal.SIGKILL, -signal.SIGXCPU})]
)
def test_what_reads_apart_is_bounded_in_memory_and_time(doing: str, ended: set[int]) -> None:
    code = f"import diagnostics.parse.isolated as a; a.SECONDS = 1; a.bound()\n{doing}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in ended
    assert "bytearray" not in doing or "MemoryError" in done.stderr


@pytest.mark.slow
async def test_large_files_of_one_person_do_not_make_another_wait() -> None:
    ended: list[str] = []

    async def ask(id: str, file: Attached) -> None:
        async with open_services(Settings(dns=("127.0.0.1:1",), control_host="")) as services:
            await run(Request(("explain",), Actor(id, frozenset({"reader"})), files=(file,)), services, lambda _: None)
        ended.append(id)

    hostile = [
        asyncio.create_task(ask("U1", replace(HOSTILE, content=(HOSTILE.content or b"")[: 1024 * 1024]))) for _ in range(5)
    ]
    await asyncio.sleep(0)
    await ask("U2", Attached("bounce.txt", b"450 4.4.316 Connection refused\n" * 4000))
    assert ended.count("U1") <= 1
    await asyncio.gather(*hostile)


async def test_a_file_is_read_without_a_process_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async def none_left(*_: object, **__: object) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", none_left)
    reply = await said("explain", actor=READER, files=(Attached("a.txt", b"450 4.4.316 Connection refused\n" * 4000),))
    assert reply.document.errors[0].code == "450 4.4.316"  # type: ignore[union-attr]


async def test_a_reader_that_is_killed_or_too_slow_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diagnostics.parse.isolated.SECONDS", 0.05)
    reply = await said("explain", actor=READER, files=(HOSTILE,))
    assert (reply.exit_code, reply.document) == (1, None)
    assert "could not be read" in reply.headline


async def test_whoever_goes_away_leaves_no_reader_behind() -> None:
    asking = asyncio.create_task(said("explain", actor=READER, files=(HOSTILE,)))
    await asyncio.sleep(0.4)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text(encoding="ascii").split()
    assert not [c for c in children if b"diagnostics.parse.isolated" in Path(f"/proc/{c}/cmdline").read_bytes()]


async def test_others_are_answered_while_a_large_file_is_read(tmp_path: Path) -> None:
    """The loop never stands still for longer than a form may wait."""
    large = Attached("report.csv", report_of(tmp_path, 20_000).read_bytes())
    longest, last, running = 0.0, time.perf_counter(), True

    async def ticking() -> None:
        nonlocal longest, last
        while running:
            await asyncio.sleep(0.01)
            longest, last = max(longest, time.perf_counter() - last), time.perf_counter()

    ticks = asyncio.create_task(ticking())
    began = time.perf_counter()
    reply = await said("explain", actor=READER, files=(large,))
    took, running = time.perf_counter() - began, False
    await ticks
    assert len(reply.document.errors) == 2  # type: ignore[union-attr]
    assert longest < took / 2
