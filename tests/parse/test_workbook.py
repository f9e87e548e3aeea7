"""Excel workbooks: a trace is read like its CSV; hostile ones cost little and are told to be unsafe."""

import csv
import io
import time
import zipfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import openpyxl
import pytest

from diagnostics.findings import Unread
from diagnostics.parse import read_file
from diagnostics.parse.report import Note
from tests.parse.making import ATTEMPT, NDR, codes, primary, utc, zipped

HEADER = ["origin_timestamp_utc", "sender_address", "recipient_status", "message_subject", "total_bytes", "connector_id"]
SAID = (
    "450 4.4.316 Connection refused [Message=Socket error code 10061] [LastAttemptedServerName=mx{0}.contoso.com] "
    "[LastAttemptedIP=203.0.113.{0}:25]"
)


MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def row(number: int) -> list[Any]:
    when = f"2026-09-01T10:{number % 60:02}:00.0000000Z"
    return [when, f"canary{number}@fabrikam.com", SAID.format(number % 2), f"canary {number} 550 5.1.1", 12345, "Contoso"]


def workbook(*sheets: Sequence[Any]) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for rows in sheets:
        sheet = book.create_sheet()
        for cells in rows:
            sheet.append(cells)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def with_parts(data: bytes, parts: Mapping[str, str | bytes]) -> bytes:
    """With these parts instead of its own, or beside them."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        own: dict[str, str | bytes] = {name: file.read(name) for name in file.namelist()}
    return zipped({**own, **parts})


def sheet(cells: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{cells}</sheetData></worksheet>'


def with_strings(strings: str) -> bytes:
    """As Excel writes it: a cell that names the first of the workbook's strings."""
    data = workbook([["x"]])
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        types = file.read("[Content_Types].xml").decode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    part = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    cells = sheet('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')
    types = types if "sharedStrings" in types else types.replace("</Types>", part)
    return with_parts(data, {"[Content_Types].xml": types, "xl/worksheets/sheet1.xml": cells, "xl/sharedStrings.xml": strings})


TRACE = [HEADER, *(row(number) for number in range(30))]


def test_a_trace_is_read_like_its_csv() -> None:
    text = io.StringIO()
    csv.writer(text).writerows(TRACE)
    report = read_file("trace.xlsx", workbook(TRACE))
    assert report == read_file("trace.csv", text.getvalue().encode())
    assert [(error.code, error.server, error.count) for error in report.errors] == [
        ("450 4.4.316", "mx0.contoso.com", 15),
        ("450 4.4.316", "mx1.contoso.com", 15),
    ]
    assert "canary" not in report.model_dump_json()


def test_it_is_known_by_what_it_is_and_read_from_an_archive() -> None:
    assert codes(read_file("bounce.eml", workbook(TRACE))) == ["450 4.4.316"] * 2
    assert codes(read_file("x.zip", zipped({"trace.xlsx": workbook(TRACE)}))) == ["450 4.4.316"] * 2


def test_titles_above_the_columns_and_dates_as_dates() -> None:
    rows = [["Message trace"], [], ["Run by", "canary"], HEADER, [datetime(2026, 9, 1, 10), "a@b.example", SAID.format(1)]]
    error = primary(read_file("x.xlsx", workbook([], rows)))
    assert (error.code, error.time, error.connector) == ("450 4.4.316", utc(2026, 9, 1, 10), None)


def test_every_sheet_counts_and_hidden_ones_too() -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook([["notes"]], TRACE, [[ATTEMPT], ["550 5.1.1 User unknown"]])))
    book.worksheets[1].sheet_state = "hidden"
    assert codes(read_file("x.xlsx", saved(book))) == ["450 4.4.316", "450 4.4.316", "450 4.4.316", "550 5.1.1"]


def test_a_bounce_that_somebody_pasted_into_cells() -> None:
    report = read_file("x.xlsx", workbook([[line] for line in NDR.split("\n")]))
    assert codes(report) == ["550 5.4.316", "450 4.4.316"]
    assert primary(report).server == "mail.contoso.com"


def test_the_value_of_a_formula_and_no_formula() -> None:
    sheet = (
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1"><c r="A1" t="str">'
    )
    sheet += "<f>CONCAT(550,5.1.1)</f><v>450 4.4.316 Connection refused</v></c></row></sheetData></worksheet>"
    report = read_file("x.xlsx", with_parts(workbook([["x"]]), {"xl/worksheets/sheet1.xml": sheet}))
    assert codes(report) == ["450 4.4.316"]


def test_the_strings_that_excel_keeps_apart() -> None:
    strings = f'<sst xmlns="{MAIN}"><si><r><t>450 4.4.316 </t></r><r><t>Connection refused</t></r></si></sst>'
    assert codes(read_file("x.xlsx", with_strings(strings))) == ["450 4.4.316"]


@pytest.mark.parametrize("rows", [[], [["hello", "there"]], [HEADER]])
def test_a_workbook_without_a_code_names_none(rows: list[list[str]]) -> None:
    report = read_file("x.xlsx", workbook(rows))
    assert (codes(report), report.not_read) == ([], None)


def test_what_is_beyond_the_limits_is_left_out_and_said() -> None:
    wide = workbook([["x"] * 70 + ["450 4.4.316 far right"], ["550 5.1.1 User unknown"]])
    assert codes(read_file("x.xlsx", wide)) == ["550 5.1.1"]
    many = workbook(*([[["nothing"]]] * 20), [["450 4.4.316 far behind"]])
    report = read_file("x.xlsx", many)
    assert (codes(report), report.notes) == ([], (Note(Unread.WORKBOOK_CUT),))
    long = primary(read_file("x.xlsx", workbook([["450 4.4.316 " + "x" * 32_767 + " 550 5.1.1 User unknown"]])))
    assert long.code == "450 4.4.316"


# --- Hostile ones ---

LAUGHS = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
DTD = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a0 "450 4.4.316 ha">{LAUGHS}]>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a9 SYSTEM "file:///etc/passwd">]>'
STRINGS = f'<sst xmlns="{MAIN}" count="1" uniqueCount="1"><si><t>&a9;</t></si></sst>'


USED = sheet('<row r="1"><c r="A1" t="inlineStr"><is><t>&a9;</t></is></c></row>')
WHOLE = workbook([[ATTEMPT]])
UNSAFE = {
    "laughs-in-a-sheet": with_parts(WHOLE, {"xl/worksheets/sheet1.xml": DTD + USED}),
    "laughs-in-strings": with_strings(DTD + STRINGS),
    "laughs-in-the-workbook": with_parts(WHOLE, {"xl/workbook.xml": f'{DTD}<workbook xmlns="{MAIN}">&a9;</workbook>'}),
    "laughs-in-utf-16": with_parts(WHOLE, {"xl/worksheets/sheet1.xml": (DTD + USED).encode("utf-16")}),
    "a-file-of-this-machine": with_parts(WHOLE, {"xl/worksheets/sheet1.xml": OUTSIDE + USED}),
    "no-xml": with_parts(WHOLE, {"xl/worksheets/sheet1.xml": b"\0\1\2"}),
    "cut-off": with_parts(WHOLE, {"xl/worksheets/sheet1.xml": sheet("<row>" * 10)[:-30]}),
    "no-workbook": zipped({"[Content_Types].xml": "<Types/>", "xl/a.xml": ""}),
    "odd-numbers": with_parts(WHOLE, {"xl/worksheets/sheet1.xml": sheet('<row r="1"><c r="A1" t="s"><v>99999</v></c></row>')}),
    "odd-places": with_parts(WHOLE, {"xl/worksheets/sheet1.xml": sheet('<row r="x"><c r="?"/></row>')}),
}


@pytest.mark.parametrize("case", UNSAFE)
def test_unsafe_or_damaged_ones_are_refused(case: str) -> None:
    began = time.thread_time()
    report = read_file("x.xlsx", UNSAFE[case])
    assert time.thread_time() - began < 2
    assert not report.errors
    assert report.not_read is Unread.DAMAGED_WORKBOOK
    assert "root:" not in report.model_dump_json()


def test_without_the_guard_against_entities_none_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openpyxl, "DEFUSEDXML", False)
    assert read_file("x.xlsx", WHOLE).not_read is Unread.DAMAGED_WORKBOOK


LAST = 1_048_576
LARGE = {
    "a-million-empty-rows": sheet("<row/>" * LAST),
    "a-million-numbered-rows": sheet("".join(f'<row r="{n}"/>' for n in range(1, LAST, 8))),
    "the-last-row-alone": sheet(f'<row r="{LAST}"><c r="A{LAST}" t="inlineStr"><is><t>x</t></is></c></row>'),
    "the-last-column": sheet('<row r="1"><c r="XFD1"><v>1</v></c></row>' * 20_000),
    "rows-that-go-back": sheet('<row r="1"/>' * 400_000),
    "a-row-beyond-all": sheet(f'<row r="{10**15}"/>'),
}


@pytest.mark.parametrize("case", LARGE)
def test_a_sheet_of_nothing_costs_little(case: str) -> None:
    data = with_parts(WHOLE, {"xl/worksheets/sheet1.xml": LARGE[case]})
    began = time.thread_time()
    report = read_file("x.xlsx", data)
    assert time.thread_time() - began < 20
    assert not report.errors


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/sharedStrings.xml", "xl/styles.xml", "xl/workbook.xml"])
def test_a_part_that_swells_is_not_parsed(part: str) -> None:
    data = with_parts(with_strings(STRINGS), {part: f'<x xmlns="{MAIN}">' + " " * 70_000_000 + "</x>"})
    assert len(data) < 200_000
    began = time.thread_time()
    assert read_file("x.xlsx", data).not_read is Unread.ARCHIVE_CUT
    assert time.thread_time() - began < 2


def test_pictures_links_and_macros_are_left_alone() -> None:
    noise = bytes(range(256)) * 100
    others: dict[str, str | bytes] = {
        "xl/media/image1.png": noise,
        "xl/vbaProject.bin": noise,
        "xl/externalLinks/externalLink1.xml": DTD,
        "docProps/core.xml": DTD,
    }
    assert codes(read_file("x.xlsm", with_parts(WHOLE, others))) == ["450 4.4.316"]
