"""Runs one Request in the terminal, with a live line of progress where somebody is looking."""

import sys
from typing import TYPE_CHECKING

from bot.wiring import bare_services, open_services
from commands.command import Services
from commands.reply import Progress, Reply
from commands.request import Request
from commands.run import run

if TYPE_CHECKING:
    from bot.settings import Settings


async def answer(request: Request, settings: "Settings", *, quiet: bool, ledger: bool = False, probing: bool = True) -> Reply:
    """The Reply. Raises CommandError for settings that do not work.

    `quiet`: no progress (JSON). `ledger`: a store is needed. Without `probing` nothing that probes is made before it is needed.
    """
    async with open_services(settings, remembering=ledger, probing=probing) as services:
        if quiet or not (sys.stderr.isatty() and sys.stdout.isatty()):
            return await run(request, services, _nothing, prefix="mailflow")
        return await _watched(request, services)


def answer_at_once(request: Request) -> Reply:
    """The Reply to what waits for nothing, where nothing is set: without an event loop, whose import takes longer than it."""
    running = run(request, bare_services(), _nothing, prefix="mailflow")
    try:
        running.send(None)
    except StopIteration as end:
        reply: Reply = end.value
        return reply
    raise RuntimeError(f"{request.words[0]} waits for something")


async def _watched(request: Request, services: Services) -> Reply:
    from rich.console import Console
    from rich.markup import escape

    with Console(file=sys.stderr).status("Beginning…") as status:

        def tell(progress: Progress) -> None:
            status.update(f"{progress.done} done: {escape(progress.text)}")

        return await run(request, services, tell, prefix="mailflow")


def _nothing(progress: Progress) -> None:
    """Nobody is looking."""
