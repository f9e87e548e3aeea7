"""HACKING's recipes are followed in copies of the project, with something to throw away: what they name is enough, and needed."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.breaks import COPIED, ROOT

HACKING = (ROOT / "HACKING.md").read_text(encoding="utf-8")
FILE = re.compile(r"`([\w./-]+\.(?:py|toml|md|yaml))`")
MADE = {
    "python -m diagnostics.catalogue.ids > docs/ids.md": ("docs/ids.md",),
    "python -m commands.schemas docs/schema": ("docs/schema",),
}
"""Commands of the recipes, and what each writes."""


class Copy:
    """A copy of the project, and which files were touched in it."""

    def __init__(self, place: Path) -> None:
        self.place, self.touched = place, set[str]()
        for name in {*COPIED, "deploy", "bench", *(page.name for page in ROOT.glob("*.md"))}:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, place / name, ignore=shutil.ignore_patterns("__pycache__", "node_modules"))
            else:
                shutil.copy(source, place / name)

    def new(self, file: str, text: str) -> None:
        self.touched.add(file)
        assert not (self.place / file).exists()
        (self.place / file).write_text(text, encoding="utf-8")

    def add(self, file: str, text: str, *, before: str = "", after: str = "") -> None:
        """Put a text before or behind the first place of another one; at the end without any."""
        self.touched.add(file)
        old = (self.place / file).read_text(encoding="utf-8")
        at = len(old) if not before + after else old.index(before) if before else old.index(after) + len(after)
        (self.place / file).write_text(old[:at] + text + old[at:], encoding="utf-8")

    def make(self, command: str) -> None:
        """One of MADE."""
        self.touched |= set(MADE[command])
        done = self._run("sh", "-c", command.replace("python", sys.executable))
        assert done.returncode == 0, done.stderr

    def mailflow(self, *argv: str, **environ: str) -> str:
        """What the copy's program prints, whatever its exit code."""
        done = self._run(sys.executable, "-m", "mailflow", *argv, **environ)
        return done.stdout + done.stderr

    def tests(self, *paths: str) -> None:
        """These tests of the copy are green."""
        done = self._run(sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", *paths)
        assert done.returncode == 0, done.stdout[-3000:]

    def _run(self, *argv: str, **environ: str) -> subprocess.CompletedProcess[str]:
        env = {**os.environ, "PYTHONPATH": str(self.place), **environ}
        return subprocess.run(argv, cwd=self.place, env=env, capture_output=True, text=True, timeout=200, check=False)


# ---- the recipes, in HACKING's order


def a_code(copy: Copy) -> None:
    copy.add("diagnostics/codes.py", '    Row("5.3.77", "inbound"),\n', before='    Row("5.1.10"),\n')
    rules = '["5.3.77"]\npage = "https://learn.microsoft.com/x"\ncause = [{ id = "thrown-away" }]\n'
    copy.add("diagnostics/catalogue/rules/reported/routing.toml", f'\n{rules}fix = [{{ id = "keep-it", owner = "you" }}]\n')
    words = '["5.3.77"]\ntitle = "Thrown away"\nmeaning = "It was thrown away."\ncause.thrown-away = "Somebody threw it away."\n'
    copy.add("diagnostics/catalogue/en/reported/routing.toml", f'\n{words}fix.keep-it = "Keep it."\n')
    copy.make("python -m diagnostics.catalogue.ids > docs/ids.md")
    row = 'text = \'550 5.3.77 Thrown away\'\nsender = "other"\nto_microsoft = true\nclass = 5\nstate = "rejected"\n'
    copy.add("tests/explain/actors.toml", f'\n[[texts]]\n{row}actor = "you"\nwhy = "it was thrown away"\n')
    said = copy.mailflow("explain", "550 5.3.77 whatever it says")
    assert "Thrown away" in said
    assert "Keep it." in said
    copy.tests("tests/test_ids.py", "tests/diagnostics/test_catalogue.py", "tests/explain/test_meaning.py")
    copy.tests("tests/explain/test_actors.py", "-k", "Thrown", "tests/test_words_in_code.py")


def a_reason(copy: Copy) -> None:
    """With its probe: nothing else can find it."""
    copy.add("diagnostics/findings.py", '    SMTP_SHOUTS = "smtp-shouts"\n', before='    SMTP_PROTOCOL = "smtp-protocol"\n')
    copy.add(
        "diagnostics/catalogue/rules/codes/4.4.317.toml",
        '\n[[reason.smtp-shouts.cause]]\nid = "loud-server"\n[[reason.smtp-shouts.fix]]\nid = "calm-down"\nowner = "you"\n',
    )
    words = '\n[reason.smtp-shouts]\nsummary = "{where} shouts."\npartner = "lower the voice of {where}"\n'
    words += '[reason.smtp-shouts.cause]\nloud-server = "The server is loud."\n'
    copy.add(
        "diagnostics/catalogue/en/codes/4.4.317.toml", f'{words}[reason.smtp-shouts.fix]\ncalm-down = "Calm {{where}} down."\n'
    )
    copy.add("diagnostics/catalogue/en/evidence.toml", 'smtp-shouts = "it says {text}"\n', before="slow = ")
    copy.add("diagnostics/explain/advice.py", '    Reason.SMTP_SHOUTS: "reply",\n', before='    Reason.SMTP_REJECTED: "reply",\n')
    copy.make("python -m diagnostics.catalogue.ids > docs/ids.md")
    copy.make("python -m commands.schemas docs/schema")
    copy.add("tests/diagnostics/test_catalogue.py", '        "smtp-shouts",\n', before='        "smtp-protocol",\n')
    a_probe(copy)
    copy.tests(
        *("tests/test_ids.py", "tests/test_reasons.py", "tests/test_words_in_code.py", "tests/commands/test_schemas.py"),
        *(
            "tests/test_scenarios.py::test_scenario[banner]",
            "tests/explain/test_meaning.py",
            "tests/diagnostics/test_catalogue.py",
        ),
    )


def a_probe(copy: Copy) -> None:
    probe = '''"""Does the greeting shout?"""

from dataclasses import replace

from diagnostics.findings import Finding, Reason
from diagnostics.probes.smtp import Spoken


def quiet(spoken: Spoken) -> Spoken:
    if "!!!" not in spoken.said.text:
        return spoken
    return replace(spoken, findings=(*spoken.findings, Finding(Reason.SMTP_SHOUTS, {"text": spoken.said.text})))
'''
    copy.new("diagnostics/probes/x.py", probe)
    copy.add("diagnostics/probes/look.py", "from diagnostics.probes import x\n", before="from diagnostics.probes.conversation")
    copy.add("diagnostics/probes/look.py", "x.quiet(", before="await smtp.banner(talk")
    copy.add("diagnostics/probes/look.py", ")", after="await smtp.banner(talk, walk.left(), limits.ehlo_name)")
    copy.add("tests/scenarios/banner.toml", '"shouts.lab.test" = ["A 127.0.21.99"]\n', after="[dns]\n")
    copy.add("tests/scenarios/banner.toml", '\n[mail."127.0.21.99"]\nbanner = "220 HELLO!!!"\n', before='\n[mail."127.0.21.1"]')
    copy.add(
        "tests/scenarios/banner.toml",
        '\n[[connectors]]\nName = "shouts"\nSmartHosts = ["shouts.lab.test"]\n'
        '\n[[expect]]\ntarget = "shouts"\nverdict = "failing"\ncode = "450 4.4.317"\nreason = "smtp-shouts"\n'
        'first_cause = "loud-server"\n',
    )


def a_subcommand(copy: Copy) -> None:
    module = '''"""`x`: says that it was thrown away."""

from commands.command import Call, Services
from commands.reply import Reply, Tell
from commands.request import Request


async def run(_call: Call, _request: Request, _services: Services, _tell: Tell) -> Reply:
    return Reply("Thrown away")
'''
    copy.new("commands/x.py", module)
    row = 'X = Command("x", "x", "throw it away", "commands.x:run", examples=(("x", "gone"),), max_words=0)\n'
    copy.add("commands/registry.py", f"{row}\n", before="SERVE = Command(")
    copy.add("commands/registry.py", "X, ", before="FIXES),")
    for manifest in ("manifest.yaml", "manifest.http.yaml"):
        copy.add(manifest, "x | ", before="fixes | help")
    assert copy.mailflow("x") == "Thrown away\n"
    assert "throw it away" in copy.mailflow("help")
    copy.tests("tests/test_manifest.py", "tests/commands/test_help.py", "tests/test_architecture.py")


def a_setting(copy: Copy) -> None:
    copy.add("bot/settings.py", '    x: str = Field("away", alias="MAILFLOW_X")\n', before="    control_host: str =")
    option = '    Option("--x", "WORD", "what is thrown", variable="MAILFLOW_X"),\n'
    copy.add("commands/registry.py", option, before='    Option("--env-file"')
    copy.add("docs/settings.md", "| `MAILFLOW_X` | `--x WORD` | `away` | what is thrown |\n", before="\n## Exchange Online")
    row = '    ("--x", "MAILFLOW_X", "x", ("f", "e", "c"), "c"),\n'
    copy.add("tests/terminal/test_settings.py", row, before='    ("--control-host", "MAILFLOW_CONTROL_HOST"')
    assert "--x WORD" in copy.mailflow("help", "check")
    copy.tests("tests/ops/test_docs.py", "tests/terminal/test_settings.py", "tests/commands/test_help.py")


def a_metric(copy: Copy) -> None:
    meter = '        self.x = Counter("mailflow_x", "What was thrown away", ("kind",), registry=registry)\n'
    copy.add("bot/metrics.py", meter, before="        self.code = _Few(")
    function = "\n\ndef thrown(kind: str) -> None:\n    if _meters is not None:\n        _meters.x.labels(kind).inc()\n"
    copy.add("bot/metrics.py", function)
    copy.add("docs/install.md", "| `mailflow_x_total` | `kind` | what was thrown away |\n", before="| `process_…` |")
    copy.tests("tests/ops/test_docs.py", "tests/ops/test_metrics.py")


RECIPES: dict[str, Callable[[Copy], None]] = {
    "A code of Microsoft's": a_code,
    "A reason": a_reason,
    "A subcommand": a_subcommand,
    "A setting": a_setting,
    "A metric": a_metric,
}


def paragraph(title: str) -> str:
    found = re.search(rf"^\*\*{re.escape(title)}\*\*.*?(?=\n\n|\Z)", HACKING, re.M | re.S)
    assert found, f"HACKING.md has no recipe for {title!r}"
    return found[0]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_names_all_that_is_needed(title: str, tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    RECIPES[title](copy)
    text = paragraph(title) + (paragraph("A probe") if title == "A reason" else "")
    named = set(FILE.findall(text)) | {file for command, files in MADE.items() if command in text for file in files}
    assert named == copy.touched
