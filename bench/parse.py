"""Figures of the parser, in one process: typical texts, a report of 20,000 rows, the text that takes longest."""

import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from diagnostics.parse import read, read_file
from diagnostics.parse.read import MAX_PASTE

SAMPLES = Path(__file__).parents[1] / "tests/samples/error-samples.jsonl"
ROUNDS, TEXTS, ROWS = 3, 2000, 20_000
WORST = ("{LED=450 4.4.316 x};", "Diagnostic-Code: smtp;550 5.4.316 x\n", "4.4.316 ", "Server at x returned '450 4.4.316 y' ")
"""Of what a hostile paste could be made, those that cost most (tests/parse/test_linear.py has them all)."""


def measure() -> None:
    """Prints a row a figure. Seconds are those of this process, so that what else runs does not count."""
    texts = [json.loads(line)["text"] for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    many = texts * (TEXTS // len(texts))
    _row("parser: the sample errors as pastes (limit 2,000)", f"{len(many) / _seconds(partial(_read_all, many)):.0f} texts/s")
    report = _report()
    _row(
        f"CSV report of {ROWS} rows, {len(report) / 2**20:.1f} MiB (limit 2 s)",
        f"{_seconds(partial(read_file, 'x.csv', report)):.2f} s",
    )
    slowest, half = max([_seconds(partial(read, _of(piece, size))) for size in (MAX_PASTE, MAX_PASTE // 2)] for piece in WORST)
    _row("slowest hostile paste of 256 KiB, against 128 KiB (limit 3)", f"{slowest:.2f} s, {slowest / half:.1f} times")


def _read_all(texts: list[str]) -> None:
    for text in texts:
        read(text)


def _of(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def _report() -> bytes:
    """Two connectors with two errors, in the columns of an enhanced summary."""
    head = (
        "origin_timestamp,sender_address,Recipient_status,message_subject,total_bytes,message_id,connector_id,delivery_priority"
    )
    lines = [head]
    for number in range(ROWS):
        host, connector = (("mail.contoso.com", "To on-premises"), ("mx.fabrikam.com", "Partner"))[number % 2]
        error = ("450 4.4.316 Connection refused", "450 4.4.315 Connection timed out")[number // 2 % 2]
        where = f"[LastAttemptedServerName={host}] [X{number % 90}.namprd07.prod.outlook.com]"
        status = f"user{number}@contoso.com##Receive, Defer, {error} {where}"
        moment = f"2026-09-{number % 28 + 1:02d}T10:{number % 60:02d}:00.0000000Z"
        lines.append(f'{moment},a@contoso.com,"{status}",Subject {number},4096,<{number}@contoso.com>,{connector},Normal')
    return "\r\n".join(lines).encode()


def _seconds(work: Callable[[], object]) -> float:
    """The median of the rounds."""
    spent = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return statistics.median(spent)


def _row(what: str, figure: str) -> None:
    print(f"{what:<62} {figure}", flush=True)


if __name__ == "__main__":
    measure()
