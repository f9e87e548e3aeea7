"""`mailflow explain` as a program: where the text comes from, exit codes, JSON, what it looks like, what it loads."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.__main__ import ROLES
from bot.terminal.ask import answer_at_once
from bot.terminal.show import render
from commands import explain_wording
from commands.request import Actor, Request
from diagnostics.explain import Beside, Live
from diagnostics.findings import Reason
from tests.conftest import ROOT
from tests.explain.making import NOW, document, report, reported, seen
from tests.parse.making import outlook, zipped

GOLDEN = ROOT / "tests" / "golden" / "terminal" / "explained.txt"
LINE = "11/24/2026 9:55:00 AM - Server at mail.contoso.test (192.0.2.1) returned '450 4.4.316 Connection refused'"
MAIL = f"From: a@contoso.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n{LINE}\r\n"


BARE = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"}


def ran(*words: str, stdin: bytes = b"", **environment: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error), nothing set but `environment`."""
    argv = [sys.executable, "-m", "bot", *words]
    done = subprocess.run(argv, cwd=ROOT, env={**BARE, **environment}, input=stdin, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


HEADLINE = "Queued: mail.contoso.test — 450 4.4.316 Connection refused\n"


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        ((LINE,), b""),
        (tuple(LINE.split()), b""),
        (("--", LINE), b""),
        (("-",), LINE.encode()),
        ((), LINE.encode()),
        ((), MAIL.encode()),
        (("-",), b"\xef\xbb\xbf" + LINE.encode() + b"\xff\x00"),
    ],
)
def test_a_text_may_stand_in_words_or_on_standard_input(words: tuple[str, ...], stdin: bytes) -> None:
    code, out, err = ran("explain", *words, stdin=stdin)
    assert (code, err) == (0, "")
    assert out.startswith(HEADLINE)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bounce.txt", LINE.encode()),
        ("bounce.txt", b"\xff\xfe" + LINE.encode("utf-16-le")),
        ("bounce.eml", MAIL.encode()),
        ("no ending", MAIL.encode()),
        ("report.csv", b'date,detail\n2026-11-24T09:55:00Z,"' + LINE.encode() + b'"\n'),
    ],
)
def test_a_text_may_stand_in_a_file(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    code, out, err = ran("explain", "--file", str(tmp_path / name))
    assert (code, err) == (0, "")
    assert out.startswith(HEADLINE)


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (("hello",), b"", 3, "names no error code"),
        ((), b"hello", 3, "names no error code"),
        ((), b"", 2, "There is no text to explain"),
        (("-",), b"", 2, "There is no text to explain"),
        (("",), b"", 2, "There is no text to explain"),
        (("--file", "/nonexistent"), b"", 2, "--file: /nonexistent: cannot be read"),
        (("--file", "/nonexistent", "-"), b"", 2, "takes no TEXT beside it"),
        (("--frobnicate", "450 4.4.316"), b"", 2, "Unknown option --frobnicate"),
        (("--check",), b"", 2, "--check wants a value"),
        (("--check", "a b", "450 4.4.316", "--dns", "127.0.0.1:9"), b"", 2, "--check: "),
        (("--smtp-port", "x", "450 4.4.316"), b"", 2, "--smtp-port (MAILFLOW_SMTP_PORT)"),
        (("--connectors", "/nonexistent", "450 4.4.316"), b"", 2, "/nonexistent: cannot be read"),
        (("450 4.4.316", "--dns", "127.0.0.1:9"), b"", 0, "Queued"),
    ],
)
def test_exit_codes(words: tuple[str, ...], stdin: bytes, code: int, said: str) -> None:
    left, out, err = ran("explain", *words, stdin=stdin)
    assert left == code
    assert said in (err if code == 2 else out)
    assert (out if code == 2 else err) == ""
    assert code != 2 or len(err.splitlines()) == 1


def test_json_is_exactly_one_document_and_nothing_else() -> None:
    for words, exit_code, primary in (((LINE,), 0, 0), (("hello",), 3, None)):
        code, out, err = ran("explain", "--json", *words)
        told: Any = json.loads(out)
        assert (code, err, told["schema"], told["primary"]) == (exit_code, "", "mailflow/explain/1", primary)


def test_a_paste_that_is_too_long_is_cut_and_that_is_said() -> None:
    code, out, _ = ran("explain", stdin=LINE.encode() + b"\n" + b"x" * 300_000)
    assert code == 0
    assert "Only the first 256 KiB of the text were read." in out


def test_many_words_are_no_hardship() -> None:
    assert ran("explain", *["word"] * 30_000, "450 4.4.316")[0] == 0


def test_a_terminal_that_nobody_types_in_is_not_waited_for() -> None:
    main, other = os.openpty()
    argv = [sys.executable, "-m", "bot", "explain"]
    done = subprocess.run(argv, stdin=other, env=BARE, cwd=ROOT, capture_output=True, timeout=30, check=False)
    os.close(main)
    os.close(other)
    assert done.returncode == 2
    assert b"There is no text to explain" in done.stderr


PIECES = [
    LINE,
    MAIL,
    "450 4.4.317 ",
    "550-5.7.0 ",
    "-> ",
    "[Message=",
    "]",
    "{LED=",
    "};{FQDN=",
    "\x1b[31m",
    "\ud800",
    "--json",
    "--",
    "\n",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=30), max_size=8).map("".join))
def test_any_text_is_an_answer(text: str) -> None:
    reply = answer_at_once(Request(("explain", "--", text), Actor("test", ROLES)))
    assert (reply.exit_code == 2) is (not text.strip())
    assert "internal error" not in reply.headline
    assert render(reply, color=False).replace("\n", "").isprintable()
    if reply.document:
        told = json.loads(reply.document.model_dump_json())
        assert (reply.exit_code == 0) is bool(told["errors"])
        assert told["primary"] in (range(len(told["errors"])) or [None])


UNPACKING = {"defusedxml", "openpyxl", "diagnostics.parse.files.tnef", "diagnostics.parse.files.xlsx"}
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256))


@pytest.mark.parametrize(
    ("stdin", "code", "said"),
    [
        (zipped({"a.txt": LINE}), 0, HEADLINE),
        (outlook({"1000001F": LINE}), 0, HEADLINE),
        (LINE.encode("utf-16"), 0, HEADLINE),
        (LINE.encode() + " für wen?".encode("cp1252"), 0, HEADLINE[:30]),
        (PICTURE, 2, "Not read: a picture."),
        (b"\x1f\x8b\x08" + bytes(range(250)), 2, "Not read: an archive that is damaged or incomplete."),
        (bytes(6 * 1024 * 1024), 2, "Not read: a file that is no text"),
    ],
)
def test_a_file_may_come_on_standard_input(stdin: bytes, code: int, said: str) -> None:
    left, out, err = ran("explain", "-", stdin=stdin)
    assert (left, err) == (code, "")
    assert out.startswith(said)
    assert "attached file" not in out


PROBING = {"aiohttp", "aiosmtplib", "asyncio", "cryptography", "dbos", "dns", "idna", "msal", "OpenSSL", "rich", "sqlalchemy"}


def test_a_text_is_explained_without_loading_what_probes_or_unpacks() -> None:
    watch = "import sys, bot.__main__ as m; m.main(['explain', '450 4.4.316']); print(*sorted(sys.modules), file=sys.stderr)"
    argv = [sys.executable, "-c", watch]
    done = subprocess.run(argv, cwd=ROOT, env=BARE, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True)
    loaded = set(done.stderr.split())
    assert not (PROBING | UNPACKING) & loaded
    assert not {"diagnostics.probes", "diagnostics.route", "bot.settings"} & loaded


def test_a_destination_that_no_connector_lists_loads_no_probe(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text('[{"Name": "a", "SmartHosts": ["a.test"]}]')
    code, out, err = ran("explain", LINE, "--connectors", str(tmp_path / "c.json"), MAILFLOW_DNS="not a resolver")
    assert (code, err) == (0, "")
    assert out.startswith(HEADLINE)


def test_an_explanation_looks_like_this() -> None:
    error = reported(
        text="Connection refused",
        message="Socket error code 10061",
        server="mail.contoso.com",
        ip="192.0.2.1",
        time=NOW.replace(hour=9, minute=55),
        chain=("421 4.4.2 Connection dropped due to ConnectionReset",),
        reported_by="FT015.eop-EUR05.prod.protection.outlook.com",
    )
    closing = reported("550 5.4.316", state="expired", text="Message expired, connection refused")
    beside = {1: Beside(None, Live(agreement="refused-for-microsoft", result=seen()))}
    reply = explain_wording.reply(document(report(closing, error, primary=1), beside), as_json=False)
    assert render(reply, color=False, width=100) + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_another_fault_is_told_whole() -> None:
    beside = {0: Beside(None, Live(agreement="different", result=seen(Reason.DNS_NXDOMAIN, failed="dns")))}
    reply = explain_wording.reply(document(report(reported()), beside), as_json=False)
    assert "another fault now" in reply.headline
    assert reply.parts[0].headline.startswith("Failing: mail.contoso.com — 450 4.4.312")
    assert not reply.actions
