"""Kinds of refusals by the words that mail servers write: of the catalogue, the one part that the parser needs."""

import re
from functools import cache
from typing import Any

from diagnostics.catalogue import files
from diagnostics.endpoints import SHIPPED


def kind(said: str, *, apart: bool = False) -> str | None:
    """The kind of refusal that the words name; of words that stand `apart` from a code, plain ones alone count."""
    return next((name for name, plain, words in _kinds() if (plain or not apart) and words.search(said)), None)


@cache
def _kinds() -> tuple[tuple[str, bool, re.Pattern[str]], ...]:
    rules: dict[str, Any] = files.rules("kinds.toml", SHIPPED)
    return tuple(
        (name, row.get("plain", False), re.compile("|".join(row["words"]), re.IGNORECASE)) for name, row in rules.items()
    )
