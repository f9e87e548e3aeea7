"""What only a hosting service or an editor reads: it names what is there."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT

CI = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())
DEPENDABOT = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())
PRE_COMMIT = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
FORMS = sorted((ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"))
LOCKS = {"uv": "uv.lock", "npm": "package-lock.json", "docker": "Containerfile", "github-actions": ".github/workflows/ci.yml"}
TARGETS = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)


def commands() -> list[str]:
    return [line for job in CI["jobs"].values() for step in job["steps"] for line in str(step.get("run", "")).splitlines()]


def test_ci_runs_what_is_there() -> None:
    lines = commands()
    assert ".ci/run" in lines
    assert {line.split()[1] for line in lines if line.startswith("make ")} >= {"lint", "test", "coverage"}
    assert [line for line in lines if line.startswith("make ") and line.split()[1] not in TARGETS] == []
    assert [line for line in lines if line.startswith(".ci/") and not (ROOT / line.split()[0]).exists()] == []


def test_ci_may_only_read_and_ends() -> None:
    assert CI["permissions"] == {"contents": "read"}
    assert all(job["timeout-minutes"] <= 90 for job in CI["jobs"].values())
    checkouts = [step for job in CI["jobs"].values() for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert len(checkouts) == len(CI["jobs"])
    assert all(step["with"]["persist-credentials"] is False for step in checkouts)


def test_ci_tries_the_oldest_python_that_is_claimed_and_a_newer_one() -> None:
    """Debian 12 has 3.11, Debian 13 has 3.13."""
    assert CI["jobs"]["python"]["strategy"]["matrix"]["debian"] == ["debian:12", "debian:13"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["requires-python"] == ">=3.11"
    claimed = {c.rpartition(" ")[2] for c in project["classifiers"] if c.startswith("Programming Language :: Python :: 3.")}
    assert claimed == {"3.11", "3.12", "3.13"}


@pytest.mark.parametrize("update", DEPENDABOT["updates"], ids=lambda update: update["package-ecosystem"])
def test_what_is_updated_is_there(update: dict[str, Any]) -> None:
    assert (ROOT / update["directory"].strip("/") / LOCKS[update["package-ecosystem"]]).exists()


def test_everything_locked_is_updated() -> None:
    assert {update["package-ecosystem"] for update in DEPENDABOT["updates"]} == set(LOCKS)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.stem)
def test_a_form_can_be_filled_in(form: Any) -> None:
    read = yaml.safe_load(form.read_text())
    assert read["name"]
    assert read["description"]
    fields = [part for part in read["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in fields}) == len(fields)
    assert all(part["attributes"]["label"] for part in fields)
    assert any(part.get("validations", {}).get("required") for part in fields)


@pytest.mark.parametrize("hook", PRE_COMMIT["repos"][0]["hooks"], ids=lambda hook: hook["id"])
def test_a_hook_runs_a_program_of_this_project(hook: dict[str, Any]) -> None:
    program = hook["entry"].split()[0]
    tools = {"ruff", "uv", "lint-imports"}
    assert program == "sh" or program.removeprefix(".venv/bin/") in tools
    assert re.fullmatch(r"[a-z-]+", hook["id"])
