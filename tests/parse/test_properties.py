"""Whatever comes in: nothing raises, nothing grows, nobody is named, the same text says the same."""

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diagnostics.parse import ErrorReport, Reported, read, read_file
from diagnostics.parse.report import MAX_ERRORS, MAX_LINKS, MAX_WORDS
from tests.parse.making import ATTEMPT, NDR, bounce, mail, multipart, outlook, part, primary

SAMPLES = [
    json.loads(line)["text"] for line in (Path(__file__).parents[1] / "samples/error-samples.jsonl").read_text().splitlines()
]
FRAGMENTS = [
    *(
        "Server at ",
        "returned '",
        "450 4.4.316 ",
        "550-5.7.0 ",
        "[{LED=",
        "};{MSG=",
        "};{FQDN=",
        "};{IP=",
        "};{LRT=",
        "}]",
        "[Message=",
    ),
    *(
        "[LastAttemptedServerName=",
        "[LastAttemptedIP=",
        "]",
        "(",
        ")",
        "'",
        " -> ",
        "Diagnostic-Code: smtp;",
        "Status: ",
        "Date   : ",
    ),
    *(
        "Content-Type: multipart/mixed; boundary=a\n\n",
        "--a\n",
        "<br>",
        '<MEP Name="',
        "&#52;",
        "=3D",
        "=\n",
        "\n",
        "\n\n",
        "> ",
        "\\",
    ),
    *(
        "mail.contoso.com",
        "203.0.113.4",
        "1/2/2026 3:04:05 PM",
        " - ",
        "Message expired",
        "The last endpoint attempted was ",
        "Subject: ",
    ),
    *(
        "origin_timestamp,connector_id,recipient_status\n",
        '","',
        "{",
        "}",
        '"',
        "[",
        "\u202e",
        "\uff14",
        "\0",
        "a@b.com",
        "Winsock error code: ",
    ),
]

texts = st.one_of(
    st.text(max_size=2000),
    st.lists(st.sampled_from(FRAGMENTS), max_size=60).map("".join),
    st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=12)), max_size=40).map("".join),
)


def changed(text: str, cuts: list[tuple[int, int, str]]) -> str:
    """Pieces taken out of a text and others put in."""
    for place, length, piece in cuts:
        at = place % (len(text) + 1)
        text = text[:at] + piece + text[at + length :]
    return text


mutated = st.builds(
    changed,
    st.sampled_from([*SAMPLES, NDR]),
    st.lists(
        st.tuples(st.integers(0, 3000), st.integers(0, 40), st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=5))),
        max_size=6,
    ),
)
FILES = [
    bounce(),
    outlook({"1000001F": NDR}),
    mail(multipart("multipart/mixed", part("text/plain", NDR, "base64"))),
    NDR.encode("utf-16"),
]
files = st.one_of(
    st.binary(max_size=4000),
    st.builds(
        lambda raw, at, piece: raw[: at % len(raw)] + piece + raw[at % len(raw) + len(piece) :],
        st.sampled_from(FILES),
        st.integers(0, 10_000),
        st.binary(max_size=40),
    ),
    st.builds(lambda raw, end: raw[: end % len(raw)], st.sampled_from(FILES), st.integers(0, 10_000)),
)


def sound(report: ErrorReport) -> None:
    """What holds of every report."""
    assert len(report.errors) <= MAX_ERRORS
    assert (report.primary is None) == (not report.errors)
    assert report.primary is None or 0 <= report.primary < len(report.errors)
    assert len(report.recipient_domains) <= 16
    for error in report.errors:
        assert re.fullmatch(r"[45][0-9]{2} [45]\.[0-9]\.[0-9]{1,3}", error.code)
        assert error.code.endswith(error.enhanced)
        assert error.family == "4" + error.enhanced[1:]
        assert error.count >= 1
        assert len(error.chain) <= MAX_LINKS
        for said in (
            error.text,
            error.message,
            *error.chain,
            error.server,
            error.ip,
            error.domain,
            error.reported_by,
            error.connector,
        ):
            assert said is None or len(said) <= MAX_WORDS
            assert said is None or "\n" not in said
        assert all(
            moment is None or moment.tzinfo for moment in (error.time, error.first, error.last, error.last_retry, error.arrival)
        )
    assert ErrorReport.model_validate_json(report.model_dump_json()) == report


@settings(max_examples=300)
@given(text=st.one_of(texts, mutated))
def test_any_text_gives_a_sound_report(text: str) -> None:
    report = read(text)
    sound(report)
    assert read(text) == report


@settings(max_examples=300)
@given(data=files, name=st.sampled_from(["x.eml", "x.msg", "x.csv", "x", "\0/../x.csv"]))
def test_any_bytes_give_a_sound_report(data: bytes, name: str) -> None:
    sound(read_file(name, data))


@settings(max_examples=100)
@given(text=st.one_of(texts, mutated))
def test_what_a_file_holds_says_what_the_paste_says(text: str) -> None:
    """But for line ends and characters that no file has."""
    text = text.encode("utf-8", "replace").decode().replace("\0", "")
    assert read_file("x.txt", b"\xef\xbb\xbf" + text.encode()).errors == read(text.removeprefix("\ufeff")).errors


def printed(error: Reported) -> str:
    """The error as Exchange would write it, from what was read alone."""
    where = f"{error.server or '***'} ({error.ip or '***'})"
    moment = f"{error.time:%m/%d/%Y %I:%M:%S %p} - " if error.time else ""
    links = "".join(f" -> {link}" for link in error.chain)
    message = f" [Message={error.message}]" if error.message and error.message not in error.chain else ""
    reporter = f" [{error.reported_by}]" if error.reported_by else ""
    return f"{moment}Remote Server at {where} returned '{error.code} {error.text}{links}{message}{reporter}'"


@pytest.mark.parametrize("sample", SAMPLES)
def test_a_sample_printed_again_says_the_same(sample: str) -> None:
    error = primary(read(sample))
    again = primary(read(printed(error)))
    names = ("code", "family", "reason", "text", "message", "server", "domain", "chain")
    assert {name: getattr(again, name) for name in names} == {name: getattr(error, name) for name in names}


# --- People ---

CANARY = "canary7person"
HIDDEN = [
    "To: {0}@contoso.com",
    "<{0}@contoso.com>",
    '"{0} smith"@contoso.com',
    "rfc822;{0}@contoso.com",
    "<{0}.1724400000@mail.contoso.com>",
    "Message-ID: <{0}$4.4.316$@contoso.com>",
    "Subject: {0}",
    "Subject: 450 4.4.316 {0}",
    "Thread-Topic: plans of {0}",
    "Betreff: {0}",
    "件名\uff1a{0}",
    "the message with the subject of ({0}) was refused",
    "the message with the subject of (plans (of {0}) for all) was refused",
    "the message with the subject of (plans of\n{0}) was refused",
    "the message with the subject of (plans\n      of {0}) was refused",
    "the message with the subject of (plans (of {0}",
    "RESOLVER.ADR.ExRecipNotFound; /o=Contoso/ou=Exchange Administrative Group (X)/cn=Recipients/cn={0}",
    "https://contoso.com/?user={0}%40contoso.com",
    "https://contoso.com/?data=05%7C02%7Ca%40contoso.com%7C{0}%40contoso.com%7C1",
    "X-Display-Name: {0}",
    "{0}+tag@contoso.com: Recipient address rejected",
    "IMCEAEX-_O={0}_CN={0}@contoso.com",
    "Authorization: Bearer {0}abcdefgh",
    "xoxb-1234-{0}",
    "client_secret={0}",
    "eyJhbGciOi{0}.eyJzdWIi{0}.sig",
]
PLACES = [
    "{0}",
    "{0}\n" + ATTEMPT,
    ATTEMPT + "\n{0}",
    ATTEMPT + " {0} X-Other: y",
    "450 4.4.316 Connection refused\n{0}\n",
    "450 4.4.316 Connection refused {0}",
    "450 4.4.316 Connection refused [Message=550 5.1.1 denied\n{0}\n",
    "Server at mail.contoso.com (203.0.113.4) returned '550 5.1.1 denied\n{0}\n",
    "Reason: [{{LED=550 5.1.1 denied\n{0}\n",
    "Final-Recipient: rfc822;a@b.com\nStatus: 5.1.1\nDiagnostic-Code: smtp;550 5.1.1 denied\n{0}\n",
]
WITHIN = ["550 5.1.1 {0} denied", "450 4.4.317 Cannot connect [Message={0} denied]", "[{{LED=550 5.1.1 {0}}};{{MSG={0}}}]"]


@pytest.mark.parametrize("hidden", HIDDEN)
@pytest.mark.parametrize("place", PLACES)
def test_nobody_is_named(hidden: str, place: str) -> None:
    report = read(place.format(hidden.format(CANARY)))
    assert CANARY not in report.model_dump_json()


@pytest.mark.parametrize("place", WITHIN)
@pytest.mark.parametrize("hidden", [each for each in HIDDEN if "@" in each or "earer" in each or "xox" in each])
def test_nobody_is_named_inside_of_a_reply(hidden: str, place: str) -> None:
    report = read(place.format(hidden.format(CANARY)))
    assert report.errors
    assert CANARY not in report.model_dump_json()


def test_nobody_is_named_by_a_row() -> None:
    """Not even where a connector is called by an address, nor by control characters."""
    row = {"dateTime": "2026-09-01T10:00:00Z", "subject": CANARY, "connector": f"{CANARY}@contoso.com\x1b[2J", "x": "450 4.4.316"}
    report = read(json.dumps({"value": [row]}))
    assert primary(report).connector == "…@contoso.com"
    assert CANARY not in report.model_dump_json()


@given(local=st.from_regex(r"[A-Za-z0-9!#$%&*+/?^_`{}~.-]{1,80}", fullmatch=True).filter(lambda s: not re.fullmatch(r"\W*", s)))
def test_no_local_part_of_an_address_stays(local: str) -> None:
    marked = f"{local}canary"
    report = read(f"Server at mx.contoso.com (203.0.113.4) returned '550 5.1.1 {marked}@contoso.com is unknown'")
    assert "canary" not in report.model_dump_json()


def test_the_number_of_a_message_goes() -> None:
    number = "2b0c499b-c839-43d2-9c76-dda19649fe67"
    assert (
        primary(read(f"451 4.7.23 Deferred, see i{{{number}}} and {number[1:]}")).text == f"Deferred, see i{{…}} and {number[1:]}"
    )


def test_the_domain_of_an_address_stays() -> None:
    assert primary(read("550 5.1.1 <someone@contoso.com>: unknown")).text == "<…@contoso.com>: unknown"
