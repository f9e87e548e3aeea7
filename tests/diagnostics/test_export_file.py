"""Connectors out of a file, in whatever way PowerShell wrote it (contract 2, `--connectors`)."""

import codecs
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from diagnostics.connectors.connector import AcceptedDomain, Connector
from diagnostics.connectors.export_file import ExportFile, load
from diagnostics.connectors.source import SourceError
from tests.diagnostics.making import GUID

ROW: dict[str, Any] = {
    "Name": "Ausgang Zürich",
    "Guid": GUID,
    "SmartHosts": ["mail.contoso.com"],
    "Comment": None,
    "Enabled": True,
}

ENCODINGS: dict[str, Callable[[str], bytes]] = {
    "UTF-8": lambda text: text.encode(),
    "UTF-8 with mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16 LE with mark": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16 BE with mark": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-16 LE": lambda text: text.encode("utf-16-le"),
    "UTF-16 BE": lambda text: text.encode("utf-16-be"),
    "UTF-16 LE with mark and CRLF": lambda text: codecs.BOM_UTF16_LE + text.replace("\n", "\r\n").encode("utf-16-le"),
}

WRAPPINGS: dict[str, Callable[[list[dict[str, Any]]], object]] = {
    "one object": lambda rows: rows[0],
    "a list": lambda rows: rows,
    "value": lambda rows: {"value": rows},
    "value and Count": lambda rows: {"value": rows, "Count": len(rows)},
    "Count first": lambda rows: {"Count": len(rows), "value": rows},
    "OData": lambda rows: {"@odata.context": "https://outlook.office365.com/adminapi", "value": rows},
}


def written(folder: Path, content: bytes | str | object) -> Path:
    file = folder / "connectors.json"
    if isinstance(content, bytes):
        file.write_bytes(content)
    else:
        file.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return file


def read(folder: Path, content: bytes | str | object) -> list[Connector]:
    return load(written(folder, content), Connector, "Get-OutboundConnector")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_every_encoding_and_wrapping_is_read(encoding: str, wrapping: str, tmp_path: Path) -> None:
    text = json.dumps(WRAPPINGS[wrapping]([ROW]), indent=4, ensure_ascii=False)
    (found,) = read(tmp_path, ENCODINGS[encoding](text))
    assert (found.Name, found.Guid, found.SmartHosts) == ("Ausgang Zürich", GUID, ("mail.contoso.com",))


@pytest.mark.parametrize("empty", [[], {"value": []}, {"value": [], "Count": 0}])
def test_an_export_without_connectors_is_empty(empty: object, tmp_path: Path) -> None:
    assert read(tmp_path, empty) == []


@pytest.mark.parametrize("written_list", [None, [], "", {"value": [], "Count": 0}])
def test_null_and_empty_lists_are_no_smart_hosts(written_list: object, tmp_path: Path) -> None:
    (found,) = read(tmp_path, {"Name": "c", "SmartHosts": written_list, "RecipientDomains": written_list})
    assert found.SmartHosts == ()
    assert found.RecipientDomains == ()


@pytest.mark.parametrize(
    "written_list",
    [
        ["contoso.com", "*.contoso.com"],
        {"value": ["contoso.com", "*.contoso.com"], "Count": 2},
        [{"Domain": "contoso.com"}, {"Domain": "*.contoso.com"}],
        [{"Address": "contoso.com"}, {"Address": "*.contoso.com"}],
    ],
)
def test_lists_are_read_however_powershell_wrapped_them(written_list: object, tmp_path: Path) -> None:
    (found,) = read(tmp_path, {"Name": "c", "RecipientDomains": written_list})
    assert found.RecipientDomains == ("contoso.com", "*.contoso.com")


def test_a_list_of_one_may_be_a_bare_string(tmp_path: Path) -> None:
    (found,) = read(tmp_path, {"Name": "c", "SmartHosts": "mail.contoso.com"})
    assert found.SmartHosts == ("mail.contoso.com",)


def test_unknown_fields_values_and_nulls_are_harmless(tmp_path: Path) -> None:
    row = {
        "Name": "c",
        "SomethingNew": {"deep": [1, {"er": None}]},
        "ConnectorSource": "AdminUI",
        "TlsSettings": "SomethingStricter",
        "ConnectorType": None,
        "TestMode": None,
        "UseMXRecord": None,
        "TlsDomain": None,
        "WhenChangedUTC": "2026-07-24T18:59:12.0000000Z",
    }
    (found,) = read(tmp_path, row)
    assert (found.TlsSettings, found.TestMode, found.Enabled) == ("SomethingStricter", False, True)


def test_two_connectors_of_one_name_and_switched_off_ones_are_kept_in_order(tmp_path: Path) -> None:
    rows = [{"Name": "a", "Guid": "1"}, {"Name": "a", "Guid": "2", "Enabled": False}, {"Name": "t", "TestMode": True}]
    assert [(c.Name, c.Guid, c.Enabled, c.TestMode) for c in read(tmp_path, rows)] == [
        ("a", "1", True, False),
        ("a", "2", False, False),
        ("t", "", True, True),
    ]


BROKEN = {
    "cut off": ('[\n  {"Name": "a"},\n  {"Name": ', "line 3, column 12"),
    "no JSON": ("Name    Enabled\n----    -------", "line 1, column 1"),
    "a text": ('"Contoso"', "not connectors"),
    "a number": ("12", "not connectors"),
    "no name": ('[{"Name": "a"}, {"Enabled": true}]', "entry 2"),
    "a row that is none": ('[{"Name": "a"}, 7]', "entry 2"),
    "a wrong type": ('[{"Name": "a"}, {"Name": "b", "Enabled": "perhaps"}]', "entry 2 ('b'): Enabled"),
    "no encoding": (b'{"Name": "Z\x81rich"}', "byte 11"),
    "half a character": (codecs.BOM_UTF16_LE + b"{\x00\x00", "utf-16"),
    "nested deep": ("[" * 100_000, "nested"),
    "a long number": ('{"Name": "a", "MaxMessageSize": ' + "1" * 5000 + "}", "connectors.json"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_file_is_one_line_with_file_place_and_mend(fault: str, tmp_path: Path) -> None:
    content, place = BROKEN[fault]
    with pytest.raises(SourceError) as error:
        read(tmp_path, content)
    said = str(error.value)
    assert said.startswith(f"{tmp_path / 'connectors.json'}: ")
    assert place in said
    assert "Get-OutboundConnector | ConvertTo-Json" in said
    assert said.isprintable()


@pytest.mark.parametrize(
    "nothing", [b"", codecs.BOM_UTF8, codecs.BOM_UTF16_LE, b"\r\n", codecs.BOM_UTF16_LE + "\r\n".encode("utf-16-le")]
)
def test_an_empty_file_is_called_empty(nothing: bytes, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"connectors\.json: .*empty"):
        read(tmp_path, nothing)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"nowhere\.json: cannot be read \(No such file or directory\)"):
        load(tmp_path / "nowhere.json", Connector, "Get-OutboundConnector")


def test_a_folder_is_no_export(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be read"):
        load(tmp_path, Connector, "Get-OutboundConnector")


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=400)
    | st.text(alphabet='{}[]":,\\u0 12nulltruefalsName\ud800', max_size=200).map(lambda t: t.encode("utf-8", "surrogatepass"))
)
@example(b"1" * 5000)
@example(b'{"Name": "\\ud800", "Enabled": 7}')
@example(b'[{"Name": "\\ud800"}]')
def test_any_bytes_are_connectors_or_a_source_error(tmp_path: Path, content: bytes) -> None:
    said, found = "", list[Connector]()
    try:
        found = read(tmp_path, content)
    except SourceError as error:
        said = str(error)
    assert "\n" not in said
    assert all(row.Name for row in found)


async def test_a_mended_file_is_read_anew(tmp_path: Path) -> None:
    file = written(tmp_path, [])
    source = ExportFile(file)
    assert (await source.read()).connectors == []
    written(tmp_path, [ROW])
    assert [c.Name for c in (await source.read()).connectors] == ["Ausgang Zürich"]


async def test_accepted_domains_are_read_from_their_own_file(tmp_path: Path) -> None:
    domains = tmp_path / "accepted.json"
    domains.write_bytes(codecs.BOM_UTF16_LE + '{"DomainName": "contoso.com", "DomainType": "InternalRelay"}'.encode("utf-16-le"))
    found = await ExportFile(written(tmp_path, ROW), domains).read()
    assert found.accepted_domains == [AcceptedDomain(DomainName="contoso.com", DomainType="InternalRelay")]


async def test_without_files_nothing_is_known() -> None:
    found = await ExportFile(None).read()
    assert (found.connectors, found.accepted_domains) == ([], [])
