"""What one look says of a doubtful step, what OpenSSL is asked for, and how far a healthy answer says that it looked."""

from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab.world import parse
from diagnostics.findings import Finding, Reason
from diagnostics.model import Result, StepName, Tried
from diagnostics.probes.seen import Look
from diagnostics.probes.tls import Handshake, _extensions
from tests.scenario import check


def look(*steps: StepName, shaken: Handshake | None = None) -> Look:
    return Look("mail.lab.test", {step: Tried(step=step, status="ok") for step in steps}, shaken=shaken)


FAILED = Handshake(findings=(Finding(Reason.TLS_HANDSHAKE, {"how": "closed"}),))


@pytest.mark.parametrize(
    ("seen", "reached"),
    [
        (look("tcp", "banner"), set()),
        (look("tcp", "banner", "ehlo"), set()),
        (look("tcp", "banner", "ehlo", "starttls"), {"starttls"}),
        (look("tcp", "banner", "ehlo", "starttls", "tls", shaken=FAILED), {"starttls", "tls"}),
        (look("tcp", "banner", "ehlo", "starttls", "tls", shaken=Handshake((b"leaf",))), {"starttls", "tls", "certificate"}),
    ],
)
def test_what_ends_before_the_doubtful_step_says_nothing(seen: Look, reached: set[StepName]) -> None:
    steps: tuple[StepName, ...] = ("starttls", "tls", "certificate")
    assert {step for step in steps if seen.reaches(step)} == reached


@pytest.mark.parametrize("version", ["tls-1.2-only", "tls-1.3-only"])
async def test_a_server_with_secure_renegotiation_is_not_warned_of(version: str, tmp_path: Path) -> None:
    assert not {w.id for w in (await healthy(tmp_path, behaviour=version)).warnings} & {"tls-legacy-renegotiation"}


@pytest.mark.parametrize("hello", [b"", b"\x02", b"\x02\x00\x00\x46" + b"\xff" * 34, b"\x02" + b"\xff" * 60])
def test_a_hello_that_ends_early_has_no_extensions_and_no_fault(hello: bytes) -> None:
    assert 0xFF01 not in _extensions(hello)


async def test_healthy_says_how_far_it_looked(tmp_path: Path) -> None:
    said = (await healthy(tmp_path)).summary
    assert "greeting, TLS and certificate" in said
    assert "whether it accepts a message is not tried" in said
    plain = (await healthy(tmp_path, behaviour="no-starttls")).summary
    assert "TLS" not in plain
    assert "whether it accepts a message is not tried" in plain


async def healthy(tmp_path: Path, **host: Any) -> Result:
    world = parse({"dns": {"mail.lab.test": ["A 127.0.88.2"]}, "mail": {"127.0.88.2": host}})
    (result,) = (await check(world, tmp_path, "mail.lab.test")).results
    assert result.verdict == "healthy"
    return result
