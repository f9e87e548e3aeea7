"""Alerts of Microsoft 365 about mail flow, by their names in English and Russian. They name neither code nor server."""

import re
from collections.abc import Sequence

from diagnostics.parse.tokens.lazy_regex import Expression

_NAMES: tuple[tuple[str, str], ...] = (
    ("Messages have been delayed", r"Messages have been delayed|Сообщения (?:были )?(?:задержаны|задерживаются)"),
    ("Queued messages", r"(?:Queued messages|Messages in queues?|Сообщения в очередях|Сообщения в очереди)"),
    ("Mail flow intelligence", r"Mail flow intelligence|Логика потока обработки почты|Анализ потока обработки почты"),
)
_NAME = tuple((name, Expression(words, re.IGNORECASE)) for name, words in _NAMES)
_IN_FRONT = Expression(r"(?:\n|[.:]\s|[\"'*_-])[\s\"'*_#>\u26a0\ufe0f-]{0,8}\Z")
_BEHIND = Expression(r"[\s\"'*_.!()0-9]{0,12}(?:\Z|\n|[:|\u2013-])|[\"'“”]\s{0,2}(?:,|was|has|wurde|сработал)")
_SEVERITY = Expression(
    r"(?:low|medium|high|informational)-severity alert(?: has been triggered)?\s{0,3}[:\n]\s{0,4}"
    r"[\"'*_\u26a0\ufe0f ]{0,8}([^\n\"*]{4,80})|"
    r"(?:оповещение|предупреждение)[^\n:]{0,60}серьезности[^\n:]{0,40}[:\n]\s{0,4}[\"'*_ ]{0,8}([^\n\"*]{4,80})",
    re.IGNORECASE,
)
MAX_TEXTS = 64
REACH = 12
MAX_TEXT = 65536
"""Characters of a text in which an alert's name is looked for: its mail begins with it."""


def named(texts: Sequence[str]) -> str | None:
    """The alert that the texts are about, None for none. Of many, the first are looked at."""
    return next((name for text in texts[:MAX_TEXTS] if (name := _named(text[:MAX_TEXT]))), None)


def _named(head: str) -> str | None:
    """Its name alone in a line, or behind `A high-severity alert:`."""
    for name, words in _NAME:
        for match in words.finditer(head):
            before = "\n" * (match.start() < REACH) + head[max(0, match.start() - REACH) : match.start()]
            if _IN_FRONT.search(before) and _BEHIND.match(head, match.end()):
                return name
    if severe := _SEVERITY.search(head):
        said = " ".join((severe[1] or severe[2]).split()).rstrip(" .'_")
        return next((name for name, words in _NAME if words.search(said)), None)
    return None
