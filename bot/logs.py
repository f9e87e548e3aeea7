"""The log of `serve`: JSON on standard error, one line an event, without tokens and without people.

Whatever is logged, by us or by a library, through `logging`, goes through `redacted` last of all.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO
from urllib.parse import quote, unquote

MAX_TEXT = 8_000  # characters of an event
MAX_EXCEPTION = 20_000
SHORTEST = 6  # a shorter secret is not looked for by its letters: it would blacken half the log
PAYLOADS = ("mailflow.slack.sdk", "slack_sdk", "slack_bolt")
"""Loggers that write whole payloads, with what people said, below INFO."""
CHATTY = ("alembic.runtime.plugins",)

# What may stand before the @ of an address, and more: rather a word too many than a person.
_LOCAL = r"[^\s<>\"(),:;\[\]\\@|]"
_NAMES = r"(?:token|secret|password|passwd|ticket|signature|response_url|trigger_id|api_?key)"
_URL = re.compile(
    r"([a-z][a-z0-9+.-]{1,20}://)(?:[^\s/?#@'\"<>]*@)?"  # scheme; who logs in
    r"([^\s/?#'\"<>]*)((?:/api/[a-z]+(?:\.[a-z]+)+)?)"  # host; a method of Slack's
    r"([^\s'\"<>]*)",
    re.I,
)
_HIDDEN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"xox[a-z.]{1,12}-[\w%-]+|xapp-[\w%-]+|\beyJ[\w-]+\.[\w-]+\.[\w-]*", re.I), "…"),
    (re.compile(r"(bearer|basic)(?:\s|%20|\+)+[^\s'\",;]+", re.I), r"\1 …"),
    # {'token': '…'}, "response_url": "…"
    (re.compile(rf"({_NAMES}\w{{0,20}}\\?['\"]\s{{0,9}}:\s{{0,9}}b?\\?['\"])(?:\\.|[^'\"\\])*", re.I), r"\1…"),
    # token=…, as in forms, environments and reprs
    (re.compile(rf"({_NAMES}\w{{0,20}}=['\"]?)[^\s&'\",;]+", re.I), r"\1…"),
    (re.compile(r"(?<=\S)\?\S+"), "?…"),
    (re.compile(r"hooks\.slack(-gov)?\.com\S*", re.I), r"hooks.slack\1.com/…"),
    # only from the start of a run: text without any @ costs no more than one look back
    (re.compile(rf"(?<!{_LOCAL}){_LOCAL}+@|\"[^\"\n]{{1,200}}\"@"), "…@"),
    (re.compile(r"(?<![\w.+-])[\w.+-]+%40"), "…%40"),
)


def redacted(text: str, secrets: Iterable[str] = ()) -> str:
    """Without tokens, without the paths and queries of addresses (Slack's method stays), without the people in mail addresses."""
    for secret in secrets:
        text = text.replace(secret, "…")
    for pattern, instead in _HIDDEN[:2]:
        text = pattern.sub(instead, text)
    text = _URL.sub(_address, text)
    for pattern, instead in _HIDDEN[2:]:
        text = pattern.sub(instead, text)
    return text


def _address(found: re.Match[str]) -> str:
    rest = "/…" if any(map(str.isalnum, found[4])) else found[4]
    return f"{found[1]}{found[2]}{found[3]}{rest}"


def configure(secrets: Iterable[str] = (), stream: TextIO | None = None) -> None:
    """Route everything here. `secrets` are values that must not be shown wherever they turn up (see `values_of`)."""
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(_Formatter(secrets))
    handler.addFilter(_no_payloads)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in PAYLOADS:
        logger = logging.getLogger(name)
        logger.setLevel(max(logging.INFO, logger.level))
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught


def values_of(settings: object) -> frozenset[str]:
    """The secret values among some settings (fields of pydantic's SecretStr), and the passwords of addresses among them."""
    found: set[str] = set()
    for value in vars(settings).values():
        if hasattr(value, "get_secret_value"):
            secret = str(value.get_secret_value())
            passwords = re.findall(r"://[^/@]*?:(.*)@", secret)
            found |= {secret, *passwords, *map(unquote, passwords)}
    return frozenset(found)


class _Formatter(logging.Formatter):
    """A record of anybody's → one line of JSON. Never raises."""

    def __init__(self, secrets: Iterable[str]) -> None:
        super().__init__()
        long = {secret for secret in secrets if len(secret) >= SHORTEST}
        forms = long | {quote(s, safe="") for s in long} | {repr(s)[1:-1] for s in long}
        self._secrets = sorted(forms, key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        try:
            return self._line(record, record.getMessage(), record.exc_info)
        except Exception as error:  # a message that does not fit its arguments must not end up raw on standard error
            return self._line(record, f"an event could not be written: {type(error).__name__}", None)

    def _line(self, record: logging.LogRecord, event: str, error: object) -> str:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"time": stamp, "level": record.levelname.lower(), "logger": record.name, "event": self._text(event, MAX_TEXT)}
        if isinstance(error, tuple) and error[0]:
            line["exception"] = self._text(self.formatException(error), MAX_EXCEPTION)
        return json.dumps(line)

    def _text(self, text: str, most: int) -> str:
        """Redacted first and cut then, lest half a token remain. The end says most, of tracebacks too: the cut is before it."""
        text = redacted(text, self._secrets)
        return text if len(text) <= most else f"{text[: most // 4]}…{text[-(most * 3 // 4) :]}"


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """A closed standard error: nobody to tell, and the standard way would print the record as it is."""


def _no_payloads(record: logging.LogRecord) -> bool:
    # whatever level somebody gives these loggers later
    return record.levelno >= logging.INFO or not record.name.startswith(PAYLOADS)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("mailflow").critical("mailflow ends: %s", kind.__name__, exc_info=(kind, error, trace))
