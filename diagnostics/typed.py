"""Text as a plain keyboard would have typed it. Pure; standard library only."""

import unicodedata

_TYPED_AS = str.maketrans({"“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "—": "--", "–": "-", "\u00a0": " "})  # noqa: RUF001


def as_typed(text: str) -> str:
    """Phones and Slack turn quotes, dashes and blanks into their typographic twins; NFKC folds widths and ligatures."""
    return unicodedata.normalize("NFKC", text.translate(_TYPED_AS))
