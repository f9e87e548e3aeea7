"""Connectors from a file: what `Get-OutboundConnector` gave, in whatever way PowerShell wrote it."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from diagnostics.bounded import of_file
from diagnostics.connectors.export import formats, values
from diagnostics.connectors.export.encoding import decode
from diagnostics.connectors.export.fault import ExportFault
from diagnostics.connectors.export.kinds import CMDLETS, Kind, kind_of
from diagnostics.connectors.model import AcceptedDomain, Connector, Inventory, Loss
from diagnostics.connectors.source import SourceError

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
        notes: list[str] = []
        connectors = _load(self._connectors, Connector, "Get-OutboundConnector", notes) if self._connectors else []
        domains = _load(self._accepted_domains, AcceptedDomain, "Get-AcceptedDomain", notes) if self._accepted_domains else []
        written = datetime.fromtimestamp(self._connectors.stat().st_mtime, UTC) if self._connectors else None
        source = str(self._connectors or "")
        return Inventory(connectors=connectors, accepted_domains=domains, source=source, at=written, notes=notes)


def load(path: Path, model: type[_Row], cmdlet: str) -> list[_Row]:
    """The rows of an export. Raises SourceError: one line with file, place, and how to export."""
    return _load(path, model, cmdlet, [])


def _load(path: Path, model: type[_Row], cmdlet: str, notes: list[str]) -> list[_Row]:
    """As `load`. Adds a sentence to `notes` for each kind of row that is not used."""
    anew = f"Write it anew: {cmdlet} | ConvertTo-Json -Depth 5 > {path.name}"
    try:
        raw = of_file(path, MAX_BYTES)
    except OSError as error:
        raise SourceError(f"{path}: cannot be read ({error.strerror}). Name the file that {cmdlet} wrote.") from None
    if len(raw) > MAX_BYTES:
        raise SourceError(f"{path}: more than {MAX_BYTES} bytes, which is no list of connectors. Export only {cmdlet}.")
    try:
        text = decode(raw)
        if not text.strip():
            raise SourceError(f"{path}: the file is empty. {anew}")
        rows = formats.rows(text)
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: not text in {error.encoding} (byte {error.start}). {anew}") from None
    except ExportFault as fault:
        raise SourceError(f"{path}: {fault}. {anew}") from None
    wanted: Kind = "outbound" if model is Connector else "accepted-domain"
    used, ignored = _sorted(rows, wanted)
    if ignored and not used:
        raise SourceError(f"{path}: {_instead(rows, ignored, cmdlet)}. {anew}")
    notes += [f"{path.name}: {_counted(kind, count)} not used." for kind, count in ignored.items()]
    return [_row(path, number, row, model, anew) for number, row in used]


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


def _instead(rows: Sequence[object], ignored: Counter[Kind], cmdlet: str) -> str:
    """What a file holds that has none of the wanted rows."""
    known = [f"{CMDLETS[kind][0]} ({CMDLETS[kind][1]})" for kind in ignored if kind in CMDLETS]
    if known:
        return f"this is the output of {' and '.join(known)}, not of {cmdlet}"
    fields = ", ".join(f"{str(key)[:40]!r}" for key in list(rows[0])[:_MOST_NAMED]) if isinstance(rows[0], Mapping) else ""
    return f"this is not the output of {cmdlet}: its entries have {fields}"


def _counted(kind: Kind, count: int) -> str:
    cmdlet, name = CMDLETS.get(kind, ("", "entries that are no connectors"))
    verb = "is" if count == 1 else "are"
    return f"{count} of its entries {verb} {name}{f' ({cmdlet})' if cmdlet else ''},"


def _row(path: Path, number: int, row: object, model: type[_Row], anew: str) -> _Row:
    name = None
    try:
        if not isinstance(row, dict):
            return model.model_validate(row)
        fields, lost = _fields(row, model)
        name = fields.get("Name") or fields.get("DomainName")
        if model is Connector:
            fields |= {"tls_known": "TlsSettings" in fields, "lost": lost}
        elif lost:
            raise SourceError(f"{path}: {_entry(number, name)}: {lost[0].field} was cut: {lost[0].value!r}. {anew}")
        return model.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "object"
        raise SourceError(f"{path}: {_entry(number, name)}: {field}: {first['msg']}. {anew}") from None


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
