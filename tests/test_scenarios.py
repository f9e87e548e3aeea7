"""Every scenario of tests/scenarios, and the demo's own world, through the real command on real sockets."""

from pathlib import Path

import pytest

import bot.demo.lab
from bot.demo.lab.world import load
from tests.scenario import check, hold_against

DEMO = Path(bot.demo.lab.__file__).parent / "demo.toml"
WORLDS = [*sorted((Path(__file__).parent / "scenarios").glob("*.toml")), DEMO]


@pytest.mark.parametrize("file", WORLDS, ids=lambda file: file.stem)
async def test_scenario(file: Path, tmp_path: Path) -> None:
    world = load(file)
    hold_against(await check(world, tmp_path), world.expect)
