"""Twice the text takes about twice the time, whatever it is made of, up to the limit of a paste; and a moment at most."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import diagnostics.parse
from diagnostics.parse import read
from diagnostics.parse.read import MAX_PASTE
from diagnostics.parse.tokens.lazy_regex import Expression
from tests.parse.timing import grown

SPEED = 5.0
"""Seconds of CPU that the worst text of a paste's size may take: five times what it does on two slow cores."""

PIECES = [
    *(
        "[Message=",
        "[{LED=",
        "{LED=450 4.4.316 x};",
        "{FQDN=",
        "Server at ",
        "Server at x returned ",
        "Server at x returned '450 4.4.316 y' ",
        "returned '4",
    ),
    *(
        "dsn=4.4.1, status=deferred (",
        "dsn=4.4.1, status=deferred (host a.b[192.0.2.1] said: 450 ",
        "relay=a.b[192.0.2.1]:25, ",
        "host a.b[192.0.2.1]:25 ",
        "smtp;550 x ",
        "said: 550-x\n",
        "SMTP error from remote mail server after ",
        "SMTP error from remote mail server after x: 550 y\n",
        "LastError : 421 x\n",
        "see DSN 5.1.10 Errors in Exchange\n",
        "information about 5.7.1, see 5.7.1\n",
        "Reporting-MTA: dns; a.b\nStatus: 5.0.0\n",
        "connect to ",
        "450 4.4.1 connect to ",
        "DNS query failed ",
        "Certificate validation failed [",
        "MX hosts of ",
        "Messages have been delayed ",
        "A high-severity alert: ",
        "Your message to ",
        "Доставка ",
        "DNS domain ",
    ),
    *("450 4.4.316 ", "450-4.4.316 ", "4.4.316 ", "4.", "(", "[", "{", "'", '"', "-> ", "a@b ", "@", "x" * 39 + " ", "x"),
    *(
        "<br",
        "<a ",
        "<",
        "<!--",
        "<style",
        "&#",
        "&amp;",
        "=3D\n",
        "=",
        "A" * 76 + "\n",
        "> ",
        "\n>",
        "\\*",
        "\\u0034",
        "<http://a|",
    ),
    *(
        "[a](http://",
        "Diagnostic-Code: smtp;550 5.4.316 x\n",
        "Status: ",
        '<MEP Name="',
        "Date   : 1/1/2026 1:01:01 AM\n",
        "Date : ",
    ),
    *(
        "Expected Subject: ",
        "Subject: ",
        "Subject:x",
        "subject of (",
        "token=",
        "-aaaa-",
        "eyJaaaaaaaa",
        "xoxb-a",
        "Remote server: ",
        "domain a.",
    ),
    *(
        "1/1/2026 1:01:01 AM - ",
        "\u200b",
        "\uff14",
        "\r",
        "\n",
        "\n\n",
        " ",
        "\t",
        "\nAbc: ",
        "[a.b.c",
        "a.",
        '{"a":',
        '["',
        "=?utf-8?q?a?= ",
    ),
    *(
        "host a[1] ",
        "relay=a[1]:2 ",
        "Smart host: x\n",
        "*Remote server:* `",
        "[LastAttemptedIP=1",
        "[LastAttemptedIP=1...",
        "{IP=1 ",
    ),
    *(
        "LastAttemptedIP=1 ",
        "Message: x ",
        "Message=",
        "/cn=Recipients/cn=a",
        "a%40b ",
        "%40",
        "%41",
        "subject (a(b) ",
        "subject (\n",
    ),
    *("| Connector | a |\n", "Connector: *", "Validation failed\n", "550\n", "x\n\n", f"{'x' * 58} a\n\n", "450 4.4.316 x ->\n"),
    *(
        "450 4.4.316 (\n",
        f"450 4.4.316 {'x' * 50}\n",
        '450 4.4.316 address: "a\n',
        "\nExpected Subject: ",
        "5.4.14 Hop count exceeded\n",
    ),
    *("Content-Type: multipart/mixed; boundary=a\n\n--a\n", "A: b\n", "a,b,date\n", 'responded with: "', "Winsock error code: "),
]


NUMBERED = [
    "550 5.4.310 DNS domain a{0}.com does not exist\n",
    "Server at a{0}.com (203.0.113.4) returned '450 4.4.316 x'\n",
    "Server at a{0}.com returned '550 5.4.316 Message expired'\n",
    "Remote server: a{0}.com\n450 4.4.316 x\n",
    "Generating server: a{0}.com\n450 4.4.{0} x\n",
    "[{{LED=450 4.4.316 x}};{{FQDN=a{0}.com}};{{LRT=1/1/2026 1:01:01 AM}}]\n",
    "1/1/2026 1:01:01 AM - Remote Server at a{0}.com returned '550 4.4.7 QUEUE.Expired; message expired'\n",
    "Date   : 1/1/2026 1:01:01 AM\nDetail : [{{LED=550 5.4.316 Message expired}};{{FQDN=a{0}.com}}]\n",
    "Final-Recipient: rfc822;a@a{0}.com\nStatus: 5.1.1\nDiagnostic-Code: smtp;550 5.1.1 x\nRemote-MTA: dns;a{0}.com\n",
    "a{0}@b{0}.com\n",
]
"""Errors that all differ: none can be left to another that is the same."""


def made_of(piece: str, size: int) -> str:
    count = size // len(piece) + 1
    return ("".join(map(piece.format, range(count))) if piece in NUMBERED else piece * count)[:size]


@pytest.mark.parametrize("piece", PIECES + NUMBERED, ids=ascii)
def test_the_time_grows_with_the_text(piece: str) -> None:
    assert grown(read, *(made_of(piece, size) for size in (MAX_PASTE // 2, MAX_PASTE))) < SPEED


QUANTIFIER = re.compile(r"(?<![\\}])[*+]|\{\d*,\}")
NESTED = re.compile(r"(?:[*+]|\{\d+,\d+\})\)(?:[*+]|\{\d+,\d+\})")
CLASS = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]")


def flat(value: object) -> Iterator[object]:
    """A value, or what stands in the tuples of a table."""
    if isinstance(value, tuple):
        for each in value:
            yield from flat(each)
    else:
        yield value


def patterns() -> list[tuple[str, str]]:
    """Every regular expression of the room, by module."""
    modules = [
        importlib.import_module(each.name) for each in pkgutil.walk_packages(diagnostics.parse.__path__, "diagnostics.parse.")
    ]
    found = []
    for module in modules:
        for name, value in vars(module).items():
            for each in flat(value):
                if isinstance(each, (re.Pattern, Expression)):
                    raw = each.pattern if isinstance(each.pattern, str) else each.pattern.decode("latin-1")
                    found.append((f"{module.__name__}.{name}", raw))
    return found


def test_every_quantifier_is_bounded() -> None:
    found = patterns()
    assert len(found) > 30
    unbounded = {name: raw for name, raw in found if QUANTIFIER.search(CLASS.sub("c", raw))}
    assert not unbounded


def test_no_quantifier_stands_in_another() -> None:
    assert not {name: raw for name, raw in patterns() if NESTED.search(CLASS.sub("c", raw))}


def test_the_room_is_light() -> None:
    """It imports what reads, not what fetches, and no `email` package."""
    sources = [path.read_text(encoding="utf-8") for path in Path(diagnostics.parse.__file__).parent.rglob("*.py")]
    imported = {match[1] for source in sources for match in re.finditer(r"^(?:from|import) ([a-z_]+)", source, re.MULTILINE)}
    assert not imported & {"email", "html", "xml", "socket", "ssl", "idna", "requests", "aiohttp"}
