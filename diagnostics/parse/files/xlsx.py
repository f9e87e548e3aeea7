"""An Excel workbook (.xlsx) → its sheets as texts: a message trace as CSV, whatever else is there as lines.

openpyxl gets a copy that holds no more than what was measured: no links, pictures, macros; its XML is parsed by defusedxml.
"""

import csv
import re
import warnings
from collections.abc import Iterator
from datetime import date
from io import BytesIO, StringIO
from typing import TYPE_CHECKING, Any, NamedTuple

from diagnostics.findings import Unread
from diagnostics.parse.files import archives, tables
from diagnostics.parse.files.archives import NotUnpacked, Room

if TYPE_CHECKING:
    from zipfile import ZipFile

MAX_SHEETS = 20
MAX_CELL = 32_767
"""Characters: Excel takes no more."""

MAX_TEXT = 16 * 1024 * 1024
"""Characters of all sheets that are kept; of a table only rows with an error are."""

MAX_PART = 4 * 1024 * 1024
"""Bytes of a part that is held as a tree; sheets and shared strings are read piece by piece."""

_TITLES = 20
"""Rows that may stand above the names of a table's columns."""

_PIECEWISE = ("xl/worksheets/", "xl/sharedstrings")
_NOT_NEEDED = (
    *("docprops/", "customxml/", "xl/theme/", "xl/externallinks/", "xl/drawings/", "xl/media/", "xl/charts/", "xl/comments"),
    *("xl/threadedcomments/", "xl/pivot", "xl/printersettings/", "xl/queries/", "xl/tables/", "xl/worksheets/_rels/"),
)


class Sheet(NamedTuple):
    """What it says: CSV if it `is_table`, else a line a row."""

    text: str
    is_table: bool


def sheets(archive: "ZipFile", room: Room) -> tuple[list[Sheet], bool]:
    """A text for each sheet that says anything, and whether something was left out. Raises NotUnpacked."""
    copy = _copy(archive, room)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _sheets(copy)
    except Exception:  # damaged XML, entities, numbers that are none: openpyxl lets through what it meets
        raise NotUnpacked(Unread.DAMAGED_WORKBOOK) from None


def _copy(archive: "ZipFile", room: Room) -> BytesIO:
    import zipfile  # noqa: PLC0415

    copy = BytesIO()
    names: set[str] = set()
    with zipfile.ZipFile(copy, "w") as target:
        for info in archive.infolist():
            name = info.filename.lower()
            if not name.endswith((".xml", ".rels")) or name.startswith(_NOT_NEEDED) or name in names:
                continue
            names.add(name)
            most = archives.MAX_UNPACKED if name.startswith(_PIECEWISE) else MAX_PART
            content = archives.member(archive, info, room, most)
            if len(content) > most:
                raise NotUnpacked(Unread.ARCHIVE_CUT)
            target.writestr(zipfile.ZipInfo(info.filename), content)
    return copy


def _sheets(file: BytesIO) -> tuple[list[Sheet], bool]:
    import openpyxl  # noqa: PLC0415 - 0.2 s, for few files

    if not openpyxl.DEFUSEDXML:  # its variable OPENPYXL_DEFUSEDXML can switch that off
        raise NotUnpacked(Unread.DAMAGED_WORKBOOK)
    book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
    found: list[Sheet] = []
    rows, room = tables.MAX_ROWS, MAX_TEXT
    cut = len(book.worksheets) > MAX_SHEETS
    for sheet in book.worksheets[:MAX_SHEETS]:
        cells = _rows(sheet.iter_rows(max_row=rows + 1, max_col=tables.MAX_FIELDS, values_only=True))
        said, taken = _text(cells, rows, room)
        cut = cut or taken > rows or len(said.text) > room
        rows, room = max(0, rows - taken), max(0, room - len(said.text))
        if said.text:
            found.append(said)
        if not rows or not room:
            break
    return found, cut


def _rows(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[str]]:
    for row in rows:
        yield [_said(value) for value in row]


def _text(rows: Iterator[list[str]], most: int, room: int) -> tuple[Sheet, int]:
    """The text of a sheet, beyond `room` by no more than a row, and how many rows it has."""
    first: list[list[str]] = []
    header: list[str] | None = None
    kept = StringIO()
    written = csv.writer(kept, lineterminator="\n")
    taken = 0
    for row in rows:
        taken += 1
        if taken > most or kept.tell() > room:
            break
        if header is None and len(first) < _TITLES and any(row):
            first.append(row)
            if tables.names_columns(row, certain=len(first) == 1):
                header = row
                kept.seek(0)
                kept.truncate()
                # the reader of CSV takes no quotes in this line
                kept.write(",".join(re.sub(r"[,;\t\n\"]", " ", name) for name in row) + "\n")
                continue
        if header is None:
            kept.write("\t".join(filter(None, row)) + "\n")
        elif tables.says_an_error(row):
            written.writerow([cell.replace("\n", " ") for cell in row])
    return Sheet(kept.getvalue() if first else "", header is not None), taken


def _said(value: object) -> str:
    if value is None:
        return ""
    return value.isoformat() if isinstance(value, date) else str(value)[:MAX_CELL]
