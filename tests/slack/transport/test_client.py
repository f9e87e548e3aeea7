"""The small parts of the way to Slack."""

import logging
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError

from bot.settings import load
from bot.slack.transport.client import error_code, is_loopback, retry_after, sdk_log
from commands.command import CommandError


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:3000/api/", True),
        ("ws://localhost:3000/", True),
        ("http://[::1]:3000/", True),
        ("https://slack.com/api/", False),
        ("https://127.0.0.1.evil.example/", False),
        ("https://192.0.2.1/", False),
        ("", False),
    ],
)
def test_is_loopback(url: str, expected: bool) -> None:
    assert is_loopback(url) is expected


def test_error_code_and_retry_after() -> None:
    response = SimpleNamespace(get={"error": "ratelimited"}.get, headers={"retry-after": "30"})
    error = SlackApiError("no", response)  # type: ignore[no-untyped-call]
    assert (error_code(error), retry_after(error)) == ("ratelimited", 30)
    # what the SDK raises when Slack's answer is no JSON holds aiohttp's response instead of its own
    bare = SlackApiError("no", SimpleNamespace(headers={}))  # type: ignore[no-untyped-call]
    assert (error_code(bare), retry_after(bare)) == ("", 0)
    assert (error_code(TimeoutError()), retry_after(aiohttp.ClientError())) == ("", 0)


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-12-ab_c",
        "xoxe.xoxb-1-abc",
        "xapp-1-A0-9-f00",
        "wss://wss-primary.slack.com/link/?ticket=f00-b4r&app_id=1",
        "https://hooks.slack.com/commands/T1/2/f00",
        "https://hooks.slack-gov.com/commands/T1/2/f00",
    ],
)
def test_the_sdks_log_keeps_secrets_to_itself(secret: str, caplog: pytest.LogCaptureFixture) -> None:
    try:
        raise RuntimeError(f"Invalid response status, url='{secret}'")
    except RuntimeError as error:
        sdk_log.exception("Failed to connect to %s (error: %s); Retrying...", secret, error)
    assert "Failed to connect" in caplog.text
    for part in ("f00", "b4r", "-ab_c", "1-abc"):
        assert part not in caplog.text


def test_the_sdk_is_never_as_talkative_as_to_log_payloads() -> None:
    assert sdk_log.level == logging.INFO


URLS = ("http://slack.example/api", "http://192.0.2.1/api/", "http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/")


@pytest.mark.parametrize("url", [*URLS, "ftp://127.0.0.1/", "slack.com/api", "https://", "http://127.0.0.1\\@evil.example/"])
def test_tokens_do_not_go_unencrypted_over_a_network(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SLACK_API_URL", url)
    with pytest.raises(CommandError, match="SLACK_API_URL: ") as caught:
        load({})
    assert caught.value.exit_code == 2
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("https://slack.example/api", "https://slack.example/api/"),
        ("HTTP://LOCALHOST:1/api", "http://LOCALHOST:1/api/"),
        ("http://[::1]:1/api//", "http://[::1]:1/api/"),
        ("http://127.8.9.1/", "http://127.8.9.1/"),
    ],
)
def test_where_the_web_api_may_be(url: str, base: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SLACK_API_URL", url)
    assert load({}).slack_api_url == base
