"""Lines that a mail program, a terminal or a page broke say what they said whole; lines of somebody else stay away."""

from typing import Any

import pytest

from diagnostics.findings import Reason
from diagnostics.parse import read
from tests.parse.making import ATTEMPT, NDR, broken, codes, holds, primary, utc

FIELDS = "{LED=450 4.4.316 Connection refused};{FQDN=mail.contoso.com};{IP=203.0.113.5};"
MISMATCH = {
    "reason": Reason.CERTIFICATE_NAME_MISMATCH,
    "message": "SubjectMismatch Expected Subject: *.contoso.com. Presented Subject: CN=EX01. Thumbprint: "
    "D0AC2FC63B9C5798828B45D849BE8D33.",
    "server": "mail.contoso.com",
    "ip": "203.0.113.5",
}
ENDS = "[LastAttemptedServerName=mail.contoso.com]\n[LastAttemptedIP=203.0.113.5:25]"
CANNOT = "450 4.4.317 Cannot connect to remote server"
RESET = {
    "code": "451 4.4.397",
    "reason": Reason.SMTP_CLOSED,
    "chain": ("451 4.4.397 Error communicating with target host.", "421 4.4.2 Connection dropped due to SocketError"),
}

BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "before-subject": (
        f"{CANNOT} [Message=SubjectMismatch\nExpected Subject: *.contoso.com. Presented\nSubject: CN=EX01. "
        f"Thumbprint:\nD0AC2FC63B9C5798828B45D849BE8D33.] {ENDS}",
        MISMATCH,
    ),
    "behind-subject": (
        f"{CANNOT} [Message=SubjectMismatch Expected Subject:\n*.contoso.com. Presented Subject:\nCN=EX01.\n"
        f"Thumbprint: D0AC2FC63B9C5798828B45D849BE8D33.] {ENDS}",
        MISMATCH,
    ),
    "in-a-time-of-retry": (FIELDS + "{LRT=9/1/2026\n        1:28:11 PM}]", {"last_retry": utc(2026, 9, 1, 13, 28, 11)}),
    "before-pm": (FIELDS + "{LRT=9/1/2026 1:28:11\n        PM}]", {"last_retry": utc(2026, 9, 1, 13, 28, 11)}),
    "in-the-time-of-a-line": (
        "9/12/2023\n10:38:18 AM - Server at mail.contoso.com (203.0.113.5) returned '421 4.4.2 Connection dropped'",
        {"time": utc(2023, 9, 12, 10, 38, 18)},
    ),
    "behind-remote": (
        "9/12/2023 10:38:18 AM - Remote\nServer at mail.contoso.com (203.0.113.5) returned '421 4.4.2 Connection dropped'",
        {"time": utc(2023, 9, 12, 10, 38, 18)},
    ),
    "in-a-chain": (
        "550 5.4.300 Message expired -> 451 4.4.397 Error communicating with\ntarget host. -> 421 4.4.2 Connection dropped "
        "due to\nSocketError\n\nAny help?",
        RESET,
    ),
    "in-the-code-of-a-link": (
        "> 550 5.4.300 Message expired -> 451\n> 4.4.397 Error communicating with target host. ->\n> 421 4.4.2 Connection "
        "dropped due to SocketError",
        RESET,
    ),
    "before-an-arrow-and-a-colon": (
        "550 5.7.367 Remote server returned not permitted to relay\n-> 554 5.7.1 <a@contoso.com>: Relay access denied",
        {"chain": ("554 5.7.1 <…@contoso.com>: Relay access denied",)},
    ),
    "in-round-brackets": (
        "Reported error: 550 5.4.317 Message expired, cannot connect to remote server(451\n5.7.3 STARTTLS is required to "
        "send mail)\nRemote server: mail.contoso.com",
        {
            "message": "451 5.7.3 STARTTLS is required to send mail",
            "reason": Reason.STARTTLS_MISSING,
            "server": "mail.contoso.com",
        },
    ),
    "before-a-bracket": (
        "550 5.4.317 Message expired, cannot connect to remote\nserver(451 5.7.3 STARTTLS is required to send mail)\nThanks",
        {
            "text": "Message expired, cannot connect to remote server",
            "message": "451 5.7.3 STARTTLS is required to send mail",
        },
    ),
    "on-premises": (
        '451 4.4.0 Primary target IP address responded with: "421 4.4.1\nConnection timed out." Attempted failover to alternate '
        "host, but that\ndid not succeed. Either there are no alternate hosts, or delivery failed\nto all alternate hosts. The "
        "last endpoint attempted was 203.0.113.5:25",
        {"message": "421 4.4.1 Connection timed out.", "ip": "203.0.113.5"},
    ),
    "in-a-list": (
        "Status         : Retry\nLastError      : 451 4.4.0 Primary target IP address responded with: \"421 4.4.1\n"
        '                 Connection timed out." Attempted failover to alternate host,\n'
        "                 but that did not succeed. Either there are no alternate hosts,\n"
        "                 or delivery failed to all alternate hosts. The last endpoint\n"
        "                 attempted was 203.0.113.5:25\nNextHopDomain  : contoso.com",
        {"message": "421 4.4.1 Connection timed out.", "ip": "203.0.113.5"},
    ),
    "on-the-frontend": (
        "450 4.4.101 Proxy session setup failed on Frontend\nwith '451 4.4.0 Primary target IP address responded with\n"
        '"451 5.7.3 STARTTLS is required to send mail." Attempted\nfailover to alternate host, but that did not succeed.\'',
        {"message": "451 5.7.3 STARTTLS is required to send mail.", "reason": Reason.STARTTLS_MISSING},
    ),
    "by-postfix": (
        "host mail.contoso.com[203.0.113.5] said: 550\n            5.1.1 User unknown (in reply to RCPT TO command)",
        {"code": "550 5.1.1", "server": "mail.contoso.com", "ip": "203.0.113.5", "message": None},
    ),
    "as-a-page-does": (
        broken(f"It says this:\n\n{CANNOT} [Message={MISMATCH['message']}] {' '.join(ENDS.split())}\n\nbye", 66, "").replace(
            "\n", "\n\n"
        ),
        MISMATCH,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_line_says_what_it_said_whole(case: str) -> None:
    text, expected = BROKEN[case]
    holds(primary(read(text)), expected)


OTHERS = {
    "450 4.4.316 Connection refused (see below\nThanks": "Connection refused (see below",
    "450 4.4.316 Connection refused\nsince Monday": "Connection refused",
    "450 4.4.316 Connection refused, as our partner tells us about all of it\nPlease help": "Connection refused, as our partner "
    "tells us about all of it",
    "550 5.7.367 Remote server returned not permitted to relay\nMessage rejected by:\nmx.contoso.com": "Remote server returned "
    "not permitted to relay",
    '"450 4.4.316 Connection refused" is seen\nand "nothing" else': 'Connection refused" is seen',
}


@pytest.mark.parametrize("text", OTHERS)
def test_a_line_of_somebody_else_is_no_part_of_it(text: str) -> None:
    assert primary(read(text)).text == OTHERS[text]


def test_empty_lines_between_whole_lines_stay() -> None:
    text = "Hi,\n\nwe see this:\n\n450 4.4.316 Connection refused [Message=Socket error code 10061\n\nThanks"
    assert primary(read(text)).message == "Socket error code 10061"


def test_a_bounce_in_preformatted_html_keeps_its_lines() -> None:
    report = read(f"<html><body><pre>{ATTEMPT}\nConnector: To on-premises\n550 5.7.1 other\nThanks</pre></body></html>")
    assert codes(report) == ["450 4.4.316", "550 5.7.1"]
    holds(report.errors[1], {"text": "other", "connector": "To on-premises"})


@pytest.mark.parametrize("indent", ["   ", "\t", "- ", "| ", "`"])
def test_a_row_behind_an_indent_has_its_time(indent: str) -> None:
    row = "9/1/2026 10:{0}:00 AM Defer  450 4.4.316 Connection refused [LastAttemptedServerName=mail.contoso.com]"
    report = read("\n".join(indent + row.format(minute) for minute in ("00", "15")))
    holds(primary(report), {"count": 2, "last": utc(2026, 9, 1, 10, 15)})


def test_a_quoted_bounce_in_another_bounce_stays_whole() -> None:
    assert read(broken(NDR, 70, "> ")).errors == read(NDR).errors
