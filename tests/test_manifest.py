"""Both manifests: valid for Slack, and asking for no more than what works."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from bot.__main__ import main
from bot.slack import listeners
from bot.slack.inbound import payloads
from bot.slack.transport.signed_http import PATH
from commands.registry import on

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE / "samples/slack-manifest/manifest.schema.2.0.0.json").read_text())
SCOPES = {
    "commands": "the slash command and the message shortcut",
    "chat:write": "answers and their threads",
    "app_mentions:read": "@mailflow in channels and threads",
    "im:history": "commands in a direct message",
    "users:read": "guests, strangers and bots are refused",
    "usergroups:read": "user groups in MAILFLOW_READERS",
    "channels:read": "is this channel shared with another organisation?",
    "groups:read": "the same of private channels",
}
"""Why we ask for each. Slack's schema takes any string for a scope, so a typo would pass it."""


@pytest.fixture(params=["manifest.yaml", "manifest.http.yaml"])
def manifest(request: pytest.FixtureRequest) -> Any:
    return yaml.safe_load((HERE.parent / request.param).read_text())


def read(name: str) -> Any:
    return yaml.safe_load((HERE.parent / name).read_text())


def test_valid(manifest: Any) -> None:
    assert [error.message for error in jsonschema.Draft7Validator(SCHEMA).iter_errors(manifest)] == []


def test_the_schema_can_fail(manifest: Any) -> None:
    manifest["features"]["slash_commands"][0]["command"] = 7
    assert list(jsonschema.Draft7Validator(SCHEMA).iter_errors(manifest))


def test_least_scopes(manifest: Any) -> None:
    assert set(manifest["oauth_config"]["scopes"]) == {"bot"}
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == set(SCOPES)


@pytest.mark.parametrize("name", ["manifest.yaml", "manifest.http.yaml"])
def test_each_scope_says_why(name: str) -> None:
    text = (HERE.parent / name).read_text()
    assert [scope for scope, why in SCOPES.items() if f"- {scope} # {why}\n" not in text] == []


def test_socket_mode_needs_no_address() -> None:
    manifest = read("manifest.yaml")
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert "url" not in json.dumps(manifest)


def test_http_has_one_address_for_everything() -> None:
    manifest = read("manifest.http.yaml")
    assert manifest["settings"]["socket_mode_enabled"] is False
    settings = manifest["settings"]
    urls = {
        manifest["features"]["slash_commands"][0].pop("url"),
        settings["event_subscriptions"].pop("request_url"),
        settings["interactivity"].pop("request_url"),
    }
    assert urls == {f"https://mailflow.example.com{PATH}"}
    settings["socket_mode_enabled"] = True
    assert manifest == read("manifest.yaml"), "nothing else differs"


def test_nothing_that_does_not_work_yet(manifest: Any) -> None:
    assert manifest["features"]["app_home"] == {
        "home_tab_enabled": False,
        "messages_tab_enabled": True,
        "messages_tab_read_only_enabled": False,
    }
    assert set(manifest["features"]) == {"app_home", "bot_user", "shortcuts", "slash_commands"}
    assert manifest["settings"]["event_subscriptions"]["bot_events"] == ["app_mention", "message.im"]
    assert manifest["settings"]["interactivity"]["is_enabled"] is True


def test_the_shortcut_is_the_one_that_is_listened_to(manifest: Any) -> None:
    (shortcut,) = manifest["features"]["shortcuts"]
    assert (shortcut["name"], shortcut["type"], shortcut["callback_id"]) == (payloads.DIAGNOSE, "message", listeners.DIAGNOSE)


def test_usage_hint_names_the_commands_that_slack_takes(manifest: Any) -> None:
    (command,) = manifest["features"]["slash_commands"]
    assert command["command"] == "/mailflow"
    assert command["usage_hint"] == " | ".join(c.usage for c in on("chat"))


@pytest.mark.parametrize(("words", "name"), [((), "manifest.yaml"), (("--http",), "manifest.http.yaml")])
def test_the_command_prints_it_whole(words: tuple[str, ...], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["manifest", *words]) == 0
    assert capsys.readouterr() == ((HERE.parent / name).read_text(encoding="utf-8"), "")


def test_an_output_that_knows_only_ascii_gets_a_manifest_of_the_same_meaning() -> None:
    env = {"PATH": os.defpath, "PYTHONPATH": str(HERE.parent), "PYTHONIOENCODING": "ascii"}
    argv = [sys.executable, "-m", "mailflow", "manifest"]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.isascii()
    assert yaml.safe_load(done.stdout) == read("manifest.yaml")
