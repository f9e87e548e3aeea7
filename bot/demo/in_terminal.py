"""The demo without Slack: the same commands at a prompt."""

import asyncio
import os
import sys
from collections.abc import Callable

from bot.terminal.show import render, wants_color
from commands import words
from commands.command import CommandError, Services
from commands.reply import Progress, Reply
from commands.request import Actor, Request
from commands.run import mistake, run

PROMPT = "mailflow> "
VISITOR = Actor("demo", frozenset({"reader"}))


class Keyboard:
    """Lines of standard input, waited for without a thread: one that blocks in a read could not be ended by Ctrl-C."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._left = b""

    async def line(self) -> str | None:
        """The next line, or None at the end."""
        while b"\n" not in self._left:
            data = await self._read()
            if not data:
                last, self._left = self._left, b""
                return last.decode(errors="replace") or None
            self._left += data
        line, _, self._left = self._left.partition(b"\n")
        return line.decode(errors="replace")

    async def _read(self) -> bytes:
        loop = asyncio.get_running_loop()
        readable: asyncio.Future[None] = loop.create_future()
        try:
            loop.add_reader(self._descriptor, _settle, readable)
        except PermissionError:
            # a file is always readable, so the kernel does not watch it
            return os.read(self._descriptor, 65536)
        try:
            await readable
            return os.read(self._descriptor, 65536)
        finally:
            loop.remove_reader(self._descriptor)


def _settle(readable: "asyncio.Future[None]") -> None:
    if not readable.done():
        readable.set_result(None)


async def talk(services: Services, say: Callable[[str], None]) -> None:
    """Answer lines until `quit` or the end of input."""
    say("Type check, check NAME, help or quit.")
    if sys.stdin is None:
        return
    keyboard = Keyboard(sys.stdin.fileno())
    while True:
        print(PROMPT, end="", flush=True)
        line = await keyboard.line()
        if line is None or line.strip().lower() in ("quit", "exit"):
            return
        if line.strip():
            reply = await _answer(line, services)
            is_error = reply.exit_code and reply.document is None
            say(reply.headline if is_error else render(reply, color=wants_color()))


async def _answer(line: str, services: Services) -> Reply:
    first, _, rest = line.strip().partition(" ")
    try:
        # what people paste from elsewhere
        taken = words.split(rest if first in ("mailflow", "/mailflow") else line)
    except CommandError as error:
        return mistake(str(error), error.exit_code)
    return await run(Request(taken, VISITOR), services, _nothing, prefix="")


def _nothing(progress: Progress) -> None:
    """The demo's answers are there within seconds."""
