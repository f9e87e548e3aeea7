"""Connectors from a file: the JSON of `Get-OutboundConnector | ConvertTo-Json`, in whatever way PowerShell wrote it."""

import asyncio
import codecs
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from diagnostics.bounded import of_file
from diagnostics.connectors.model import AcceptedDomain, Connector, Inventory
from diagnostics.connectors.source import SourceError

MAX_BYTES = 32 * 1024 * 1024
"""An export of the largest tenant allowed (1000 connectors) is under 4 MiB."""

_Row = TypeVar("_Row", bound=BaseModel)


class ExportFile:
    """Reads the files anew at every call: an administrator who mends the export need not restart anything."""

    def __init__(self, connectors: Path | None, accepted_domains: Path | None = None) -> None:
        self._connectors, self._accepted_domains = connectors, accepted_domains

    async def read(self) -> Inventory:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        connectors = load(self._connectors, Connector, "Get-OutboundConnector") if self._connectors else []
        domains = load(self._accepted_domains, AcceptedDomain, "Get-AcceptedDomain") if self._accepted_domains else []
        written = datetime.fromtimestamp(self._connectors.stat().st_mtime, UTC) if self._connectors else None
        return Inventory(connectors=connectors, accepted_domains=domains, source=str(self._connectors or ""), at=written)


def load(path: Path, model: type[_Row], cmdlet: str) -> list[_Row]:
    """The rows of an export. Raises SourceError: one line with file, place and mend."""
    try:
        raw = of_file(path, MAX_BYTES)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Name the file that {cmdlet} wrote.") from None
    if len(raw) > MAX_BYTES:
        raise SourceError(f"{path}: more than {MAX_BYTES} bytes, which is no list of connectors. Export only {cmdlet}.")
    mend = f"Write it anew: {cmdlet} | ConvertTo-Json -Depth 5 > {path.name}"
    try:
        text = decode(raw)
        if not text.strip():
            raise SourceError(f"{path}: the file is empty. {mend}")
        document = json.loads(text)
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not text in {error.encoding} (byte {error.start}). {mend}") from None
    except json.JSONDecodeError as error:
        raise SourceError(f"{path}: line {error.lineno}, column {error.colno}: {error.msg}. {mend}") from None
    except ValueError as error:
        raise SourceError(f"{path}: {error}. {mend}") from None
    except RecursionError:
        raise SourceError(f"{path}: nested too deep to be an export. {mend}") from None
    return [_row(path, number, row, model, mend) for number, row in enumerate(_rows(path, document, mend), 1)]


def decode(raw: bytes) -> str:
    """Text of a file that PowerShell wrote: UTF-8 or UTF-16, with or without a byte order mark. Raises UnicodeDecodeError."""
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if raw.startswith(mark):
            return raw.decode(encoding)
    # JSON starts with an ASCII character: the place of its zero byte tells UTF-16 without a mark (RFC 4627 section 3)
    if raw[1:2] == b"\0":
        return raw.decode("utf-16-le")
    if raw[:1] == b"\0":
        return raw.decode("utf-16-be")
    return raw.decode("utf-8")


def _rows(path: Path, document: object, mend: str) -> list[object]:
    """One object, a list, or {"value": […]}."""
    if isinstance(document, dict) and isinstance(document.get("value"), list | dict):
        document = document["value"]
    if isinstance(document, dict):
        return [document]
    if isinstance(document, list):
        return document
    raise SourceError(f"{path}: holds {type(document).__name__}, not connectors. {mend}")


def _row(path: Path, number: int, row: object, model: type[_Row], mend: str) -> _Row:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "object"
        name = row.get("Name") if isinstance(row, dict) else None
        which = f"entry {number}" + (f" ({str(name)[:64]!r})" if name else "")
        raise SourceError(f"{path}: {which}: {field}: {first['msg']}. {mend}") from None
