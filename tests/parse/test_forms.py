"""The forms in which people meet an error, one table a form. None of these texts was observed; the shapes were."""

from typing import Any

import pytest

from diagnostics.findings import Reason
from diagnostics.parse import read
from tests.parse.making import ATTEMPT, CLOSING, DSN, FT, NDR, codes, holds, primary, utc

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
    "5.4.14 Hop count exceeded - possible mail loop ATTR34": "550 5.4.14",
    "we get\n- 5.7.64 TenantAttribution; Relay Access Denied": "550 5.7.64",
    "{'a@contoso.com': (550, b'5.7.64 TenantAttribution; Relay Access Denied')}": "550 5.7.64",
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
