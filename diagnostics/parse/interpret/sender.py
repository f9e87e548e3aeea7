"""Who was sending, and whether to Microsoft 365: by the text's own evidence, else by what the code alone implies.

Exchange Online and Exchange Server share most of their words; fields, hosts and a few codes tell them apart.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from diagnostics import codes
from diagnostics.model import Sender
from diagnostics.parse.forms.error_string import Core
from diagnostics.parse.forms.statement import Statement
from diagnostics.parse.tokens import hosts
from diagnostics.parse.tokens.lazy_regex import Expression
from diagnostics.parse.tokens.reply_codes import Code


class Direction(NamedTuple):
    """`proved`: by a field, a host or a program's own words, not only by the code."""

    sender: Sender
    to_microsoft: bool = False
    proved: bool = False


OUTBOUND = Direction("exchange-online")
INBOUND = Direction("other", to_microsoft=True)
UNKNOWN = Direction("unknown")

_BY_WRITER = {"outbound": OUTBOUND, "inbound": INBOUND, "on-premises": Direction("other")}

_MICROSOFT_ANSWERS = Expression(
    r"Tenant(?:Inbound)?Attribution|bad inbound connector|\(AS[0-9]{3,9}\)|\bAS\([0-9]{3,12}\)|\bATTR(?!34\b)[0-9]{1,3}\b|"
    r"\bTRP[0-9]{1,2}\b|\bS(?:3140|3150|77714)\b|\b(?:SC|DY|OU|RP)-00[0-9]\b|mail-enabled subscriptions|"
    r"Direct Send not allowed|SmtpClientAuthentication|for Client Submission|Client (?:was )?not authenticated to send",
    re.IGNORECASE,
)
"""Marks of Exchange Online and Outlook.com in replies to those who send to them."""

_WRAPPED = re.compile(r"Remote server returned", re.IGNORECASE)
"""How Exchange Online begins what its peer said, behind x.y.3nn."""

_OF_EXCHANGE_ONLINE = Expression(
    r"Reason: {0,2}\[ ?\{LED ?=|OutboundProxyTarget|TenantOutboundConnectorCustomData|Get-MessageTrace|MessageTraceId|"
    r"exchangeMessageTrace|IsSmtpResponseFromExternalServer"
)
_OF_OTHERS = Expression(
    # Postfix
    r"\bpostfix/[a-z]{2,12}\b|\bstatus=(?:deferred|bounced|expired|undeliverable)\b|\brelay=[^\s,]{1,255},|"
    r"\bhost {1,8}\S{1,253}\[[0-9A-Fa-f.:]{2,45}\](?::[0-9]{1,5})?\s{1,8}(?:said:|refused to talk)|"
    r"This is the mail system at host|"
    # Exim, sendmail, qmail, Google
    r"automatically by mail delivery software|SMTP error from remote (?:mail )?server|\bT=[a-z_]{0,16}smtp\b|\bmailer=e?smtp\b|"
    r"\.\.\. while talking to |This is the qmail-send program|[Rr]emote host said:|"
    r"response from the remote server was:|error that the other server returned was:|"
    # Exchange Server: its queue, its send connectors, its words for what its peer said
    r"\bLastError {0,30}[:=]|\bNextHopDomain\b|(?:SmartHost|DnsConnector|SmtpRelay\w{0,40})Delivery\b|\bSend ?Connector\b|"
    r"Primary target IP address responded with|primary (?:target|outbound frontend) IP address|The last endpoint attempted was"
)
_WORDS_OF_OTHERS = (
    *("postfix/", "status=", "relay=", "host ", "mail system", "mail delivery software", "SMTP error", "T=", "mailer="),
    *(
        "while talking",
        "qmail",
        "ost said:",
        " was:",
        "LastError",
        "NextHop",
        "Delivery",
        "Connector",
        "rimary ",
        "last endpoint",
    ),
)
_WORDS_OF_EXCHANGE_ONLINE = ("LED", "OutboundProxy", "TenantOutbound", "essageTrace", "IsSmtpResponse")
"""Without one of these the expression finds nothing: it is slow."""

_MX_OF_MICROSOFT = re.compile(
    r"[\w-]{1,63}\.(?:mail\.(?:protection\.outlook|onmicrosoft)\.com|mx\.microsoft|olc\.protection\.outlook\.com)\b"
)
_SERVER = re.compile(r"(?!\S{0,253}\.?[xX]{3,63}\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})")
"""A host, or the one label that an old Exchange calls itself; no address, nothing masked."""

MAX_MARKS = 1024
REACH = 2048
"""Characters between an error and words that tell whose it is."""


class Marks(NamedTuple):
    """Where in a text words of Exchange Online stand, those of other programs, and names of Microsoft's MX hosts; in order."""

    exchange_online: Sequence[int]
    others: Sequence[int]
    microsofts_mx: Sequence[int]


def marks(text: str) -> Marks:
    exchange_online = _OF_EXCHANGE_ONLINE.finditer(text) if any(word in text for word in _WORDS_OF_EXCHANGE_ONLINE) else ()
    others = _OF_OTHERS.finditer(text) if any(word in text for word in _WORDS_OF_OTHERS) else ()
    return Marks(
        [match.start() for match in islice(exchange_online, MAX_MARKS)],
        [match.start() for match in islice(others, MAX_MARKS)],
        [match.start() for match in islice(_MX_OF_MICROSOFT.finditer(text), MAX_MARKS)] if ".m" in text or ".olc" in text else [],
    )


def implied(code: Code, words: str) -> Direction:
    """What the code alone implies, with the words behind it."""
    row = codes.row(code.enhanced, words)
    if row is not None and row.writer in _BY_WRITER:
        return _BY_WRITER[row.writer]
    if _MICROSOFT_ANSWERS.search(words):
        return INBOUND
    wrapped = code.enhanced[4:5] == "3" and len(code.enhanced) == len("5.0.350") and _WRAPPED.match(words)
    return OUTBOUND if wrapped else UNKNOWN


def direction(statement: Statement, author: str, server: str, ip: str, around: Marks, *, tried: bool) -> Direction:
    """Who was sending. `author`: the server that wrote the bounce; `server`, `ip`: the destination as named, '' for none.

    A field or a host counts more than words nearby, those more than the destination, that more than the code.
    """
    core = statement.core
    words = "\n".join((core.words, core.message, *core.links))
    by_code = implied(statement.code, words)
    if by_code is INBOUND and server and not (hosts.is_microsofts(server) or _at(ip) or _MICROSOFT_ANSWERS.search(words)):
        by_code = UNKNOWN  # another server uses the number in a sense of its own
    to_microsoft = by_code.to_microsoft or _is_inbound(server) or _refused_by_microsoft(statement, by_code, server)
    if tried or _has_fields(core) or statement.proxied:
        return Direction("exchange-online", to_microsoft, proved=True)
    wrote = statement.reporter or author
    if _SERVER.fullmatch(wrote):
        microsofts = hosts.is_microsofts(wrote)
        inside = microsofts and core.words.startswith(("RESOLVER.", "STOREDRV."))
        return Direction(
            "exchange-online" if microsofts else "other", to_microsoft or inside or (not microsofts and _at(ip)), proved=True
        )
    if _gave_up_at_microsoft(statement) or _near(around.exchange_online, statement):
        return Direction("exchange-online", to_microsoft, proved=True)
    if _near(around.others, statement) or (by_code is UNKNOWN and _private(ip)):
        nameless = not server and _near(around.microsofts_mx, statement)
        return Direction("other", to_microsoft or _at(ip) or nameless, proved=True)
    if _is_inbound(server) or (to_microsoft and by_code is not OUTBOUND):
        return Direction("other", to_microsoft=True, proved=_is_inbound(server))
    return by_code


def _has_fields(core: Core) -> bool:
    """Fields that only Microsoft 365 writes."""
    return bool(core.server or core.ip or core.secured)


def _gave_up_at_microsoft(statement: Statement) -> bool:
    return statement.form == "attempt" and hosts.is_transport(statement.server)


def _refused_by_microsoft(statement: Statement, by_code: Direction, server: str) -> bool:
    """Whether Microsoft's own server signed a reply that none of Exchange Online's own errors is."""
    if statement.form == "trace" or (server and not hosts.is_microsofts(server)):
        return False
    return bool(statement.core.reporter) and by_code is not OUTBOUND and not statement.code.synthesised


def _is_inbound(server: str) -> bool:
    return bool(server) and (hosts.is_inbound(server) or server.lower().endswith(".hotmail.com"))


def _at(ip: str) -> bool:
    address = hosts.address(ip)
    return address is not None and hosts.is_microsofts_address(address)


def _private(ip: str) -> bool:
    address = hosts.address(ip)
    return address is not None and hosts.is_private(address)


def _near(places: Sequence[int], statement: Statement) -> bool:
    first = bisect_left(places, statement.start - REACH)
    return first < len(places) and places[first] <= statement.end + REACH
