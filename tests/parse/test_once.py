"""One error once, with its host; no host or domain that is not the destination's; the code and the words as written."""

from typing import Any

import pytest

from diagnostics.parse import read
from tests.parse.making import FT, codes, holds, primary

STATUS = "Final-Recipient: rfc822; a@contoso.com\nAction: failed\nStatus: {}\n"
SAID = "Diagnostic-Code: smtp;550 5.1.1 No such user\nRemote-MTA: dns;{}\n"
LINE = "a@contoso.com\nRemote Server returned '550 5.1.1 No such user'\n"


def machine(status: str, rest: str = "", head: str = f"Reporting-MTA: dns;{FT}") -> str:
    return f"{head}\n\n{STATUS.format(status)}{rest}"


# --- Once ---


def test_the_bounces_line_and_its_status_are_one_error_with_the_host() -> None:
    report = read(f"{LINE}\n{machine('5.1.1', SAID.format('mx.contoso.com'))}")
    assert codes(report) == ["550 5.1.1"]
    holds(primary(report), {"server": "mx.contoso.com", "sender": "exchange-online", "state": "rejected"})


def test_two_hosts_are_two_errors() -> None:
    two = STATUS.format("5.1.1") + SAID.format("mx.fabrikam.com")
    report = read(f"{LINE}\n{machine('5.1.1', SAID.format('mx.contoso.com'))}\n{two}")
    assert [error.server for error in report.errors] == ["mx.contoso.com", "mx.fabrikam.com"]


def test_a_line_with_a_host_of_its_own_is_another_error() -> None:
    line = LINE.replace("Remote Server", "Remote Server at mx.fabrikam.com (192.0.2.7)")
    report = read(f"{line}\n{machine('5.1.1', SAID.format('mx.contoso.com'))}")
    assert {error.server for error in report.errors} == {"mx.fabrikam.com", "mx.contoso.com"}


def test_an_empty_status_says_no_more_than_the_reply() -> None:
    text = "a@contoso.com: 421 4.7.0 Too many connections from you\n\n"
    report = read(text + machine("4.0.0", head="Reporting-MTA: dns; mx.fabrikam.example"))
    assert codes(report) == ["421 4.7.0"]
    holds(primary(report), {"state": "expired", "sender": "other"})


def test_an_empty_status_of_another_class_never_outranks_the_reply() -> None:
    report = read(f"a@contoso.com: 421 4.7.0 Too many connections from you\n\n{machine('5.0.0')}")
    assert primary(report).code == "421 4.7.0"


def test_an_empty_status_alone_is_the_error() -> None:
    assert primary(read(machine("5.0.0"))).code == "550 5.0.0"


def test_a_status_with_words_is_an_error_of_its_own() -> None:
    report = read(f"Earlier: 450 4.7.1 Greylisted.\n\n{machine('4.0.0', 'Diagnostic-Code: smtp; 450 Disk full')}")
    assert primary(report).text == "Disk full"
    assert len(report.errors) == 2


# --- Whose ---

OWN = "Generating server: mx7.contoso.com\n{}\nRemote Server{} returned '550 5.7.1 RESOLVER.RST.AuthRequired; no'"
PLACES: dict[str, dict[str, Any]] = {
    OWN.format("Receiving server: mx7.contoso.com", ""): {"server": None, "reported_by": "mx7.contoso.com"},
    OWN.format("Receiving server: MX7.contoso.com", ""): {"server": None},
    OWN.format("", " at mx7.contoso.com (203.0.113.5)"): {"server": None, "ip": None},
    OWN.format("Receiving server: mx8.contoso.com", ""): {"server": "mx8.contoso.com", "reported_by": "mx7.contoso.com"},
    "Server at mx7.contoso.local (10.1.1.1) returned '451 4.4.395 Target host responded with error.'": {
        "server": None,
        "ip": None,
        "reported_by": "mx7.contoso.local",
    },
    "Server at mx7.contoso.com (10.1.1.1) returned '451 4.4.395 Target host responded with error.'": {"ip": None},
    "Server at mx7.contoso.com (10.1.1.1) returned '450 4.4.316 Connection refused'": {"ip": "10.1.1.1"},
    "Server at mx7.contoso.com (203.0.113.5) returned '451 4.4.395 Target host responded with error.'": {"ip": "203.0.113.5"},
}


@pytest.mark.parametrize("text", PLACES)
def test_who_reports_is_no_destination(text: str) -> None:
    holds(primary(read(text)), PLACES[text])


DOMAINS = {
    "550 5.7.509 Access denied, sending domain contoso.com does not pass DMARC verification": None,
    "550 5.7.1 The domain contoso.com fails SPF": None,
    "501 5.1.8 Sender domain contoso.com does not exist": None,
    "550 5.1.0 Your domain contoso.com is not allowed": None,
    "550 5.7.750 Client blocked from sending from unregistered domain contoso.com": None,
    "450 4.4.312 DNS query failed for domain contoso.com": "contoso.com",
    "450 4.4.8 MX hosts of contoso.com failed MTA-STS validation": "contoso.com",
    "550 5.4.4 nonexistent domain contoso.com": "contoso.com",
}


@pytest.mark.parametrize("text", DOMAINS)
def test_the_senders_domain_is_no_place(text: str) -> None:
    assert primary(read(text)).domain == DOMAINS[text]


# --- As written ---

LOG = "to=<a@b.com>, relay={}, delay=3, dsn={}, status=deferred ({})"
PEER = "mx.b.com[192.0.2.4]:25"
WRITTEN: dict[str, dict[str, Any]] = {
    LOG.format(PEER, "4.7.1", "host mx.b.com[192.0.2.4] said: 451 4.7.1 Greylisted (in reply to RCPT TO command)"): {
        "code": "451 4.7.1",
        "text": "Greylisted (in reply to RCPT TO command)",
        "server": "mx.b.com",
        "ip": "192.0.2.4",
    },
    LOG.format(PEER, "4.3.2", "host mx.b.com[192.0.2.4] refused to talk to me: 421 Too busy"): {"code": "421 4.3.2"},
    LOG.format("none", "4.4.1", "connect to mx.b.com[192.0.2.4]:25: Connection timed out"): {
        "code": "450 4.4.1",
        "server": "mx.b.com",
        "ip": "192.0.2.4",
    },
    LOG.format("none", "4.4.3", "Host or domain name not found. Name service error for name=b.com type=MX: Host not found"): {
        "code": "450 4.4.3",
        "server": None,
    },
    "[{LED=450 4-4.316 Connection refused};{MSG=};{FQDN=mx.b.com}]": {"code": "450 4.4.316", "text": "Connection refused"},
    "smtp;554 Mailbox is gone": {"code": "554 5.0.0", "text": "Mailbox is gone"},
    "LastError : 421 Too many sessions": {"code": "421 4.0.0", "text": "Too many sessions"},
    "LastError : 421 4.3.2 Too many sessions": {"code": "421 4.3.2"},
    "host mx.b.com[192.0.2.4] said: 550-Not from here.\n    550 Ask your administrator (in reply to end of DATA command)": {
        "code": "550 5.0.0",
        "text": "Not from here. Ask your administrator (in reply to end of DATA command)",
        "server": "mx.b.com",
    },
    "SMTP error from remote mail server after RCPT TO:<a@b.com>: 550 Unrouteable address": {"code": "550 5.0.0"},
    "550 Requested action not taken: mailbox unavailable": {"code": "550 5.0.0"},
    "421 Service not available, closing transmission channel": {"code": "421 4.0.0"},
}


@pytest.mark.parametrize("text", WRITTEN)
def test_the_code_is_the_one_that_is_written(text: str) -> None:
    report = read(text)
    assert len(report.errors) == 1
    holds(primary(report), WRITTEN[text])


NONE = [
    "The server said 550 and closed.",
    "We said: 250 is fine, smtp: 25",
    "421 Main Street, the service entrance",
    "450 invitations went out",
    "status=sent (250 2.0.0 OK), dsn=2.0.0",
    "rooms 450 4-5.10 and later",
]


@pytest.mark.parametrize("text", NONE)
def test_a_number_is_no_reply(text: str) -> None:
    assert codes(read(text)) == []


# --- Help text ---

HELP = "For more tips see DSN 5.1.10 Errors in Exchange Online and Office 365.\n\n"


def test_the_title_of_a_help_page_is_no_error() -> None:
    report = read(f"{HELP}Remote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; gone'")
    assert [error.text for error in report.errors] == ["RESOLVER.ADR.RecipientNotFound; gone"]
    other = read(f"Fix email delivery issues for error code 5.7.124 in Exchange Online\n\n{LINE}")
    assert codes(other) == ["550 5.1.1"]


def test_a_title_alone_is_all_there_is() -> None:
    holds(primary(read(HELP)), {"code": "550 5.1.10", "text": ""})


def test_a_code_that_somebody_mentions_is_an_error() -> None:
    report = read(f"We see 450 4.4.317 too, and have read about 450 4.4.318.\n\n{LINE}")
    assert codes(report) == ["450 4.4.317", "450 4.4.318", "550 5.1.1"]


# --- Old bounces and others' ---

OLD = "<ex3.contoso.com #5.5.0 smtp;550 5.7.1 Unable to relay>"
GAVE = (
    "mx.contoso.com gave this error:\nNot from here\n\nGenerating server: {}\n\nRemote Server returned '550 5.7.1 Not from here'"
)
BOUNCES: dict[str, dict[str, Any]] = {
    OLD: {"code": "550 5.7.1", "server": None, "reported_by": "ex3.contoso.com", "sender": "other"},
    "<a@b.com>: 554 5.4.0 < #4.4.1 smtp; The recipient server did not accept our requests to connect.>": {"code": "554 5.4.0"},
    f"{STATUS.format('5.4.4 (Illegal host name)')}Reporting-MTA: dns; mx.contoso.com (tcp-daemon)": {
        "code": "550 5.4.4",
        "text": "Illegal host name",
    },
    "<ex3.contoso.com #5.1.1>": {"code": "550 5.1.1", "reported_by": "ex3.contoso.com", "sender": "other"},
    GAVE.format(FT): {"server": "mx.contoso.com", "sender": "exchange-online"},
    GAVE.format("mx.contoso.com"): {"server": None, "sender": "other"},
    "host mx.contoso.com [192.0.2.4]\n    SMTP error from remote mail server after RCPT TO:<a@b.com>:\n    550 5.1.1 Unknown": {
        "server": "mx.contoso.com",
        "ip": "192.0.2.4",
        "sender": "other",
    },
    f"{STATUS.format('4.4.1')}Diagnostic-Code: X-Postfix; connect to mx.contoso.com[192.0.2.4]:25: Connection timed out": {
        "code": "450 4.4.1",
        "server": "mx.contoso.com",
        "ip": "192.0.2.4",
    },
}


@pytest.mark.parametrize("text", BOUNCES)
def test_bounces_of_other_servers_name_their_hosts(text: str) -> None:
    report = read(text)
    assert len(report.errors) == 1
    holds(primary(report), BOUNCES[text])
