"""Exchange's and Windows' own words for a failed connection, and the same words where they prove nothing."""

import pytest

from diagnostics.findings import Reason
from diagnostics.parse import read
from tests.parse.making import primary

MET = '451 4.4.0 Primary target IP address responded with: "{}" Attempted failover to alternate host, but that did not succeed.'
TARGET = "451 4.4.397 Error communicating with target host. -> 421 4.2.1 Unable to connect -> {}"
CHANNEL = "454 4.7.0 Failed to establish appropriate TLS channel: {}"
DNS = "451 4.4.0 DNS query failed. The error was: DNS query failed with error {}"
CANNOT = "450 4.4.317 Cannot connect to remote server [Message={}]"
INVALID = "450 4.7.320 Certificate validation failed [Message={}]"
POSTFIX = "to=<a@b.com>, relay=none, dsn=4.4.1, status=deferred ({})"

PROVES: dict[str, Reason | None] = {
    MET.format("451 5.7.3 Must issue a STARTTLS command first."): Reason.STARTTLS_MISSING,
    MET.format("451 5.7.3 STARTTLS is required to send mail."): Reason.STARTTLS_MISSING,
    MET.format("530 5.7.0 Must issue a STARTTLS command first"): None,
    MET.format("421 4.4.2 Connection dropped due to SocketError."): Reason.SMTP_CLOSED,
    MET.format("421 4.4.2 Connection dropped due to ConnectionAborted."): Reason.SMTP_CLOSED,
    MET.format("421 4.4.2 Connection dropped due to TimedOut."): Reason.SMTP_TIMEOUT,
    MET.format("421 4.2.1 Unable to connect."): None,
    MET.format("451 4.4.0 Security status UnknownCredentials."): None,
    MET.format("451 4.4.0 Security status AlgorithmMismatch."): Reason.TLS_HANDSHAKE,
    MET.format("451 4.4.0 Security status CertExpired."): Reason.CERTIFICATE_EXPIRED,
    MET.format("550 5.7.1 Not from here"): None,
    MET.format("421 4.3.2 Service not active"): Reason.SMTP_UNAVAILABLE,
    TARGET.format("SocketTimedout: Socket error code 10060"): Reason.TCP_TIMEOUT,
    TARGET.format("SocketError: TimedOut"): Reason.TCP_TIMEOUT,
    TARGET.format("SocketConnectionRefused"): Reason.TCP_REFUSED,
    TARGET.format("SocketError: ConnectionRefused"): Reason.TCP_REFUSED,
    TARGET.format("SocketError: ConnectionReset"): Reason.SMTP_CLOSED,
    TARGET.format("SocketError: HostUnreachable"): Reason.TCP_UNREACHABLE,
    TARGET.format("SocketError: NetworkUnreachable"): Reason.TCP_UNREACHABLE,
    TARGET.format("SocketError: HostNotFound"): Reason.DNS_NXDOMAIN,
    TARGET.format("SocketError: Failed to connect. Winsock error code: 10064, Win32 error code: 10064"): Reason.TCP_UNREACHABLE,
    TARGET.format("SocketError: Failed to connect. Winsock error code: 11004, Win32 error code: 11004"): Reason.DNS_NO_RECORDS,
    TARGET.format("SocketError: AccessDenied"): None,
    "421 4.2.1 Unable to connect -> SocketError: TimedOut": Reason.TCP_TIMEOUT,
    "421 4.2.1 Unable to connect": None,
    CHANNEL.format("Untrusted Root: Access Denied"): Reason.CERTIFICATE_UNTRUSTED,
    CHANNEL.format("Subject Mismatch: Access Denied"): Reason.CERTIFICATE_NAME_MISMATCH,
    CHANNEL.format("Certificate Expired"): Reason.CERTIFICATE_EXPIRED,
    CHANNEL.format("Access Denied"): None,
    DNS.format("ServerFailure"): Reason.DNS_SERVER_FAILURE,
    DNS.format("ErrorRetry"): Reason.DNS_SERVER_FAILURE,
    DNS.format("ErrorTimeout"): Reason.DNS_TIMEOUT,
    DNS.format("InfoNoRecords"): Reason.DNS_NO_RECORDS,
    DNS.format("InfoDomainNonexistent"): Reason.DNS_NXDOMAIN,
    DNS.format("InfoMxLoopback"): None,
    CANNOT.format("UntrustedRoot"): Reason.CERTIFICATE_UNTRUSTED,
    CANNOT.format("ChainIncomplete"): Reason.CERTIFICATE_INCOMPLETE_CHAIN,
    CANNOT.format("Failed to connect"): None,
    INVALID.format("CertificateExpired"): Reason.CERTIFICATE_EXPIRED,
    INVALID.format("WrongUsage"): Reason.CERTIFICATE_INVALID,
    INVALID.format("Revoked"): None,
    POSTFIX.format("connect to mx.b.com[192.0.2.4]:25: Connection timed out"): Reason.TCP_TIMEOUT,
    POSTFIX.format("connect to mx.b.com[192.0.2.4]:25: Connection refused"): Reason.TCP_REFUSED,
    POSTFIX.format("connect to mx.b.com[192.0.2.4]:25: No route to host"): Reason.TCP_UNREACHABLE,
    # the same words of others, about something else
    "550 5.1.1 Untrusted Root is not a mailbox": None,
    "550 5.7.1 Connection refused: no reverse DNS": None,
    "530 5.7.0 Must issue a STARTTLS command first": None,
    "454 4.7.5 The certificate specified in TlsCertificateName of the SendConnector could not be found.": None,
    "452 4.2.2 Mailbox full": None,
}


@pytest.mark.parametrize("text", PROVES)
def test_exchange_says_why(text: str) -> None:
    assert primary(read(text)).reason == PROVES[text]


def test_the_message_of_the_senders_own_certificate_stays() -> None:
    error = primary(read(MET.format("451 4.4.0 Security status UnknownCredentials.")))
    assert error.message == "451 4.4.0 Security status UnknownCredentials."
