"""The words in which Exchange and Windows say why a connection failed, wherever they stand.

SmtpResponse texts of Exchange's transport, its DnsStatus names (`DNS query failed with error …`), its ChainValidityStatus and
SecurityStatus names, .NET's SocketError names and Winsock's numbers; Postfix's words beside them.
"""

import re

from diagnostics.findings import Reason
from diagnostics.parse.tokens.lazy_regex import Expression

_BY_WORDS: tuple[tuple[Reason, tuple[str, ...], str], ...] = (
    (
        Reason.STARTTLS_MISSING,
        ("starttls", "tls is required"),
        (
            r"STARTTLS is required|(?<!530 5\.7\.0 )(?<!530 )Must issue (?:a )?STARTTLS command first|"
            r"TLS is required, but was not offered"
        ),
    ),
    (
        Reason.STARTTLS_REJECTED,
        ("tls",),
        r"454[ -](?:4\.7\.0 )?TLS (?:is )?(?:currently )?(?:not |un)available",  # RFC 3207 section 4
    ),
    (
        Reason.CERTIFICATE_NAME_MISMATCH,
        ("mismatch", "wrongprincipal"),
        r"Subject ?Mismatch|WrongPrincipal",
    ),
    (
        Reason.CERTIFICATE_UNTRUSTED,
        ("untrusted",),
        r"Untrusted ?(?:Test ?)?Root",
    ),
    (
        Reason.CERTIFICATE_INCOMPLETE_CHAIN,
        ("chain",),
        r"Partial ?Chain|(?:Internal)?Chain ?(?:Incomplete|Failure)|Incomplete ?Chain",
    ),
    (
        Reason.CERTIFICATE_EXPIRED,
        ("expired",),
        r"certificate (?:has |is )?expired|Cert(?:ificate)? ?Expired",
    ),
    (
        Reason.CERTIFICATE_NOT_YET_VALID,
        ("yet",),
        r"certificate (?:is )?not yet valid|Certificate ?NotYetValid",
    ),
    (
        Reason.CERTIFICATE_INVALID,
        ("usage", "constraints", "signature", "timenested"),
        r"Wrong ?(?:Key)?Usage|BasicConstraints|NotSignatureValid|SignatureFailure|NotTimeNested",
    ),
    (
        Reason.TLS_HANDSHAKE,
        ("security", "tls"),
        r"TLS negotiation failed|Security ?status(?! ?(?:CertExpired|UntrustedRoot|WrongPrincipal))|"
        r"Cannot start TLS: handshake failure|TLS handshake fail",
    ),
    (
        Reason.DNS_NXDOMAIN,
        ("nonexistent", "notfound", "not found"),
        r"InfoDomainNonexistent|NonExistentDomain|\bHostNotFound\b|type=[A-Z]{1,8}: Host not found(?!, try)",
    ),
    (
        Reason.DNS_NO_RECORDS,
        ("norecords", "nodata"),
        r"InfoNoRecords|SocketError: NoData\b",
    ),
    (
        Reason.DNS_TIMEOUT,
        ("errort", "errorsub"),
        r"Error(?:SubQuery)?Time(?:d ?)?out",
    ),
    (
        Reason.DNS_SERVER_FAILURE,
        ("with error", "failure", "errorinvalid", "errorexcess", "not found, try", "socketerror"),
        (
            r"with error (?:ErrorRetry|ServerFailure|ServFail|Refused|ErrorRefused)|ErrorInvalidData|ErrorServerFailure|"
            r"ErrorExcessiveData|\[?Message=ServerFailure|\A\s{0,3}ServerFailure\b|Host not found, try again|"
            r"SocketError: (?:TryAgain|NoRecovery)\b"
        ),
    ),
    (
        Reason.SMTP_TIMEOUT,
        ("dropped", "conversation with", "out while"),
        (
            r"dropped due to (?:\w{1,16})?time-?(?:d ?)?out|conversation with \S{1,255} timed out|"
            r"timed out while (?:receiving|sending)"
        ),
    ),
    (
        Reason.SMTP_CLOSED,
        ("suspicious", "abruptly", "dropped", "connection", "networkreset"),
        (
            r"SuspiciousRemoteServerError|closed abruptly|disconnected abruptly|"
            r"dropped due to (?:SocketError|Connection(?:Reset|Aborted|Closed)|RemoteDisconnect)|"
            r"Connection(?:Reset|Aborted)\b|\bNetworkReset\b|lost connection with|connection reset by peer|"
            r"server dropped connection without"
        ),
    ),
    (
        Reason.TCP_TIMEOUT,
        ("timed", "wsae"),
        (r"Socket(?:Error:? ?|:? ?)?Timed ?out|connect to [^\n]{1,300}: (?:Connection|Operation) timed out|WSAETIMEDOUT"),
    ),
    (
        Reason.TCP_REFUSED,
        ("refused", "wsae"),
        (r"\bSocket(?:Error:? ?|:? ?)ConnectionRefused|connect to [^\n]{1,300}: Connection refused|WSAECONNREFUSED"),
    ),
    (
        Reason.TCP_UNREACHABLE,
        ("unreach", "down", "no route"),
        (
            r"\b(?:Socket(?:Error:? ?)?)?(?:Host|Network)(?:Unreachable|Down)\b|WSAE(?:HOST|NET)UNREACH|"
            r"connect to [^\n]{1,300}: (?:Network is unreachable|No route to host)"
        ),
    ),
)
"""Reason; small letters of which some must be there, so that few expressions are tried; the words, in any case.

The first in the text counts; at one place, the first of this list.
"""

_WORDS = tuple((reason, hints, Expression(words, re.IGNORECASE)) for reason, hints, words in _BY_WORDS)
_BY_WINSOCK = {
    995: Reason.TCP_TIMEOUT,  # the attempt was given up without an answer, reported as 4.4.317 since 2026
    10060: Reason.TCP_TIMEOUT,
    10061: Reason.TCP_REFUSED,
    10050: Reason.TCP_UNREACHABLE,
    10051: Reason.TCP_UNREACHABLE,
    10064: Reason.TCP_UNREACHABLE,
    10065: Reason.TCP_UNREACHABLE,
    10052: Reason.SMTP_CLOSED,
    10053: Reason.SMTP_CLOSED,
    10054: Reason.SMTP_CLOSED,
    11001: Reason.DNS_NXDOMAIN,
    11002: Reason.DNS_SERVER_FAILURE,
    11003: Reason.DNS_SERVER_FAILURE,
    11004: Reason.DNS_NO_RECORDS,
}
_WINSOCK = Expression(
    r"(?:winsock|win32|socket) ?error(?: code)?:? {0,2}\(?(995|1[01][0-9]{3})(?![0-9])|"
    r"(?:winsock|socket) error code:? {0,2}([0-9]{3,5})(?![0-9])",
    re.IGNORECASE,
)
_CONNECTING = Expression(
    r"(?:Unable|Failed) to connect|Cannot (?:connect to|establish session with) remote server|DNS query failed|"
    r"Connection (?:was closed abruptly|dropped due to)|appropriate TLS channel|"
    r"[Pp]rimary (?:target|outbound frontend) IP address|Error communicating with|\bconnect to \S{1,300}: |"
    r"Certificate validation failed|SuspiciousRemoteServerError",
    re.IGNORECASE,
)
_OWN_CERTIFICATE = Expression(r"Unknown ?Credentials|NoCredentials\b", re.IGNORECASE)


def reason(words: str, winsock_error: int | None) -> Reason | None:
    """The reason that the words name, else the one that Windows' number names."""
    small = words.lower()
    tried = (
        (match.start(), number, reason)
        for number, (reason, hints, said) in enumerate(_WORDS)
        if any(hint in small for hint in hints) and (match := said.search(words))
    )
    if first := min(tried, default=None):
        return first[2]
    return _BY_WINSOCK.get(winsock_error) if winsock_error is not None else None


def connecting(words: str) -> bool:
    """Whether the words are about a connection, whatever code stands before them."""
    return bool(_CONNECTING.search(words))


def own_certificate(words: str) -> bool:
    """Whether the sender's own certificate could not be used (SEC_E_UNKNOWN_CREDENTIALS): that says nothing of the other side."""
    return bool(_OWN_CERTIFICATE.search(words))


def winsock(words: str) -> int | None:
    """Windows' error number in the words."""
    match = _WINSOCK.search(words) if "rror" in words else None
    return int(match[match.lastindex or 1]) if match else None
