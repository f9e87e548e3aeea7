"""A run of many targets leaves others their turns: what is judged in one go keeps the event loop from everybody else."""

import asyncio
from pathlib import Path

import pytest

from bot.demo.lab import Lab, parse
from bot.wiring import open_services
from commands.request import Request
from commands.run import run
from diagnostics import diagnose as module
from tests.scenario import OWNER, settings_for

MANY = 200


async def test_others_have_turns_while_many_targets_are_judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"Name": f"off {n}", "Enabled": False, "SmartHosts": [f"h{n}.lab.test"]} for n in range(MANY)]
    turns = 0
    seen: list[int] = []
    classify = getattr(module, "classify")  # noqa: B009 - not for others to import

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    def counted(*given: object) -> object:
        seen.append(turns)
        return classify(*given)

    monkeypatch.setattr(module, "classify", counted)
    async with Lab(parse({"connectors": rows}), tmp_path) as lab, open_services(settings_for(lab)) as services:
        task = asyncio.create_task(others())
        words = ("check", *(f"off {n}" for n in range(MANY)))
        await run(Request(words, OWNER), services, lambda _progress: None)
        task.cancel()
    assert len(seen) == MANY
    assert len(set(seen)) >= 6
