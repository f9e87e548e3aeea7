"""The forms in which people meet an error, one table a form. None of these texts was observed; the shapes were."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from diagnostics.findings import Reason
from diagnostics.parse import Reported, read
from tests.parse.making import ATTEMPT, CLOSING, DSN, NDR, codes, primary

FT = "DB8EUR05FT066.eop-eur05.prod.protection.outlook.com"


def utc(*parts: int) -> datetime:
    year, month, day, hour, minute, second = (*parts, 0, 0)[:6]
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def holds(error: Reported, expected: dict[str, Any]) -> None:
    assert {name: getattr(error, name) for name in expected} == expected


# --- Codes ---

WRITTEN = {
    "450 4.4.316": "450 4.4.316",
    "450-4.4.316 Connection refused": "450 4.4.316",
    "550;5.7.711 Access denied, bad inbound connector. AS(2204).": "550 5.7.711",
    "smtp;550 5.4.316": "550 5.4.316",
    "SMTP; 550 #5.4.316": "550 5.4.316",
    "#550 4.4.7 QUEUE.Expired; message expired ##": "550 4.4.7",
    "550, 5.4.1": "550 5.4.1",
    "450\n4.4.316 Connection refused": "450 4.4.316",
    "450  (4.4.316)": "450 4.4.316",
    "**450 4.4.316**": "450 4.4.316",
    "`450 4.4.316`": "450 4.4.316",
    "554 5.4.316 Message expired": "554 5.4.316",
    "エラー450 4.4.316接続が拒否されました": "450 4.4.316",
    "Fehlercode: 450 4.4.316 Verbindung abgelehnt": "450 4.4.316",
    "\uff14\uff15\uff10\u3000\uff14\uff0e\uff14\uff0e\uff13\uff11\uff16 Connection refused": "450 4.4.316",
    "4\u200b50 4.4\u2060.316": "450 4.4.316",
    # the enhanced code alone: its class says which basic code it goes with
    "4.4.316": "450 4.4.316",
    "#5.4.316": "550 5.4.316",
    "Status: 5.7.64": "550 5.7.64",
    "we see 4.4.316 since Monday": "450 4.4.316",
    "error code 5.1.1": "550 5.1.1",
    # a basic code alone, where only a reply can stand
    "Remote Server returned '550 Requested action not taken'": "550 5.0.0",
    "{LED=421 Service not available};{FQDN=mail.contoso.com}": "421 4.0.0",
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_code_has_two_parts_and_one_blank(text: str) -> None:
    report = read(text)
    assert codes(report) == [WRITTEN[text]]
    error = primary(report)
    assert error.enhanced == error.code[4:]
    assert error.family == "4" + error.enhanced[1:]


STATES = {
    "450 4.4.316 Connection refused": "queued",
    "421 4.4.2 Connection dropped due to SocketError": "queued",
    "550 5.4.316 Message expired, connection refused": "expired",
    "550 5.4.317": "expired",
    "550 5.7.322 certificate-expired: Destination mail server's certificate is expired.": "expired",
    "550 4.4.7 QUEUE.Expired; message expired": "expired",
    "400 4.4.7 Message delayed": "queued",
    "550 5.4.310 DNS domain contoso.com does not exist": "rejected",
    "550 5.1.1 User unknown": "rejected",
    "554 5.4.14 Hop count exceeded - possible mail loop ATTR34": "rejected",
    "TaskName : Connectivity\nIsTaskSuccessful : False\nDetail : 450 4.4.316 Connection refused": "unknown",
    f"{CLOSING}\n{ATTEMPT}": "expired",
    ATTEMPT: "queued",
}


@pytest.mark.parametrize("text", STATES)
def test_the_state_is_what_became_of_the_mail(text: str) -> None:
    assert primary(read(text)).state == STATES[text]


# --- Lines of a bounce ---

ATTEMPTS: dict[str, tuple[str, dict[str, Any]]] = {
    "full": (
        ATTEMPT,
        {
            "code": "450 4.4.316",
            "server": "mail.contoso.com",
            "ip": "203.0.113.87",
            "message": "Socket error code 10061",
            "text": "Connection refused",
            "time": utc(2025, 8, 23, 13, 12, 14),
            "reported_by": FT,
        },
    ),
    "of-2017": (
        "Server at mail.contoso.com (203.0.113.4) returned '450 4.4.316 Connection refused'",
        {"server": "mail.contoso.com", "ip": "203.0.113.4", "message": None, "time": None},
    ),
    "without-quotes": (
        "Server at mail.contoso.com (203.0.113.4) returned 450 4.4.316 Connection refused [Message=Socket error code 10061]",
        {"server": "mail.contoso.com", "message": "Socket error code 10061"},
    ),
    "wrapped": (
        "6/9/2025 7:26:11 AM - Server at mail.contoso.com (203.0.113.4) returned\n'450 4.4.317 Cannot connect to remote\nserver "
        "[Message=451 5.7.3 STARTTLS is\nrequired to send mail] [LastAttemptedServerName=mail.contoso.com]\n"
        "[LastAttemptedIP=203.0.113.4:25]'",
        {
            "text": "Cannot connect to remote server",
            "message": "451 5.7.3 STARTTLS is required to send mail",
            "ip": "203.0.113.4",
            "time": utc(2025, 6, 9, 7, 26, 11),
        },
    ),
    "of-2015": (
        "9/11/2015 2:27:25 PM - Remote Server at contoso.com (203.0.113.4) returned '550 4.4.7 QUEUE.Expired; message expired'",
        {
            "code": "550 4.4.7",
            "server": "contoso.com",
            "ip": "203.0.113.4",
            "time": utc(2015, 9, 11, 14, 27, 25),
            "state": "expired",
        },
    ),
    "ipv6-and-chinese-time": (
        "2024/10/1 下午 06:43:04 - Server at nongnu.example (2001:470:142:3::10) returned '451 4.4.397 Error communicating with "
        "target host. -> 421 4.2.1 Unable to connect -> SocketError: Failed to connect. Winsock error code: 10051, Win32 error "
        "code: 10051'",
        {
            "code": "451 4.4.397",
            "ip": "2001:470:142:3::10",
            "time": utc(2024, 10, 1, 18, 43, 4),
            "chain": (
                "421 4.2.1 Unable to connect",
                "SocketError: Failed to connect. Winsock error code: 10051, Win32 error code: 10051",
            ),
            "reason": Reason.TCP_UNREACHABLE,
        },
    ),
    "quoted-and-wrapped": (
        "> 6/9/2025 7:26:11 AM - Server at mail.contoso.com\n> (203.0.113.4) returned '450 4.4.317 Cannot connect to\n> "
        "remote server [Message=451 5.7.3 STARTTLS is\n> required to send mail]'",
        {
            "text": "Cannot connect to remote server",
            "message": "451 5.7.3 STARTTLS is required to send mail",
            "ip": "203.0.113.4",
        },
    ),
    "ipv6-with-port": (
        "450 4.4.316 Connection refused [LastAttemptedServerName=mail.contoso.com] [LastAttemptedIP=[2001:db8::5]:25]",
        {"ip": "2001:db8::5"},
    ),
    "smart-host-is-an-address": (
        "Server at 198.51.100.85 (198.51.100.85) returned '450 4.4.316 Connection refused'",
        {"server": "198.51.100.85", "ip": "198.51.100.85"},
    ),
    "day-first-or-month-first": (
        "11/01/2023 04:20:14 - Server at mail.contoso.com (203.0.113.4) returned '450 4.4.316 Connection refused'",
        {"time": None},
    ),
    "day-first": (
        "21/01/2023 04:20:14 - Server at mail.contoso.com (203.0.113.4) returned '450 4.4.316 Connection refused'",
        {"time": utc(2023, 1, 21, 4, 20, 14)},
    ),
    "quotes-within": (
        "Server at mail.contoso.com (203.0.113.4) returned '550 5.1.1 'someone' isn't known' and later 'x'",
        {"text": "'someone' isn't known"},
    ),
    "receiving-server": (
        "Receiving server: mail.contoso.com (203.0.113.4)\n\nRemote Server returned '554 5.7.1 Relay access denied'",
        {"server": "mail.contoso.com", "ip": "203.0.113.4"},
    ),
    "rejected-by": (
        "Error: 550 5.7.350 Remote server returned message detected as spam -> 554 5.7.1 Blocked\n\n"
        "Message rejected by: smtp.fabrikam.com",
        {"server": "smtp.fabrikam.com", "chain": ("554 5.7.1 Blocked",)},
    ),
    "rejected-by-microsoft": (
        "Error: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; gone\nMessage rejected by: SA1PR18MB4661.namprd18.prod.outlook.com",
        {"server": None, "reported_by": "SA1PR18MB4661.namprd18.prod.outlook.com"},
    ),
    "several-lines-of-one-reply": (
        "550-5.7.26 This mail has been blocked.\n550-5.7.26 It was not authenticated.\n550 5.7.26 See the help.",
        {"text": "This mail has been blocked. It was not authenticated. See the help."},
    ),
    "link-by-slack": (
        "450 4.4.316 Connection refused [LastAttemptedServerName=<http://mail.contoso.com|mail.contoso.com>]",
        {"server": "mail.contoso.com"},
    ),
    "link-by-outlook": (
        "Server at mail.contoso.com<http://mail.contoso.com/> (203.0.113.4) returned '450 4.4.316 Connection refused'",
        {"server": "mail.contoso.com", "ip": "203.0.113.4"},
    ),
}


@pytest.mark.parametrize("case", ATTEMPTS)
def test_a_line_of_a_bounce(case: str) -> None:
    text, expected = ATTEMPTS[case]
    report = read(text)
    assert len(report.errors) == 1
    holds(primary(report), expected)


def test_a_bounce_newest_line_first() -> None:
    report = read(NDR)
    assert codes(report) == ["550 5.4.316", "450 4.4.316"]
    assert report.primary == 1
    closing, cause = report.errors
    holds(closing, {"server": None, "ip": None, "reported_by": "AS2P250MB1014.EURP250.PROD.OUTLOOK.COM", "state": "expired"})
    holds(cause, {"server": "mail.contoso.com", "ip": "203.0.113.87", "state": "expired", "count": 1})
    assert report.recipient_domains == ("contoso.com",)


def test_two_bounces_in_one_paste_are_all_listed_newest_cause_in_front() -> None:
    older = ATTEMPT.replace("8/23/2025", "8/22/2025").replace("mail.contoso.com", "mx.fabrikam.com").replace("316", "315")
    report = read(f"{older}\n\nand then\n\n{CLOSING}\n{ATTEMPT}")
    assert codes(report) == ["450 4.4.315", "550 5.4.316", "450 4.4.316"]
    assert primary(report).server == "mail.contoso.com"


def test_the_line_behind_a_closing_line_is_why_whatever_its_code() -> None:
    rejected = ATTEMPT.replace("450 4.4.316 Connection refused", "554 5.3.2 Go away")
    report = read(f"{CLOSING}\n{rejected}")
    assert primary(report).code == "554 5.3.2"


def test_closing_lines_alone_are_why_the_newest_in_front() -> None:
    older = CLOSING.replace("8/23/2025", "8/22/2025").replace("5.4.316", "5.4.315")
    for text in (f"{CLOSING}\n{older}", f"{older}\n{CLOSING}"):
        assert primary(read(text)).code == "550 5.4.316"


def test_a_delay_is_not_why() -> None:
    attempt = "Server at mail.contoso.com (203.0.113.4) returned '450 4.4.316 Connection refused'"
    for code in ("400 4.4.7 Message delayed", "450 4.4.7"):
        report = read(f"Server at mail.contoso.com (203.0.113.4) returned '{code}'\n{attempt}")
        assert (report.primary, report.errors[1].state) == (1, "queued")


def test_the_same_error_told_again_is_counted() -> None:
    report = read(f"{ATTEMPT}\n{ATTEMPT.replace('1:12:14', '1:02:14')}\n{ATTEMPT}")
    holds(primary(report), {"count": 2, "first": utc(2025, 8, 23, 13, 2, 14), "last": utc(2025, 8, 23, 13, 12, 14)})


def test_a_wrapped_line_of_text() -> None:
    error = primary(
        read("450 4.4.317 Cannot connect to remote\nserver [Message=UntrustedRoot]\n[LastAttemptedIP=203.0.113.4:25]\nbye")
    )
    holds(error, {"text": "Cannot connect to remote server", "message": "UntrustedRoot", "ip": "203.0.113.4"})


# --- Chains ---

CHAIN = "451 4.4.397 Error communicating with target host. -> 421 4.4.2 Connection dropped due to ConnectionReset"


def test_the_first_link_after_an_expiry_is_the_error_when_only_the_chain_names_it() -> None:
    report = read(f"550 5.4.300 Message expired -> {CHAIN}")
    holds(
        primary(report),
        {
            "code": "451 4.4.397",
            "state": "expired",
            "chain": tuple(CHAIN.split(" -> ")),
            "message": "421 4.4.2 Connection dropped due to ConnectionReset",
            "reason": Reason.SMTP_CLOSED,
        },
    )
    assert codes(report) == ["550 5.4.300", "451 4.4.397"]


def test_a_line_of_its_own_goes_before_the_chain() -> None:
    report = read(
        f"3/10/2024 10:38:41 AM - Server at X1.GBRP123.PROD.OUTLOOK.COM returned '550 5.4.300 Message expired -> {CHAIN}'\n"
        f"3/10/2024 10:33:39 AM - Server at mx.fabrikam.com (203.0.113.7) returned '{CHAIN}'"
    )
    assert codes(report) == ["550 5.4.300", "451 4.4.397"]
    holds(primary(report), {"server": "mx.fabrikam.com", "chain": (CHAIN.partition(" -> ")[2],)})


def test_a_line_of_its_own_goes_before_the_chain_whatever_its_code() -> None:
    report = read(f"{CLOSING.replace('Message expired', f'Message expired -> {CHAIN}', 1)}\n{ATTEMPT}")
    assert codes(report) == ["550 5.4.316", "450 4.4.316"]
    assert report.primary == 1


CHAINS = {
    CHAIN: "451 4.4.397",
    CHAIN.replace("->", "\u2192"): "451 4.4.397",
    "550 5.7.367 Remote server returned not permitted to relay -> 554 5.7.1 Relay access denied": "550 5.7.367",
    "550 5.1.351 Remote server returned unknown recipient -> 550-5.1.1 No such user": "550 5.1.351",
}


@pytest.mark.parametrize("text", CHAINS)
def test_without_an_expiry_in_front_the_first_code_stays(text: str) -> None:
    report = read(text)
    assert codes(report) == [CHAINS[text]]
    assert len(primary(report).chain) == 1


# --- The machine's part ---

MACHINE: dict[str, tuple[str, dict[str, Any]]] = {
    "microsoft": (
        DSN,
        {
            "code": "550 5.4.316",
            "server": None,
            "ip": None,
            "arrival": utc(2025, 8, 22, 13, 20),
            "reported_by": "AS2P250MB1014.EURP250.PROD.OUTLOOK.COM",
            "state": "expired",
        },
    ),
    "in-one-line": (
        " ".join(DSN.split()),
        {"code": "550 5.4.316", "text": "Message expired, connection refused", "arrival": utc(2025, 8, 22, 13, 20)},
    ),
    "status-alone": ("Final-Recipient: rfc822;a@contoso.com\nAction: failed\nStatus: 5.4.317", {"code": "550 5.4.317"}),
    "status-and-basic-code": (
        "Action: failed\nStatus: 5.4.317\nDiagnostic-Code: smtp;554 Message expired",
        {"code": "554 5.4.317", "text": "Message expired"},
    ),
    "delayed": ("Final-Recipient: rfc822;a@b.com\nAction: delayed\nStatus: 4.4.7", {"code": "450 4.4.7", "state": "queued"}),
    "another-program's": (
        "Reporting-MTA: dns; mx.fabrikam.com\n\nFinal-Recipient: rfc822; a@contoso.com\nAction: failed\nStatus: 5.1.1\n"
        "Remote-MTA: dns; mail.contoso.com (203.0.113.5)\nDiagnostic-Code: smtp; 550-5.1.1 That mailbox\n 550 5.1.1 is gone\n"
        "Last-Attempt-Date: Sun, 17 Jun 2018 07:31:37 -0200",
        {
            "server": "mail.contoso.com",
            "ip": "203.0.113.5",
            "text": "That mailbox is gone",
            "time": utc(2018, 6, 17, 9, 31, 37),
            "reported_by": "mx.fabrikam.com",
        },
    ),
}


@pytest.mark.parametrize("case", MACHINE)
def test_a_delivery_status(case: str) -> None:
    text, expected = MACHINE[case]
    report = read(text)
    assert len(report.errors) == 1
    holds(primary(report), expected)


def test_every_recipient_of_a_delivery_status_is_an_error() -> None:
    other = "\nFinal-Recipient: rfc822;other@fabrikam.com\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp;550 5.1.1 Unknown"
    report = read(DSN + other)
    assert codes(report) == ["550 5.4.316", "550 5.1.1"]
    assert {error.arrival for error in report.errors} == {utc(2025, 8, 22, 13, 20)}
    assert report.recipient_domains == ("contoso.com", "fabrikam.com")


def test_a_delivery_status_adds_to_the_lines_before_it() -> None:
    report = read(f"{NDR.partition('Original')[0]}\n\n{DSN}")
    assert codes(report) == ["550 5.4.316", "450 4.4.316"]
    assert [error.arrival for error in report.errors] == [utc(2025, 8, 22, 13, 20)] * 2


def test_a_delivery_status_ends_the_waiting_of_attempts() -> None:
    assert {error.state for error in read(f"{ATTEMPT}\n\n{DSN}").errors} == {"expired"}


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


# --- Whose host ---

NOBODYS = (None, None)
OWNERS = {
    "Server at VE1EUR03HT058.eop-EUR03.prod.protection.outlook.com returned '450 4.4.312 DNS query failed'": NOBODYS,
    "Server at SG2APC01HT226.mail.protection.outlook.com (25.152.252.27) returned '450 4.4.316 Connection refused'": NOBODYS,
    "Server at X1.GBRP123.PROD.OUTLOOK.COM (203.0.113.4) returned '450 4.4.316 Connection refused'": NOBODYS,
    "Server at mail.contoso.com (40.107.2.3) returned '450 4.4.316 Connection refused'": ("mail.contoso.com", None),
    "Server at mail.contoso.com (40.95.1.1) returned '450 4.4.316 Connection refused'": ("mail.contoso.com", None),
    "Server at mail.contoso.com (2a01:111:f400::1) returned '450 4.4.316 Connection refused'": ("mail.contoso.com", None),
    "Server at mail.contoso.com (0.0.0.0) returned '450 4.4.316 Connection refused'": ("mail.contoso.com", None),
    "Server at mail.contoso.com (203.0.113.4) returned '450 4.4.312 DNS query failed [Message=ErrorRetry]'": (
        "mail.contoso.com",
        None,
    ),
    "Server at mail.contoso.com (10.0.0.5) returned '450 4.4.316 Connection refused'": ("mail.contoso.com", "10.0.0.5"),
    "Server at mail.contoso.com (10.0.0.5) returned '550 5.7.1 Unable to relay'": ("mail.contoso.com", None),
    "Server at ex01.contoso.local (10.0.0.5) returned '550 5.7.1 Unable to relay'": NOBODYS,
    "Server at ***** (*.*.*.*) returned '450 4.4.316 Connection refused'": NOBODYS,
    "Server at mail.xxxx.com (203.0.113.4) returned '450 4.4.316 Connection refused'": (None, "203.0.113.4"),
    f"450 4.4.316 Connection refused [{FT}]": NOBODYS,
    "mail.contoso.com (203.0.113.4) answers with 450 4.4.316 Connection refused": NOBODYS,
    # on its way to Microsoft
    "Remote Server at contoso-com.mail.protection.outlook.com (104.47.1.36) returned '550 5.4.1 Access denied'": (
        "contoso-com.mail.protection.outlook.com",
        "104.47.1.36",
    ),
    "Server at contoso.mail.onmicrosoft.com (52.101.64.12) returned '451 4.4.397 Error communicating with target host.'": (
        "contoso.mail.onmicrosoft.com",
        "52.101.64.12",
    ),
    "Server at contoso-com.k-v1.mx.microsoft (52.101.1.2) returned '450 4.4.316 Connection refused'": (
        "contoso-com.k-v1.mx.microsoft",
        "52.101.1.2",
    ),
    "Server at contoso.com (52.101.1.2) returned '550 5.7.64 TenantAttribution; Relay Access Denied'": (
        "contoso.com",
        "52.101.1.2",
    ),
    "Server at contoso.com (52.101.1.2) returned '451 4.7.500 Server busy. Please try again later from [1.2.3.4]. (AS761)'": (
        "contoso.com",
        "52.101.1.2",
    ),
}


@pytest.mark.parametrize("text", OWNERS)
def test_the_destination_is_only_what_was_to_get_the_mail(text: str) -> None:
    error = primary(read(text))
    assert (error.server, error.ip) == OWNERS[text]


DOMAINS = {
    "550 5.4.310 DNS domain contoso.com does not exist": "contoso.com",
    "550 5.4.310 DNS domain `contoso.co.uk` does not exist": "contoso.co.uk",
    "450 4.4.8 MX hosts of contoso.com failed MTA-STS validation": "contoso.com",
    "450 4.7.323 tlsa-invalid: The domain failed DANE validation.": None,
    "550 5.4.4 SMTPSEND.DNS.NonExistentDomain; nonexistent domain edgesync - default-first-site-name to internet": None,
}


@pytest.mark.parametrize("text", DOMAINS)
def test_a_domain_is_named_in_prose(text: str) -> None:
    assert primary(read(text)).domain == DOMAINS[text]


# --- What the text proves ---

CANNOT = "450 4.4.317 Cannot connect to remote server"
PROVES = {
    "450 4.4.312 DNS query failed [Message=InfoNoRecords]": Reason.DNS_NO_RECORDS,
    "450 4.4.312 DNS query failed [Message=InfoDomainNonexistent]": Reason.DNS_NXDOMAIN,
    "450 4.4.312 DNS query failed [Message=ErrorTimeout]": Reason.DNS_TIMEOUT,
    "450 4.4.312 DNS query failed [Message=ErrorRetry]": None,
    "550 5.4.310 DNS domain contoso.com does not exist [Message=InfoDomainNonexistent]": Reason.DOMAIN_NXDOMAIN,
    "450 4.4.315 Connection timed out": Reason.TCP_TIMEOUT,
    "450 4.4.315 Connection timed out [Message=Socket error code 10051]": Reason.TCP_UNREACHABLE,
    "550 5.4.316 Message expired, connection refused": Reason.TCP_REFUSED,
    "450 4.4.318 Connection was closed abruptly (SuspiciousRemoteServerError)": Reason.SMTP_CLOSED,
    "450 4.4.317 Cannot connect to remote server": None,
    f"{CANNOT} [Message=451 5.7.3 STARTTLS is required to send mail]": Reason.STARTTLS_MISSING,
    f"{CANNOT} [Message=UntrustedRoot]": Reason.CERTIFICATE_UNTRUSTED,
    f"{CANNOT} [Message=PartialChain]": Reason.CERTIFICATE_INCOMPLETE_CHAIN,
    f"{CANNOT} [Message=SubjectMismatch Expected Subject: a.]": Reason.CERTIFICATE_NAME_MISMATCH,
    f"{CANNOT} [Message=451 4.4.0 Security status IllegalMessage]": Reason.TLS_HANDSHAKE,
    f"{CANNOT} [Message=451 4.4.0 TLS negotiation failed with error SocketError]": Reason.TLS_HANDSHAKE,
    f"{CANNOT} [Message=Failed to connect. Winsock error code: 995]": Reason.TCP_TIMEOUT,
    f"{CANNOT} [Message=451 4.4.0 Something that Microsoft words]": None,
    f"{CANNOT} [Message=421 4.3.2 Service not available]": Reason.SMTP_UNAVAILABLE,
    f"{CANNOT} [Message=550-5.7.0 Connection refused - Senderscore too low]": Reason.SMTP_REJECTED,
    "450 4.7.320 Certificate validation failed [Message=SubjectMismatch]": Reason.CERTIFICATE_NAME_MISMATCH,
    "450 4.7.320 Certificate validation failed": None,
    "451 4.4.400 Error communicating with frontend host. -> 421 4.4.2 Connection dropped due to SocketError": Reason.SMTP_CLOSED,
    "451 4.4.397 Error communicating with target host. -> 421 4.3.2 Service not active": Reason.SMTP_UNAVAILABLE,
    "451 4.4.397 Error communicating with target host. -> 421 4.4.2 Connection dropped due to timeout": Reason.SMTP_TIMEOUT,
    "451 5.7.3 STARTTLS is required to send mail": Reason.STARTTLS_MISSING,
    "554 5.4.14 Hop count exceeded - possible mail loop ATTR34": None,
    "550 5.7.23 SubjectMismatch is a word here": None,
    "550 5.1.1 Socket error code 10061": None,
}


@pytest.mark.parametrize("text", PROVES)
def test_a_reason_needs_code_and_words(text: str) -> None:
    assert primary(read(text)).reason == PROVES[text]


def test_the_facts_of_a_sub_message() -> None:
    mismatch = primary(
        read(
            f"{CANNOT} [Message=SubjectMismatch Expected Subject: *.contoso.com. Presented Subject: "
            "CN=mail.fabrikam.com, O=Fabrikam Inc., C=US. Thumbprint: d0ac2fc63b9c5798828b45d849be8d33.]"
        )
    ).submessage
    assert mismatch.expected == "*.contoso.com"
    assert mismatch.presented == "CN=mail.fabrikam.com, O=Fabrikam Inc., C=US"
    assert mismatch.thumbprint == "D0AC2FC63B9C5798828B45D849BE8D33"
    refused = primary(read("450 4.4.317 Cannot connect [Message=550-5.7.0 Refused - [203.0.113.4] score] [SmtpSecurity=-2;-2]"))
    assert refused.submessage.reply == "550 5.7.0 Refused - [203.0.113.4] score"
    assert primary(read(ATTEMPT)).submessage.winsock == 10061
