"""What the store takes. Standard library only."""

from diagnostics.store import DoesNotFit


def fits(name: str, text: str, longest: int, *, shortest: int = 1) -> str:
    """The text itself. Raises DoesNotFit."""
    if shortest <= len(text) <= longest:
        return text
    raise DoesNotFit(f"{name}: {len(text)} characters; from {shortest} to {longest} are kept")
