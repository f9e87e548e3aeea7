"""Every way in which PowerShell writes objects: what can be read safely is read, the rest is one line (contract 2)."""

import codecs
import json
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diagnostics.connectors.connector import AcceptedDomain, Connector
from diagnostics.connectors.export.kinds import not_used
from diagnostics.connectors.export_file import ExportFile, load
from diagnostics.connectors.source import SourceError

ROW: dict[str, Any] = {
    "Name": "To headquarters",
    "Enabled": True,
    "UseMXRecord": False,
    "ConnectorType": "OnPremises",
    "RecipientDomains": ["contoso.com"],
    "SmartHosts": ["mx1.contoso.com", "mx2.contoso.com"],
    "TlsSettings": "EncryptionOnly",
    "TlsDomain": None,
}
INDENTED = json.dumps(ROW, indent=4)
CLIXML = """<Objs Version="1.1.0.1" xmlns="http://schemas.microsoft.com/powershell/2004/04">
  <Obj RefId="0">
    <TN RefId="0">
      <T>Deserialized.Microsoft.Exchange.Management.SystemConfigurationTasks.OutboundConnector</T>
      <T>Deserialized.System.Object</T>
    </TN>
    <ToString>To headquarters</ToString>
    <Props>
      <B N="Enabled">true</B>
      <B N="UseMXRecord">false</B>
      <Obj N="ConnectorType" RefId="1">
        <TN RefId="1"><T>Deserialized.Microsoft.Exchange.Data.TenantConnectorType</T><T>Deserialized.System.Enum</T></TN>
        <ToString>OnPremises</ToString><I32>1</I32>
      </Obj>
      <Obj N="RecipientDomains" RefId="2">
        <TN RefId="2"><T>Deserialized.System.Collections.ArrayList</T></TN>
        <LST><S>contoso.com</S></LST>
      </Obj>
      <Obj N="SmartHosts" RefId="3"><TNRef RefId="2" /><LST><S>mx1.contoso.com</S><S>mx2.contoso.com</S></LST></Obj>
      <Obj N="TlsSettings" RefId="4">
        <TN RefId="4"><T>Deserialized.Microsoft.Exchange.Data.TlsAuthLevel</T><T>Deserialized.System.Enum</T></TN>
        <ToString>EncryptionOnly</ToString><I32>1</I32>
      </Obj>
      <Nil N="TlsDomain" />
      <S N="Name">To headquarters</S>
    </Props>
  </Obj>
</Objs>"""
FORMAT_LIST = """

Name             : To headquarters
Enabled          : True
UseMXRecord      : False
ConnectorType    : OnPremises
Comment          : Mail for the old servers, which an
                   outside company runs
RecipientDomains : {contoso.com}
SmartHosts       : {mx1.contoso.com,
                   mx2.contoso.com}
TlsSettings      : EncryptionOnly
TlsDomain        :

"""
CSV = (
    '"Name","Enabled","UseMXRecord","ConnectorType","RecipientDomains","SmartHosts","TlsSettings","TlsDomain","Comment"\r\n'
    '"To headquarters","True","False","OnPremises","contoso.com","mx1.contoso.com,mx2.contoso.com","EncryptionOnly",'
    '"","two\r\nlines"\r\n'
)
WARNING = "WARNING: The output is limited to 1000 objects. Use the ResultSize [Unlimited] parameter\r\n{to see more}.\r\n"

SAME: dict[str, str | bytes] = {
    "a list": json.dumps([ROW]),
    "Results": json.dumps({"Results": [ROW], "Metadata": {"Heading": "x"}}),
    "Results in value": json.dumps({"value": [{"Results": 1}, ROW][1:]}),
    "a list of lists": json.dumps([[ROW]]),
    "camelCase": json.dumps({key[0].lower() + key[1:]: value for key, value in ROW.items()}),
    "other case": json.dumps({key.upper(): value for key, value in ROW.items()}),
    "Identity for Name": json.dumps({("Identity" if key == "Name" else key): value for key, value in ROW.items()}),
    "a warning first": WARNING + INDENTED,
    "verbose first": "VERBOSE: Returning precomputed version info: 3.9.0\n\n" + INDENTED,
    "a warning last": INDENTED + "\n" + WARNING,
    "a banner first": "-" * 70 + "\nThis V3 EXO PowerShell module contains new cmdlets [REST].\n" + "-" * 70 + "\n" + INDENTED,
    "prompts": "[PS] C:\\>Get-OutboundConnector | ConvertTo-Json\n" + INDENTED + "\n[PS] C:\\>",
    "SmartHost objects": json.dumps(
        ROW | {"SmartHosts": [{"Address": h, "Domain": None, "IsIPAddress": False} for h in ROW["SmartHosts"]]}
    ),
    "objects as text": json.dumps(
        ROW | {"SmartHosts": [f"@{{Address={h}; Domain=; IsIPAddress=False}}" for h in ROW["SmartHosts"]]}
    ),
    "objects as one text": json.dumps(
        ROW | {"SmartHosts": " ".join(f"@{{Domain={h}; Address=; IsIPAddress=False}}" for h in ROW["SmartHosts"])}
    ),
    "joined with commas": json.dumps(ROW | {"SmartHosts": ", ".join(ROW["SmartHosts"])}),
    "booleans as text": json.dumps(ROW | {"Enabled": "$true", "UseMXRecord": "False"}),
    "an enum as an object": json.dumps(ROW | {"TlsSettings": {"value": 1, "Value": "EncryptionOnly"}}),
    "CSV": CSV,
    "CSV with its type": "#TYPE Deserialized.Microsoft.Exchange.Management.OutboundConnector\r\n" + CSV,
    "CSV with semicolons": CSV.replace('","', '";"'),
    "CSV with tabs": CSV.replace('","', '"\t"'),
    "CSV in UTF-16": codecs.BOM_UTF16_LE + CSV.encode("utf-16-le"),
    "CSV after a warning": "WARNING: something\r\n" + CSV,
    "Format-List": FORMAT_LIST,
    "Format-List in UTF-16, CRLF": codecs.BOM_UTF16_LE + FORMAT_LIST.replace("\n", "\r\n").encode("utf-16-le"),
    "CLIXML": CLIXML,
    "CLIXML in UTF-16": codecs.BOM_UTF16_LE + CLIXML.encode("utf-16-le"),
    "CLIXML of a list": CLIXML.replace('<Obj RefId="0">', '<Obj RefId="9"><LST><Obj RefId="0">').replace(
        "</Obj>\n</Objs>", "</Obj></LST></Obj></Objs>"
    ),
}


def written(folder: Path, content: str | bytes | object) -> Path:
    file = folder / "export.json"
    if isinstance(content, str | bytes):
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    else:
        file.write_text(json.dumps(content), encoding="utf-8")
    return file


def read(folder: Path, content: str | bytes | object) -> list[Connector]:
    return load(written(folder, content), Connector, "Get-OutboundConnector")


def refused(folder: Path, content: str | bytes | object) -> str:
    with pytest.raises(SourceError) as error:
        read(folder, content)
    said = str(error.value)
    assert said.startswith(f"{folder / 'export.json'}: ")
    assert "Write it anew: Get-OutboundConnector | ConvertTo-Json -Depth 5 > export.json" in said
    assert said.isprintable()
    return said


@pytest.mark.parametrize("shape", SAME)
def test_the_same_connector_is_read_from_every_shape(shape: str, tmp_path: Path) -> None:
    (found,) = read(tmp_path, SAME[shape])
    assert (found.Name, found.Enabled, found.UseMXRecord, found.ConnectorType) == ("To headquarters", True, False, "OnPremises")
    assert (found.SmartHosts, found.RecipientDomains) == (("mx1.contoso.com", "mx2.contoso.com"), ("contoso.com",))
    assert (found.TlsSettings, found.TlsDomain, found.tls_known, found.lost) == ("EncryptionOnly", None, True, ())


@pytest.mark.parametrize("between", ["\n", "\r\n", "", "\n\nWARNING: more\n"])
@pytest.mark.parametrize("indent", [None, 2])
def test_several_documents_in_one_file(between: str, indent: int | None, tmp_path: Path) -> None:
    rows = [ROW | {"Name": name} for name in "abc"]
    assert [c.Name for c in read(tmp_path, between.join(json.dumps(row, indent=indent) for row in rows))] == ["a", "b", "c"]


def test_several_objects_of_format_list(tmp_path: Path) -> None:
    second = FORMAT_LIST.replace("To headquarters", "B").replace("Enabled          : True", "Enabled          : False")
    assert [(c.Name, c.Enabled) for c in read(tmp_path, FORMAT_LIST + second)] == [("To headquarters", True), ("B", False)]


@pytest.mark.parametrize("name", ["Ausgang Zürich", "Société à Paris", "€ 5"])
def test_cp1252_is_read(name: str, tmp_path: Path) -> None:
    (found,) = read(tmp_path, json.dumps(ROW | {"Name": name}, ensure_ascii=False).encode("cp1252"))
    assert found.Name == name


# --- what it is not ---

SEND = {
    "AddressSpaces": ["smtp:*;1"],
    "DNSRoutingEnabled": False,
    "SmartHosts": [{"Address": "mx1.contoso.com", "Domain": {"Domain": "mx1.contoso.com"}, "IsIPAddress": False}],
    "SourceTransportServers": ["EX01"],
    "RequireTLS": False,
    "Enabled": True,
    "Name": "To Internet",
}
INBOUND = {
    "Name": "From partner",
    "Enabled": True,
    "ConnectorType": "Partner",
    "SenderDomains": ["smtp:*;1"],
    "RequireTls": True,
    "TlsSenderCertificateName": None,
}
ACCEPTED = {"Name": "contoso.com", "DomainName": "contoso.com", "DomainType": "Authoritative", "Default": True}
RECEIVE = {"Name": "Default EX01", "Bindings": ["[::]:25"], "RemoteIPRanges": ["0.0.0.0-255.255.255.255"]}
REMOTE = {"Name": "Default", "DomainName": "*", "IsInternal": False, "AutoReplyEnabled": True, "AllowedOOFType": "External"}
MAILBOX = {"Name": "anna", "Alias": "anna", "PrimarySmtpAddress": "anna@contoso.com", "Database": "db"}
FOREIGN: dict[str, tuple[object, str]] = {
    "send": ([SEND], "this is the output of Get-SendConnector (on-premises send connectors), not of Get-OutboundConnector"),
    "send, camelCase": ([{k[0].lower() + k[1:]: v for k, v in SEND.items()}], "Get-SendConnector"),
    "send, two columns": ([{"Name": "a", "SmartHosts": ["b.test"], "TlsAuthLevel": None}], "Get-SendConnector"),
    "send, by its type": ([{"Name": "a", "SmartHosts": ["b.test"], "ConnectorType": "Default"}], "Get-SendConnector"),
    "send, by its class": ({"Name": "a", "ObjectClass": ["top", "msExchRoutingSMTPConnector"]}, "Get-SendConnector"),
    "inbound": ([INBOUND], "this is the output of Get-InboundConnector (inbound connectors), not of Get-OutboundConnector"),
    "inbound, two columns": ([{"Name": "a", "RequireTls": True}], "Get-InboundConnector"),
    "inbound in CSV": ('"Name","SenderDomains"\n"a","System.String[]"\n', "Get-InboundConnector"),
    "inbound in Format-List": ("Name          : a\nSenderDomains : {smtp:*;1}\n", "Get-InboundConnector"),
    "inbound in CLIXML": (CLIXML.replace("OutboundConnector", "InboundConnector"), "Get-InboundConnector"),
    "accepted domains": ({"value": [ACCEPTED]}, "this is the output of Get-AcceptedDomain (accepted domains)"),
    "receive": ([RECEIVE], "Get-ReceiveConnector"),
    "remote domains": ([REMOTE], "Get-RemoteDomain"),
    "two kinds": ([SEND, INBOUND], "Get-SendConnector (on-premises send connectors) and Get-InboundConnector (inbound"),
    "mailboxes": ([MAILBOX], "this is not the output of Get-OutboundConnector: its entries have 'Name', 'Alias'"),
    "CIPP, inbound": ([{"name": "a", "cippconnectortype": "Inbound"}], "Get-InboundConnector"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_another_cmdlets_output_is_called_by_its_name(kind: str, tmp_path: Path) -> None:
    content, said = FOREIGN[kind]
    assert said in refused(tmp_path, content)


@pytest.mark.parametrize("rows", [[ROW], [SEND], [INBOUND], [REMOTE]])
def test_a_file_of_connectors_is_no_list_of_accepted_domains(rows: list[object], tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"this is the output of Get-\w+ .*, not of Get-AcceptedDomain\. Write it anew"):
        load(written(tmp_path, rows), AcceptedDomain, "Get-AcceptedDomain")


def test_accepted_domains_out_of_objects_and_lists(tmp_path: Path) -> None:
    text = "Name       : a\nDomainName : contoso.com\nDomainType : InternalRelay\nDefault    : False\n"
    (listed,) = load(written(tmp_path, text), AcceptedDomain, "Get-AcceptedDomain")
    rows = [ACCEPTED | {"DomainName": {"Domain": "contoso.com", "Address": "contoso.com"}, "DomainType": "InternalRelay"}]
    (wrapped,) = load(written(tmp_path, rows), AcceptedDomain, "Get-AcceptedDomain")
    assert (listed.DomainName, listed.DomainType) == (wrapped.DomainName, wrapped.DomainType) == ("contoso.com", "InternalRelay")


def test_an_accepted_domain_that_was_cut_is_one_line(tmp_path: Path) -> None:
    rows = [ACCEPTED | {"DomainName": "Microsoft.Exchange.Data.SmtpDomainWithSubdomains"}]
    with pytest.raises(SourceError, match=r"entry 1.*DomainName was cut: 'Microsoft\.Exchange"):
        load(written(tmp_path, rows), AcceptedDomain, "Get-AcceptedDomain")


async def test_a_mixed_array_is_sorted_and_says_what_is_not_used(tmp_path: Path) -> None:
    rows = [INBOUND, ROW, {"Name": "b", "cippconnectortype": "outbound"}, {"Name": "c", "cippconnectortype": "Inbound"}, ACCEPTED]
    found = await ExportFile(written(tmp_path, rows)).read()
    assert [c.Name for c in found.connectors] == ["To headquarters", "b"]
    assert [not_used(ignored) for ignored in found.ignored] == [
        "export.json: 2 of its entries are inbound connectors (Get-InboundConnector), not used.",
        "export.json: 1 of its entries is accepted domains (Get-AcceptedDomain), not used.",
    ]


NEIGHBOURS: dict[str, object] = {
    "the name alone": {"Name": "a"},
    "few columns": {"Name": "a", "SmartHosts": ["b.test"], "Enabled": True},
    "new properties": ROW | {f"New{n}": n for n in range(20)},
    "a partner's": {"Name": "a", "ConnectorType": "Partner", "UseMXRecord": True, "RecipientDomains": ["b.test"]},
}


@pytest.mark.parametrize("shape", NEIGHBOURS)
def test_what_may_be_an_outbound_connector_is_taken_for_one(shape: str, tmp_path: Path) -> None:
    assert len(read(tmp_path, NEIGHBOURS[shape])) == 1


# --- what was lost ---

LOST: dict[str, tuple[object, tuple[str, ...], str | None]] = {
    "a list's type": ("System.String[]", (), "cut"),
    "an object's type": ("System.Object[]", (), "cut"),
    "a collection": ("System.Collections.ArrayList", (), "cut"),
    "a generic": ("System.Collections.Generic.List`1[System.String]", (), "cut"),
    "Exchange's type": ("Microsoft.Exchange.Data.MultiValuedProperty`1[Microsoft.Exchange.Data.SmartHost]", (), "cut"),
    "an element's type": (["Microsoft.Exchange.Data.SmartHost"], (), "cut"),
    "a length": ([{"Length": 15}], (), "cut"),
    "dots": (["mx1.contoso.com..."], (), "cut"),
    "an ellipsis": ("mx1.cont…", (), "cut"),
    "half an object": ("@{Address=mx1.contoso.com; Dom", (), "cut"),
    "an object without an address": ("@{IsIPAddress=False}", (), "cut"),
    "half a sentence": ("mx1.contoso.com and backup", (), "cut"),
    "joined by blanks": ("mx1.contoso.com mx2.contoso.com", ("mx1.contoso.com", "mx2.contoso.com"), "joined"),
    "joined, addresses": ("[192.0.2.1] 192.0.2.0/28", ("[192.0.2.1]", "192.0.2.0/28"), "joined"),
    "a list that ends early": ("{a.test, b.test, c.test, d.test...}", ("a.test", "b.test", "c.test", "d.test"), "more"),
    "a list in text": ("{a.test, b.test}", ("a.test", "b.test"), None),
    "an empty list in text": ("{}", (), None),
    "brackets": (["[192.0.2.1]"], ("[192.0.2.1]",), None),
    "a host called system": (["system.contoso.com"], ("system.contoso.com",), None),
    "a host called microsoft": (["microsoft.exchange.contoso.com"], ("microsoft.exchange.contoso.com",), None),
    "what is no host": (["not a host name"], ("not a host name",), None),
    "a final dot": (["mx1.contoso.com."], ("mx1.contoso.com.",), None),
    "a label alone": ("mailgate", ("mailgate",), None),
}


@pytest.mark.parametrize("shape", LOST)
def test_hosts_that_powershell_cut_are_lost_and_others_are_read(shape: str, tmp_path: Path) -> None:
    hosts, kept, kind = LOST[shape]
    cut, whole = read(tmp_path, [ROW | {"SmartHosts": hosts}, ROW | {"Name": "other"}])
    assert cut.SmartHosts == kept
    assert [(loss.kind, loss.field) for loss in cut.lost] == ([(kind, "SmartHosts")] if kind else [])
    assert (whole.SmartHosts, whole.lost) == (tuple(ROW["SmartHosts"]), ())


@pytest.mark.parametrize(
    ("row", "known"),
    [
        ({"Name": "a", "SmartHosts": ["b.test"]}, False),
        ({"Name": "a", "SmartHosts": ["b.test"], "TlsDomain": "b.test"}, False),
        ({"Name": "a", "TlsSettings": "System.Object"}, False),
        ({"Name": "a", "TlsSettings": {"Length": 3}}, False),
        ({"Name": "a", "TlsSettings": None}, True),
        ({"Name": "a", "TlsSettings": ""}, True),
        ({"Name": "a", "tlssettings": None}, True),
        ('"Name","SmartHosts"\n"a","b.test"\n', False),
        ('"Name","TlsSettings"\n"a",""\n', True),
        ("Name       : a\nSmartHosts : {b.test}\n", False),
        ("Name        : a\nTlsSettings :\n", True),
    ],
)
def test_without_tls_settings_the_policy_is_not_known(row: object, known: bool, tmp_path: Path) -> None:
    (found,) = read(tmp_path, row)
    assert (found.TlsSettings, found.tls_known) == (None, known)


@pytest.mark.parametrize(
    ("row", "missing"),
    [
        ({"Name": "a", "Enabled": True, "TlsSettings": None}, True),
        ({"Name": "a", "UseMXRecord": False, "RecipientDomains": ["a.test"]}, True),
        ({"Name": "a", "RecipientDomains": ["a.test"]}, False),
        ({"Name": "a", "UseMXRecord": True}, False),
        ({"Name": "a", "UseMXRecord": False, "SmartHosts": []}, False),
    ],
)
def test_hosts_that_were_left_out_are_missing(row: object, missing: bool, tmp_path: Path) -> None:
    (found,) = read(tmp_path, row)
    assert bool(found.lost_destinations) is missing


def test_nobody_says_of_himself_what_is_known_of_him(tmp_path: Path) -> None:
    (found,) = read(
        tmp_path, {"Name": "a", "tls_known": True, "lost": [{"kind": "cut", "field": "SmartHosts"}], "UseMXRecord": True}
    )
    assert (found.tls_known, found.lost) == (False, ())


def test_modes_of_dane_and_mta_sts_are_read(tmp_path: Path) -> None:
    first, second = read(tmp_path, [ROW | {"SmtpDaneMode": "Mandatory", "MtaStsMode": "None"}, ROW])
    assert (first.SmtpDaneMode, first.MtaStsMode) == ("Mandatory", "None")
    assert (second.SmtpDaneMode, second.MtaStsMode) == (None, None)


# --- what cannot be read ---

BROKEN: dict[str, tuple[str | bytes, str]] = {
    "a table": (
        "\nName  Enabled SmartHosts\n----  ------- ----------\na     True    {mx1.con...}\n",
        "a table as a console shows it",
    ),
    "a web page": ("<!DOCTYPE html><html><body>Sign in</body></html>", "an XML or HTML document"),
    "a workbook": (b"PK\x03\x04" + bytes(100), "an Excel workbook"),
    "messages alone": ("WARNING: nothing was found\nVERBOSE: bye\n", "messages of PowerShell alone"),
    "a short line of CSV": ("Name,Enabled,SmartHosts\na,True\n", "line 2: 2 values under 3 names"),
    "an open quote": ('Name,SmartHosts\n"a,b\n', "line 2: no CSV"),
    "more after JSON": (json.dumps(ROW) + " and more", "Extra data"),
    "half of the second document": (INDENTED + "\n" + INDENTED[:60], "line 19"),
    "prose in Format-List": ("Name : a\nsome words\n", "line 2: neither"),
    "half CLIXML": (CLIXML[:600], "line 14"),
    "an entity": ('<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><Objs><S>&b;</S></Objs>', "an XML or HTML document"),
    "an entity inside": ('<Objs><!ENTITY b "c"><S>&b;</S></Objs>', "line 1"),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_what_cannot_be_read_is_one_line_that_says_what_it_is(fault: str, tmp_path: Path) -> None:
    content, said = BROKEN[fault]
    assert said in refused(tmp_path, content)


HOSTILE: dict[str, str | bytes] = {
    "many lists": "[" + "[]," * 5_000_000 + "[]]",
    "many elements": "<Objs>" + "<S/>" * 5_000_000 + "</Objs>",
    "deep XML": "<Objs>" + "<Obj>" * 2_000_000,
    "many cells": "Name,b\n" + "," * 10_000_000,
    "a long cell": 'Name,b\n"' + "x" * 20_000_000 + '",y',
    "many openings": "{\n" * 900_000,
    "many prompts": "[x\n" * 400_000,
    "many pairs": "Name : a\n" * 3_000_000,
    "many blanks": json.dumps({"Name": "a", "SmartHosts": " " * 20_000_000}),
    "many objects in text": json.dumps({"Name": "a", "SmartHosts": "@{" * 300_000 + "}" * 300_000}),
    "a long type": json.dumps({"Name": "a", "SmartHosts": "a." * 5_000_000}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_files_cost_little(kind: str, tmp_path: Path) -> None:
    file = written(tmp_path, HOSTILE[kind])
    size = file.stat().st_size
    tracemalloc.start()
    started = time.thread_time()
    said = ""
    try:
        load(file, Connector, "Get-OutboundConnector")
    except SourceError as error:
        said = str(error)
    spent = time.thread_time() - started
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said.isprintable()
    assert len(said) < 600
    assert spent < 20
    assert peak < 8 * size + 200 * 1024 * 1024


WORDS = '{ } [ ] " , ; : Name SmartHosts TlsSettings System.String[] @{Address= a.test ... <Objs> <MS> </S> </MS> </Obj> </Objs>'
MORE = [
    "\n",
    " : ",
    "#TYPE ",
    "WARNING: ",
    "<Obj RefId='0'>",
    "<S N='Name'>",
    "<Ref N='a' RefId='0'/>",
    "\t",
    "----",
    "\ufeff",
    "é",
]
PIECES = st.sampled_from([*WORDS.split(), "<LST>", "</LST>", "null", "true", "_xD800_", *MORE])


@settings(max_examples=500, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_pieces_are_connectors_or_one_line(tmp_path: Path, content: str) -> None:
    said = ""
    try:
        found = read(tmp_path, content)
        assert all(row.Name for row in found)
    except SourceError as error:
        said = str(error)
    assert said.isprintable()
