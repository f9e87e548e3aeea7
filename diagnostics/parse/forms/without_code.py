"""Microsoft's words without their code: an alert, a portal or a person leaves it out, and the words stand for one code alone."""

import re
from collections.abc import Iterator
from itertools import islice

from diagnostics.parse.forms import error_string
from diagnostics.parse.forms.statement import Statement
from diagnostics.parse.tokens.lazy_regex import Expression
from diagnostics.parse.tokens.reply_codes import Code, Place

_PHRASES: tuple[tuple[str, str], ...] = (
    ("550 5.4.312", r"Message expired, DNS query failed"),
    ("550 5.4.315", r"Message expired, connection timed out"),
    ("550 5.4.316", r"Message expired, connection refused"),
    ("550 5.4.317", r"Message expired, cannot (?:connect to|establish session with) remote server"),
    ("550 5.4.318", r"Message expired, connection (?:reset|was closed abruptly)"),
    ("450 4.4.312", r"(?:DNS query failed|Сбой запроса DNS)(?! with)"),
    ("450 4.4.315", r"(?:Connection timed out|Время ожидания подключения истекло)(?=[ .]{0,2}[\[(](?:Message=)?Socket error)"),
    ("450 4.4.316", r"(?:Connection refused|\u0412 подключении отказано)(?=[ .]{0,2}[\[(](?:Message=)?Socket error)"),
    (
        "450 4.4.317",
        r"Cannot (?:connect to|establish session with) remote server|\u041d\u0435 удается подключиться к удаленному серверу",
    ),
    ("450 4.4.318", r"Connection was closed abruptly|SuspiciousRemoteServerError|Соединение было внезапно прервано"),
    ("450 4.7.320", r"Certificate validation failed|\u041d\u0435 удалось проверить сертификат"),
    ("450 4.7.321", r"starttls-not-supported: Destination mail server"),
    ("450 4.7.322", r"certificate-expired: Destination mail server"),
    ("450 4.7.323", r"tlsa-invalid: The domain failed DANE"),
    ("450 4.7.324", r"dnssec-invalid: Destination domain"),
    ("450 4.7.325", r"certificate-host-mismatch: Remote certificate"),
    ("450 4.4.8", r"MX hosts of \S{3,253} failed MTA-STS validation"),
    ("450 4.7.5", r"Remote certificate failed MTA-STS validation"),
    ("554 5.4.14", r"Hop count exceeded - possible mail loop"),
    ("550 5.7.64", r"TenantAttribution; Relay Access Denied"),
    ("550 5.7.68", r"Direct Send not allowed for this organization"),
    ("550 5.7.705", r"tenant has exceeded threshold"),
    ("550 5.7.708", r"Access denied, traffic not accepted from this IP"),
    ("550 5.7.750", r"Client blocked from sending from unregistered domain"),
    ("550 5.7.520", r"Your organization does not allow external forwarding"),
    ("550 5.1.8", r"Access denied, bad outbound sender"),
    ("550 5.1.10", r"RESOLVER\.ADR\.RecipientNotFound|RESOLVER\.ADR\.RecipNotFound"),
)
"""The first in the text counts; of two at one place, the first here. "Connection refused" is everybody's word, so Windows' number
must stand behind it."""

_EXPRESSION = Expression("|".join(f"({words})" for _, words in _PHRASES), re.IGNORECASE)
_WORDS = (
    *(
        "essage expired",
        "query failed",
        "запроса DNS",
        "Socket error",
        "emote server",
        "удаленному серверу",
        "abruptly",
        "Suspicious",
    ),
    *("прервано", "ertificate", "сертификат", "-not-supported", "-invalid", "MTA-STS", "Hop count", "TenantAttribution"),
    *("Direct Send", "threshold", "traffic not", "unregistered", "external forwarding", "outbound sender", "RESOLVER"),
)
"""Without one of these the expression finds nothing: it is slow."""

MAX_STATEMENTS = 64


def statements(text: str) -> Iterator[Statement]:
    """What the words state, for a text in which no code does."""
    if not any(word in text for word in _WORDS):
        return
    end = 0
    for match in islice(_EXPRESSION.finditer(text), MAX_STATEMENTS):
        if match.start() < end:
            continue
        code, _, enhanced = _PHRASES[(match.lastindex or 1) - 1][0].partition(" ")
        place = Place(match.start(), match.start(), Code(code, enhanced))
        end = error_string.next_line(text, match.start(), min(len(text), match.start() + error_string.MAX_CORE))
        line = text.find("\n", match.end(), end)
        end = end if line < 0 or text[match.end() : end].count("[") > text[match.end() : line].count("]") else line
        yield Statement(
            form="prose",
            start=match.start(),
            end=end,
            code=place.code,
            core=error_string.parts(text[match.start() : end].rstrip("'\""), place),
            inferred=True,
        )
