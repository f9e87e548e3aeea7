"""docs/ids.md is what users' scripts rely on, so it must be what the catalogue says."""

from pathlib import Path

from diagnostics.catalogue import load
from diagnostics.catalogue.ids import page

ROOT = Path(__file__).parents[1]


def test_the_page_of_ids_is_the_catalogues() -> None:
    written = (ROOT / "docs" / "ids.md").read_text(encoding="utf-8")
    assert written == page(load()), "make it anew: python -m diagnostics.catalogue.ids > docs/ids.md"
