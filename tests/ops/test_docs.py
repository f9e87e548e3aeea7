"""docs/settings.md and docs/install.md say what the program does."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.metrics import _Meters
from bot.settings import SECRETS, Settings
from commands.registry import OWNER_OPTIONS
from tests.conftest import ROOT

SETTINGS = (ROOT / "docs/settings.md").read_text()
INSTALL = (ROOT / "docs/install.md").read_text()
CELL = re.compile(r"(?<!\\)\|")


def rows(page: str, columns: int) -> list[list[str]]:
    """Cells of the tables that have so many columns, without their heads."""
    lines = [line.strip() for line in page.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in CELL.split(line)[1:-1]] for line in lines]
    return [row for row in cells if len(row) == columns and row[0].startswith("`")]


def shown(default: Any) -> str:
    """A default as the page has it."""
    if default in (None, "", ()):
        return ""
    if isinstance(default, timedelta):
        default = (default,)
    if isinstance(default, tuple):
        default = ",".join(f"{part.seconds // 60}m" for part in default)
    return f"`{ {False: 'off', True: 'on'}[default] if isinstance(default, bool) else default }`"


DOCUMENTED = {row[0].strip("`"): row for row in rows(SETTINGS, 4)}
FIELDS = {str(field.alias): field for field in Settings.model_fields.values()}
FLAGS = {option.variable: f"`{option.flag}{' ' if option.metavar else ''}{option.metavar}`" for option in OWNER_OPTIONS}


def test_every_setting_and_no_other() -> None:
    assert sorted(DOCUMENTED) == sorted(FIELDS)
    assert len(rows(SETTINGS, 4)) == len(DOCUMENTED)


@pytest.mark.parametrize("variable", FIELDS)
def test_flag_default_and_secrecy(variable: str) -> None:
    _, flag, default, meaning = DOCUMENTED[variable]
    assert flag == FLAGS.get(variable, "")
    assert default == shown(FIELDS[variable].default)
    assert ("Secret" in meaning) == (variable in SECRETS)


def test_names_elsewhere_are_settings() -> None:
    for page in (INSTALL, (ROOT / "deploy/mailflow.service").read_text(), (ROOT / "deploy/Containerfile").read_text()):
        assert set(re.findall(r"\b(?:MAILFLOW|SLACK)_[A-Z_]+[A-Z]\b", page)) <= set(FIELDS)


@pytest.mark.parametrize("manifest", sorted(ROOT.glob("manifest*.yaml")), ids=lambda path: path.name)
def test_every_scope_is_explained(manifest: Path) -> None:
    asked = yaml.safe_load(manifest.read_text())["oauth_config"]["scopes"]["bot"]
    explained = {scope for row in rows(INSTALL, 3) for scope in re.findall(r"`([a-z_]+(?::[a-z]+)?)`", row[0])}
    optional = {scope for row in rows(INSTALL, 3) if "(optional" in row[0] for scope in re.findall(r"`([a-z_:]+)`", row[0])}
    assert set(asked) <= explained - optional
    assert {scope for scope in explained if ":" in scope} <= set(asked) | optional


def test_every_metric_is_explained() -> None:
    told = {row[0].strip("`").removesuffix("_total"): set(re.findall(r"`(\w+)`", row[1])) for row in rows(INSTALL, 3)}
    meters = _Meters()
    for meter in (meters.results, meters.checks, meters.steps, meters.slack, meters.watches):
        assert told[meter._name] == set(meter._labelnames)


@pytest.mark.parametrize("page", ["docs/settings.md", "docs/install.md"])
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", (ROOT / page).read_text()):
        if Path(link).name != "manifest.http.yaml" or (ROOT / "manifest.http.yaml").exists():
            assert (ROOT / page).parent.joinpath(link).resolve().exists(), link
