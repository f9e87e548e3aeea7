"""The one kind of error that is meant for the person who asked. Standard library only."""


class CommandError(Exception):
    """A mistake that the person who asked can mend: one sentence, fit to be shown. Anything else is an internal error.

    `passing`: it may be over later although nobody changes anything, so `serve` may be started again as it is.
    """

    def __init__(self, message: str, *, exit_code: int = 2, passing: bool = False) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.passing = passing
