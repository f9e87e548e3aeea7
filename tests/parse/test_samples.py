"""Every given sample says what it is known to say, in whatever wrapping it comes."""

import base64
import html
import json
import quopri
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from diagnostics.parse import ErrorReport, read, read_file
from diagnostics.parse.tokens.times import moment
from tests.parse.making import broken, codes, mail, part, primary

SAMPLES: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parents[1] / "samples/error-samples.jsonl").read_text().splitlines()
]


def name(sample: dict[str, Any]) -> str:
    return f"{SAMPLES.index(sample) + 1}-{sample['kind']}"


@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_a_sample_says_what_is_known_of_it(sample: dict[str, Any]) -> None:
    report = read(sample["text"])
    error = primary(report)
    assert (error.code, error.server, error.ip) == (sample["code"], sample["server"], sample["ip"])
    assert error.message == sample.get("message", error.message)
    assert error.last_retry == (moment(sample["last_retry"]) if "last_retry" in sample else error.last_retry)


@pytest.mark.parametrize("sample", [sample for sample in SAMPLES if "final_code" in sample], ids=name)
def test_the_closing_line_is_listed_and_is_not_why(sample: dict[str, Any]) -> None:
    report = read(sample["text"])
    assert sample["final_code"] in codes(report)
    assert primary(report).code != sample["final_code"]
    assert {error.state for error in report.errors} == {"expired"}


def plain(text: str) -> str:
    """The one sample that is quoted-printable, decoded: other wrappings would wrap it twice."""
    return quopri.decodestring(text.encode()).decode() if "=3D" in text else text


WRAPPINGS: dict[str, Callable[[str], ErrorReport]] = {
    "quoted": lambda text: read("> > " + text.replace("\n", "\n> > ")),
    "crlf": lambda text: read(text.replace("\n", "\r\n")),
    "cr": lambda text: read(text.replace("\n", "\r")),
    "one-line": lambda text: read(" ".join(text.split())),
    "words-of-a-shell": lambda text: read(" ".join(text.replace("'", "").replace('"', "").split())),
    "around": lambda text: read(f"Hi team,\n\nplease help:\n\n{text}\n\nThanks\nA. Person"),
    "nbsp": lambda text: read(text.replace(" ", "\u00a0")),
    "bidi": lambda text: read("\u202a" + text.replace(".", "\u200e.") + "\u202c"),
    "smart-quotes": lambda text: read(text.replace("'", "\u2019").replace("'", "\u2018", 1)),
    "full-width": lambda text: read("".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)),
    "escaped-markdown": lambda text: read(text.replace("[", "\\[").replace("]", "\\]").replace("*", "\\*")),
    "json-string": lambda text: read(json.dumps(text)[1:-1].replace("\\n", "\\r\\n").replace("'", "\\u0027")),
    "json": lambda text: read(json.dumps({"value": [{"event": "Defer", "description": text}]})),
    "html": lambda text: read("<div><p>" + html.escape(text).replace("\n", "<br>") + "</p></div>"),
    "table-cell": lambda text: read("<table><tr><td>Error</td><td>" + html.escape(text) + "</td><td>Next</td></tr></table>"),
    "quoted-printable": lambda text: read(quopri.encodestring(text.encode()).decode()),
    "base64": lambda text: read("Hello,\n\n" + base64.encodebytes(text.encode()).decode() + "\nbye"),
    "utf-16": lambda text: read_file("trace.txt", text.encode("utf-16")),
    "utf-16-unmarked": lambda text: read_file("trace.txt", text.encode("utf-16-le")),
    "windows-1252": lambda text: read_file("trace.txt", b"\x93R\xe9ponse\x94\n" + text.encode("cp1252")),
    "mail": lambda text: read_file("bounce.eml", mail(part("text/plain", text, "quoted-printable"))),
    "mail-base64": lambda text: read_file("bounce.eml", mail(part("text/plain", text, "base64", "utf-16"))),
}


@pytest.mark.parametrize("wrapping", WRAPPINGS)
@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_a_wrapping_changes_nothing(sample: dict[str, Any], wrapping: str) -> None:
    text = plain(sample["text"])
    error = primary(WRAPPINGS[wrapping](text))
    known = (error.code, error.server, error.ip, error.message, error.reason, error.last_retry)
    clean = primary(read(text))
    assert known == (clean.code, clean.server, clean.ip, clean.message, clean.reason, clean.last_retry)


@pytest.mark.parametrize("quote", ["", "> "])
@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_lines_broken_at_a_width_change_nothing(sample: dict[str, Any], quote: str) -> None:
    """But for the words of a delivery status, whose further lines RFC 5322 section 2.2.3 indents: they can end at the break."""
    text = plain(sample["text"])
    told = [error.model_copy(update={"text": ""}) for error in read(text).errors]
    for width in range(60, 79):
        again = read(broken(text, width, quote)).errors
        assert [error.model_copy(update={"text": ""}) for error in again] == told, width
