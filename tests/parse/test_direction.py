"""Who was sending, and whether to Microsoft 365: what the text proves, and what only the code implies."""

import pytest

from diagnostics.parse import read
from diagnostics.parse.interpret.sender import implied
from diagnostics.parse.read import read_all
from diagnostics.parse.tokens.reply_codes import Code
from tests.parse.making import ATTEMPT, CLOSING, DSN, FT, NDR, bounce, primary

CLOUD, CLOUD_TO_CLOUD = ("exchange-online", False), ("exchange-online", True)
OTHER, TO_MICROSOFT = ("other", False), ("other", True)
UNKNOWN = ("unknown", False)

INBOUND = "fabrikam-com.mail.protection.outlook.com"
CHAIN = (
    "451 4.4.397 Error communicating with target host. -> 421 4.2.1 Unable to connect -> SocketTimedout: Socket error code 10060"
)
EX = "Generating server: EX02.fabrikam.example\nReceiving server: EX02.fabrikam.example\n\nbo@contoso.com\n"
LED = "{LED=451 4.4.395 Target host responded with error. -> 421 4.3.2 Service not active};{MSG=};{FQDN=edge.fabrikam.com}"

DIRECTIONS: dict[str, tuple[str, bool]] = {
    # fields and hosts of Microsoft 365
    ATTEMPT: CLOUD,
    CLOSING: CLOUD,
    DSN: CLOUD,
    NDR: CLOUD,
    f"Generating server: {FT}\nRemote Server returned '550 5.1.1 User unknown'": CLOUD,
    "451 4.7.1 Greylisted [LastAttemptedServerName=mx.contoso.com] [LastAttemptedIP=192.0.2.4:25]": CLOUD,
    "Reason: [{LED=451 4.7.1 Greylisted};{MSG=};{FQDN=mx.contoso.com};{IP=192.0.2.4}]. OutboundProxyTargetIP: 192.0.2.4": CLOUD,
    "Reason: [{LED=451 4.7.1 Greylisted};{MSG=};{FQDN=mx.contoso.com};{IP=192.0.2.4}]": CLOUD,
    f"Reason: [{{LED=550 5.7.64 TenantAttribution; Relay Access Denied [{FT}]}};{{FQDN={INBOUND}}}]": CLOUD_TO_CLOUD,
    f"Generating server: {FT}\nServer at {INBOUND} (52.101.8.4) returned '450 4.4.316 Connection refused'": CLOUD_TO_CLOUD,
    f"Generating server: {FT}\nRemote Server returned '550 5.1.10 RESOLVER.ADR.RecipientNotFound; gone'": CLOUD_TO_CLOUD,
    "TaskName : Connectivity\nIsTaskSuccessful : False\nDetail : 450 4.7.1 Try again": CLOUD,
    # its codes alone
    "450 4.4.312 DNS query failed": CLOUD,
    "550 5.7.323 tlsa-invalid: The domain failed DANE validation.": CLOUD,
    "550 5.4.310 DNS domain contoso.com does not exist": CLOUD,
    "450 4.7.5 Remote certificate failed MTA-STS validation. Reason: NotTimeValid": CLOUD,
    "550 5.1.351 Remote server returned unknown recipient -> 550 5.1.1 No such user": CLOUD,
    "550 5.7.708 Access denied, traffic not accepted from this IP. AS(7230)": CLOUD,
    "550 5.1.8 Access denied, bad outbound sender. AS(42004)": CLOUD,
    "550 5.7.520 Access denied, Your organization does not allow external forwarding. AS(7555)": CLOUD,
    # other programs
    f"{EX}Remote Server returned '550 5.7.1 RESOLVER.RST.AuthRequired; authentication required'": OTHER,
    f"{EX}Server at EX02.fabrikam.example returned '550 5.4.300 Message expired -> {CHAIN}'": OTHER,
    "Generating server: EX02\n\nRemote Server returned '451 4.4.316 Connection refused'": OTHER,
    "Reporting-MTA: dns; mx.fabrikam.example\n\nFinal-Recipient: rfc822; a@contoso.com\nAction: failed\nStatus: 5.4.4": OTHER,
    "Reporting-MTA: dns; mx.fabrikam.example\nStatus: 5.0.0\nAction: failed\n\nmx.contoso.com: 554 5.7.0 Go away": OTHER,
    "postfix/smtp[9]: A1: to=<a@contoso.com>, relay=none, dsn=4.4.1, status=deferred (connect to mx[192.0.2.4]:25: No)": OTHER,
    "host mx.contoso.com[192.0.2.4] said: 550 5.7.1 Relay access denied (in reply to RCPT TO command)": OTHER,
    "This is the mail system at host mx.fabrikam.example.\n\n<a@contoso.com>: 550 5.1.1 User unknown": OTHER,
    "** a@contoso.com R=dnslookup T=remote_smtp H=mx.contoso.com [192.0.2.4]: 550 5.1.1 User unknown": OTHER,
    "a@contoso.com\n  SMTP error from remote mail server after RCPT TO:<a@contoso.com>:\n  550 5.1.1 User unknown": OTHER,
    "... while talking to mx.contoso.com.:\n>>> RCPT To:<a@contoso.com>\n<<< 550 5.1.1 User unknown": OTHER,
    "Hi. This is the qmail-send program at fabrikam.example.\n\n192.0.2.4 failed.\nRemote host said: 550 5.1.1 No": OTHER,
    '451 4.4.0 Primary target IP address responded with: "421 4.3.2 Service not active." Attempted failover': OTHER,
    '441 4.4.1 Error encountered while communicating with primary target IP address: "Failed to connect."': OTHER,
    "Identity : EX02\\7\nNextHopDomain : contoso.com\nLastError : 451 4.4.397 Error communicating with target host.": OTHER,
    f"[{LED};{{IP=10.1.2.3}}]": OTHER,
    # on the way to Microsoft 365
    f"Server at {INBOUND} (52.101.8.4) returned '{CHAIN}'": TO_MICROSOFT,
    f"host {INBOUND}[52.101.8.4] said: 451 4.7.500 Server busy (in reply to RCPT TO command)": TO_MICROSOFT,
    "host contoso.com[52.101.8.4] said: 451 4.3.0 Mail server temporarily rejected message": TO_MICROSOFT,
    "Server at contoso-com.k-v1.mx.microsoft (52.101.1.2) returned '450 4.4.316 Connection refused'": TO_MICROSOFT,
    f"[{{LED=550 5.7.51 TenantInboundAttribution; refused [{FT}]}};{{FQDN={INBOUND}}};{{IP=52.101.8.4}}]": TO_MICROSOFT,
    "550 5.7.606 Access denied, banned sending IP [192.0.2.4]": TO_MICROSOFT,
    "550 5.7.64 TenantAttribution; Relay Access Denied": TO_MICROSOFT,
    "550 5.7.68 TenantInboundAttribution; Direct Send not allowed for this organization": TO_MICROSOFT,
    "450 4.7.230 Connecting Exchange server version is out-of-date; throttled for 5 mins/hr.": TO_MICROSOFT,
    "451 4.7.550 Access denied, please try again later": TO_MICROSOFT,
    "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)": TO_MICROSOFT,
    f"550 5.1.1 Nobody of that name [{FT}]": TO_MICROSOFT,
    "550 5.7.1 Unfortunately, messages from [192.0.2.4] weren't sent. (S3150)": TO_MICROSOFT,
    "451 4.4.4 Temporary server error. Please try again later ATTR17": TO_MICROSOFT,
    "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.": TO_MICROSOFT,
    # neither is told
    "451 4.4.397 Error communicating with target host. -> 421 4.2.1 Unable to connect": UNKNOWN,
    "550 5.1.1 User unknown": UNKNOWN,
    "Remote Server at mx.contoso.com (192.0.2.4) returned '400 4.4.7 Message delayed'": UNKNOWN,
    "Generating server: *****\n\nRemote Server returned '550 5.1.1 User unknown'": UNKNOWN,
    "Generating server:\n\nbo@contoso.com\nRemote Server returned '550 5.1.1 User unknown'": UNKNOWN,
    "Generating server: xxxxx\n\nRemote Server returned '550 5.1.1 User unknown'": UNKNOWN,
    # the same numbers in another sense
    "550-5.7.26 This mail is unauthenticated, which poses a security risk.": UNKNOWN,
    "550 5.4.1 Relay Access Denied": UNKNOWN,
    "501 5.1.8 Sender address rejected": UNKNOWN,
    "454 4.7.5 The certificate could not be found.": UNKNOWN,
    "550 5.7.1 Message rejected as spam (score 550)": UNKNOWN,
    "550 5.7.300 Some other server's policy": UNKNOWN,
}


@pytest.mark.parametrize("text", DIRECTIONS)
def test_the_text_says_who_was_sending_and_where_to(text: str) -> None:
    error = primary(read(text))
    assert (error.sender, error.to_microsoft) == DIRECTIONS[text]


def test_each_error_of_a_paste_has_its_own_sender() -> None:
    line = "postfix/smtp[9]: to=<a@b.com>, relay=mx.b.com[192.0.2.4]:25, dsn=5.1.1, status=bounced (550 5.1.1 No)"
    report = read(f"{line}\n\n{ATTEMPT}")
    assert {error.code: error.sender for error in report.errors} == {"550 5.1.1": "other", "450 4.4.316": "exchange-online"}


def test_the_parts_of_one_bounce_have_one_sender() -> None:
    """The person's part names no server; the machine's does."""
    status = "Reporting-MTA: dns; mx.fabrikam.example\n\nFinal-Recipient: rfc822; a@contoso.com\nAction: failed\nStatus: 5.1.1\n"
    report = read_all("<a@contoso.com>: 554 5.7.0 Go away", [("status.txt", status.encode())])
    assert {error.sender for error in report.errors} == {"other"}
    assert primary(read_all("", [("bounce.eml", bounce())])).sender == "exchange-online"


@pytest.mark.parametrize(
    ("code", "words", "expected"),
    [
        ("450 4.4.317", "", CLOUD),
        ("550 5.4.317", "", CLOUD),
        ("451 4.7.500", "", TO_MICROSOFT),
        ("550 5.7.620", "", TO_MICROSOFT),
        ("550 5.7.860", "", UNKNOWN),
        ("451 4.7.860", "", TO_MICROSOFT),
        ("450 4.4.395", "", UNKNOWN),
        ("450 4.4.397", "", UNKNOWN),
        ("450 4.4.8", "", UNKNOWN),
        ("450 4.4.8", "MX hosts of contoso.com failed MTA-STS validation", CLOUD),
        ("554 5.4.14", "Hop count exceeded - possible mail loop ATTR34", CLOUD),
        ("550 5.7.1", "Blocked. AS(1430)", TO_MICROSOFT),
    ],
)
def test_what_the_code_alone_implies(code: str, words: str, expected: tuple[str, bool]) -> None:
    basic, enhanced = code.split()
    assert implied(Code(basic, enhanced), words)[:2] == expected
