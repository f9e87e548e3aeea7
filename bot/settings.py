"""The only reader of environment and settings files. A flag beats the environment; the environment beats the file."""

import ipaddress
import os
import stat
from pathlib import Path
from typing import Annotated, Any

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from commands.command import CommandError
from commands.registry import OWNER_OPTIONS

CONTROL_HOST = "outlook-com.olc.protection.outlook.com"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Seconds = Annotated[float, Field(gt=0, le=3600)]


def _named(variable: str) -> Any:
    return AliasChoices(variable)


class Settings(BaseSettings):
    """Every setting of contract 2 that works today, under the name of its variable. Frozen; lists accept commas or spaces."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_prefix="", case_sensitive=True, populate_by_name=True)

    connectors: Path | None = Field(None, validation_alias=_named("MAILFLOW_CONNECTORS"))
    accepted_domains: Path | None = Field(None, validation_alias=_named("MAILFLOW_ACCEPTED_DOMAINS"))
    dns: Annotated[tuple[str, ...], NoDecode] = Field((), validation_alias=_named("MAILFLOW_DNS"))
    smtp_port: int = Field(25, ge=1, le=65535, validation_alias=_named("MAILFLOW_SMTP_PORT"))
    ca_file: Path | None = Field(None, validation_alias=_named("MAILFLOW_CA_FILE"))
    ehlo_name: str | None = Field(None, validation_alias=_named("MAILFLOW_EHLO_NAME"))
    timeout: Seconds = Field(10, validation_alias=_named("MAILFLOW_TIMEOUT"))
    deadline: Seconds = Field(60, validation_alias=_named("MAILFLOW_DEADLINE"))
    concurrency: int = Field(256, ge=1, le=10_000, validation_alias=_named("MAILFLOW_CONCURRENCY"))
    allow_nets: Annotated[tuple[Network, ...], NoDecode] = Field((), validation_alias=_named("MAILFLOW_ALLOW_NETS"))
    allow_private: bool = Field(False, validation_alias=_named("MAILFLOW_ALLOW_PRIVATE"))
    control_host: str = Field(CONTROL_HOST, validation_alias=_named("MAILFLOW_CONTROL_HOST"))
    slack_bot_token: SecretStr | None = Field(None, validation_alias=_named("SLACK_BOT_TOKEN"))
    slack_app_token: SecretStr | None = Field(None, validation_alias=_named("SLACK_APP_TOKEN"))
    slack_api_url: str = Field("https://slack.com/api/", validation_alias=_named("SLACK_API_URL"))

    @field_validator("dns", "allow_nets", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value

    @field_validator(
        "connectors", "accepted_domains", "ca_file", "ehlo_name", "slack_bot_token", "slack_app_token", mode="before"
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
    given: dict[str, Any] = {}
    for option in OWNER_OPTIONS:
        if option.flag in flags and option.variable:
            values = flags[option.flag]
            given[option.variable] = True if not option.metavar else values if option.repeatable else values[-1]
    try:
        return Settings(_env_file=_files(flags, dotenv=dotenv), _env_file_encoding="utf-8", **given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        flag = next((f"{o.flag} ({name})" for o in OWNER_OPTIONS if o.variable == name), name)
        raise CommandError(f"{flag}: {first['msg']}; got {str(first['input'])[:80]!r}.") from None
    except UnicodeDecodeError as error:
        raise CommandError(f"The settings file is not UTF-8 text ({error.reason} at byte {error.start}).") from None


def _files(flags: dict[str, tuple[str, ...]], *, dotenv: bool) -> tuple[Path, ...]:
    """Files of settings, weakest first."""
    if "--env-file" in flags:
        chosen = Path(flags["--env-file"][-1])
        if not chosen.is_file():
            raise CommandError(f"--env-file: there is no file {chosen}.")
        return (chosen,)
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "mailflow" / "env"
    found = [home] if home.is_file() else []
    if dotenv and _is_ours(Path(".env")):
        found.append(Path(".env"))
    return tuple(found)


def _is_ours(path: Path) -> bool:
    """A file that somebody else can write must not choose where our secrets go."""
    try:
        facts = path.stat()
    except OSError:
        return False
    return facts.st_uid == os.getuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and stat.S_ISREG(facts.st_mode)
