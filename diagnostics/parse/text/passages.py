"""A text as blocks: one bounce or note as a whole, or one block a row of a trace with the row's own time and connector."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from diagnostics.parse.tokens.times import moment

_ROW = re.compile(r"(?:^|(?<=\s))(?:Date|EventTime|DateTime|Timestamp|TaskName)[ \t]{1,30}:\s")
_TIME = re.compile(r"(?:^|(?<=\s))(?:Date|EventTime|DateTime|Timestamp|LastRetryTime)[ \t]{1,30}:[ \t]{0,4}(\S[^\n]{5,63})")
_CONNECTOR = re.compile(
    r"^[*_ \t]{0,8}(?:Connector|Connector ?Name|Connector[ _]?Id|Outbound ?Connector)[*_ \t]{0,30}[:=][*_` \t]{0,8}([^\n]{1,64})$"
    r"|^\|[*_ \t]{0,8}Connector(?: ?Name)?[*_ \t]{0,8}\|([^\n|]{1,64})\|[ \t]{0,8}$(?!\n\|[ :]{0,8}-)"  # two cells, no header
    r"|^Connector ?Name[ \t]{0,30}\n{1,4}([^\n]{1,64})$"  # cells of a table
    r"|TenantOutboundConnectorCustomData=Name=([^;<>\"|\n]{1,64})",
    re.MULTILINE | re.IGNORECASE,
)
_VALIDATION = ("IsTaskSuccessful", "Validate-OutboundConnector")
_VALIDATION_FAILED = re.compile(r"^[^\w\n]{0,16}Validation failed", re.MULTILINE)
"""Above what the admin center's form for connectors found."""


@dataclass(frozen=True, slots=True)
class Block:
    """A redacted text and what its surroundings say: the row's time, connector and (of a report's columns) server.

    `row`: one of a table, so that each is counted; `several`: the table is of several mails. `tried`: the output of a
    connector's validation; no mail is in a queue.
    """

    text: str
    time: datetime | None = None
    last_retry: datetime | None = None
    connector: str | None = None
    server: str = ""
    ip: str = ""
    row: bool = False
    several: bool = False
    tried: bool = False


def blocks(text: str) -> Iterator[Block]:
    """Rows as Format-List prints them become blocks; any other text is one."""
    failed = "Validation failed" in text and bool(_VALIDATION_FAILED.search(text))
    tried = failed or any(word in text for word in _VALIDATION)
    starts = [match.start() for match in _ROW.finditer(text)] if " :" in text else []
    if starts and text[: starts[0]].strip():
        yield _block(text[: starts[0]], tried, row=False)
    if not starts:
        yield _block(text, tried, row=False)
    for start, end in zip(starts, [*starts[1:], len(text)], strict=False):
        yield _block(text[start:end], tried, row=True)


def connector(text: str) -> str | None:
    """The connector that a field or the custom data of a trace names."""
    match = _CONNECTOR.search(text) if "onnector" in text else None
    return (match[match.lastindex or 1].strip(" \t*`") or None) if match else None


def _block(text: str, tried: bool, *, row: bool) -> Block:
    time = _TIME.search(text) if " :" in text else None
    return Block(
        text=text,
        time=moment(time[1]) if time else None,
        connector=connector(text),
        row=row,
        tried=tried,
    )
