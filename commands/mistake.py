"""Errors that end in a reply: those of the person who asked, and our own. Standard library only."""

import logging
import secrets

log = logging.getLogger("mailflow")


class CommandError(Exception):
    """A mistake that the person who asked can mend: one sentence, fit to be shown. Anything else is an internal error.

    `passing`: it may be over later although nobody changes anything, so `serve` may be started again as it is.
    """

    def __init__(self, message: str, *, exit_code: int = 2, passing: bool = False) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.passing = passing


def internal_error(doing: str) -> str:
    """Log the current exception with its traceback. Returns the number that the log has it under, for the reply: "e-1a2b3c"."""
    number = "e-" + secrets.token_hex(3)
    log.exception("internal error %s while %s", number, doing)
    return number
