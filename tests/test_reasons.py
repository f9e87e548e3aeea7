"""Every reason of the catalogue is shown by a scenario: in tests/scenarios, in the demo's world, or in a namespace of its own."""

import tomllib
from pathlib import Path

import pytest

import bot.demo.lab
from diagnostics.findings import Reason

HERE = Path(__file__).parent
WORLDS = [*(HERE / "scenarios").glob("*.toml"), Path(bot.demo.lab.__file__).parent / "demo.toml"]
SHOWN = {str(e.get("reason")) for world in WORLDS for e in tomllib.loads(world.read_text(encoding="utf-8")).get("expect", [])}
IN_NAMESPACES = "\n".join(file.read_text(encoding="utf-8") for file in (HERE / "namespaces").glob("test_*.py"))
ELSEWHERE = {Reason.VANTAGE_FAULT: "tests/terminal/test_short_of_descriptors.py"}


@pytest.mark.parametrize("reason", Reason)
def test_a_scenario_shows_this_reason(reason: Reason) -> None:
    elsewhere = HERE.parent / ELSEWHERE[reason] if reason in ELSEWHERE else None
    proof = elsewhere.read_text(encoding="utf-8") if elsewhere else IN_NAMESPACES
    assert reason in SHOWN or f'"{reason}"' in proof
