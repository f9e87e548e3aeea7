"""Every trouble of a database, and every remedy, has words of its own."""

import pytest

from diagnostics.store.driver_errors import Kind, Why, say
from diagnostics.store.postgresql import _MENDS


def test_every_kind_of_trouble_has_words() -> None:
    said = {str(Why(kind, "X")) for kind in Kind}
    assert len(said) == len(Kind)
    assert "" not in said


@pytest.mark.parametrize("how", ["file", "file-locked", "file-full", "server", *(f"server-{prefix}" for prefix in _MENDS)])
def test_every_remedy_has_words(how: str) -> None:
    assert say("mend", {"how": how})
