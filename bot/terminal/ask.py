"""Runs one Request in the terminal, with a live line of progress where somebody is looking."""

import sys

from bot.settings import Settings
from bot.wiring import open_services
from commands.command import Services
from commands.reply import Progress, Reply
from commands.request import Request
from commands.run import run


async def answer(request: Request, settings: Settings, *, quiet: bool) -> Reply:
    """The Reply. `quiet`: no progress (JSON). Raises CommandError for settings that do not work."""
    async with open_services(settings) as services:
        if quiet or not (sys.stderr.isatty() and sys.stdout.isatty()):
            return await run(request, services, _nothing, prefix="mailflow")
        return await _watched(request, services)


async def _watched(request: Request, services: Services) -> Reply:
    from rich.console import Console
    from rich.markup import escape

    with Console(file=sys.stderr).status("Checking…") as status:

        def tell(progress: Progress) -> None:
            status.update(f"Checking… {progress.done} done: {escape(progress.text)}")

        return await run(request, services, tell, prefix="mailflow")


def _nothing(progress: Progress) -> None:
    """Nobody is looking."""
