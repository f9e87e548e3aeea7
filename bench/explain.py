"""Figures of `explain`: a cold start against the least that pydantic costs, and explaining once everything is loaded."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime

from commands import explain_wording
from diagnostics.catalogue import load
from diagnostics.explain import explain
from diagnostics.parse import read

ROUNDS = 11
TEXTS = 500
TEXT = (
    "11/24/2026 9:55:00 AM - Server at mail.contoso.test (192.0.2.1) returned '450 4.4.317 Cannot connect to remote server "
    "[Message=451 5.7.3 STARTTLS is required to send mail] [LastAttemptedServerName=mail.contoso.test] "
    "[LastAttemptedIP=192.0.2.1:25] [FT015.eop-EUR05.prod.protection.outlook.com 2026-11-24T09:55:00.000Z 08D]'"
)
LEAST = 'import pydantic; pydantic.create_model("A", a=(int, ...))'


def measure() -> None:
    """Prints a row a figure."""
    with tempfile.TemporaryDirectory(prefix="mailflow-bench-") as folder:
        least, cold = _cold(folder)
    ratio = statistics.median(a / b for a, b in zip(cold, least, strict=True))
    _row("cold mailflow explain (<= 2)", f"{statistics.median(cold) * 1000:.0f} ms, {ratio:.1f} of one pydantic model")
    started = time.perf_counter()
    for _ in range(TEXTS):
        explain_wording.reply(explain(read(TEXT), load(), datetime.now(UTC), {}), as_json=False)
    _row("  of it reading, explaining and wording one text", f"{(time.perf_counter() - started) / TEXTS * 1000:.2f} ms")


def _cold(folder: str) -> tuple[list[float], list[float]]:
    """Seconds of both, in turn: what disturbs one disturbs the other. Both have their bytecode, as what is installed has.

    Nothing is set: where connectors are known, explaining has to read them.
    """
    ours = ("MAILFLOW_", "SLACK_", "PYTHONDONTWRITEBYTECODE")
    env = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | {"PYTHONPYCACHEPREFIX": folder}
    commands = ([sys.executable, "-c", LEAST], [sys.executable, "-m", "bot", "explain", TEXT])
    rounds = [[_wall(command, env) for command in commands] for _ in range(ROUNDS + 1)][1:]
    return [least for least, _ in rounds], [cold for _, cold in rounds]


def _wall(command: list[str], env: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)  # noqa: S603
    return time.perf_counter() - started


def _row(what: str, figure: str) -> None:
    print(f"{what:<62} {figure}", flush=True)


if __name__ == "__main__":
    measure()
