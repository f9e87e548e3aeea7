"""Status codes in running text (RFC 5321 section 4.2, RFC 3463), and what only looks like one."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from diagnostics.parse.tokens.lazy_regex import Expression

# ASCII digits and word bounds: 5.7.999999, 4.4.316.2 and digits of other scripts are none. `\d` is any script's digit.
_CODE = re.compile(
    r"(?<![\dA-Za-z_.])(?:([45][0-9]{2})([\s\-;:,/#(|]{1,6}|[ \t]{0,8}\n[ \t]{0,40}|, ?b?['\"]))?"
    r"(?<!\d)([45])(?:\.|(?<=[45][0-9]{2} [45])-(?=[47]\.3))([0-9]\.[0-9]{1,3})(?![\d_@]|\.[0-9])"
)
"""Exchange slips at times: `451 4-4.395`."""

_BASIC = re.compile(r"[\s#]{0,4}([245][0-9]{2})(?=[\s\-;:,'\"]|$)")
_BEFORE_A_CODE = " \t\n:=#'\"(-"
_SAYS_CODE = frozenset(
    (
        *("status", "code", "codes", "statuscode", "diagnostic-code", "error", "errors", "reason", "ndr", "dsn", "smtp"),
        *("enhanced", "returned", "bounce", "bounced", "bounces", "fehler", "fehlercode", "erreur", "errore", "código"),
        *("codigo", "код", "ошибки"),
    )
)
_SAYS_CODE_UNSPACED = ("コード", "代码", "代碼", "코드")
_SAYS_VERSION = frozenset(("v", "ver", "version", "kernel", "release", "build", "update", "id", "to"))
_STARTS_A_SENTENCE = frozenset(("The", "A", "An", "And", "Is", "Got", "We", "Or", "With"))
_MICROSOFT_SAYS = re.compile(
    r"[ ;:]{1,3}(?:Hop count exceeded|Tenant(?:Inbound)?Attribution\b|Message expired|"
    r"(?:RESOLVER|ROUTING|SMTPSEND|STOREDRV|QUEUE)\.)"
)
_LEADS_TO_A_REPLY = Expression(
    r"(?:(?<![A-Za-z])(?:smtp|SMTP); {0,2}|\bLastError\s{0,30}[:=]\s{0,4}|\b(?:said|talk to me): {0,2}|"
    r"SMTP error from remote (?:mail )?server after [^\n]{1,300}?: |host \S{1,253} \[[0-9A-Fa-f.:]{2,45}\]: |"
    r"(?:remote server|other server returned) was:\s{1,4}|^<<< )['\"]?(?=[45][0-9]{2}[ \-])",
    re.MULTILINE,
)
_BEFORE_A_REPLY = ("smtp;", "SMTP;", "LastError", "said:", "to me:", "SMTP error", "]: ", " was:", "<<< ")
_WHOLE_REPLY = Expression(
    r"\W{0,8}((?:421|45[0-5]|50[0-4]|52[13]|53[0458]|541|55[0-7])[ \-])(?![0-9])(?=[^\n]{0,200}\b(?:"
    r"mailbox|service (?:not|un|is|temp|closing)|relay|recipient|user|sender|action|transaction|command|"
    r"denied|rejected|refused|blocked|spam|domain|quota|"
    r"authentication|timed? ?out|connection|transmission|greylist|too many|permanent|temporar|helo|policy)[a-z]{0,8}\b)",
    re.IGNORECASE,
)
MAX_REPLY = 400
"""Characters of a text that may be nothing but a reply."""

_MARKS = " \t*`|>-#'\"(["
_SYNTHESISED = re.compile(r"[47]\.3[0-9]{2}")
_NOTHING_ELSE = re.compile(r"[^\w]{0,40}[45]\.[0-9]\.[0-9]{1,3}[^\w]{0,40}")


class Code(NamedTuple):
    """A reply's code: `basic` three digits, `enhanced` class.subject.detail."""

    basic: str
    enhanced: str

    def __str__(self) -> str:
        return f"{self.basic} {self.enhanced}"

    @property
    def family(self) -> str:
        """The same fault, queued or expired: 5.4.316 has family 4.4.316."""
        return "4" + self.enhanced[1:]

    @property
    def synthesised(self) -> bool:
        """Whether Microsoft made it up (x.4.3nn, x.7.3nn, connectors-mail-flow-intelligence): no other server sends it."""
        return bool(_SYNTHESISED.fullmatch(self.enhanced[2:]))


class Place(NamedTuple):
    """A code and where it stands. `continued`: written 550-5.7.0, as all but the last line of a reply are."""

    start: int
    end: int
    code: Code
    continued: bool = False


def find(text: str) -> Iterator[Place]:
    """Every error code in the text, in order; codes of success (2.x.x) are none."""
    for match in _CODE.finditer(text):
        if match[1] or _stands_alone(text, match):
            yield _place(match)


def leading(text: str) -> Place | None:
    """The code that a reply starts with, where a reply is known to stand: there a basic code alone is one too."""
    basic = _BASIC.match(text)
    start = basic.start(1) if basic else len(text) - len(text.lstrip(" \t\n#'\"(:;"))
    if match := _CODE.match(text, start):
        return _place(match)
    if basic is None:
        return None
    return Place(start, basic.end(), Code(basic[1], f"{basic[1][0]}.0.0"), text[basic.end() : basic.end() + 1] == "-")


def replies(text: str) -> Iterator[Place]:
    """Replies with a basic code alone, where words before them say that one follows; or where the whole text is one."""
    whole = _WHOLE_REPLY.match(text) if len(text) < MAX_REPLY and text.lstrip(" \t\n'\"*_`>#(-")[:1] in ("4", "5") else None
    if whole:
        starts = [whole.start(1)]
    elif not any(word in text for word in _BEFORE_A_REPLY):
        return
    else:
        starts = [match.end() for match in _LEADS_TO_A_REPLY.finditer(text)]
    for start in starts:
        line = text[start : start + MAX_REPLY]
        place = leading(line)
        if place and place.code.basic[0] != "2":
            yield place._replace(start=start + place.start, end=start + place.end)


def _place(match: re.Match[str]) -> Place:
    basic, between, level, rest = match.groups()
    return Place(match.start(), match.end(), Code(basic or f"{level}50", f"{level}.{rest}"), between == "-")


def _stands_alone(text: str, match: re.Match[str]) -> bool:
    """Whether an enhanced code without a basic one is meant as a code: something must say so, for versions look the same."""
    after = text[match.end() : match.end() + 1]
    if after == "-" or (after.isascii() and after.isalpha()):
        return False
    before = text[max(0, match.start() - 32) : match.start()]
    if not before.rpartition("\n")[2].strip(_MARKS) and _MICROSOFT_SAYS.match(text, match.end()):
        return True
    words = before.rstrip(_BEFORE_A_CODE).split()
    word = words[-1].strip(".,;:(['\"") if words else ""
    if word.lower() in _SAYS_CODE or word.endswith(_SAYS_CODE_UNSPACED) or (before.endswith("#") and not before[-2:-1].isalnum()):
        return True
    if not _SYNTHESISED.fullmatch(match[4]):
        return len(text) < 100 and bool(_NOTHING_ELSE.fullmatch(text))
    names_a_product = word[:1].isascii() and word[:1].isupper() and word not in _STARTS_A_SENTENCE and before[-1:] in " :="
    return not (names_a_product or word.isdigit() or word.lower() in _SAYS_VERSION or before.endswith(("@", "/", "-")))
