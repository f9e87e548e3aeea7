"""Settings: a flag beats the environment, the environment beats the file (contract 2)."""

from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from bot.settings import CONTROL_HOST, load
from commands.command import CommandError
from commands.registry import OWNER_OPTIONS


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def env_file(path: Path, values: Mapping[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{k}={v}\n" for k, v in values.items()), encoding="utf-8")
    path.chmod(0o600)
    return path


# flag, variable, field, three values as written (file, environment, flag), and the last as it is read
SETTINGS: list[tuple[str, str, str, tuple[str, str, str], Any]] = [
    ("--connectors", "MAILFLOW_CONNECTORS", "connectors", ("f", "e", "c.json"), Path("c.json")),
    ("--accepted-domains", "MAILFLOW_ACCEPTED_DOMAINS", "accepted_domains", ("f", "e", "d.json"), Path("d.json")),
    ("--dns", "MAILFLOW_DNS", "dns", ("1.1.1.1", "2.2.2.2", "3.3.3.3:53"), ("3.3.3.3:53",)),
    ("--smtp-port", "MAILFLOW_SMTP_PORT", "smtp_port", ("1", "2", "2525"), 2525),
    ("--ca-file", "MAILFLOW_CA_FILE", "ca_file", ("f", "e", "ca.pem"), Path("ca.pem")),
    ("--ehlo-name", "MAILFLOW_EHLO_NAME", "ehlo_name", ("f", "e", "probe.test"), "probe.test"),
    ("--timeout", "MAILFLOW_TIMEOUT", "timeout", ("1", "2", "0.5"), 0.5),
    ("--deadline", "MAILFLOW_DEADLINE", "deadline", ("1", "2", "30"), 30.0),
    ("--concurrency", "MAILFLOW_CONCURRENCY", "concurrency", ("1", "2", "8"), 8),
    (
        "--allow-net",
        "MAILFLOW_ALLOW_NETS",
        "allow_nets",
        ("10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"),
        (ip_network("10.3.0.0/16"),),
    ),
    ("--control-host", "MAILFLOW_CONTROL_HOST", "control_host", ("f", "e", "control.test"), "control.test"),
]


def test_every_flag_of_the_registry_is_tried_here() -> None:
    assert {o.flag for o in OWNER_OPTIONS} == {row[0] for row in SETTINGS} | {"--allow-private", "--env-file"}
    assert all(row[1] in {o.variable for o in OWNER_OPTIONS} for row in SETTINGS)


@pytest.mark.parametrize("row", SETTINGS, ids=[row[0] for row in SETTINGS])
def test_a_flag_beats_the_environment_and_the_environment_beats_the_file(
    row: tuple[str, str, str, tuple[str, str, str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag, variable, field, (in_file, in_environment, on_line), value = row
    default = getattr(load({}), field)
    file = env_file(tmp_path / "config" / "mailflow" / "env", {variable: in_file})
    from_file = getattr(load({}), field)
    monkeypatch.setenv(variable, in_environment)
    from_environment = getattr(load({}), field)
    from_flag = getattr(load({flag: (on_line,)}), field)
    assert from_flag == value
    assert len({str(v) for v in (default, from_file, from_environment, from_flag)}) == 4
    monkeypatch.delenv(variable)
    assert str(getattr(load({"--env-file": (str(file),)}), field)) == str(from_file)


def test_the_defaults_are_the_contracts() -> None:
    plain = load({})
    assert (plain.smtp_port, plain.timeout, plain.deadline, plain.concurrency) == (25, 10, 60, 256)
    assert (plain.allow_nets, plain.allow_private, plain.control_host) == ((), False, CONTROL_HOST)
    assert CONTROL_HOST == "outlook-com.olc.protection.outlook.com"
    assert (plain.connectors, plain.dns, plain.ca_file) == (None, (), None)


def test_a_switch_is_on_by_its_flag_or_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load({"--allow-private": ()}).allow_private
    for word, on in (("1", True), ("true", True), ("on", True), ("0", False), ("false", False), ("off", False)):
        monkeypatch.setenv("MAILFLOW_ALLOW_PRIVATE", word)
        assert load({}).allow_private is on


def test_lists_take_commas_or_blanks_and_repeated_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILFLOW_DNS", "192.0.2.1, [2001:db8::1]:53 192.0.2.2")
    assert load({}).dns == ("192.0.2.1", "[2001:db8::1]:53", "192.0.2.2")
    assert load({"--dns": ("192.0.2.3", "192.0.2.4")}).dns == ("192.0.2.3", "192.0.2.4")


def test_an_empty_control_host_means_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILFLOW_CONTROL_HOST", "")
    assert load({}).control_host == ""
    monkeypatch.delenv("MAILFLOW_CONTROL_HOST")
    assert load({"--control-host": ("",)}).control_host == ""


@pytest.mark.parametrize("variable", [row[1] for row in SETTINGS if row[2] != "control_host"] + ["MAILFLOW_ALLOW_PRIVATE"])
def test_an_empty_variable_is_an_absent_one(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    default = load({})
    monkeypatch.setenv(variable, "")
    assert load({}) == default


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--smtp-port", "x"),
        ("--smtp-port", "0"),
        ("--smtp-port", "65536"),
        ("--smtp-port", "2.5"),
        ("--timeout", "0"),
        ("--timeout", "-1"),
        ("--timeout", "nan"),
        ("--timeout", "inf"),
        ("--timeout", "ten"),
        ("--deadline", "0"),
        ("--concurrency", "0"),
        ("--concurrency", "x"),
        ("--allow-net", "10.0.0.0/33"),
        ("--allow-net", "10.0.0.1/8"),
        ("--allow-net", "everything"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_names_flag_variable_and_value(
    flag: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    option = next(o for o in OWNER_OPTIONS if o.flag == flag)
    said = []
    with pytest.raises(CommandError) as by_flag:
        load({flag: (value,)})
    said.append(str(by_flag.value))
    monkeypatch.setenv(option.variable, value)
    with pytest.raises(CommandError) as by_variable:
        load({})
    said.append(str(by_variable.value))
    for sentence in said:
        assert sentence.startswith(f"{flag} ({option.variable}): ")
        assert repr(value) in sentence
        assert "instance of IPv" not in sentence
        assert sentence.isprintable()


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    file = tmp_path / "latin.env"
    file.write_bytes("MAILFLOW_EHLO_NAME=büro\n".encode("latin-1"))
    with pytest.raises(CommandError, match=r"latin\.env"):
        load({"--env-file": (str(file),)})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load({}).smtp_port = 26  # type: ignore[misc]


# --- ./.env ---


def test_a_folders_env_is_read_by_serve_and_demo_alone(tmp_path: Path) -> None:
    env_file(tmp_path / ".env", {"MAILFLOW_SMTP_PORT": "2626"})
    assert load({}).smtp_port == 25
    assert load({}, dotenv=True).smtp_port == 2626


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_folders_env_that_others_can_write_is_not_read(tmp_path: Path, mode: int) -> None:
    env_file(tmp_path / ".env", {"MAILFLOW_SMTP_PORT": "2626"}).chmod(mode)
    assert load({}, dotenv=True).smtp_port == 25


def test_a_folders_env_does_not_choose_where_a_secret_from_elsewhere_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env_file(
        tmp_path / ".env",
        {"SLACK_API_URL": "https://evil.example/api/", "MAILFLOW_CA_FILE": "evil.pem", "MAILFLOW_SMTP_PORT": "2626"},
    )
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-1")
    found = load({}, dotenv=True)
    assert found.slack_api_url == "https://slack.com/api/"
    assert found.ca_file is None
    assert found.smtp_port == 2626


def test_a_folders_env_that_brings_its_own_secret_may_choose(tmp_path: Path) -> None:
    env_file(
        tmp_path / ".env",
        {"SLACK_API_URL": "https://proxy.example/api", "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"},
    )
    assert load({}, dotenv=True).slack_api_url == "https://proxy.example/api/"


def test_secrets_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    assert "xoxb-secret" not in repr(load({}))
