"""Runs one Request in the terminal, with a live line of progress where somebody is looking."""

import sys

from bot.settings import Settings
from bot.wiring import open_services
from commands.reply import Progress, Reply
from commands.request import Request
from commands.run import run


async def answer(request: Request, settings: Settings, *, quiet: bool) -> Reply:
    """The Reply. `quiet`: no progress (JSON). Raises CommandError for settings that do not work."""
    from rich.console import Console

    console = Console(file=sys.stderr)
    async with open_services(settings) as services:
        if quiet or not (console.is_terminal and sys.stdout.isatty()):
            return await run(request, services, _nothing, prefix="mailflow")
        with console.status("Checking…") as status:

            def tell(progress: Progress) -> None:
                from rich.markup import escape

                status.update(f"Checking… {progress.done} done: {escape(progress.text)}")

            return await run(request, services, tell, prefix="mailflow")


def _nothing(progress: Progress) -> None:
    """Nobody is looking."""
