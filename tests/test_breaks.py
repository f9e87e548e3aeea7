"""tests/breaks.d is true: what each break takes out stands in the code once, and its tests exist."""

import pytest

from tests.breaks import ROOT, Break, applied, breaks
from tests.fault_table import unknown


@pytest.mark.parametrize("one", breaks(), ids=lambda one: one.name)
def test_what_a_break_takes_out_is_there_once(one: Break) -> None:
    assert applied((ROOT / one.file).read_text(encoding="utf-8"), one)
    assert one.tests


def test_every_test_of_a_break_exists() -> None:
    named = [test for one in breaks() for test in one.tests]
    assert not unknown([test for test in named if "::" in test])
    assert all((ROOT / test).exists() for test in named if "::" not in test)
