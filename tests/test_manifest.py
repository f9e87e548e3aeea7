"""manifest.yaml: valid for Slack, and asks for no more than what works."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from commands.registry import COMMANDS

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "samples/slack-manifest/manifest.schema.2.0.0.json").read_text())
SCOPES = {
    "commands": "the slash command",
    "chat:write": "answers and their threads",
}
"""Why we ask for each. Slack's schema takes any string for a scope, so a typo would pass it."""


@pytest.fixture
def manifest() -> Any:
    return yaml.safe_load((HERE.parent / "manifest.yaml").read_text())


def test_valid(manifest: Any) -> None:
    assert [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(manifest)] == []


def test_the_schema_can_fail(manifest: Any) -> None:
    manifest["features"]["slash_commands"][0]["command"] = 7
    assert list(jsonschema.Draft7Validator(SCHEMA).iter_errors(manifest))


def test_least_scopes(manifest: Any) -> None:
    assert set(manifest["oauth_config"]["scopes"]) == {"bot"}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(SCOPES)


def test_socket_mode_alone(manifest: Any) -> None:
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "url" not in json.dumps(manifest)


def test_nothing_that_does_not_work_yet(manifest: Any) -> None:
    assert manifest["features"]["app_home"]["home_tab_enabled"] is False
    assert set(manifest["features"]) == {"app_home", "bot_user", "slash_commands"}
    assert "event_subscriptions" not in manifest["settings"]


def test_usage_hint_names_the_commands_that_slack_takes(manifest: Any) -> None:
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == "/mailflow"
    assert command["usage_hint"] == " | ".join(c.usage for c in COMMANDS if c.front != "terminal")
