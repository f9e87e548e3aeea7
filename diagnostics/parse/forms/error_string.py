"""One error string behind its code: words, fields in brackets, the sub-message, links behind arrows.

Observed grammar: `<words> [Message=…] [LastAttemptedServerName=…] [LastAttemptedIP=…:25] [SmtpSecurity=…] [<Microsoft's host>
<time> <id>](<the sub-message again>)`. Every part may be missing or cut off, so each is found by its key and never by matching
brackets of the whole.
"""

import re
from datetime import datetime
from typing import NamedTuple

from diagnostics.parse.report import MAX_LINKS, MAX_WORDS
from diagnostics.parse.tokens import reply_codes
from diagnostics.parse.tokens.hosts import is_transport
from diagnostics.parse.tokens.times import moment

_KEYS = r"Last\s?Attempted\s?Server\s?Name|Last\s?Attempted\s?(?:Server\s?)?IP|Smtp\s?Security"
_FIELD = re.compile(rf"[\[{{(]\s{{0,2}}(Message|{_KEYS})\s{{0,2}}=\s{{0,2}}", re.IGNORECASE)
MESSAGE_FIELD = r"Message(?=:[^\n]{1,200}\s{1,16}Last\s?Attempted)"
"""`Message:` can be anybody's word, but not before such a field."""

_BARE_FIELD = re.compile(rf"(?<=\s)({_KEYS}|Message(?=\s?=)|{MESSAGE_FIELD})\s?[:=]\s{{0,2}}", re.IGNORECASE)
"""Without its brackets, in a line or one a line."""

_CUT = re.compile(
    r"([\[{]\s?(?:Last\s?Attempted\s?(?:Server\s?Name|(?:Server\s?)?IP)|FQDN|IP)\s{0,2}=\s{0,2})"
    r"(?![0-9.]{7,15}:[0-9])([^\s\[\]{};]{1,253}?)(?=\s{0,8}\Z|\.{3}|…|\. Outbound)",
    re.IGNORECASE,
)
"""A field without its end: the text ends there, a table has cut its cell, or a trace goes on with the proxy's names."""

_HOST = re.compile(r"\[([A-Za-z0-9.-]{5,253})(?:\s{1,3}([0-9][0-9T:.Z-]{18,31}))?[^\]\[]{0,40}\]?")
_ARROW = re.compile(r"\s{0,3}->\s{0,3}")
_OWN_WORDS = (
    r"[^\n:]{0,40}(?:(?:Expected|Presented) Subject|Thumbprint):|CN=|(?:error )?(?:code|was|with|address):|"
    r"(?:(?:Untrusted )?Root|(?:Subject )?Mismatch|(?:Certificate )?Expired|(?:Partial )?Chain|Access Denied):|"
    r"Socket[A-Za-z]{0,40}:|"
    rf"Last\s?Attempted|{MESSAGE_FIELD}"
)
"""Words with a colon that stand inside error strings: a line that begins with them is only broken."""

_NEXT_LINE = re.compile(
    rf"(?<!->)(?<!Expected)(?<!Presented)\n(?=(?![\[{{(<0-9]|->|{_OWN_WORDS})[^\s:][^\n:]{{1,40}}:\s|[ \t]{{0,80}}\n)"
)
_ON_PREMISES = re.compile(
    r"(?:Primary target IP address responded with|communicating with primary (?:target|outbound frontend) IP address)"
    r"\s?:?\s{0,4}\"{1,2}([^\"]{1,1024})\"?"
)
_ENDPOINT = re.compile(r"The last endpoint attempted was ([0-9A-Fa-f:.\[\]]{2,64})")
_NAME_OF_EXCHANGE = re.compile(r"[A-Z][a-z]{1,20}[A-Z][A-Za-z]{1,40}(?:\)|\Z)")
_WORD = re.compile(r"\w")
_BRACKETS = re.compile(r"[\[\]]")
MAX_CORE = 4096
"""Characters of one error string that are looked at: several replies of 512 and their fields."""


class Core(NamedTuple):
    """`words` as Microsoft or the remote server said them; `reporter` and `time` of the bracket with Microsoft's own host.

    `server`, `ip`: of fields that only Microsoft 365 writes, as `secured` tells of a third one; `endpoint`: the address that a
    server on premises says it tried.
    """

    words: str = ""
    message: str = ""
    server: str = ""
    ip: str = ""
    endpoint: str = ""
    secured: bool = False
    reporter: str | None = None
    time: datetime | None = None
    links: tuple[str, ...] = ()


def parts(said: str, place: reply_codes.Place) -> Core:
    """What stands behind the code at that place, taken apart."""
    text = _unfolded(said[:MAX_CORE], place)
    fields: dict[str, str] = {}
    bare = "Attempted" in text or "Message=" in text
    places = list(_FIELD.finditer(text)) or (list(_BARE_FIELD.finditer(text)) if bare else [])
    for field, after in zip(places, [*places[1:], None], strict=False):
        key = "".join(field[1].split()).lower()
        fields.setdefault(key, _value(text, field.end(), after.start() if after else len(text)))
    bracket = next((match for match in _HOST.finditer(text) if is_transport(match[1])), None)
    ends = [match.start() for match in (*places[:1], bracket) if match]
    first, *links = _ARROW.split(text[: min(ends, default=None)])
    first = " ".join(first.split())
    words, within = _in_brackets(first) if place.code.synthesised else _quoted(first)
    endpoint = _ENDPOINT.search(first)
    return Core(
        words=tidy(words) if _WORD.search(words) else "",
        message=tidy(fields.get("message") or within),
        server=_first_word(fields.get("lastattemptedservername", "")),
        ip=_first_word(fields.get("lastattemptedip") or fields.get("lastattemptedserverip", "")),
        endpoint=endpoint[1] if endpoint else "",
        secured="smtpsecurity" in fields,
        reporter=bracket[1] if bracket else None,
        time=moment(bracket[2]) if bracket and bracket[2] else None,
        links=tuple(link for part in links[:MAX_LINKS] if (link := tidy(part))),
    )


def tidy(text: str) -> str:
    """One line without blanks and quotes at its ends, cut to MAX_WORDS; a multi-line reply becomes one sentence."""
    line = " ".join(text[: 2 * MAX_WORDS].split()).lstrip(" ;,`|").rstrip(" '\"`;,#*|")
    return line if len(line) <= MAX_WORDS else line[: MAX_WORDS - 1] + "…"


def reply_in(text: str) -> str | None:
    """The reply inside a sub-message or link, from its code on, the code written as everywhere: `451 5.7.3 STARTTLS is …`."""
    place = next(reply_codes.find(text), None) or reply_codes.leading(text)
    return tidy(f"{place.code} {text[place.end :].lstrip(' -')}") if place else None


def unclaimed(text: str) -> str:
    """The text with what its end or an ellipsis cuts off of hosts and addresses masked: half a name is another one."""
    return _CUT.sub(lambda cut: cut[1] + "*" * len(cut[2]), text) if "=" in text else text


def next_line(text: str, start: int, limit: int) -> int:
    """Where a line begins a field of its own (`Subject: …`) or is blank, else `limit`: there a cut error string ends."""
    match = _NEXT_LINE.search(text, start, limit)
    return match.start() if match else limit


def _unfolded(said: str, place: reply_codes.Place) -> str:
    """Without the code before each further line of a reply (RFC 5321 section 4.2.1)."""
    if not place.continued:
        return said
    if place.code.enhanced.endswith(".0.0"):
        return re.sub(rf"(?:\A|(?<=\n)|(?<=\s)){place.code.basic}[ \-]", "", said.removeprefix("-"))
    return re.sub(rf"{place.code.basic}[ \-]{re.escape(place.code.enhanced)} ?", "", said)


def _value(text: str, start: int, limit: int) -> str:
    """A field's value: to the bracket that closes it, brackets within counted; a cut one ends where a new line begins a field."""
    depth = 1
    for bracket in _BRACKETS.finditer(text, start, limit):
        depth += 1 if bracket[0] == "[" else -1
        if not depth:
            return text[start : bracket.start()]
    return text[start : next_line(text, start, limit)].rstrip(" \n]}'\"")


def _first_word(value: str) -> str:
    return "".join(value.split()[:1])


def _in_brackets(words: str) -> tuple[str, str]:
    """`Message expired, DNS query failed(InfoNoRecords)` → the words and what stands in the brackets, closed or cut.

    Behind a blank it is a remark (`matching the hostname (DANE)`, `(in reply to RCPT TO command)`), but for Exchange's own names.
    """
    head, opened, rest = words.partition("(")
    if not opened or not (head[-1:].strip() or "message expired" in head.lower() or _NAME_OF_EXCHANGE.match(rest)):
        return words, ""
    inside, closed, _ = rest.rpartition(")")
    return head, inside if closed else rest


def _quoted(words: str) -> tuple[str, str]:
    """An Exchange server on premises quotes what it met: `Primary target IP address responded with: "421 …" Attempted …`."""
    match = _ON_PREMISES.search(words)
    return (words[: match.start(1)].rstrip(' :"'), match[1]) if match else (words, "")
