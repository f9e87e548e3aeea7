"""What an error string proves: the facts of its sub-message, the reason, and what became of the mail.

One code can have many causes (4.4.317 is a family), so a reason is named only where code *and* sub-message leave one
(connectors-mail-flow-intelligence; fix-error-code-450-4-4-317-untrusted-root; sub-messages as observed).
"""

import re

from diagnostics import codes
from diagnostics.findings import Reason
from diagnostics.parse.forms.error_string import Core, reply_in
from diagnostics.parse.forms.statement import Statement, waits
from diagnostics.parse.interpret import exchange_words
from diagnostics.parse.report import State, Submessage
from diagnostics.parse.tokens.hosts import host
from diagnostics.parse.tokens.reply_codes import Code

_EXPECTED = re.compile(r"Expected Subject: {0,2}(\S{1,255}?)\.?(?=[\s,;]|$)", re.IGNORECASE)
_PRESENTED = re.compile(r"Presented Subject: {0,2}(.{1,400}?)\.?(?= {0,2}Thumbprint:|$)", re.IGNORECASE)
_THUMBPRINT = re.compile(r"Thumbprint: {0,2}([0-9A-F]{20,64})(?![0-9A-Za-z])", re.IGNORECASE)
_UNRESOLVED = re.compile(r"DNS query failed|NonExistentDomain|InfoDomainNonexistent|InfoNoRecords|DNS domain", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(\bDNS domain|\bMX hosts of|(?:\b[A-Za-z']{1,16} )?\b(?:nonexistent )?domain) ['\"`<]{0,2}"
    r"([A-Za-z0-9_][A-Za-z0-9_.-]{1,250}[A-Za-z0-9])(?![\w-])",
    re.IGNORECASE,
)
_SENDERS = ("send", "from", "envelope", "originat", "your", "author", "return", "unregistered")
_OF_THE_SENDER = re.compile(r"4\.(?:1\.[78]|7\.(?!32[0-5]|5\b)[0-9]{1,3})")
"""Families about the sender's address, its rights and policies; but DANE's and MTA-STS's are about the destination's domain."""


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
    expected, presented, thumbprint = _EXPECTED.search(said), _PRESENTED.search(said), _THUMBPRINT.search(said)
    return Submessage(
        expected=expected[1] if expected else None,
        presented=presented[1] if presented else None,
        thumbprint=thumbprint[1].upper() if thumbprint else None,
        winsock=exchange_words.winsock(said),
        reply=reply_in(said),
    )


def reason(code: Code, core: Core, said: str | None, facts: Submessage) -> Reason | None:
    """The one reason that code and words leave, None if they leave several or if it is no failure to connect."""
    row = codes.row(code.enhanced, core.words)
    known = row.reason if row else None
    if known is Reason.DOMAIN_NXDOMAIN:
        return known
    words = "\n".join((said or "", core.words, *core.links))
    if code.basic == "530":  # it offers STARTTLS and demands it (RFC 3207 section 4)
        return None
    if (not codes.connects(code.enhanced) and not exchange_words.connecting(words)) or exchange_words.own_certificate(words):
        return None
    return exchange_words.reason(words, facts.winsock) or _by_reply(code.family, facts.reply) or known


def state(statement: Statement) -> State:
    """What became of the mail by this line alone."""
    code = statement.code
    if statement.expired or (code.basic[0] == "5" and (codes.is_twin(code.enhanced, core_words(statement)) or waits(code))):
        return "expired"
    return "queued" if code.basic[0] == "4" else "rejected"


def core_words(statement: Statement) -> str:
    """What the error string says, its links included."""
    return "\n".join((statement.core.words, statement.core.message, *statement.core.links))


def unresolved(core: Core, code: Code, said: str | None) -> bool:
    """Whether DNS failed, so that no address can be the destination's."""
    return code.family in ("4.4.310", "4.4.312") or bool(_UNRESOLVED.search(f"{core.words}\n{said or ''}"))


def domain(core: Core, code: Code) -> str | None:
    """The domain that the words name as the destination's: `DNS domain contoso.com does not exist`. Never the sender's."""
    if _OF_THE_SENDER.fullmatch(code.family):
        return None
    others = (match for match in _DOMAIN.finditer(core.words) if not match[1].lower().startswith(_SENDERS))
    return next((name for match in others if (name := host(match[2]))), None)


def _by_reply(family: str, reply: str | None) -> Reason | None:
    """What the server itself answered; replies that Microsoft words for it (4.4.x, unable to connect) are no answer."""
    if not reply or reply[0] == "2" or reply[4:7] == "4.4" or reply.startswith("421 4.2.1"):
        return None
    if reply.startswith("421"):
        return Reason.SMTP_UNAVAILABLE
    return Reason.SMTP_REJECTED if family == "4.4.317" else None
