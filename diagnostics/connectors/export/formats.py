"""Text of an export → its rows: which format it is, told by its first lines."""

import re

from diagnostics.connectors.export import clixml, csv_rows, format_list, json_rows
from diagnostics.connectors.export.fault import ExportFault
from diagnostics.connectors.export.noise import without_noise

MAX_VALUES = 1_000_000
"""Separators in a file. 1000 connectors, the most that Exchange Online allows, have under 200,000 as indented JSON."""

_TABLE = re.compile(r"^ *-{2,}(?: +-{2,})* *\r?$", re.MULTILINE)


def rows(text: str) -> list[object]:
    """The rows of an export in any format that keeps whole values. Raises ExportFault."""
    if sum(text.count(mark) for mark in "{[,;\t\n<") > MAX_VALUES:
        raise ExportFault(f"it holds more than {MAX_VALUES} values, which is no list of connectors")
    text = without_noise(text)
    if not text:
        raise ExportFault("it holds messages of PowerShell alone, and no objects")
    if text.startswith("<"):
        if not clixml.is_clixml(text):
            raise ExportFault("this is an XML or HTML document, not an export")
        return clixml.rows(text)
    if (delimiter := csv_rows.delimiter(text)) is not None:
        return csv_rows.rows(text, delimiter)
    if json_rows.is_json(text):
        return json_rows.rows(text)
    if format_list.is_list(text):
        return format_list.rows(text)
    if table := _TABLE.search(text):
        line = text.count("\n", 0, table.start())
        raise ExportFault(f"line {max(line, 1)}, column 1: this is a table as a console shows it, in which values are cut")
    return json_rows.rows(text)
