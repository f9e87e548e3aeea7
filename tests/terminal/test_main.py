"""The program from argv to exit code: contract 1 and 2."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.__main__ import main
from bot.demo.lab import Lab, parse
from tests.conftest import ROOT
from tests.documents import is_valid

WORLD: dict[str, Any] = {
    "dns": {"ok.lab.test": ["A 127.0.42.1"], "dead.lab.test": ["A 127.0.42.9"], "inside.lab.test": ["A 169.254.169.254"]},
    "mail": {"127.0.42.1": {}},
    "connectors": [{"Name": "dead", "SmartHosts": ["dead.lab.test"]}],
}


async def ran(folder: Path, *words: str, **environment: str) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of the program in the lab, piped."""
    async with Lab(parse(WORLD), folder) as lab:
        settings = {
            "MAILFLOW_CONNECTORS": str(lab.connectors_file),
            "MAILFLOW_DNS": lab.dns,
            "MAILFLOW_SMTP_PORT": str(lab.smtp_port),
            "MAILFLOW_CA_FILE": str(lab.ca_file),
            "MAILFLOW_ALLOW_PRIVATE": "true",
            "MAILFLOW_CONTROL_HOST": "",
            "MAILFLOW_TIMEOUT": "2",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", *words,
            cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **settings, **environment},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.parametrize(("target", "code"), [("ok.lab.test", 0), ("dead", 1), ("inside.lab.test", 3)])
async def test_json_is_exactly_one_document_and_nothing_else(target: str, code: int, tmp_path: Path) -> None:
    exit_code, out, err = await ran(tmp_path, "check", target, "--json")
    document = json.loads(out)
    assert (exit_code, err) == (code, "")
    assert is_valid(document)
    assert list(document)[:4] == ["schema", "started", "seconds", "results"]
    assert document["schema"] == "mailflow/check/1"
    (told,) = document["results"]
    promised = {"id", "target", "connector", "verdict", "code", "code_basis", "also_seen_as", "reason", "title", "summary"}
    assert promised | {"causes", "fixes", "fix_now", "warnings", "paths"} <= set(told)
    for path in told["paths"]:
        assert {"host", "address", "preference", "verdict", "code", "reason", "steps"} <= set(path)
        assert [s["step"] for s in path["steps"]] == ["dns", "tcp", "banner", "ehlo", "starttls", "tls", "certificate"]
        assert all({"step", "status", "seconds", "detail"} <= set(s) for s in path["steps"])


async def test_a_piped_answer_is_plain(tmp_path: Path) -> None:
    code, out, err = await ran(tmp_path, "check")
    assert (code, err) == (1, "")
    assert out.startswith("Failing: dead — 450 4.4.316 Connection refused\n")
    assert "\x1b" not in out


async def test_an_output_that_knows_only_ascii_is_no_crash(tmp_path: Path) -> None:
    for words in (("check", "dead"), ("check", "dead", "--json"), ("help",)):
        code, out, err = await ran(tmp_path, *words, PYTHONIOENCODING="ascii")
        assert "Traceback" not in err
        assert (code, bool(out)) == (0 if words == ("help",) else 1, True)


ERRORS = [
    ([], "check", "No connector is known"),
    (["frobnicate"], None, "There is no command 'frobnicate'"),
    (["check", "--frobnicate"], None, "Unknown option --frobnicate"),
    (["check", "--smtp-port"], None, "--smtp-port wants a value"),
    (["check", "--smtp-port", "1", "--smtp-port", "2"], None, "--smtp-port is given twice"),
    (["check", "--smtp-port", "x"], None, "--smtp-port (MAILFLOW_SMTP_PORT)"),
    (["check", "--dns", "not a resolver"], None, "--dns (MAILFLOW_DNS)"),
    (["check", "--ca-file", "/nonexistent/ca.pem"], None, "--ca-file (MAILFLOW_CA_FILE)"),
    (["check", "--connectors", "/nonexistent/c.json"], None, "/nonexistent/c.json: cannot be read"),
    (["check", "--ehlo-name", "not a name"], None, "--ehlo-name (MAILFLOW_EHLO_NAME)"),
    (["check", "--env-file", "/nonexistent/env"], None, "there is no file /nonexistent/env"),
    (["check", "a b"], None, "no host name"),
    (["check", "--frob\x1b[31m\nnicate"], None, "Unknown option"),
    (["check", "--env-file", "/nonexistent\n\x1b[31menv"], None, "there is no file"),
    (["check", "--json", "--connectors", "/nonexistent/c.json"], None, "cannot be read"),
    (["help", "frobnicate"], None, "There is no command"),
    (["serve", "now"], None, "serve takes no word 'now'"),
]


@pytest.mark.parametrize(("words", "instead", "said"), ERRORS)
def test_a_usage_or_configuration_error_is_one_line_on_standard_error_and_exit_code_2(
    words: list[str], instead: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([instead] if instead else words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.startswith("mailflow: ")
    assert err.endswith("\n")
    assert err[:-1].isprintable()


@pytest.mark.parametrize(
    "words", [[], ["help"], ["--help"], ["-h"], ["help", "check"], ["check", "--help"], ["completion", "bash"]]
)
def test_help_is_an_answer(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    out, err = capsys.readouterr()
    assert "mailflow" in out
    assert err == ""


def test_help_loads_nothing_that_it_does_not_need() -> None:
    watch = "import sys, bot.__main__ as m; m.main(['--help']); print(*sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", watch], cwd=ROOT, capture_output=True, text=True, check=True)
    assert not {"pydantic", "rich", "dns", "aiohttp", "slack_bolt", "cryptography", "asyncio"} & set(done.stderr.split())


def test_flags_of_the_owner_stand_anywhere(capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--smtp-port", "x", "check"], ["check", "a.test", "--smtp-port=x"], ["check", "--smtp-port", "x", "--json"]):
        assert main(words) == 2
        assert "--smtp-port (MAILFLOW_SMTP_PORT)" in capsys.readouterr().err
