"""Details of traces, rows of tables, what servers on premises say. None of these texts was observed; the shapes were."""

import json
from typing import Any

import pytest

from diagnostics.findings import Reason
from diagnostics.parse import read
from tests.parse.making import FT, codes, holds, primary, utc

# --- Trace details ---

LED = f"450 4.4.317 Cannot connect to remote server [Message=UntrustedRoot] [LastAttemptedServerName=mail.contoso.com] [{FT}]"
TAIL = "OutboundProxyTargetIP: 203.0.113.9. OutboundProxyTargetHostName: mail.contoso.com"
FIELDS = "{MSG=UntrustedRoot};{FQDN=mail.contoso.com};{IP=203.0.113.9};{LRT=11/1/2025 12:12:45 PM}"
ALL = {
    "code": "450 4.4.317",
    "server": "mail.contoso.com",
    "ip": "203.0.113.9",
    "message": "UntrustedRoot",
    "last_retry": utc(2025, 11, 1, 12, 12, 45),
}
NO_RETRY = {**ALL, "last_retry": None}

TRACES: dict[str, tuple[str, dict[str, Any]]] = {
    "whole": (f"Reason: [{{LED={LED}}};{FIELDS}]. {TAIL}", ALL),
    "no-reason": (f"[{{LED={LED}}};{FIELDS}]", ALL),
    "defer": (f"Defer:Reason: [{{LED={LED}}};{FIELDS}]. {TAIL}", ALL),
    "braced": (f"{{[{{LED={LED}}};{FIELDS}]}}", ALL),
    "other-order": (f"[{{LRT=11/1/2025 12:12:45 PM}};{{LED={LED}}};{{FQDN=mail.contoso.com}};{{IP=203.0.113.9}}]", ALL),
    "spaced": (
        "Reason: [{LED = 450 4.4.317 Cannot connect to remote server [Message = UntrustedRoot]}; {MSG = UntrustedRoot}; "
        "{FQDN = mail.contoso.com}; {IP = 203.0.113.9}; {LRT = 11/1/2025 12:12:45 PM}]",
        ALL,
    ),
    "last-attempted-server-name": (
        "'[{LED=450 4.4.317 Cannot connect to remote server};{MSG=UntrustedRoot};{Last attempted server name=mail.contoso.com}",
        {**NO_RETRY, "ip": None},
    ),
    "empty-message": (f"[{{LED={LED}}};{{MSG=}};{{FQDN=mail.contoso.com}};{{IP=203.0.113.9}};{{LRT=}}]", NO_RETRY),
    "message-of-one-letter": (f"Reason: [{{LED={LED}}};{{MSG=4. {TAIL}", NO_RETRY),
    "only-a-message-of-one-letter": (
        f"Reason: [{{LED=450 4.4.316 Connection refused}};{{MSG=4. {TAIL}",
        {"message": None, "server": "mail.contoso.com"},
    ),
    "cut-in-a-field": (f"Reason: [{{LED={LED[:-20]}. {TAIL}", NO_RETRY),
    "cut-at-once": ("Reason: [{LED=450 4.4.317 Cannot connect to remote ser", {"code": "450 4.4.317", "server": None}),
    "cut-in-the-message": (
        "Reason: [{LED=450 4.4.317 Cannot connect to remote server [Message=451 5.7.3 STARTTLS is requ",
        {"message": "451 5.7.3 STARTTLS is requ"},
    ),
    "braces-within": (
        f"[{{LED=451-4.7.23 Deferred, see i{{2}} and {{x}}}};{{MSG=}};{{FQDN=mail.contoso.com}};{{IP=203.0.113.9}}]. {TAIL}",
        {"code": "451 4.7.23", "text": "Deferred, see i{2} and {x}", "server": "mail.contoso.com", "ip": "203.0.113.9"},
    ),
    "masked": (
        "[{LED=450 4.4.316 Connection refused [LastAttemptedServerName=***] [LastAttemptedIP=72.x.x.x:25]};"
        "{FQDN=xxx};{IP=10.*.*.1}]",
        {"code": "450 4.4.316", "server": None, "ip": None},
    ),
    "wrapped-in-a-table": (
        "| Reason: [{LED=450 4.4.317 Cannot connect to remote server [Message=SubjectMismatch Expected<br><br>Subject: "
        "\\*.contoso.com. Presented Subject: CN=EX01. Thumbprint:<br><br>D0AC2FC63B9C5798828B45D849BE8D33.] "
        f"[LastAttemptedServerName=mail.contoso.com]<br><br>[LastAttemptedIP=203.0.113.9:25] [BN7. {TAIL} | trace |",
        {
            "message": "SubjectMismatch Expected Subject: *.contoso.com. Presented Subject: CN=EX01. "
            "Thumbprint: D0AC2FC63B9C5798828B45D849BE8D33.",
            "ip": "203.0.113.9",
        },
    ),
    "with-a-blank-line-within": (
        "[{LRT=};{LED=450 4.7.0 Proxy session setup failed on Frontend with '451 4.4.0 Primary target IP address responded with: "
        '"451 4.4.0 Security\n\nstatus InvalidToken." };{FQDN=mail.contoso.com};{IP=203.0.113.9}]',
        {"message": "451 4.4.0 Security status InvalidToken.", "server": "mail.contoso.com"},
    ),
    "wrapped-behind-its-equals-signs": (
        "[{LED=450 4.4.316 Connection refused};{MSG=\n};{FQDN=\nmail.contoso.com}]",
        {"code": "450 4.4.316", "server": "mail.contoso.com"},
    ),
    "only-the-proxy-names-it": (
        f"Reason: [{{LED=450 4.4.316 Connection refused. {TAIL}",
        {"server": "mail.contoso.com", "ip": "203.0.113.9"},
    ),
    "expired": (
        "Reason: [{LED=550 4.4.7 QUEUE.Expired; message expired};{MSG=};{FQDN=mail.contoso.com};{IP=203.0.113.9};{LRT=}]",
        {"code": "550 4.4.7", "state": "expired", "server": "mail.contoso.com"},
    ),
    "deferred": (
        "The message was deferred. 450 4.4.316 Connection refused [Message=Socket error code 10061] "
        "[LastAttemptedServerName=mail.contoso.com] [LastAttemptedServerIP=203.0.113.9:25]",
        {"server": "mail.contoso.com", "ip": "203.0.113.9"},
    ),
}


@pytest.mark.parametrize("case", TRACES)
def test_a_trace_detail(case: str) -> None:
    text, expected = TRACES[case]
    report = read(text)
    assert len(report.errors) == 1
    holds(primary(report), expected)


# --- Rows ---

XML = (
    '<root><MEP Name="CustomData" String="S:Microsoft.Exchange.Hygiene.TenantOutboundConnectorCustomData=Name=To on-premises;'
    'ConnectorType=OnPremises"/><MEP Name="ServerHostName" String="EX02.contoso.com"/></root>'
)
ROWS = f"""
Date   : 9/1/2026 10:00:00 AM
Event  : Defer
Action :
Detail : Reason: [{{LED=450 4.4.316 Connection refused [Message=Socket error
         code 10061] [LastAttemptedServerName=mail.contoso.com]
         [LastAttemptedIP=192.0.2.10:25]}};{{MSG=}};{{FQDN=mail.contoso.com}};{{IP=1
         92.0.2.10}};{{LRT=9/1/2026 10:00:00 AM}}]
Data   : {XML}

Date   : 9/1/2026 10:15:00 AM
Event  : Defer
Detail : Reason: [{{LED=450 4.4.316 Connection refused [Message=Socket error code 10061]
         [LastAttemptedServerName=mail.contoso.com] [LastAttemptedIP=192.0.2.10:25]}};{{MSG=}};{{FQDN=mail.contoso.com}};
         {{IP=192.0.2.10}};{{LRT=9/1/2026 10:15:00 AM}}]
Data   : {XML}
"""
DETAIL = (
    "Reason: [{LED=450 4.4.316 Connection refused [Message=Socket error code 10061] [LastAttemptedServerName=mail.contoso.com]..."
)
TABLE = f"""Date                 Event  Action Detail
----                 -----  ------ ------
9/1/2026 10:00:00 AM Defer         {DETAIL}
9/1/2026 10:15:00 AM Defer         {DETAIL}
"""
LED_316 = "[{LED=450 4.4.316 Connection refused [Message=Socket error code 10061]};{FQDN=mail.contoso.com};{IP=192.0.2.10}]"
EXPIRY = LED_316.replace("450 4.4.316 Connection refused", "550 4.4.7 QUEUE.Expired; message expired")


def graph(*events: tuple[str, str], data: str = "") -> str:
    """What Graph answers: times and details, and beside them numbers that look like codes."""
    rows = [
        {
            "id": "5.7.323",
            "messageId": "<4.4.315@contoso.com>",
            "dateTime": moment,
            "event": "Defer",
            "description": f"Reason: {led}",
        }
        | {"subject": "550 5.1.1 in the subject", "data": data}
        for moment, led in events
    ]
    return json.dumps({"@odata.context": "https://graph.microsoft.com/v1.0/$metadata", "value": rows})


GRAPH = graph(("2026-09-01T10:00:00Z", LED_316), ("2026-09-01T10:15:00Z", LED_316))
POWERSHELL = GRAPH.replace("2026-09-01T10:00:00Z", "\\/Date(1788256800000)\\/").replace("dateTime", "Date")
ROW_FORMS = {
    "format-list": (ROWS, "To on-premises"),
    "format-list-in-one-line": (" ".join(ROWS.split()), "To on-premises"),
    "table": (TABLE, None),
    "graph": (GRAPH, None),
    "graph-with-data": (graph(("2026-09-01T10:00:00Z", LED_316), ("2026-09-01T10:15:00Z", LED_316), data=XML), "To on-premises"),
    "powershell": (POWERSHELL, None),
}


@pytest.mark.parametrize("form", ROW_FORMS)
def test_rows_with_one_error_are_one_error_with_a_count(form: str) -> None:
    text, connector = ROW_FORMS[form]
    report = read(text)
    expected = {
        "code": "450 4.4.316",
        "server": "mail.contoso.com",
        "connector": connector,
        "count": 2,
        "first": utc(2026, 9, 1, 10),
        "last": utc(2026, 9, 1, 10, 15),
        "time": utc(2026, 9, 1, 10, 15),
    }
    assert len(report.errors) == 1
    holds(primary(report), expected)


def test_rows_of_the_same_moment_are_two() -> None:
    assert primary(read(ROWS.replace("10:15:00", "10:00:00"))).count == 2


def test_the_newest_row_says_what_the_error_is_now() -> None:
    assert primary(read(ROWS)).last_retry == utc(2026, 9, 1, 10, 15)


def test_what_was_tried_before_the_expiry_waits_no_more() -> None:
    report = read(graph(("2026-09-01T10:00:00Z", LED_316), ("2026-09-02T10:00:00Z", EXPIRY)))
    assert codes(report) == ["450 4.4.316", "550 4.4.7"]
    assert {error.state for error in report.errors} == {"expired"}
    assert report.primary == 0


def test_trace_data_is_read_by_its_attributes() -> None:
    text = '<root><MEP Name="RecipientStatus" String="450 4.4.316 Connection refused"/><MEP Name="RcptCount" Integer="1"/></root>'
    assert primary(read(text)).text == "Connection refused"


def test_trace_data_expands_no_entities() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    report = read(
        f'<!DOCTYPE r [<!ENTITY e0 "550 5.1.1">{bomb}<!ENTITY x SYSTEM "file:///etc/hostname">]><root>'
        '<MEP Name="RecipientStatus" String="[{LED=450 4.4.316 Connection refused &e11; &x;};{FQDN=mail.contoso.com}]"/></root>'
    )
    holds(primary(report), {"code": "450 4.4.316", "server": "mail.contoso.com"})
    assert len(primary(report).text) < 100


# --- On premises ---

ENDPOINT = "Attempted failover to alternate host, but that did not succeed. The last endpoint attempted was {}:25"
ON_PREMISES: dict[str, tuple[str, dict[str, Any]]] = {
    "queue": (
        "Status : Retry\nLastError : [{LRT=21-01-2026 23:50:05};{LED=450 4.7.0 Proxy session setup failed on Frontend with "
        "'451 4.4.0 "
        'Primary target IP address responded with: "451 4.4.0 Security status InvalidToken." '
        + ENDPOINT.format("203.0.113.7")
        + "'};{FQDN=EX01.CONTOSO.LOCAL};{IP=192.168.12.4}]\nRetryCount : 17",
        {
            "code": "450 4.7.0",
            "message": "451 4.4.0 Security status InvalidToken.",
            "reason": Reason.TLS_HANDSHAKE,
            "server": None,
            "ip": "203.0.113.7",
            "reported_by": "EX01.CONTOSO.LOCAL",
            "last_retry": utc(2026, 1, 21, 23, 50, 5),
        },
    ),
    "delivery-group": (
        "Remote Server at mdb27 (172.24.16.149) returned '441 4.4.1 Error encountered while communicating with primary target IP "
        'address: "Failed to connect. Winsock error code: 10060, Win32 error code: 10060." '
        + ENDPOINT.format("172.24.16.149")
        + "'",
        {"code": "441 4.4.1", "server": None, "ip": None, "reason": Reason.TCP_TIMEOUT},
    ),
    "edge": (
        "Server at edgesync - default-first-site-name to internet (2xx.xx.xx.xx) returned '451 4.4.397 Error communicating with "
        "target host. -> 421 4.2.1 Unable to connect -> SocketTimedout: Socket error code 10060'",
        {"code": "451 4.4.397", "server": None, "ip": None, "reason": Reason.TCP_TIMEOUT},
    ),
    "tracking-log": (
        "2026-09-01T10:00:00.000Z,192.168.1.5,EX01.contoso.local,,,SMTP,DEFER,1,<4.4.316@contoso.com>,"
        '"[{LED=451 4.4.397 Error communicating with target host. -> 421 4.2.1 Unable to connect -> SocketConnectionRefused: '
        'Socket error code 10061};{FQDN=mail.fabrikam.com};{IP=203.0.113.5}]"',
        {"code": "451 4.4.397", "server": "mail.fabrikam.com", "ip": "203.0.113.5", "time": utc(2026, 9, 1, 10)},
    ),
    "validation": (
        "450 4.4.101 Proxy session setup failed on Frontend with '451 4.4.0 Primary target IP address responded with \"451 5.7.3 "
        f"STARTTLS is required to send mail.\" {ENDPOINT.format('203.0.113.25')}'.",
        {"code": "450 4.4.101", "reason": Reason.STARTTLS_MISSING, "ip": "203.0.113.25"},
    ),
}


@pytest.mark.parametrize("case", ON_PREMISES)
def test_what_a_server_on_premises_says(case: str) -> None:
    text, expected = ON_PREMISES[case]
    report = read(text)
    assert len(report.errors) == 1
    holds(primary(report), expected)
