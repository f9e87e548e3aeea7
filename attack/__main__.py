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

from attack.report import Figures, head, row
from attack.stage import TRANSPORTS
from bot.demo.local_slack import Unavailable

ATTACKS = ("hostile_tls", "slack_down", "start", "starving", "half_open", "amplifiers", "resolver", "survival")


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser("attack", description="Attacks a real mailflow serve on this machine's loopback.")
    parser.add_argument("--short", action="store_true", help="a few minutes instead of an hour: fewer and smaller attacks")
    parser.add_argument("--transport", choices=TRANSPORTS, help="this one alone")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ATTACKS)}; all without one")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.names if name not in ATTACKS]:
        parser.error(f"unknown: {', '.join(unknown)}; known are {', '.join(ATTACKS)}")
    transports = (given.transport,) if given.transport else TRANSPORTS
    try:
        return asyncio.run(_all(given.names or ATTACKS, transports, short=given.short))
    except Unavailable as why:
        print(f"attack: cannot run here: {why}", file=sys.stderr)
        return 2


async def _all(names: Sequence[str], transports: Sequence[str], *, short: bool) -> int:
    print(head(), flush=True)
    failed = 0
    began = time.monotonic()
    for name in names:
        for transport in transports:
            for figures in await _one(name, transport, short=short):
                print(row(figures), flush=True)
                failed += not figures.passed
    print(f"{failed} over their limits" if failed else "all within their limits", f"({time.monotonic() - began:.0f} s)")
    return 1 if failed else 0


async def _one(name: str, transport: str, *, short: bool) -> list[Figures]:
    """An attack that fails itself is a failure, and the others are made all the same."""
    try:
        rows: list[Figures] = await importlib.import_module(f"attack.attacks.{name}").attack(transport, short=short)
    except Unavailable:
        raise
    except Exception as error:
        traceback.print_exc()
        return [Figures(name, transport, wrong=[f"not measured: {type(error).__name__}: {error}"])]
    return rows


if __name__ == "__main__":
    sys.exit(main())
