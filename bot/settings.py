"""What is set, checked: every setting under the name of its variable."""

import ipaddress
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError, field_validator

from bot.settings_sources import SECRETS, given
from commands.command import CommandError
from commands.registry import OWNER_OPTIONS

__all__ = ["CONTROL_HOST", "SECRETS", "VARIABLES", "VERIFY_AFTER", "Settings", "is_loopback", "load"]

CONTROL_HOST = "outlook-com.olc.protection.outlook.com"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Seconds = Annotated[float, Field(gt=0, le=3600)]


def _duration(value: Any) -> Any:
    """90s, 30m, 1h. Bare numbers would be guessed wrong by half of the people."""
    if not isinstance(value, str):
        return value
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smh])", value.strip())
    if found is None:
        raise ValueError("write a number and s, m or h, for example 30m")
    return timedelta(seconds=int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]])


Duration = Annotated[timedelta, BeforeValidator(_duration)]
VERIFY_AFTER = (timedelta(minutes=30), timedelta(minutes=60))


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
    exchange_tenant: str | None = Field(None, alias="MAILFLOW_EXCHANGE_TENANT")
    exchange_client_id: str | None = Field(None, alias="MAILFLOW_EXCHANGE_CLIENT_ID")
    exchange_client_secret: SecretStr | None = Field(None, alias="MAILFLOW_EXCHANGE_CLIENT_SECRET")
    exchange_certificate: Path | None = Field(None, alias="MAILFLOW_EXCHANGE_CERTIFICATE")
    exchange_fix_client_id: str | None = Field(None, alias="MAILFLOW_EXCHANGE_FIX_CLIENT_ID")
    exchange_fix_client_secret: SecretStr | None = Field(None, alias="MAILFLOW_EXCHANGE_FIX_CLIENT_SECRET")
    exchange_fix_certificate: Path | None = Field(None, alias="MAILFLOW_EXCHANGE_FIX_CERTIFICATE")
    exchange_url: str = Field("https://outlook.office365.com", alias="MAILFLOW_EXCHANGE_URL", pattern="^https://")
    login_url: str = Field("https://login.microsoftonline.com", alias="MAILFLOW_LOGIN_URL", pattern="^https://")
    exchange_ca_file: Path | None = Field(None, alias="MAILFLOW_EXCHANGE_CA_FILE")
    endpoints_url: str = Field("https://endpoints.office.com", alias="MAILFLOW_ENDPOINTS_URL", pattern="^(https://.*)?$")
    fix_terminal: bool = Field(True, alias="MAILFLOW_FIX_TERMINAL")
    fix_verify_after: tuple[Duration, ...] = Field(VERIFY_AFTER, alias="MAILFLOW_FIX_VERIFY_AFTER", min_length=1, max_length=10)

    fix_approvers: tuple[str, ...] = Field((), alias="MAILFLOW_FIX_APPROVERS")
    fix_approvals: int = Field(1, ge=0, le=20, alias="MAILFLOW_FIX_APPROVALS")
    fix_plan_ttl: Duration = Field(timedelta(minutes=15), alias="MAILFLOW_FIX_PLAN_TTL")

    @field_validator("dns", "allow_nets", "readers", "fix_verify_after", "fix_approvers", mode="before")
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
        "exchange_tenant",
        "exchange_client_id",
        "exchange_client_secret",
        "exchange_certificate",
        "exchange_fix_client_id",
        "exchange_fix_client_secret",
        "exchange_fix_certificate",
        "exchange_ca_file",
        mode="before",
    )
    @classmethod
    def _empty_is_absent(cls, value: Any) -> Any:
        return None if value == "" else value

    @field_validator("endpoints_url")
    @classmethod
    def _no_slash(cls, value: str) -> str:
        return value.rstrip("/")

    @field_validator("slack_api_url")
    @classmethod
    def _encrypted(cls, value: str) -> str:
        scheme, rest, host = value.partition("://")[0].lower(), value.partition("://")[2], _host(value)
        if not host or scheme not in ("http", "https"):
            raise ValueError("write an address that begins with https://")
        if scheme == "http" and not is_loopback(value):
            raise ValueError("the tokens go there, so it has to be https:// (http:// is for this machine's own addresses only)")
        # slack_sdk joins base and method as they are
        return f"{scheme}://{rest.rstrip('/')}/"


def is_loopback(url: str) -> bool:
    """Whether the address is on this machine, which no proxy leads to."""
    host = _host(url)
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host(url: str) -> str:
    """The host that a client will connect to; "" where clients may not agree on it."""
    if re.search(r"[\s\\\x00-\x1f]", url):
        return ""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def load(flags: dict[str, tuple[str, ...]], *, dotenv: bool = False) -> Settings:
    """Settings from flags ({"--dns": ("127.0.0.1",)}; a switch has no value), the environment and the env file.

    `dotenv` also reads ./.env (`serve` and `demo`). Raises CommandError that names the setting and the mend.
    """
    values = {name: value for name, value in given(flags, dotenv=dotenv).items() if name in VARIABLES}
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        flag = next((f"{o.flag} ({name})" for o in OWNER_OPTIONS if o.variable == name), name)
        shown = "" if name in SECRETS else f"; got {str(first['input'])[:80]!r}"
        raise CommandError(f"{flag}: {first['msg']}{shown}.") from None


VARIABLES = frozenset(str(field.alias) for field in Settings.model_fields.values())
