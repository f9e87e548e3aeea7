"""What an error string proves: the facts of its sub-message, the reason, and what became of the mail.

One code can have many causes (4.4.317 is a family), so a reason is named only where code *and* sub-message leave one
(connectors-mail-flow-intelligence; fix-error-code-450-4-4-317-untrusted-root; sub-messages as observed).
"""

import re

from diagnostics import codes
from diagnostics.findings import Reason
from diagnostics.parse.codes import Code
from diagnostics.parse.core import Core, reply_in
from diagnostics.parse.origin import host
from diagnostics.parse.report import State, Submessage
from diagnostics.parse.statement import Statement

_BY_WORDS = {
    Reason.STARTTLS_MISSING: r"STARTTLS is required",
    Reason.STARTTLS_REJECTED: r"454[ -](?:4\.7\.0 )?TLS (?:is )?(?:currently )?(?:not |un)available",  # RFC 3207 section 4
    Reason.CERTIFICATE_NAME_MISMATCH: r"Subject ?Mismatch",
    Reason.CERTIFICATE_UNTRUSTED: r"Untrusted ?Root",
    Reason.CERTIFICATE_INCOMPLETE_CHAIN: r"Partial ?Chain",
    Reason.CERTIFICATE_EXPIRED: r"certificate (?:has |is )?expired|Certificate ?Expired",
    Reason.TLS_HANDSHAKE: r"TLS negotiation failed|Security status",
    Reason.DNS_NXDOMAIN: r"InfoDomainNonexistent|NonExistentDomain",
    Reason.DNS_NO_RECORDS: r"InfoNoRecords",
    Reason.DNS_TIMEOUT: r"ErrorTimeout",
    Reason.DNS_SERVER_FAILURE: r"ErrorInvalidData",
    Reason.SMTP_TIMEOUT: r"dropped due to time-?out",
    Reason.SMTP_CLOSED: r"SuspiciousRemoteServerError|dropped due to (?:SocketError|ConnectionReset)",
}
_WORDS = re.compile("|".join(f"({words})" for words in _BY_WORDS.values()), re.IGNORECASE)
_REASONS = tuple(_BY_WORDS)
_BY_WINSOCK = {
    995: Reason.TCP_TIMEOUT,  # the attempt was given up without an answer, reported as 4.4.317 since 2026
    10060: Reason.TCP_TIMEOUT,
    10061: Reason.TCP_REFUSED,
    10051: Reason.TCP_UNREACHABLE,
    10065: Reason.TCP_UNREACHABLE,
    10053: Reason.SMTP_CLOSED,
    10054: Reason.SMTP_CLOSED,
}
_WINSOCK = re.compile(r"(?:winsock|socket) error code:? {0,2}([0-9]{3,5})(?![0-9])", re.IGNORECASE)
_EXPECTED = re.compile(r"Expected Subject: {0,2}(\S{1,255}?)\.?(?=[\s,;]|$)", re.IGNORECASE)
_PRESENTED = re.compile(r"Presented Subject: {0,2}(.{1,400}?)\.?(?= {0,2}Thumbprint:|$)", re.IGNORECASE)
_THUMBPRINT = re.compile(r"Thumbprint: {0,2}([0-9A-F]{20,64})(?![0-9A-Za-z])", re.IGNORECASE)
_EXPIRED = re.compile(r"\bmessage expired|QUEUE\.Expired|delivery time expired", re.IGNORECASE)
_UNRESOLVED = re.compile(r"DNS query failed|NonExistentDomain|InfoDomainNonexistent|InfoNoRecords|DNS domain", re.IGNORECASE)
_INCOMING = re.compile(r"Tenant(?:Inbound)?Attribution|bad inbound connector|\(AS\d{3,9}\)|\bAS\(\d{3,12}\)", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?:\bDNS domain|\bMX hosts of|\b(?:nonexistent )?domain) ['\"`<]{0,2}"
    r"([A-Za-z0-9_][A-Za-z0-9_.-]{1,250}[A-Za-z0-9])(?![\w-])",
    re.IGNORECASE,
)


def message(statement: Statement) -> str | None:
    """The sub-message: in the error string, else beside it, else the last link. A rest of one or two characters is none."""
    core = statement.core
    for said in (core.message, statement.message, core.links[-1] if core.links else ""):
        if len(said) > 2:
            return said
    return None


def submessage(said: str | None) -> Submessage:
    """The facts in a sub-message."""
    if not said:
        return Submessage()
    winsock = _WINSOCK.search(said)
    expected, presented, thumbprint = _EXPECTED.search(said), _PRESENTED.search(said), _THUMBPRINT.search(said)
    return Submessage(
        expected=expected[1] if expected else None,
        presented=presented[1] if presented else None,
        thumbprint=thumbprint[1].upper() if thumbprint else None,
        winsock=int(winsock[1]) if winsock else None,
        reply=reply_in(said),
    )


def reason(code: Code, core: Core, said: str | None, facts: Submessage) -> Reason | None:
    """The one reason that code and words leave, None if they leave several or if it is no failure to connect."""
    row = codes.row(code.enhanced, core.words)
    known = row.reason if row else None
    if not codes.connects(code.enhanced) or known is Reason.DOMAIN_NXDOMAIN:
        return known
    if match := _WORDS.search("\n".join((said or "", core.words, *core.links))):
        return _REASONS[(match.lastindex or 1) - 1]
    if facts.winsock in _BY_WINSOCK:
        return _BY_WINSOCK[facts.winsock]
    return _by_reply(code.family, facts.reply) or known


def state(statement: Statement) -> State:
    """What became of the mail by this line alone."""
    code = statement.code
    if expired(statement) or (code.basic[0] == "5" and (codes.is_twin(code.enhanced, core_words(statement)) or _waits(code))):
        return "expired"
    return "queued" if code.basic[0] == "4" else "rejected"


def expired(statement: Statement) -> bool:
    """Whether the line itself says that the time was up."""
    return bool(_EXPIRED.search(statement.core.words))


def closes(statement: Statement) -> bool:
    """Whether it only tells the end or the delay of waiting: `550 5.4.316 Message expired, …`, `400 4.4.7 Message delayed`."""
    return not statement.derived and (expired(statement) or _waits(statement.code))


def core_words(statement: Statement) -> str:
    """What the error string says, its links included."""
    return "\n".join((statement.core.words, statement.core.message, *statement.core.links))


def _waits(code: Code) -> bool:
    row = codes.row(code.enhanced, "")
    return row is not None and row.waits


def unresolved(core: Core, code: Code, said: str | None) -> bool:
    """Whether DNS failed, so that no address can be the destination's."""
    return code.family in ("4.4.310", "4.4.312") or bool(_UNRESOLVED.search(f"{core.words}\n{said or ''}"))


def incoming(core: Core, code: Code) -> bool:
    """Whether Microsoft refused mail that was on its way to it."""
    return code.family in ("4.7.51", "4.7.64", "4.7.711") or bool(_INCOMING.search(core.words))


def domain(core: Core) -> str | None:
    """The domain that the words name: `DNS domain contoso.com does not exist`."""
    return next((name for match in _DOMAIN.finditer(core.words) if (name := host(match[1]))), None)


def _by_reply(family: str, reply: str | None) -> Reason | None:
    """What the server itself answered; replies that Microsoft words for it (4.4.x, unable to connect) are no answer."""
    if not reply or reply[0] == "2" or reply[4:7] == "4.4" or reply.startswith("421 4.2.1"):
        return None
    if reply.startswith("421"):
        return Reason.SMTP_UNAVAILABLE
    return Reason.SMTP_REJECTED if family == "4.4.317" else None
