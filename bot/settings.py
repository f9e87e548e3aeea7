"""The only reader of environment and settings files. A flag beats the environment; the environment beats the file."""

import ipaddress
import os
import stat
from pathlib import Path
from typing import Annotated, Any

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

from commands.command import CommandError
from commands.registry import OWNER_OPTIONS

CONTROL_HOST = "outlook-com.olc.protection.outlook.com"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Settings(BaseModel):
    """Every setting of contract 2 that works today, under the name of its variable. Frozen; lists accept commas or spaces."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    connectors: Path | None = Field(None, alias="MAILFLOW_CONNECTORS")
    accepted_domains: Path | None = Field(None, alias="MAILFLOW_ACCEPTED_DOMAINS")
    dns: tuple[str, ...] = Field((), alias="MAILFLOW_DNS")
    smtp_port: int = Field(25, ge=1, le=65535, alias="MAILFLOW_SMTP_PORT")
    ca_file: Path | None = Field(None, alias="MAILFLOW_CA_FILE")
    ehlo_name: str | None = Field(None, alias="MAILFLOW_EHLO_NAME")
    timeout: Seconds = Field(10, alias="MAILFLOW_TIMEOUT")
    deadline: Seconds = Field(60, alias="MAILFLOW_DEADLINE")
    concurrency: int = Field(256, ge=1, le=10_000, alias="MAILFLOW_CONCURRENCY")
    allow_nets: tuple[Network, ...] = Field((), alias="MAILFLOW_ALLOW_NETS")
    allow_private: bool = Field(False, alias="MAILFLOW_ALLOW_PRIVATE")
    control_host: str = Field(CONTROL_HOST, alias="MAILFLOW_CONTROL_HOST")
    slack_bot_token: SecretStr | None = Field(None, alias="SLACK_BOT_TOKEN")
    slack_app_token: SecretStr | None = Field(None, alias="SLACK_APP_TOKEN")
    slack_signing_secret: SecretStr | None = Field(None, alias="SLACK_SIGNING_SECRET")
    slack_api_url: str = Field("https://slack.com/api/", alias="SLACK_API_URL")
    http_address: str = Field("", alias="MAILFLOW_HTTP_ADDRESS")
    ops_address: str = Field("127.0.0.1:9464", alias="MAILFLOW_OPS_ADDRESS")
    readers: tuple[str, ...] = Field((), alias="MAILFLOW_READERS")
    database_url: SecretStr | None = Field(None, alias="MAILFLOW_DATABASE_URL")

    @field_validator("dns", "allow_nets", "readers", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator(
        "connectors",
        "accepted_domains",
        "ca_file",
        "ehlo_name",
        "slack_bot_token",
        "slack_app_token",
        "slack_signing_secret",
        "database_url",
        mode="before",
    )
    @classmethod
    def _empty_is_absent(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("slack_api_url")
    @classmethod
    def _slash(cls, value: str) -> str:
        # slack_sdk joins base and method as they are
        return value.rstrip("/") + "/"


def load(flags: dict[str, tuple[str, ...]], *, dotenv: bool = False) -> Settings:
    """Settings from flags ({"--dns": ("127.0.0.1",)}; a switch has no value), the environment and the env file.

    `dotenv` also reads ./.env (`serve` and `demo`). Raises CommandError that names the setting and the mend.
    """
    given: dict[str, Any] = _from_files(flags, dotenv=dotenv) | {
        name: os.environ[name] for name in VARIABLES if name in os.environ
    }
    # only of the control host is "none" another thing than the default
    given = {name: value for name, value in given.items() if value or name == "MAILFLOW_CONTROL_HOST"}
    for option in OWNER_OPTIONS:
        if option.flag in flags and option.variable:
            values = flags[option.flag]
            given[option.variable] = True if not option.metavar else values if option.repeatable else values[-1]
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        flag = next((f"{o.flag} ({name})" for o in OWNER_OPTIONS if o.variable == name), name)
        shown = "" if name in SECRETS else f"; got {str(first['input'])[:80]!r}"
        raise CommandError(f"{flag}: {first['msg']}{shown}.") from None


VARIABLES = frozenset(str(field.alias) for field in Settings.model_fields.values())
SECRETS = frozenset({"SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "MAILFLOW_DATABASE_URL"})
_WHERE_SECRETS_GO = frozenset({"SLACK_API_URL", "MAILFLOW_CA_FILE"})


def _from_files(flags: dict[str, tuple[str, ...]], *, dotenv: bool) -> dict[str, str]:
    """Values of the settings files; the file named, or the user's own, is stronger than ./.env. Raises CommandError."""
    if "--env-file" in flags:
        chosen = Path(flags["--env-file"][-1])
        if not chosen.is_file():
            raise CommandError(f"--env-file: there is no file {chosen}.")
    else:
        chosen = _own_file()
    stronger = _values(chosen)
    beside = _values(Path(".env")) if dotenv and _is_ours(Path(".env")) else {}
    if any(name in stronger or name in os.environ for name in SECRETS):
        # a file in some folder must not choose where a secret of another place is sent
        beside = {name: value for name, value in beside.items() if name not in _WHERE_SECRETS_GO}
    return beside | stronger


def _own_file() -> Path:
    """The user's own file of settings; somebody without a home directory has none."""
    folder = os.environ.get("XDG_CONFIG_HOME")
    try:
        return (Path(folder) if folder else Path("~/.config").expanduser()) / "mailflow" / "env"
    except RuntimeError:
        return Path(os.devnull)


def _values(path: Path) -> dict[str, str]:
    """NAME=VALUE lines of a file that may not be there. Raises CommandError for one that cannot be read."""
    try:
        if not path.is_file():
            return {}
        found = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: the settings cannot be read ({error}).") from None
    return {name: value for name, value in found.items() if name in VARIABLES and value is not None}


def _is_ours(path: Path) -> bool:
    """A file that somebody else can write must not choose where our secrets go."""
    try:
        facts = path.stat()
    except OSError:
        return False
    return facts.st_uid == os.getuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and stat.S_ISREG(facts.st_mode)
