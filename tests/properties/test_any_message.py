"""DNS messages: what dnspython writes is read as dnspython reads it; whatever else comes ends at once in an answer or a fault."""

import contextlib
import ipaddress
import struct
import time

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rrset
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from diagnostics.probes import message
from diagnostics.probes.message import KINDS, Nonsense, Question
from tests.hostile_dns import COSTLY, HERE, record, two_letters, uncollected

LABEL = st.binary(min_size=1, max_size=20) | st.sampled_from([b"mail", b"MAIL", b"_25", b"a.b", b"a\\b", b'"', b"x" * 63])
NAMES = (
    st.lists(LABEL, max_size=6)
    .filter(lambda labels: sum(map(len, labels)) < 240)
    .map(lambda labels: dns.name.Name([*labels, b""]))
)
DATA = {
    "A": st.ip_addresses(v=4).map(str),
    "AAAA": st.ip_addresses(v=6).map(str),
    "MX": st.builds(lambda preference, name: f"{preference} {name.to_text()}", st.integers(0, 65535), NAMES),
    "TXT": st.lists(st.binary(max_size=255), min_size=1, max_size=4).map(lambda strings: " ".join(map(_quoted, strings))),
    "TLSA": st.builds(lambda a, b, c, data: f"{a} {b} {c} {data.hex()}", *[st.integers(3, 255)] * 3, st.binary(min_size=1)),
    "CNAME": NAMES.map(lambda name: name.to_text()),
}


def _quoted(string: bytes) -> str:
    return '"' + "".join(f"\\{code:03}" for code in string) + '"'


def _plain(text: str) -> str:
    """One of several ways to write an IPv6 address, and no upper case."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text.lower()


def question_of(query: dns.message.Message) -> Question:
    asked = query.question[0]
    return Question(query.id, (asked.name.to_wire() or b"").lower(), int(asked.rdtype))


@given(data=st.data(), kind=st.sampled_from(list(KINDS)), owner=NAMES)
def test_it_reads_what_another_library_writes(data: st.DataObject, kind: str, owner: dns.name.Name) -> None:
    query = dns.message.make_query(owner, kind, use_edns=0)
    reply = dns.message.make_response(query)
    for name in [owner, *data.draw(st.lists(NAMES, max_size=4))]:
        rows = data.draw(st.lists(DATA[kind], max_size=4))
        if rows:
            reply.answer.append(dns.rrset.from_text_list(name, 60, "IN", kind, rows, relativize=False))
        elif alias := data.draw(st.none() | DATA["CNAME"]):
            reply.answer.append(dns.rrset.from_text(name, 60, "IN", "CNAME", alias))
    wire = reply.to_wire(max_size=65535)
    theirs, ours = dns.message.from_wire(wire), message.read(wire, question_of(query))
    assert ours is not None
    rows_of: dict[bytes, set[str]] = {}
    for rrset in theirs.answer:
        key = (rrset.name.to_wire() or b"").lower()
        if rrset.rdtype == KINDS[kind]:
            rows_of.setdefault(key, set()).update(_plain(row.to_text()) for row in rrset)
        else:
            assert ours.aliases[key]
    assert {key: set(map(_plain, texts)) for key, texts in ours.rows.items()} == rows_of


@given(name=NAMES)
def test_a_name_in_text_is_what_another_library_writes(name: dns.name.Name) -> None:
    assert message.decode((name.to_wire() or b"").lower()) == (name.to_text(omit_final_dot=True).lower() if len(name) > 1 else "")


@given(number=st.integers(0, 65535), kind=st.sampled_from(list(KINDS)), edns=st.booleans(), unchecked=st.booleans())
def test_a_question_is_one_for_another_library(number: int, kind: str, edns: bool, unchecked: bool) -> None:
    wire = Question(number, message.encode("Mail.Example.TEST"), KINDS[kind], edns, unchecked).to_wire()
    read = dns.message.from_wire(wire)
    assert (read.id, read.question[0].to_text()) == (number, f"mail.example.test. IN {kind}")
    assert read.flags == dns.flags.RD | dns.flags.AD | (dns.flags.CD if unchecked else 0)
    assert (read.edns, read.payload) == ((0, 1232) if edns else (-1, 0))


QUESTION = Question(7, message.encode("name.test"), KINDS["MX"])
HEAD = struct.pack("!6H", 7, 0x8180, 1, 1, 0, 0) + QUESTION.section


@given(
    flags=st.integers(0, 65535) | st.just(0x8180),
    counts=st.lists(st.integers(0, 65535) | st.integers(0, 2), min_size=3, max_size=3),
    body=st.binary(max_size=300),
    asked=st.booleans(),
)
@example(flags=0x8180, counts=[1, 0, 0], body=b"\xc0", asked=True)
@example(flags=0x8180, counts=[1, 0, 0], body=record(HERE, KINDS["MX"], b"\0"), asked=True)
def test_any_bytes_are_an_answer_or_a_fault(flags: int, counts: list[int], body: bytes, asked: bool) -> None:
    wire = struct.pack("!6H", 7, flags, int(asked), *counts) + (QUESTION.section if asked else b"") + body
    with contextlib.suppress(Nonsense):
        message.read(wire, QUESTION)


LABELS = st.binary(min_size=1, max_size=63).map(lambda label: bytes([len(label)]) + label)
POINTERS = st.integers(12, 0x3FFF).map(lambda offset: struct.pack("!H", 0xC000 | offset))
PARTS = st.one_of(LABELS, POINTERS, st.binary(min_size=1, max_size=12), st.sampled_from([b"\0", b"\1a" * 126, b"\x3f" * 64]))


@given(
    blob=st.lists(PARTS, max_size=40).map(b"".join),
    owner=st.lists(PARTS, min_size=1, max_size=4).map(b"".join),
    kind=st.sampled_from(list(KINDS)),
    steps=st.tuples(st.integers(0, 900), st.integers(0, 900)),
    own_label=st.booleans(),
)
def test_no_message_of_64_kib_takes_long(blob: bytes, owner: bytes, kind: str, steps: tuple[int, int], own_label: bool) -> None:
    """Blobs of names, and thousands of records that point into them everywhere: whatever is found here takes 0.1 s at most."""
    question = Question(7, QUESTION.owner, KINDS[kind])
    out = bytearray(HEAD[: len(HEAD) - 4] + question.section[-4:])
    blob = (blob * (16000 // max(1, len(blob)) + 1))[:16000]
    start, count = len(out) + 12, 1
    out += record(HERE, 65280, blob)
    while len(out) < 65000:
        targets = [struct.pack("!H", 0xC000 | start + count * step % 15000) for step in steps]
        name = (two_letters(count) if own_label else owner if count % 50 == 0 else b"") + targets[0]
        data = {"A": bytes(4), "AAAA": bytes(16), "TXT": b"\1a", "TLSA": bytes(4)}.get(
            kind, struct.pack("!H", count) + targets[1]
        )
        out += record(name, KINDS[kind], data)
        count += 1
    struct.pack_into("!H", out, 6, count)
    with uncollected():
        started = time.thread_time()
        with contextlib.suppress(Nonsense):
            message.read(bytes(out), question)
        assert time.thread_time() - started < 0.1


@pytest.mark.parametrize("costly", COSTLY)
def test_costly_messages_are_read_whole(costly: str) -> None:
    """They are no nonsense: it is their size that is hostile, and an answer that is only large is still an answer."""
    query = QUESTION.to_wire()
    wire = COSTLY[costly](query, KINDS["MX"])
    assert len(wire) > 60000
    if costly == "mail hosts":
        reply = message.read(wire, QUESTION)
        assert reply is not None
        assert len(reply.rows[QUESTION.owner]) > 3000
