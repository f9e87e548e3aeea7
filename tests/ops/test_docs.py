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
from diagnostics.store import Retention
from tests.conftest import ROOT

SETTINGS = (ROOT / "docs/settings.md").read_text()
SECURITY = (ROOT / "SECURITY.md").read_text()
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
    for page in (INSTALL, SECURITY, (ROOT / "deploy/mailflow.service").read_text(), (ROOT / "deploy/Containerfile").read_text()):
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
    counted = [meter for meter in vars(meters).values() if hasattr(meter, "_labelnames")]
    assert len(counted) >= 5
    for meter in counted:
        assert told[meter._name] == set(meter._labelnames)


PAGES = sorted(str(path.relative_to(ROOT)) for folder in (ROOT, ROOT / "docs") for path in folder.glob("*.md"))


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / page).read_text()):
        assert (ROOT / page).parent.joinpath(link).resolve().exists(), link


# ---- what SECURITY.md promises


def section(title: str) -> str:
    return SECURITY.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_place_that_settings_lead_to_is_listed() -> None:
    listed = section("Whom it contacts")
    defaults = [field.default for field in FIELDS.values() if isinstance(field.default, str) and "." in field.default]
    hosts = {re.sub(r"^https://|/.*$", "", default) for default in defaults if not default.replace(".", "").isdigit()}
    assert {"slack.com", "endpoints.office.com", "127.0.0.1:9464"} <= hosts
    assert sorted(host for host in hosts if host not in listed) == []


def test_it_keeps_nothing_longer_than_it_says() -> None:
    said, kept = section("What is kept, and for how long"), Retention()
    for days in (kept.results, kept.last_results):
        assert f"{days.days} days" in said
    short = [kept.seen.days, kept.answers.days, kept.watches.days]
    assert f"{min(short)} to {max(short)} days" in said
    assert (kept.plans.days, kept.reports.days) == (1, 1)
    assert "| a day |" in said


def test_every_secret_can_be_replaced() -> None:
    assert set(re.findall(r"`((?:MAILFLOW|SLACK)_[A-Z_]+)`", section("Replacing secrets"))) == set(SECRETS)


def test_it_counts_the_scopes() -> None:
    scopes = yaml.safe_load((ROOT / "manifest.yaml").read_text())["oauth_config"]["scopes"]["bot"]
    optional = [row for row in rows(INSTALL, 3) if "(optional" in row[0]]
    assert len(scopes) == 8
    assert sum(row[0].count(":") for row in optional) >= 3
    assert "the eight scopes" in SECURITY
    assert "three more are optional" in SECURITY
