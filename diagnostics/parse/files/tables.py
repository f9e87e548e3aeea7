"""Rows of a message trace: CSV reports with their header line, JSON of Graph or PowerShell. A row becomes a block of its own.

CSV columns: Start-HistoricalSearch, "Message trace in the modern Exchange admin center"; tracking logs name theirs in `#Fields:`.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from diagnostics.parse.forms.error_string import tidy
from diagnostics.parse.text.passages import Block
from diagnostics.parse.tokens.times import moment

_TIME = (
    *("origintimestamp", "origintimestamputc", "datetimeutc", "dateutc", "datetime", "date", "received", "timestamp"),
    *("receiveddatetime", "createddatetime"),
)
_CONNECTOR = ("connectorid", "connector", "connectorname", "outboundconnector")
_HOST, _ADDRESS = ("serverhostname",), ("serverip",)
_NOT_READ = frozenset(
    (
        *("messagesubject", "subject", "senderaddress", "returnpath"),
        *("id", "messageid", "networkmessageid", "internalmessageid", "messagetraceid"),
    )
)
"""People's data, and numbers that could look like codes."""

_COLUMNS = _NOT_READ | frozenset(
    (
        *(*_TIME, *_CONNECTOR, *_HOST, *_ADDRESS),
        *("recipientaddress", "recipientstatus", "status", "fromip", "toip", "clientip", "originalclientip", "directionality"),
        *("eventid", "event", "action", "detail", "description", "data", "source", "sourcecontext", "customdata", "reference"),
        *("size", "totalbytes"),
    )
)
_CODE = re.compile(r"[45]\.[0-9]\.[0-9]|=[45][0-9]{2}[ -]")
_RETRY = re.compile(r"\{LRT=([^{}]{6,32})\}")
_TIMES = re.compile(r" [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,16}Z [0-9A-F]{16}(?=\])|\{LRT=[^{}]{0,32}\}")
MAX_ROWS = 100_000
"""The most lines of one report (Start-HistoricalSearch)."""

MAX_OBJECTS = 200_000
"""Brackets in a JSON document: two bytes of text can be a hundred of memory."""

MAX_FIELDS = 64
MAX_HEADER = 16384


class _Header(NamedTuple):
    """The columns' plain names, and where the first row begins."""

    names: list[str]
    delimiter: str
    end: int


def is_csv(text: str, *, certain: bool) -> bool:
    """Whether the first line names columns: three known ones, or one if it is `certain` by the file's name."""
    header = _header(text)
    return header is not None and names_columns(header.names, certain=certain)


def names_columns(cells: Sequence[str], *, certain: bool) -> bool:
    """Whether a row names columns, by the same rule."""
    return sum(_name(cell) in _COLUMNS for cell in cells) >= (1 if certain else 3)


def says_an_error(cells: Sequence[str]) -> bool:
    """Whether a row may say an error: without the names of its columns that is all that can be told."""
    return any(map(_CODE.search, cells))


def csv_rows(text: str) -> Iterator[Block]:
    """The rows of a CSV report that say an error."""
    header = _header(text)
    if header is None:
        return
    rows = csv.reader(text[header.end :].splitlines(), delimiter=header.delimiter)
    for _ in range(MAX_ROWS):
        try:
            row = next(rows, None)
        except csv.Error:  # a field beyond the limit of 128 KiB
            continue
        if row is None:
            return
        cells = dict(zip(header.names, row, strict=False))
        if texts := _texts(cells):
            yield _block(cells, texts, several=True)


def json_rows(text: str) -> list[Block] | None:
    """The rows of a JSON document, None if it is none: objects with texts in them, at any depth, in order."""
    if text.lstrip()[:1] not in ("{", "[") or '"' not in text or text.count("{") + text.count("[") > MAX_OBJECTS:
        return None
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found: list[Block] = []
    waiting = [document]
    while waiting and len(found) < MAX_ROWS:
        value = waiting.pop()
        if isinstance(value, list):
            waiting += reversed(value)
        elif isinstance(value, dict):
            cells = {_name(key): cell for key, cell in value.items() if isinstance(cell, str)}
            if _texts(cells):
                found.append(_block(cells, [cell for name, cell in cells.items() if name not in _NOT_READ], several=False))
            waiting += [inner for inner in reversed(value.values()) if isinstance(inner, dict | list)]
        elif isinstance(value, str) and _CODE.search(value):
            found.append(Block(value))
    return found


def _header(text: str) -> _Header | None:
    """The first line, or the one that says `#Fields:`; Export-Csv of PowerShell 5 writes a line of its own before it."""
    start = len(text) - len(text.lstrip("\ufeff\n"))
    if text.startswith("#TYPE", start):
        start = text.find("\n", start) + 1
    if (fields := text.find("#Fields:", start, start + 4096)) >= 0:
        start = fields + len("#Fields: ")
    end = text.find("\n", start, start + MAX_HEADER)
    line = text[start:end] if end >= 0 else ""
    delimiter = max(",;\t", key=line.count)
    names = [_name(cell) for cell in line.split(delimiter, MAX_FIELDS)]
    return _Header(names, delimiter, end + 1) if 2 <= len(names) <= MAX_FIELDS else None


def _texts(cells: dict[str, str]) -> list[str]:
    return [cell for name, cell in cells.items() if name not in _NOT_READ and _CODE.search(cell)]


def _block(cells: dict[str, str], texts: list[str], *, several: bool) -> Block:
    """The row's texts one under the other. Times inside them are taken out, so that rows with one error have one text."""
    text = "\n\n".join(texts)
    retry = _RETRY.search(text)
    return Block(
        text=_TIMES.sub("", text) if retry or "Z " in text else text,
        time=moment(_first(cells, _TIME)),
        last_retry=moment(retry[1]) if retry else None,
        connector=tidy(_first(cells, _CONNECTOR)) or None,
        server=_first(cells, _HOST),
        ip=_first(cells, _ADDRESS),
        row=True,
        several=several,
    )


def _first(cells: dict[str, str], names: tuple[str, ...]) -> str:
    return next((cells[name].strip() for name in names if cells.get(name)), "")


def _name(cell: str) -> str:
    """A column's name without what programs write differently: case, blanks, quotes, underscores, hyphens."""
    return re.sub(r"[^a-z0-9]", "", cell[:64].lower())
