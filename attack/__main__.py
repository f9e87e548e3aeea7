"""`make attack`: attacks a real `mailflow serve` and prints what everybody else saw meanwhile. Loopback only, bounded.

    python -m attack [--short] [--transport socket|http] [NAME…]

The exit code is 1 if any figure is over its limit, 2 for a mistake in the call.
"""

import argparse
import asyncio
import importlib
import sys
import time
import traceback
from collections.abc import Sequence

from attack.report import Case, Figures, head, row
from attack.stage import TRANSPORTS
from bot.demo.local_slack import Unavailable

ATTACKS = ("hostile_tls", "slack_down", "start", "half_open", "starving", "amplifiers", "resolver", "survival")
"""In the short form each in one transport, in turn; half_open needs HTTP."""


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("attack", description="Attacks a real mailflow serve on this machine's loopback.")
    parser.add_argument("--short", action="store_true", help="minutes instead of an hour: fewer, smaller, each in one transport")
    parser.add_argument("--transport", choices=TRANSPORTS, help="this one alone")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ATTACKS)}; all without one")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.names if name not in ATTACKS]:
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(ATTACKS)}")
    try:
        return asyncio.run(_all(given.names or ATTACKS, given.transport, short=given.short))
    except Unavailable as why:
        print(f"attack: cannot run here: {why}", file=sys.stderr)
        return 2


async def _all(names: Sequence[str], only: str | None, *, short: bool) -> int:
    print(head(), flush=True)
    failed = 0
    began = time.monotonic()
    for name in names:
        for transport in (only,) if only else _transports(name, short=short):
            module = importlib.import_module(f"attack.attacks.{name}")
            for case in module.attack(transport, short=short):
                figures = await _made(name, transport, case)
                print(row(figures), flush=True)
                failed += not figures.passed
    print(f"{failed} over their limits" if failed else "all within their limits", f"({time.monotonic() - began:.0f} s)")
    return 1 if failed else 0


def _transports(name: str, *, short: bool) -> Sequence[str]:
    return (TRANSPORTS[ATTACKS.index(name) % len(TRANSPORTS)],) if short else TRANSPORTS


async def _made(name: str, transport: str, case: Case) -> Figures:
    """An attack that fails itself is a failure, and the others are made all the same."""
    try:
        return await case()
    except Unavailable:
        raise
    except Exception as error:
        traceback.print_exc()
        return Figures(name, transport, wrong=[f"not measured: {type(error).__name__}: {error}"])


if __name__ == "__main__":
    sys.exit(main())
