"""The import contracts of pyproject.toml hold, and each can fail; what must start fast imports little."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from commands.registry import COMMANDS

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]

WRONG = {
    "packages": ("commands/words.py", "import bot.settings"),
    "acyclic": ("diagnostics/findings.py", "import diagnostics.model"),
    "diagnostics": ("diagnostics/route.py", "import diagnostics.diagnose"),
    "bot": ("bot/settings.py", "import bot.terminal"),
    "fronts": ("bot/terminal/__init__.py", "import diagnostics.model"),
    "conversation": ("bot/conversation/question.py", "import bot.slack.conversation_ref"),
    "slack-rooms": ("bot/slack/blockkit/blocks.py", "import bot.slack.inbound.payloads"),
    "slack": ("bot/terminal/__init__.py", "import slack_sdk"),
    "network": ("commands/run.py", "import aiosmtplib"),
}
"""By contract: a file, and an import that must not stand in it."""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    env = {**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run([program, "--no-cache"], cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for package in ("mailflow", "bot", "commands", "diagnostics"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_contracts_hold(copy: Path) -> None:
    done = lint_imports(copy)
    assert done.returncode == 0, done.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract["id"])
def test_contract_can_fail(copy: Path, contract: dict[str, str]) -> None:
    file, line = WRONG[contract["id"]]
    source = copy / file
    source.write_text(f"{source.read_text()}\n{line}\n")
    done = lint_imports(copy)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contract['name']} BROKEN" in done.stdout


def test_conversation_has_no_word_of_a_platform() -> None:
    for source in (ROOT / "bot/conversation").glob("*.py"):
        assert not re.findall(r"slack|bolt|block kit|response_url|/mailflow", source.read_text(), re.IGNORECASE), source.name


def test_one_module_of_bot_reads_the_environment() -> None:
    sources = (file for file in (ROOT / "bot").rglob("*.py") if not file.is_relative_to(ROOT / "bot/demo"))
    # __main__ sets a variable for a library
    readers = [file.name for file in sources if re.search(r"os\.(?:environ(?!\.setdefault)|getenv)", file.read_text())]
    assert readers == ["settings_sources.py"]


def neighbours(graph: grimp.ImportGraph) -> list[str]:
    """Imports of a subcommand's module by another module of commands/: each is called by name from its row alone."""
    modules = [command.run.partition(":")[0] for command in COMMANDS if command.run]
    return [f"{other} -> {module}" for module in modules for other in graph.find_modules_that_directly_import(module)]


def test_subcommands_do_not_know_each_other() -> None:
    graph = grimp.build_graph("commands", cache_dir=None)
    assert neighbours(graph) == []
    graph.add_import(importer="commands.run", imported="commands.check")
    assert neighbours(graph) == ["commands.run -> commands.check"]


@pytest.mark.parametrize("argv", [["--help"], ["help"], ["check", "--help"], ["chek"], ["check", "--no-such-flag"]])
def test_help_and_usage_errors_import_the_standard_library_only(argv: list[str], tmp_path: Path) -> None:
    code = """
import json, sys
before = set(sys.modules)
import bot.__main__
try:
    bot.__main__.main(json.loads(sys.argv[1]))
except SystemExit:
    pass
names = {name.partition(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(names - sys.stdlib_module_names - {"bot", "commands", "diagnostics"})))
"""
    argv = [sys.executable, "-c", code, json.dumps(argv)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == []


PENDING = ("tests/e2e/",)
"""Folders that are moved with what they test, and lose their imports of test modules then."""


def imports_of_test_modules(file: Path) -> list[str]:
    """What is shared stands in a module of its own: an imported test module is collected, and run, in two places."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return [name for name in names if name.startswith("tests.") and re.search(r"\.test_[a-z0-9_]+$", name)]


def test_no_test_module_imports_another(tmp_path: Path) -> None:
    wrong = {str(file.relative_to(ROOT)) for file in (ROOT / "tests").rglob("*.py") if imports_of_test_modules(file)}
    assert sorted(file for file in wrong if not file.startswith(PENDING)) == []
    for line in ("from tests.ops.test_serve import served", "import tests.ops.test_serve", "from tests.ops import test_serve"):
        (tmp_path / "wrong.py").write_text(line)
        assert imports_of_test_modules(tmp_path / "wrong.py"), line
