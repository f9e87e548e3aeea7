"""The ports of `serve`: one that is taken is waited for, since the process before may be finishing its answers there."""

import asyncio
import errno
import logging
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from commands.command import CommandError
from diagnostics.transient import is_transient

log = logging.getLogger("mailflow")

T = TypeVar("T")

WAIT = 30.0  # seconds; a process that is told to end has its answers finished within 20
AGAIN = 0.5  # seconds between two tries


async def when_free(listen: Callable[[], Awaitable[T]], where: str, remedy: str = "") -> T:
    """What `listen` returns; it is called again while the port is in use, for up to WAIT seconds.

    `where` names the setting and its address. Raises CommandError, `passing` where nothing need be wrong with the address.
    """
    loop = asyncio.get_running_loop()
    give_up, first = loop.time() + WAIT, True
    while True:
        try:
            return await listen()
        except OSError as error:
            if error.errno != errno.EADDRINUSE or loop.time() >= give_up:
                raise CommandError(f"{where}: {_why(error)}. {remedy}".strip(), passing=is_transient(error)) from None
        if first:
            log.warning("%s: in use; waiting up to %.0f s for whoever has it", where, WAIT)
        first = False
        await asyncio.sleep(AGAIN)


def _why(error: OSError) -> str:
    # asyncio puts a sentence of its own around the system's word
    return (os.strerror(error.errno) if error.errno and error.errno in errno.errorcode else str(error.strerror or error)).lower()
