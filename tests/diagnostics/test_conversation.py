"""One SMTP conversation: whatever bytes come, in whatever pieces, it ends in a Said within its time (RFC 5321 section 4.2)."""

import asyncio
import time
from typing import Any, cast

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from diagnostics.findings import Reason
from diagnostics.probes import smtp
from diagnostics.probes.conversation import MAX_REPLY, Conversation, Said
from diagnostics.text import readable


class Wire(asyncio.Transport):
    """The other end: keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def abort(self) -> None:
        self.closed = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default


async def heard(pieces: list[bytes], *, then_close: bool = False, timeout: float = 0.02) -> tuple[Said, Conversation]:
    talk = Conversation()
    talk.connection_made(Wire())
    listening = asyncio.create_task(talk.hear(timeout))
    await asyncio.sleep(0)
    for piece in pieces:
        talk.data_received(piece)
        await asyncio.sleep(0)
    if then_close:
        talk.connection_lost(None)
    said = await asyncio.wait_for(listening, timeout + 1)
    return said, talk


def lines(talk: Conversation) -> list[str]:
    """Everything that a conversation keeps of the peer."""
    kept = [*talk.transcript, *talk.irregular]
    return [text for each in kept for text in ([each] if isinstance(each, str) else each.facts.values())]


BANNERS: list[tuple[list[bytes], str, int]] = [
    ([b"220 mail.test ESMTP\r\n"], "reply", 220),
    ([b"220\r\n"], "reply", 220),
    ([b"2", b"20 ma", b"il.test\r", b"\n"], "reply", 220),
    ([b"220-one\r\n", b"220-two\r\n220 three\r\n"], "reply", 220),
    ([b"220-one\r\n220-", b"two\r\n220 three\r\n"], "reply", 220),
    ([b"220 bare line feed\n"], "reply", 220),
    ([b"554 5.7.1 no\r\n"], "reply", 554),
    ([b"421 4.3.2 later\r\n"], "reply", 421),
    ([b"220 one\r\n250 two\r\n"], "reply", 220),
    ([b"220 one\r\n250-"], "reply", 220),
    ([b"220 \xff\xfe\x00\x1b[31m\r\n"], "reply", 220),
    ([b"220 " + b"x" * 2000 + b"\r\n"], "reply", 220),
    ([], "timeout", 0),
    ([b"220 no end"], "timeout", 0),
    ([b"220-one\r\n"], "timeout", 0),
    ([b"220 bare carriage return\r"], "timeout", 0),
    ([b"-20 a\r\n"], "not-smtp", 0),
    ([b"+22 a\r\n"], "not-smtp", 0),
    ([b"2_2 a\r\n"], "not-smtp", 0),
    ([b" 22 a\r\n"], "not-smtp", 0),
    ([b"22 a\r\n"], "not-smtp", 0),
    ([b"220x a\r\n"], "not-smtp", 0),
    ([b"199 a\r\n"], "not-smtp", 0),
    ([b"620 a\r\n"], "not-smtp", 0),
    ([b"220-a\r\n554 b\r\n"], "not-smtp", 0),
    ([b"HTTP/1.1 400 Bad Request\r\n"], "not-smtp", 0),
    ([b"SSH-2.0-OpenSSH\r\n"], "not-smtp", 0),
    ([b"\x15\x03\x01\x00\x02\x02\x0a"], "not-smtp", 0),
    ([b"* OK IMAP\r\n"], "not-smtp", 0),
    ([b"+OK POP3\r\n"], "not-smtp", 0),
    ([b"\r\n"], "not-smtp", 0),
    ([b"220 " + b"x" * 40_000], "not-smtp", 0),
    ([b"220-x\r\n" * 6000], "not-smtp", 0),
    ([b"220-x\r\n"] * 600 + [b"xyz\r\n"], "not-smtp", 0),
]


@pytest.mark.parametrize(
    ("pieces", "outcome", "code"), BANNERS, ids=lambda value: repr(value)[:40] if isinstance(value, list) else None
)
async def test_bytes_become_a_reply_or_the_reason_why_they_are_none(pieces: list[bytes], outcome: str, code: int) -> None:
    said, _ = await heard(pieces, timeout=0.02 if outcome == "timeout" else 5)
    assert (said.outcome, said.code) == (outcome, code)


@pytest.mark.parametrize("pieces", [[], [b"22"], [b"220-one\r\n"], [b"220 no end"]])
async def test_a_connection_that_ends_before_a_whole_reply_is_closed(pieces: list[bytes]) -> None:
    said, _ = await heard(pieces, then_close=True)
    assert (said.outcome, said.code) == ("closed", 0)


async def test_a_whole_reply_counts_although_the_connection_ends_behind_it() -> None:
    said, _ = await heard([b"554 go away\r\n"], then_close=True)
    assert (said.outcome, said.code) == ("reply", 554)


@settings(max_examples=150)
@given(
    st.lists(st.binary(max_size=200) | st.sampled_from([b"220 ", b"220-", b"250 x\r\n", b"\r\n", b"\n", b"5"]), max_size=12),
    st.booleans(),
)
@example([b"220 hi\r\n2", b"50-"], False)
def test_any_bytes_in_any_pieces_end_in_a_said(pieces: list[bytes], then_close: bool) -> None:
    async def run() -> tuple[Said, Conversation]:
        return await heard(pieces, then_close=then_close, timeout=0.005)

    said, talk = asyncio.run(run())
    assert said.outcome in ("reply", "closed", "timeout", "not-smtp")
    assert (said.code != 0) is (said.outcome == "reply")
    assert all(line.isprintable() for line in [*lines(talk), said.text, *said.facts.values()])


@settings(max_examples=60)
@given(st.lists(st.binary(min_size=1, max_size=60), min_size=1, max_size=8))
def test_pieces_do_not_change_what_is_heard(pieces: list[bytes]) -> None:
    async def both() -> tuple[Said, Said]:
        whole, _ = await heard([b"220 " + b"".join(pieces) + b"\r\n"], timeout=0.005)
        cut, _ = await heard([b"220 ", *pieces, b"\r\n"], timeout=0.005)
        return whole, cut

    whole, cut = asyncio.run(both())
    assert (whole.outcome, whole.code, whole.lines) == (cut.outcome, cut.code, cut.lines)


async def test_a_reply_in_many_pieces_does_not_keep_the_processor_from_everybody_else() -> None:
    talk = Conversation()
    talk.connection_made(Wire())
    listening = asyncio.create_task(talk.hear(30))
    await asyncio.sleep(0)
    started = time.process_time()
    for _ in range(2000):
        talk.data_received(b"220-x\r\n")
    assert time.process_time() - started < 0.5
    talk.data_received(b"220 x\r\n")
    assert (await listening).code == 220


async def test_memory_is_bounded_however_much_comes() -> None:
    talk = Conversation()
    talk.connection_made(Wire())
    listening = asyncio.create_task(talk.hear(0.05))
    await asyncio.sleep(0)
    for _ in range(2000):
        talk.data_received(b"220-" + b"x" * 4000 + b"\r\n")
    await listening
    assert len(talk._raw) + len(talk._buffer) <= 2 * (MAX_REPLY + 1)
    assert sum(map(len, lines(talk))) < 64 * 2200 * 4
    assert len(talk.irregular) <= 8


async def test_what_nobody_asked_for_is_noted_and_never_taken_for_the_next_reply() -> None:
    said, talk = await heard([b"220 hi\r\n250 STARTTLS\r\n"])
    assert said.lines == ("220 hi",)
    assert talk.irregular
    asking = asyncio.create_task(talk.say("EHLO", "probe.test", timeout=0.02))
    await asyncio.sleep(0)
    assert (await asking).outcome == "timeout"


async def test_a_command_goes_out_as_one_line_and_no_other() -> None:
    _, talk = await heard([b"220 hi\r\n"])
    asking = asyncio.create_task(talk.say("EHLO", "probe.test", timeout=0.5))
    await asyncio.sleep(0)
    talk.data_received(b"250-mail.test\r\n250-STARTTLS\r\n250 SIZE\r\n")
    said = await asking
    assert (said.code, said.lines) == (250, ("250-mail.test", "250-STARTTLS", "250 SIZE"))
    assert cast(Wire, talk.transport).written == b"EHLO probe.test\r\n"
    assert talk.transcript == ["S: 220 hi", "C: EHLO probe.test", "S: 250-mail.test", "S: 250-STARTTLS", "S: 250 SIZE"]


@given(st.binary(max_size=300))
def test_foreign_bytes_are_readable_and_harmless(data: bytes) -> None:
    assert readable(data).isprintable()


@pytest.mark.parametrize(
    ("step", "reply", "reason"),
    [
        ("banner", b"421 later\r\n", Reason.SMTP_UNAVAILABLE),
        ("banner", b"450 later\r\n", Reason.SMTP_REJECTED),
        ("banner", b"554 no\r\n", Reason.SMTP_REJECTED),
        ("banner", b"550-5.7.0 Connection refused - IB116\r\n550 x\r\n", Reason.SMTP_REJECTED),
        ("banner", b"250 hello\r\n", Reason.SMTP_PROTOCOL),
        ("starttls", b"421 later\r\n", Reason.SMTP_UNAVAILABLE),
        ("starttls", b"454 not now\r\n", Reason.STARTTLS_REJECTED),
        ("starttls", b"501 what\r\n", Reason.STARTTLS_REJECTED),
        ("starttls", b"250 fine\r\n", Reason.SMTP_PROTOCOL),
        ("starttls", b"220 go\r\n", None),
        ("ehlo", b"421 later\r\n", Reason.SMTP_UNAVAILABLE),
        ("ehlo", b"250 mail.test\r\n", None),
        ("ehlo", b"354 go on\r\n", Reason.SMTP_PROTOCOL),
    ],
)
async def test_each_reply_has_its_reason(step: str, reply: bytes, reason: Reason | None) -> None:
    talk = Conversation()
    talk.connection_made(Wire())
    asks = {"banner": smtp.banner(talk, 0.5), "ehlo": smtp.ehlo(talk, "probe.test", 0.5), "starttls": smtp.starttls(talk, 0.5)}
    asking = asyncio.create_task(asks.pop(step))
    for unused in asks.values():
        unused.close()
    await asyncio.sleep(0)
    talk.data_received(reply)
    spoken = await asking
    assert next((f.tag for f in spoken.findings if isinstance(f.tag, Reason)), None) is reason
