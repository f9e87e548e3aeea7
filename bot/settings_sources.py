"""The only reader of environment variables and settings files. A flag beats the environment; the environment beats the file.

Nothing is checked here, so that a program for which nothing is set does not wait for what checks it. Standard library only.
"""

import os
import stat
from pathlib import Path
from typing import Any

from commands.command import CommandError
from commands.registry import OWNER_OPTIONS

_OURS = ("MAILFLOW_", "SLACK_")
SECRETS = frozenset(
    {
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
        "SLACK_SIGNING_SECRET",
        "MAILFLOW_DATABASE_URL",
        "MAILFLOW_EXCHANGE_CLIENT_SECRET",
        "MAILFLOW_EXCHANGE_CERTIFICATE",
        "MAILFLOW_EXCHANGE_FIX_CLIENT_SECRET",
        "MAILFLOW_EXCHANGE_FIX_CERTIFICATE",
    }
)
_WHERE_SECRETS_GO = frozenset(
    {
        "SLACK_API_URL",
        "MAILFLOW_CA_FILE",
        "MAILFLOW_EXCHANGE_URL",
        "MAILFLOW_LOGIN_URL",
        "MAILFLOW_EXCHANGE_CA_FILE",
        "MAILFLOW_ENDPOINTS_URL",
    }
)
_EMPTY_IS_NONE = frozenset({"MAILFLOW_CONTROL_HOST", "MAILFLOW_ENDPOINTS_URL"})
"""Of these "none" is another thing than the default."""


def given(flags: dict[str, tuple[str, ...]], *, dotenv: bool = False) -> dict[str, Any]:
    """Values by variable, as written: of flags ({"--dns": ("127.0.0.1",)}; a switch has no value), the environment, the env file.

    `dotenv` also reads ./.env (`serve` and `demo`). Raises CommandError for a file that cannot be read.
    """
    named = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    found: dict[str, Any] = {n: v for n, v in (_from_files(flags, dotenv=dotenv) | named).items() if v or n in _EMPTY_IS_NONE}
    for option in OWNER_OPTIONS:
        if option.flag in flags and option.variable:
            values = flags[option.flag]
            found[option.variable] = True if not option.metavar else values if option.repeatable else values[-1]
    return found


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


def data_folder() -> Path | None:
    """The folder for mailflow's own database (XDG Base Directory); None for a user without a home directory."""
    return _user_folder("XDG_DATA_HOME", "~/.local/share")


def wants_color() -> bool:
    """Whether NO_COLOR (https://no-color.org) and TERM allow colours."""
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _own_file() -> Path:
    """The user's own file of settings; a user without a home directory has none."""
    folder = _user_folder("XDG_CONFIG_HOME", "~/.config")
    return folder / "env" if folder else Path(os.devnull)


def _user_folder(variable: str, default: str) -> Path | None:
    folder = os.environ.get(variable)
    try:
        return (Path(folder) if folder else Path(default).expanduser()) / "mailflow"
    except RuntimeError:
        return None


def _values(path: Path) -> dict[str, str]:
    """NAME=VALUE lines of a file that may not be there. Raises CommandError for one that cannot be read."""
    try:
        if not path.is_file():
            return {}
        from dotenv import dotenv_values

        found = dotenv_values(path, interpolate=False, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path}: the settings cannot be read ({error}).") from None
    return {name: value for name, value in found.items() if name.startswith(_OURS) and value is not None}


def _is_ours(path: Path) -> bool:
    """A file that somebody else can write must not choose where our secrets go."""
    try:
        facts = path.stat()
    except OSError:
        return False
    return facts.st_uid == os.getuid() and not facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and stat.S_ISREG(facts.st_mode)
