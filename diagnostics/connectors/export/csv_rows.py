"""Export-Csv and ConvertTo-Csv: a header, in Windows PowerShell after a line `#TYPE …`; `,`, `;` or tab between cells."""

import csv
import io

from diagnostics.connectors.export.fault import ExportFault

TYPE = "@type"
"""The key under which a row carries the name of its .NET type."""

_DELIMITERS = (",", ";", "\t")
_NAMES = frozenset({"name", "identity", "domainname"})
_MOST_HEADER = 64 * 1024


def delimiter(text: str) -> str | None:
    """What stands between the cells; None if this is no CSV of objects that have names."""
    start = text.partition("\n")[2] if text.startswith("#TYPE ") else text
    header = start[:_MOST_HEADER].partition("\n")[0].strip()
    for mark in _DELIMITERS:
        cells = [cell.strip().strip('"').lower() for cell in header.split(mark)]
        if len(cells) > 1 and _NAMES & set(cells):
            return mark
    return None


def rows(text: str, mark: str) -> list[object]:
    """A dict of texts a line; an empty cell is None, as it is what Export-Csv writes for null. Raises ExportFault."""
    kind, skipped = None, 0
    if text.startswith("#TYPE "):
        first, _, text = text.partition("\n")
        kind, skipped = first[6:200].strip(), 1
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    found: list[object] = []
    try:
        header = [name.strip() for name in next(reader)]
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != len(header):
                place = f"line {reader.line_num + skipped}"
                raise ExportFault(f"{place}: {len(cells)} values under {len(header)} names: this CSV is cut or was edited")
            row: dict[str, object] = {name: cell or None for name, cell in zip(header, cells, strict=True)}
            found.append({**row, TYPE: kind} if kind else row)
    except csv.Error as error:
        raise ExportFault(f"line {reader.line_num + skipped}: no CSV ({str(error)[:120]})") from None
    return found
