"""Connectors from a file: what `Get-OutboundConnector` gave, in whatever way PowerShell wrote it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from diagnostics.connectors.connector import AcceptedDomain, Connector, Ignored, Inventory, Loss
from diagnostics.connectors.export import formats, values
from diagnostics.connectors.export.encoding import decode
from diagnostics.connectors.export.fault import ExportFault
from diagnostics.connectors.export.kinds import Kind, kind_of, named
from diagnostics.connectors.source import SourceError
from diagnostics.net.bounded import of_file

MAX_BYTES = 32 * 1024 * 1024
"""An export of the largest tenant allowed (1000 connectors) is under 4 MiB."""

_LISTS = ("SmartHosts", "RecipientDomains")
_WORDS = (
    "ConnectorType",
    "TlsSettings",
    "TlsDomain",
    "ConnectorSource",
    "SmtpDaneMode",
    "MtaStsMode",
    "DomainType",
    "DomainName",
)
_DESTINATIONS = frozenset({"SmartHosts", "RecipientDomains", "UseMXRecord", "AllAcceptedDomains"})
"""Of these at least one tells where a connector leads to."""
_MOST_NAMED = 5

_Row = TypeVar("_Row", bound=BaseModel)


class ExportFile:
    """Reads the files anew at every call: an administrator who corrects the export need not restart anything."""

    def __init__(self, connectors: Path | None, accepted_domains: Path | None = None) -> None:
        self._connectors, self._accepted_domains = connectors, accepted_domains

    async def read(self) -> Inventory:
        return await asyncio.to_thread(self._read)

    def _read(self) -> Inventory:
        ignored: list[Ignored] = []
        connectors = _load(self._connectors, Connector, "Get-OutboundConnector", ignored) if self._connectors else []
        domains = _load(self._accepted_domains, AcceptedDomain, "Get-AcceptedDomain", ignored) if self._accepted_domains else []
        written = datetime.fromtimestamp(self._connectors.stat().st_mtime, UTC) if self._connectors else None
        source = str(self._connectors or "")
        return Inventory(connectors=connectors, accepted_domains=domains, source=source, at=written, ignored=ignored)


class _NotRead(SourceError):
    """What is wrong with the file, and how to write it anew."""

    def __init__(self, path: Path, what: object, cmdlet: str) -> None:
        super().__init__(f"{path}: {what}. Write it anew: {cmdlet} | ConvertTo-Json -Depth 5 > {path.name}")


def load(path: Path, model: type[_Row], cmdlet: str) -> list[_Row]:
    """The rows of an export. Raises SourceError: one line with file, place, and how to export."""
    return _load(path, model, cmdlet, [])


def _load(path: Path, model: type[_Row], cmdlet: str, ignored: list[Ignored]) -> list[_Row]:
    """As `load`. Adds to `ignored` each kind of row that is not used."""
    try:
        raw = of_file(path, MAX_BYTES)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Name the file that {cmdlet} wrote.") from None
    if len(raw) > MAX_BYTES:
        raise SourceError(f"{path}: more than {MAX_BYTES} bytes, which is no list of connectors. Export only {cmdlet}.")
    try:
        text = decode(raw)
        if not text.strip():
            raise _NotRead(path, "the file is empty", cmdlet)
        rows = formats.rows(text)
    except UnicodeDecodeError as error:
        raise _NotRead(path, f"not text in {error.encoding} (byte {error.start})", cmdlet) from None
    except ExportFault as fault:
        raise _NotRead(path, fault, cmdlet) from None
    wanted: Kind = "outbound" if model is Connector else "accepted-domain"
    used, others = _sorted(rows, wanted)
    if others and not used:
        raise _NotRead(path, _instead(rows, others, cmdlet), cmdlet)
    ignored += [Ignored(path.name, kind, count) for kind, count in others.items()]
    return [_row(path, number, row, model, cmdlet) for number, row in used]


def _sorted(rows: Sequence[object], wanted: Kind) -> tuple[list[tuple[int, object]], Counter[Kind]]:
    """The rows of the wanted kind with their numbers, and how many there are of the others."""
    used: list[tuple[int, object]] = []
    ignored: Counter[Kind] = Counter()
    for number, row in enumerate(rows, 1):
        kind = kind_of(row)
        if kind in (None, wanted):
            used.append((number, row))
        else:
            ignored[kind] += 1
    return used, ignored


def _instead(rows: Sequence[object], others: Counter[Kind], cmdlet: str) -> ExportFault:
    """What a file holds that has none of the wanted rows."""
    if known := named(others):
        return ExportFault(f"this is the output of {' and '.join(known)}, not of {cmdlet}")
    fields = ", ".join(f"{str(key)[:40]!r}" for key in list(rows[0])[:_MOST_NAMED]) if isinstance(rows[0], Mapping) else ""
    return ExportFault(f"this is not the output of {cmdlet}: its entries have {fields}")


def _row(path: Path, number: int, row: object, model: type[_Row], cmdlet: str) -> _Row:
    name = None
    try:
        if not isinstance(row, dict):
            return model.model_validate(row)
        fields, lost = _fields(row, model)
        name = fields.get("Name") or fields.get("DomainName")
        if model is Connector:
            fields |= {"tls_known": "TlsSettings" in fields, "lost": lost}
        elif lost:
            raise _NotRead(path, f"{_entry(number, name)}: {lost[0].field} was cut: {lost[0].value!r}", cmdlet)
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "object"
        raise _NotRead(path, f"{_entry(number, name)}: {field}: {first['msg']}", cmdlet) from None


def _entry(number: int, name: object) -> str:
    return f"entry {number}" + (f" ({str(name)[:64]!r})" if name else "")


def _fields(row: Mapping[object, object], model: type[BaseModel]) -> tuple[dict[str, object], tuple[Loss, ...]]:
    """The values of a row that could be read, and those that were lost."""
    microsofts = [field for field in model.model_fields if field[0].isupper()]
    fields = values.matched(row, microsofts)
    lost: list[Loss] = []
    for field, value in list(fields.items()):
        if field in _LISTS:
            fields[field], missing = values.entries(value, field)
            lost += missing
        elif field in _WORDS:
            try:
                fields[field] = values.word(value)
            except ExportFault as fault:
                del fields[field]
                lost.append(values.loss("cut", field, fault))
        elif model.model_fields[field].annotation is bool:
            fields[field] = values.flag(value)
    if model is Connector and _hosts_are_missing(fields):
        lost.append(values.loss("missing", "SmartHosts", ""))
    return fields, tuple(lost)


def _hosts_are_missing(fields: Mapping[str, object]) -> bool:
    """Whether nothing tells where the connector leads to, or it does not go by MX and its hosts were left out."""
    by_mx = str(fields.get("UseMXRecord", True)).lower()
    return not _DESTINATIONS & fields.keys() or ("SmartHosts" not in fields and by_mx == "false")
