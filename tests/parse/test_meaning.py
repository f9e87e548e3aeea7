"""What a text proves and what it only mentions: the destination, the reason, the domain, the connector."""

import pytest

from diagnostics.findings import Reason
from diagnostics.parse import read
from tests.parse.making import ATTEMPT, FT, codes, holds, primary

# --- Alerts, and what people write around an error ---

ALERT = (
    "Messages have been delayed\nSeverity: High\nConnector: To on-premises\nQueued messages: 212\nLast error: 450 4.4.316 "
    "Connection refused [Message=Socket error code 10061] [LastAttemptedServerName=mail.contoso.com]\nDetails: https://contoso.com/"
)
CELLS = "".join(
    f"<tr><td>{name}</td><td>{value}</td></tr>"
    for name, value in (("Connector name", "To on-premises"), ("Error", "450 4.4.316 Connection refused"), ("Messages", "212"))
)


@pytest.mark.parametrize("text", [ALERT, f"<html><table>{CELLS}</table></html>"])
def test_an_alert_names_the_connector(text: str) -> None:
    holds(primary(read(text)), {"code": "450 4.4.316", "connector": "To on-premises", "text": "Connection refused"})


def test_codes_in_a_sentence_are_errors_each() -> None:
    report = read("It failed with 450 4.4.315, later with 450 4.4.316; somebody else had 550 5.1.1.")
    assert codes(report) == ["450 4.4.315", "450 4.4.316", "550 5.1.1"]
    assert report.errors[2].text == ""


def test_what_exchange_wrote_goes_before_what_people_write() -> None:
    report = read(f"Is this 550 5.1.1 or 450 4.4.315?\n\n{ATTEMPT}\n\nUntil Monday it was 450 4.4.318.")
    assert primary(report).code == "450 4.4.316"
    assert len(report.errors) == 4


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
    f"{CANNOT} [Message=454 4.7.0 TLS not available due to local problem]": Reason.STARTTLS_REJECTED,
    f"{CANNOT} [Message=220 mail.contoso.com]": None,
    "451 4.4.395 Target host responded with error. -> 451 5.7.3 STARTTLS is required to send mail": Reason.STARTTLS_MISSING,
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
