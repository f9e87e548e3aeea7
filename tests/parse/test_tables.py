"""Reports as CSV, tracking logs, exports: rows are grouped and counted, as many as there are in the time there is."""

import time
from datetime import UTC, datetime

import pytest

from diagnostics.findings import Reason, Unread
from diagnostics.parse import read_file
from diagnostics.parse.read import MAX_FILE
from diagnostics.parse.report import Note
from tests.parse.making import codes, primary

SUMMARY = (
    "origin_timestamp,sender_address,Recipient_status,message_subject,total_bytes,message_id,network_message_id,connector_id"
)
EXTENDED = (
    "date_time_utc,client_ip,client_hostname,server_ip,server_hostname,source_context,connector_id,source,event_id,"
    "internal_message_id,message_id,recipient_address,recipient_status,message_subject,custom_data"
)


def summary(rows: int, delimiter: str = ",") -> str:
    """Two connectors with two errors, times in no order."""
    lines = [SUMMARY.replace(",", delimiter)]
    for row in range(rows):
        host, connector = (("mail.contoso.com", "To on-premises"), ("mx.fabrikam.com", "Partner"))[row % 2]
        error = ("450 4.4.316 Connection refused", "450 4.4.315 Connection timed out")[row // 2 % 2]
        status = f'"someone{row}@{host}##Receive, Defer, {error} [LastAttemptedServerName={host}] [X1.namprd07.prod.outlook.com]"'
        moment = f"2026-09-{row * 5 % 27 + 1:02d}T10:{row % 60:02d}:00.0000000Z"
        cells = (
            moment,
            "a@b.com",
            status,
            f'"4.4.3{row % 90 + 10}{delimiter} x"',
            "9",
            f"<5.1.{row}@x.com>",
            f"{row:08x}",
            connector,
        )
        lines.append(delimiter.join(cells))
    return "\r\n".join(lines)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_rows_are_grouped_by_code_destination_and_connector(encoding: str, delimiter: str) -> None:
    report = read_file("report.csv", summary(400, delimiter).encode(encoding))
    found = [(error.code, error.server, error.connector, error.count) for error in report.errors]
    assert found == [
        ("450 4.4.316", "mail.contoso.com", "To on-premises", 100),
        ("450 4.4.316", "mx.fabrikam.com", "Partner", 100),
        ("450 4.4.315", "mail.contoso.com", "To on-premises", 100),
        ("450 4.4.315", "mx.fabrikam.com", "Partner", 100),
    ]
    first, last = report.errors[0].first, report.errors[0].last
    assert first
    assert last
    assert (first.day, last.day) == (1, 27)


def test_columns_of_the_extended_report() -> None:
    row = (
        "2026-09-01T10:00:00.0Z,10.0.0.1,x,203.0.113.9,mail.contoso.com,,To on-premises,SMTP,DEFER,1,<a@b>,someone@contoso.com,"
        '"450 4.4.317 Cannot connect to remote server [Message=UntrustedRoot]",secret 550 5.1.1,S:Something=1'
    )
    error = primary(read_file("report.csv", f"{EXTENDED}\n{row}\n".encode()))
    assert (error.code, error.server, error.ip) == ("450 4.4.317", "mail.contoso.com", "203.0.113.9")
    assert (error.connector, error.reason) == ("To on-premises", Reason.CERTIFICATE_UNTRUSTED)


def test_one_mail_that_expired_ends_the_waiting_of_no_other() -> None:
    row = '2026-09-01T10:{}:00Z,a@b.com,"[{{LED={}}};{{FQDN=mx.contoso.com}}]",s,1,<x@y>,z,To on-premises\n'
    rows = row.format("01", "450 4.4.316 Connection refused") + row.format("02", "550 5.4.316 Message expired, refused")
    assert [error.state for error in read_file("report.csv", f"{SUMMARY}\n{rows}".encode()).errors] == ["queued", "expired"]


def test_rows_that_all_differ_are_not_all_looked_into() -> None:
    rows = "".join(f'2026-09-01T10:00:00Z,a@b.com,"450 4.4.316 {n:x}",s,1,<x@y>,z,To on-premises\n' for n in range(5000))
    report = read_file("report.csv", f"{SUMMARY}\n{rows}".encode())
    assert report.errors[0].count == 4096
    assert report.notes == (Note(Unread.TOO_MANY_ROWS, 904),)


def test_rows_that_differ_in_their_times_are() -> None:
    led = "450 4.4.316 x [X1.prod.outlook.com 2026-09-01T10:00:{0:02d}.{0:03d}Z 08DD{2:012X}]"
    row = '2026-09-01T10:00:00Z,a@b.com,"[{{LED=' + led + '}};{{LRT={1}}}]",s\n'
    rows = "".join(row.format(n % 60, f"9/1/2026 10:{n // 60 % 60:02d}:{n % 60:02d} AM", n) for n in range(5000))
    report = read_file("report.csv", f"{SUMMARY}\n{rows}".encode())
    assert (report.errors[0].count, report.notes) == (5000, ())


def test_a_tracking_log_names_its_columns() -> None:
    head = "#Software: Microsoft Exchange Server\n#Fields: date-time,client-ip,source,event-id,message-id,recipient-status\n"
    led = "[{LRT=};{LED=450 4.4.316 Connection refused};{FQDN=mx.contoso.com}]"
    row = f'2026-09-01T10:00:00.000Z,10.0.0.1,SMTP,DEFER,<4.4.315@x>,"{led}"\n'
    report = read_file("MSGTRK.LOG", (head + row * 3).encode())
    assert (codes(report), primary(report).count, primary(report).server) == (["450 4.4.316"], 3, "mx.contoso.com")


EXPORTED = '"PSComputerName","Date","Detail"\n"x","9/1/2026 10:00:00 AM","450 4.4.316 Connection refused"\n'


@pytest.mark.parametrize("text", [EXPORTED, f"#TYPE Deserialized.System.Object\n{EXPORTED}"])
def test_an_export_of_powershell(text: str) -> None:
    assert primary(read_file("trace.csv", text.encode())).time == datetime(2026, 9, 1, 10, tzinfo=UTC)


def test_a_report_without_codes_says_so() -> None:
    report = read_file("report.csv", f"{SUMMARY}\n2026-09-01T10:00:00Z,a@b.com,c@d.com##Fail,s,1,<a@b>,x,y\n".encode())
    assert not report.errors
    assert report.notes == (Note(Unread.NO_CODES),)


def test_twenty_thousand_rows_take_less_than_two_seconds() -> None:
    data = summary(22_000).encode()[:MAX_FILE]
    for _ in range(3):
        started = time.process_time()
        report = read_file("report.csv", data)
        seconds = time.process_time() - started
        if seconds < 2:
            break
    assert sum(error.count for error in report.errors) > 20_000
    assert seconds < 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_row_that_the_limit_cut_is_not_read(encoding: str) -> None:
    """Cut where its code stands and its destination does not yet."""
    width = len("\n".encode(encoding))
    row = '2026-09-01T10:00:00Z,a@b.com,"450 4.4.318 Connection was closed [LastAttemptedServerName=mx.contoso.com]"\n'
    head = summary(4) + "\r\n"
    gap = MAX_FILE // width - len(head) - row.index(" [Last")
    filler = (("x" * 127 + "\n") * (gap // 128 + 1))[-gap:]
    report = read_file("report.csv", (head + filler + row).encode(encoding))
    assert report.notes
    assert codes(report) == ["450 4.4.316"] * 2 + ["450 4.4.315"] * 2
