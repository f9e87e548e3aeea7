"""Details of a trace, a tracking log, a queue: `[{LED=<error>};{MSG=…};{FQDN=…};{IP=…};{LRT=…}]`, in any order, cut anywhere."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from diagnostics.parse.forms import error_string
from diagnostics.parse.forms.statement import Record, Statement
from diagnostics.parse.tokens import reply_codes
from diagnostics.parse.tokens.hosts import address, host
from diagnostics.parse.tokens.times import moment

_KEY = re.compile(
    r"(?<![A-Za-z0-9])(?:(LED|MSG|FQDN|IP|LRT|[Ll]ast\s?[Aa]ttempted\s?(?:[Ss]erver\s?[Nn]ame|(?:[Ss]erver\s?)?IP))\s{0,3}=|"
    r"(Outbound\s?Proxy\s?Target\s?(?:IP|Host\s?Name))(?:\s?Address)?\s{0,3}[:=])\s{0,3}"
)
_BRACKET = re.compile(r"(\[\s?)?\{\s{0,2}\Z")
_TOKEN = re.compile(r"[^\s;{}]{0,256}")
_CLOSED = re.compile(r"\}\s?\]")
_ONLY_HERE = ("LED", "FQDN", "OutboundProxy")
_NAMES = {
    "lastattemptedservername": "fqdn",
    "lastattemptedip": "ip",
    "lastattemptedserverip": "ip",
    "outboundproxytargethostname": "proxyhost",
    "outboundproxytargetip": "proxyip",
}
MAX_KEYS = 16384
"""A text of 256 KiB that is nothing but keys has more; no trace has."""


class _Key(NamedTuple):
    """A key by its one name, the place of it and of its bracket; `begins`: the bracket of a whole record stands before it."""

    name: str
    start: int
    end: int
    begins: bool


def records(text: str) -> Iterator[Record]:
    """A record begins with its bracket, or with a second LED."""
    if "=" not in text or not any(word in text for word in _ONLY_HERE):
        return
    record: Record | None = None
    keys = list(_keys(text))
    for key, after in zip(keys, [*keys[1:], None], strict=False):
        far = record is not None and key.start - record.end > error_string.MAX_CORE
        if record is None or far or key.begins or (key.name == "led" and "led" in record.fields):
            if record is not None:
                yield record
            record = Record(key.start, key.end)
        value, record.end = _value(text, key, after)
        record.fields.setdefault(key.name, value)
    if record is not None:
        yield record


def statement(record: Record) -> Statement | None:
    """The record's error, None if it tells a success or nothing."""
    led = record.fields.get("led", "").rstrip(" \n;,[{`*").removesuffix("}")
    place = reply_codes.leading(led)
    if place is None or place.code.basic[0] == "2":
        return None
    words = {key: _token(value, 0) for key, value in record.fields.items()}
    return Statement(
        form="trace",
        start=record.start,
        end=record.end,
        code=place.code,
        core=error_string.parts(led[place.end :], place),
        server=next((name for key in ("fqdn", "proxyhost") if host(name := words.get(key, ""))), ""),
        ip=next((at for key in ("ip", "proxyip") if address(at := words.get(key, ""))), ""),
        message=error_string.tidy(record.fields.get("msg", "").partition("}")[0].partition("{")[0]),
        proxied="proxyhost" in words or "proxyip" in words,
        last_retry=moment(record.fields.get("lrt", "")),
    )


def _keys(text: str) -> Iterator[_Key]:
    """IP= and MSG= are keys only in braces; LED= and the proxy's names stand alone too."""
    for match in islice(_KEY.finditer(text), MAX_KEYS):
        name = "".join((match[1] or match[2]).split()).lower()
        bracket = _BRACKET.search(text, max(0, match.start() - 5), match.start())
        if bracket or match[2] or name == "led":
            start = bracket.start() if bracket else match.start()
            yield _Key(_NAMES.get(name, name), start, match.end(), bool(bracket and bracket[1]))


def _value(text: str, key: _Key, after: _Key | None) -> tuple[str, int]:
    """The field's value and where the record's characters end so far.

    A field that follows behind `};` ends the value, whatever stands in it. Else it ends with the record's brackets, with the
    paragraph or before a line with a field of another kind, but not inside a bracket of the error string. Behind a cut record
    only the word that belongs to the key is its own.
    """
    start = key.end
    limit = min(after.start if after else len(text), start + error_string.MAX_CORE)
    if after and not after.begins and text[max(0, limit - 4) : limit].rstrip()[-1:] in (";", "}", ","):
        return text[start:limit], limit
    if closed := _CLOSED.search(text, start, limit):
        return text[start : closed.start()], closed.end()
    end = error_string.next_line(text, start, limit)
    while end < limit and text.count("[", start, end) > text.count("]", start, end):
        end = error_string.next_line(text, end + 1, limit)
    return text[start:end], end if key.name == "led" else start + len(_token(text, start))


def _token(text: str, start: int) -> str:
    match = _TOKEN.match(text, start)
    return match[0] if match else ""
