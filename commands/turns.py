"""Turns that people share fairly: for fronts, and whose turn a request takes."""

from collections.abc import Callable

from commands.request import Request
from diagnostics.fair import OWNER, Asker, FairQueue, Party

__all__ = ["FairQueue", "Party", "asker_of"]


def asker_of(request: Request, charge: Callable[[int], None] | None = None) -> Asker:
    """`charge`: see Asker; the owner of the machine pays nothing and waits for nobody."""
    return OWNER if "owner" in request.actor.roles else Asker(request.actor.id, charge)
