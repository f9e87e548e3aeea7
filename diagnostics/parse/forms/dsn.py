"""The machine-readable part of a bounce (RFC 3464): one error a recipient. Microsoft's names no destination, others' may."""

import re
from collections.abc import Iterator
from itertools import islice

from diagnostics.parse.forms import error_string, mta_log
from diagnostics.parse.forms.statement import Fate, Record, Statement
from diagnostics.parse.tokens import reply_codes
from diagnostics.parse.tokens.times import moment

_FIELD = re.compile(
    r"(?:^|(?<=\s))(Reporting-MTA|Arrival-Date|Received-From-MTA|DSN-Gateway|Original-Envelope-Id|Original-Recipient|"
    r"Final-Recipient|Action|Status|Diagnostic-Code|Remote-MTA|Last-Attempt-Date|Will-Retry-Until|Final-Log-Id|"
    r"X-Display-Name|X-Supplementary-Info)[ \t]{0,4}:[ \t]{0,4}",
    re.IGNORECASE,
)
_END = re.compile(r"\n(?![ \t])")
_NAME = re.compile(r"(?:dns\s{0,3};\s{0,3})?([^\s(;]{1,255})(?:\s{0,3}\(([0-9A-Fa-f.:]{2,45})[),\s])?", re.IGNORECASE)
_ONLY_HERE = ("iagnostic-", "inal-Recipient", "eporting-MTA")
_OF_THE_MESSAGE = ("reporting-mta", "arrival-date")
_NO_FAILURE = ("delivered", "relayed", "expanded")
_FATES: dict[str, Fate] = {"failed": "returned", "delayed": "delayed"}
MAX_VALUE = 2048
MAX_FIELDS = 16384
"""A text of 256 KiB that is nothing but fields has more; no bounce has."""


def records(text: str) -> Iterator[Record]:
    """The fields of each recipient over those of the message, wherever in the text, whole or in pieces."""
    if not any(word in text for word in _ONLY_HERE):
        return
    message: dict[str, str] = {}
    for record in _groups(text):
        if "reporting-mta" in record.fields:
            message = {key: record.fields[key] for key in _OF_THE_MESSAGE if key in record.fields}
        record.fields = message | record.fields
        yield record


def statement(record: Record) -> Statement | None:
    """The recipient's error, None if nothing failed or no code is told."""
    fields = record.fields
    action = fields.get("action", "").strip().lower()
    said = _diagnosis(fields.get("diagnostic-code", ""))
    told, status = reply_codes.leading(said) or next(reply_codes.find(said), None), reply_codes.leading(fields.get("status", ""))
    place = told or status
    if place is None or place.code.basic[0] == "2" or action in _NO_FAILURE:
        return None
    if told and status and told.code.enhanced.endswith(".0.0"):
        place = place._replace(code=reply_codes.Code(told.code.basic, status.code.enhanced))
    if not said.strip() and status:
        said = fields["status"][status.end :].strip(" \t\n()")
    server, ip = _name(fields.get("remote-mta", ""))
    if not server:
        server, ip = mta_log.peer(said)
    return Statement(
        form="dsn",
        start=record.start,
        end=record.end,
        code=place.code,
        core=error_string.parts(said[place.end :] if told else said, place),
        server=server,
        ip=ip,
        reporter=_name(fields.get("reporting-mta", ""))[0],
        time=moment(fields.get("last-attempt-date", "")),
        arrival=moment(fields.get("arrival-date", "")),
        fate=_FATES.get(action),
        retry_until=moment(fields.get("will-retry-until", "")),
    )


def _groups(text: str) -> Iterator[Record]:
    """A recipient's fields begin with its name, or where a field comes a second time."""
    record: Record | None = None
    places = list(islice(_FIELD.finditer(text), MAX_FIELDS))
    for place, after in zip(places, [*places[1:], None], strict=False):
        key = place[1].lower()
        limit = min(after.start() if after else len(text), place.end() + MAX_VALUE)
        line = _END.search(text, place.end(), limit)
        end = line.start() if line else limit
        begins = key in ("final-recipient", "reporting-mta") and record is not None and "status" in record.fields
        if record is None or begins or key in record.fields:
            if record is not None:
                yield record
            record = Record(place.start(), end)
        record.fields[key] = text[place.end() : end]
        record.end = end
    if record is not None:
        yield record


def _diagnosis(value: str) -> str:
    """What stands behind the type (`smtp;`), or all of it where no type stands."""
    kind, semicolon, said = value.partition(";")
    return said if semicolon and kind.strip().lower() in ("smtp", "x-unix", "x-postfix") else value


def _name(value: str) -> tuple[str, str]:
    match = _NAME.match(value)
    return (match[1], match[2] or "") if match else ("", "")
