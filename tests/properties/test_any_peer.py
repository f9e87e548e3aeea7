"""Whatever a mail server sends, a check ends in a verdict, in time, in bounded memory, and without one word too many."""

import asyncio
import re
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from diagnostics.model import Result
from tests.properties.peers import bench, check, empty, peer

DEADLINE, TIMEOUT = 1.0, 0.5
REASONS = {
    "smtp-closed", "smtp-timeout", "smtp-protocol", "smtp-rejected", "smtp-unavailable", "starttls-rejected", "tls-handshake",
    "tls-version",
}  # fmt: skip
WORDS = re.compile(rb"(?:EHLO [a-z0-9.-]+|HELO [a-z0-9.-]+|STARTTLS|QUIT)\r\n")

REPLY = st.builds(
    lambda code, sep, text, end: f"{code}{sep}".encode() + text + end,
    st.integers(0, 999),
    st.sampled_from([" ", "-", "", "\t"]),
    st.binary(max_size=80),
    st.sampled_from([b"\r\n", b"\n", b"\r", b""]),
)
SENSIBLE = st.sampled_from(
    [
        b"220 mail.test ESMTP\r\n",
        b"250-mail.test\r\n250 STARTTLS\r\n",
        b"250-mail.test\r\n250-SIZE\r\n250 STARTTLS\r\n",
        b"250 mail.test\r\n",
        b"220 go ahead\r\n",
        b"421 busy\r\n",
        b"554 no\r\n",
        b"\x16\x03\x03\x00\x05hello",
        b"\x15\x03\x03\x00\x02\x02\x28",
    ]
)
ANYTHING = st.lists(st.one_of(SENSIBLE, REPLY, st.binary(max_size=300)), max_size=12)


def chunked(parts: list[bytes], size: int) -> list[bytes]:
    """The same bytes in other segments."""
    whole = b"".join(parts)
    return [whole[i : i + size] for i in range(0, len(whole), size)] if size else parts


def polite(heard: bytes) -> bool:
    """Nothing but the words of a handshake; after STARTTLS was accepted, TLS."""
    rest = heard
    while rest:
        match = WORDS.match(rest)
        if match is None:
            return rest.startswith(b"\x16\x03") or not rest.strip()
        rest = rest[match.end() :]
    return True


async def one(folder: Path, chunks: list[bytes], *, ends: str) -> tuple[Result, float, list[bytes], int]:
    async with (
        peer() as (server, port),
        bench(empty(), folder, smtp_port=port, deadline=DEADLINE, timeout=TIMEOUT) as (services, _),
    ):
        server.chunks, server.ends = chunks, ends
        result, seconds = await check(services, "127.0.0.1")
        return result, seconds, [bytes(h) for h in server.heard], server.most_open


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=ANYTHING,
    size=st.sampled_from([0, 0, 1, 3, 64]),
    ends=st.sampled_from(["close", "close", "close", "reset", "reset", "reset", "silence"]),
)
@example(parts=[b"220 a\r\n", b"250-a\r\n250 STARTTLS\r\n", b"220 go\r\n", b"MAIL FROM:<a@b>\r\n"], size=0, ends="silence")
@example(parts=[b"220 a\r\n250-a\r\n250 STARTTLS\r\n220 go\r\n"], size=1, ends="silence")
@example(parts=[b"\r\n" * 200], size=0, ends="close")
@example(parts=[], size=0, ends="silence")
def test_any_bytes_end_in_a_verdict_in_time(parts: list[bytes], size: int, ends: str, tmp_path: Path) -> None:
    result, seconds, heard, most = asyncio.run(one(tmp_path, chunked(parts, size), ends=ends))
    assert result.verdict in ("failing", "unknown", "healthy")
    assert (result.reason is None) == (result.verdict == "healthy")
    # the peer is the only one to blame: nothing here is this machine's fault, and nothing crashed
    assert result.reason is None or str(result.reason) in REASONS, result.summary
    assert seconds < 2 * DEADLINE
    assert most <= 2
    assert all(map(polite, heard)), heard
    assert all(step.detail.isprintable() for path in result.paths for step in path.steps)


FLOODS = {
    "one-line": [b"220 " + b"a" * 65536] * 256,
    "lines": [b"220-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 1500] * 256,
    "zeros": [b"\0" * 65536] * 256,
    "behind-the-banner": [b"220 a\r\n" + b"250 b\r\n" * 9000] * 256,
    "extensions": [b"220 a\r\n", *[b"250-AAAAAAAAAAAAAAAAAAAAAAAA\r\n" * 2000] * 256],
}


@pytest.mark.parametrize("flood", FLOODS)
async def test_a_flood_takes_no_memory(flood: str, tmp_path: Path) -> None:
    """16 MiB are on offer; what is kept stays far below that."""
    chunks = FLOODS[flood]
    await one(tmp_path, [b"220 a\r\n"], ends="close")  # imports and caches are not the flood's
    tracemalloc.start()
    try:
        result, seconds, _, _ = await one(tmp_path, chunks, ends="silence")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.verdict in ("failing", "healthy")
    assert seconds < 2 * DEADLINE
    assert peak < 4 * 1024 * 1024, f"{peak / 1024:.0f} KiB"
