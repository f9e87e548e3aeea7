"""Lines of other servers' logs: Postfix's `relay=…, dsn=4.4.1, status=deferred (…)` and sendmail's `dsn=…, stat=Deferred: …`."""

import re
from collections.abc import Iterator
from itertools import islice

from diagnostics.parse.forms import error_string
from diagnostics.parse.forms.statement import Fate, Statement
from diagnostics.parse.tokens import reply_codes
from diagnostics.parse.tokens.lazy_regex import Expression

_LINE = Expression(r"\bdsn=([245])\.([0-9]\.[0-9]{1,3}),\s{1,3}stat(us)?=(?=[A-Za-z])")
_STATUS = Expression(r"([a-z]{3,16})\b(?:\s{1,3}\()?")
_RELAY = Expression(r"\brelay=([A-Za-z0-9._-]{1,253}?)\.?\s?\[([0-9A-Fa-f.:]{2,45})\]")
_PEER = Expression(
    r"(?:\A|\b(?:host|to|with|from)\s{1,4})([A-Za-z0-9._-]{1,253})\[([0-9A-Fa-f.:]{2,45})\](?::[0-9]{1,5})?"
    r"(?::\s|\s{1,4}(?:(said|refused to talk to me):|while|timed out))"
)
_FATES: dict[str, Fate] = {
    "deferred": "delayed",
    "bounced": "returned",
    "expired": "returned",
    "undeliverable": "returned",
}
_IN_BRACKETS = Expression(r"[()]")
BEFORE = 640
"""Characters of a line in which the relay stands before its status."""

MAX_STATEMENTS = 4096


def statements(text: str) -> Iterator[Statement]:
    """One a line that tells no success."""
    if "dsn=" not in text:
        return
    for match in islice(_LINE.finditer(text), MAX_STATEMENTS):
        if match[1] != "2" and (found := _statement(text, match)):
            yield found


def peer(said: str) -> tuple[str, str]:
    """Host and address that the words are about (`connect to mx.contoso.com[192.0.2.1]:25: …`), '' for none."""
    match = _PEER.search(said)
    return (match[1], match[2]) if match else ("", "")


def _statement(text: str, match: re.Match[str]) -> Statement | None:
    status = _STATUS.match(text, match.end()) if match[3] else None
    word = status[1] if status else ("deferred" if text[match.end() : match.end() + 8].lower() == "deferred" else "bounced")
    if word not in _FATES:
        return None
    start = status.end() if status else match.end()
    end = _end(text, start, in_brackets=bool(status and status[0].endswith("(")))
    said = text[start:end]
    line = max(text.rfind("\n", 0, match.start()) + 1, match.start() - BEFORE)
    relay, at = _RELAY.search(text, line, match.start()), _PEER.search(said)
    given = reply_codes.Code(f"{match[1]}50", f"{match[1]}.{match[2]}")
    reply = reply_codes.leading(said[at.end() :]) if at and at[3] else reply_codes.leading(said)
    place = reply or reply_codes.Place(0, 0, given)
    if reply and reply.code.enhanced.endswith(".0.0") and reply.code.basic[0] == match[1]:
        place = reply._replace(code=reply_codes.Code(reply.code.basic, given.enhanced))
    words = said[(at.end() if at and at[3] else 0) + reply.end :] if reply else said
    named = at or relay
    return Statement(
        form="trace",
        start=relay.start() if relay else match.start(),
        end=max(end, match.end()),
        code=place.code,
        core=error_string.parts(words, place),
        server=named[1] if named else "",
        ip=named[2] if named else "",
        fate=_FATES[word],
    )


def _end(text: str, start: int, *, in_brackets: bool) -> int:
    """The bracket that closes the reason, which may be broken over lines; else the end of the line."""
    following = text.find("dsn=", start, start + error_string.MAX_CORE)
    limit = min(len(text), start + error_string.MAX_CORE) if following < 0 else following
    line = text.find("\n", start, limit)
    line = limit if line < 0 else line
    if not in_brackets:
        return line
    paragraph = text.find("\n\n", start, limit)
    depth = 1
    for bracket in _IN_BRACKETS.finditer(text, start, limit if paragraph < 0 else paragraph):
        depth += 1 if bracket[0] == "(" else -1
        if not depth:
            return bracket.start()
    return line
