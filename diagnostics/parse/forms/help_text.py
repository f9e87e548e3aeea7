"""Titles of help pages in a bounce (`see DSN 5.1.10 Errors in Exchange Online`): they name a code and state no error."""

from collections.abc import Sequence

from diagnostics.parse.forms.statement import Statement
from diagnostics.parse.tokens.lazy_regex import Expression

_TITLE = Expression(
    r"[\s'\"*_,;:-]{0,8}(?:(?:through|to|and|or|-) [45]\.[0-9]\.[0-9]{1,3} )?(?:NDR |DSN )?(?:[Ee]rrors? |[Bb]ounce messages? )?"
    r"in (?:Exchange|Office|Microsoft|EOP|Outlook)\b"
)
_BEFORE = Expression(r"\b(?:information|details|tips|help)\b[^\n.]{0,60}\bsee\b[^\n.]{0,40}\Z")
REACH = 96


def without(text: str, statements: Sequence[Statement]) -> list[Statement]:
    """The statements that are errors; all of them, the titles without their words, where nothing else is."""
    errors = [each for each in statements if not _is_title(text, each)]
    return errors or [each._replace(core=each.core._replace(words="")) for each in statements]


def _is_title(text: str, statement: Statement) -> bool:
    if statement.form != "prose":
        return False
    place = text.find(statement.code.enhanced, statement.start, statement.end + 16)
    behind = place + len(statement.code.enhanced)
    return place >= 0 and bool(_TITLE.match(text, behind) or _led_to(text, statement, behind))


def _led_to(text: str, statement: Statement, behind: int) -> bool:
    """`For more information, see Error code 5.7.64.`: nothing behind it, and words of reference before."""
    ends = not text[behind : behind + 1].strip(".,;)") and not text[behind + 1 : behind + 2].isdigit()
    ends = ends and not text[behind : behind + 3].strip(".,;) \n")
    return ends and bool(_BEFORE.search(text, max(0, statement.start - REACH), statement.start))
