"""Who was sending, and whether to Microsoft 365: by the text's own evidence, else by what the code alone implies.

Exchange Online and Exchange Server share most of their words; fields, hosts and a few codes tell them apart.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from diagnostics.parse import origin
from diagnostics.parse.codes import Code
from diagnostics.parse.core import Core
from diagnostics.parse.lazily import Expression
from diagnostics.parse.report import Sender
from diagnostics.parse.statement import Statement


class Direction(NamedTuple):
    """`proved`: by a field, a host or a program's own words, not only by the code."""

    sender: Sender
    to_microsoft: bool = False
    proved: bool = False


OUTBOUND = Direction("exchange-online")
INBOUND = Direction("other", to_microsoft=True)
UNKNOWN = Direction("unknown")

IMPLIED: tuple[tuple[str, str, Direction], ...] = (
    # mail flow intelligence, DANE, MTA-STS: queued, expired, or returned at once
    (r"[45]\.4\.31[02-8]|[45]\.7\.32[0-5]|[45]\.4\.(?:101|400)", "", OUTBOUND),
    (r"[45]\.4\.8|[45]\.7\.5", "MTA-STS", OUTBOUND),
    (r"5\.[0-9]\.3[0-9]{2}", r"^Remote server returned", OUTBOUND),
    # the tenant or the mailbox may not send
    (r"5\.7\.(?:232|233|520|705|708|750)|5\.1\.90", "", OUTBOUND),
    (r"5\.1\.8", r"bad outbound sender", OUTBOUND),
    (r"5\.4\.14", r"Hop count exceeded", OUTBOUND),
    # what Microsoft answers to those who send to it; throttling in class 4 alone
    (r"4\.7\.(?:[56][0-9]{2}|8[5-9][0-9])", "", INBOUND),
    (r"5\.7\.(?:5[01][0-9]|60[6-9]|6[1-4][0-9]|51|64|68|711)|[45]\.7\.230", "", INBOUND),
    (r"5\.4\.1", r"Recipient address rejected: Access denied", INBOUND),
    (r"[45]\.7\.2[56]", r"\bIPv6\b", INBOUND),
    (r"5\.7\.(?:139|30|57|3)", r"SmtpClientAuthentication|for Client Submission|Client (?:was )?not authenticated", INBOUND),
    (
        r"[45]\.[0-9]\.[0-9]{1,3}",
        r"Tenant(?:Inbound)?Attribution|bad inbound connector|\(AS[0-9]{3,9}\)|\bAS\([0-9]{3,12}\)|\bATTR(?!34\b)[0-9]{1,3}\b|"
        r"\b(?:PRX|TRP)[0-9]{1,2}\b|\bS(?:3140|3150|77714)\b|\b(?:SC|DY|OU|RP)-00[0-9]\b|"
        r"mail-enabled subscriptions|Direct Send not allowed",
        INBOUND,
    ),
)
"""Class, subject and detail; the words that must stand beside them, in any case; what that implies. The first to fit counts."""

_IMPLIED = tuple((re.compile(codes), Expression(words, re.IGNORECASE), direction) for codes, words, direction in IMPLIED)

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

_SERVER = re.compile(r"(?!\S{0,253}\.?[xX]{3,63}\Z)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252})")
"""A host, or the one label that an old Exchange calls itself; no address, nothing masked."""

MAX_MARKS = 1024
REACH = 2048
"""Characters between an error and words that tell whose it is."""


class Marks(NamedTuple):
    """Where in a text words of Exchange Online stand, and where those of other programs; both in order."""

    exchange_online: Sequence[int]
    others: Sequence[int]


def marks(text: str) -> Marks:
    exchange_online = _OF_EXCHANGE_ONLINE.finditer(text) if any(word in text for word in _WORDS_OF_EXCHANGE_ONLINE) else ()
    others = _OF_OTHERS.finditer(text) if any(word in text for word in _WORDS_OF_OTHERS) else ()
    return Marks(
        [match.start() for match in islice(exchange_online, MAX_MARKS)],
        [match.start() for match in islice(others, MAX_MARKS)],
    )


def implied(code: Code, words: str) -> Direction:
    """What the code alone implies, with the words behind it."""
    for codes, beside, direction in _IMPLIED:
        if codes.fullmatch(code.enhanced) and beside.search(words):
            return direction
    return UNKNOWN


def direction(statement: Statement, author: str, server: str, ip: str, around: Marks, *, tried: bool) -> Direction:
    """Who was sending. `author`: the server that wrote the bounce; `server`, `ip`: the destination as named, '' for none.

    A field or a host counts more than words nearby, those more than the destination, that more than the code.
    """
    core = statement.core
    words = "\n".join((core.words, core.message, *core.links))
    by_code = implied(statement.code, words)
    to_microsoft = by_code.to_microsoft or _is_inbound(server) or _refused_by_microsoft(statement, by_code)
    if tried or _has_fields(core) or statement.proxied:
        return Direction("exchange-online", to_microsoft, proved=True)
    wrote = statement.reporter or author
    if _SERVER.fullmatch(wrote):
        microsofts = origin.is_microsofts(wrote)
        inside = microsofts and core.words.startswith(("RESOLVER.", "STOREDRV."))
        return Direction(
            "exchange-online" if microsofts else "other", to_microsoft or inside or (not microsofts and _at(ip)), proved=True
        )
    if _gave_up_at_microsoft(statement) or _near(around.exchange_online, statement):
        return Direction("exchange-online", to_microsoft, proved=True)
    if _near(around.others, statement) or (by_code is UNKNOWN and _private(ip)):
        return Direction("other", to_microsoft or _at(ip), proved=True)
    if _is_inbound(server) or (to_microsoft and by_code is not OUTBOUND):
        return Direction("other", to_microsoft=True, proved=_is_inbound(server))
    return by_code


def _has_fields(core: Core) -> bool:
    """Fields that only Microsoft 365 writes."""
    return bool(core.server or core.ip or core.secured)


def _gave_up_at_microsoft(statement: Statement) -> bool:
    return statement.form == "attempt" and origin.is_transport(statement.server)


def _refused_by_microsoft(statement: Statement, by_code: Direction) -> bool:
    """Whether Microsoft's own server signed a reply that none of Exchange Online's own errors is."""
    return bool(statement.core.reporter) and by_code is not OUTBOUND and not statement.code.synthesised


def _is_inbound(server: str) -> bool:
    return bool(server) and (origin.is_inbound(server) or server.lower().endswith(".hotmail.com"))


def _at(ip: str) -> bool:
    address = origin.address(ip)
    return address is not None and origin.is_microsofts_address(address)


def _private(ip: str) -> bool:
    address = origin.address(ip)
    return address is not None and origin.is_private(address)


def _near(places: Sequence[int], statement: Statement) -> bool:
    first = bisect_left(places, statement.start - REACH)
    return first < len(places) and places[first] <= statement.end + REACH
