"""What became of the mail by what a bounce or a delay notice says of itself: a code of class 4 stands in both."""

import re
from datetime import timedelta

from diagnostics.parse.forms.statement import Fate
from diagnostics.parse.report import State
from diagnostics.parse.tokens.lazy_regex import Expression

_DELAYED = Expression(
    r"[Dd]elivery (?:is delayed|has been delayed)|THIS IS A WARNING MESSAGE ONLY|YOU DO NOT NEED TO RESEND|"
    r"will (?:be retried|keep trying)|[Dd]elivery (?:of this message )?will be attempted|[Dd]elivery attempts will continue|"
    r"not yet been delivered|hasn't\s{1,2}been\s{1,2}delivered\s{1,2}yet|will continue to be\s{1,2}attempted|"
    r"Доставка[^\n]{0,80}(?:задержан|задерживается|отложена)|"
    r"попытки доставки[^\n]{0,40}(?:продолж|повтор)"
)
_RETURNED = Expression(
    r"Delivery has failed to these recipients|could(?: not|n't)\s{1,3}be\s{1,3}delivered to one or more|"
    r"This is a permanent error|has been in the queue too long|"
    r"[Yy]our message (?:to [^\n]{1,255} )?couldn't be delivered|"
    r"Fehler bei der Nachrichtenzustellung|konnte nicht zugestellt werden|Échec de la remise|pas pu être (?:remis|distribué)|"
    r"Error en la entrega|No se pudo entregar|Impossibile recapitare|Não foi possível entregar|kon niet worden bezorgd|"
    r"(?:\u041d\u0435 удалось доставить|Сбой доставки)[^\n]{0,80}(?:получател|сообщени|групп)"
)


_WORDS_OF_DELAY = ("elivery ", "WARNING", "RESEND", "will ", "delivered", "доставк", "Доставк")
_WORDS_OF_RETURN = (
    *("Delivery has", "delivered", "permanent error", "too long", "Fehler bei", "Échec", "Error en"),
    *("zugestellt", "pas pu", "No se pudo", "Impossibile", "possível", "bezorgd"),
    *("доставить", "доставки"),
)
"""Without one of these the expression finds nothing."""

_FOR_THE_NEXT = Expression(
    r"for the next\s{1,2}(?:([0-9]{1,2})\s{1,2}days?,?\s{1,2})?([0-9]{1,3})\s{1,2}hours?"
    r"(?:,?\s{1,2}(?:and\s{1,2})?([0-9]{1,2})\s{1,2}minutes?)?",
    re.IGNORECASE,
)


def retries_for(text: str) -> timedelta | None:
    """How long a delay notice says that it goes on: `for the next 1 days, 19 hours and 54 minutes`."""
    match = _FOR_THE_NEXT.search(text) if "for the next" in text else None
    return timedelta(days=int(match[1] or 0), hours=int(match[2]), minutes=int(match[3] or 0)) if match else None


def told(text: str) -> Fate | None:
    """What the notice around the errors says, None where it says nothing or is none."""
    if any(word in text for word in _WORDS_OF_DELAY) and _DELAYED.search(text):
        return "delayed"
    return "returned" if any(word in text for word in _WORDS_OF_RETURN) and _RETURNED.search(text) else None


def state(fate: Fate | None, by_code: State) -> State:
    """A notice of delay outranks the code; mail that went back with a code of class 4 was given up."""
    if fate == "delayed":
        return "queued"
    return "expired" if fate == "returned" and by_code == "queued" else by_code
