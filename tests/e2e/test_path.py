"""The path of a check that ARCHITECTURE.md describes is the one that is taken."""

import re
import sys
from pathlib import Path
from types import FrameType

import pytest

from bot.demo.local_slack import LocalSlack
from tests.e2e.reading import final_parent
from tests.e2e.strict_proxy import StrictProxy

pytestmark = pytest.mark.needs("local-slack", "namespaces")

ROOT = Path(__file__).parents[2]


async def test_a_check_takes_the_files_in_the_order_that_is_described(slack: LocalSlack, proxy: StrictProxy, bot: object) -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    described = [str(ROOT / name) for name in re.findall(r"^\d+\. `([\w/]+\.py)`", text, re.MULTILINE)]
    entered: dict[str, None] = {}

    def note(frame: FrameType, event: str, _arg: object) -> None:
        # what Slack's client and the listeners do without a command of ours is not part of it
        if event == "call" and frame.f_code.co_name != "authorize":
            entered.setdefault(frame.f_code.co_filename)

    sys.setprofile(note)
    try:
        await slack.command("C02INC", "U01ALICE", 'check "Healthy one"')
        await final_parent(slack, "C02INC")
    finally:
        sys.setprofile(None)
    assert len(described) > 10
    assert [file for file in entered if file in {str(ROOT / name) for name in described}] == [
        str(ROOT / name) for name in described
    ]
