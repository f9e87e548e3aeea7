"""Four processes at the same things in the same moment."""

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from diagnostics.store.opening import open_store
from tests.store import race_worker
from tests.store.conftest import NewUrl

ROOT = Path(__file__).parents[2]
PROCESSES = 4


class Field:
    """The processes."""

    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        self.running = [
            subprocess.Popen(
                [sys.executable, "-W", "error", race_worker.__file__, f"owner-{n}"],
                env=env,
                text=True,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            for n in range(PROCESSES)
        ]
        assert self.heard() == [["ready"]] * PROCESSES

    def say(self, line: str) -> None:
        for process in self.running:
            assert process.stdin is not None
            process.stdin.write(line + "\n")
            process.stdin.flush()

    def heard(self) -> list[list[str]]:
        """A line of each."""
        return [process.stdout.readline().split() for process in self.running if process.stdout]

    def close(self) -> None:
        for process in self.running:
            process.communicate(timeout=60)


@pytest.fixture
def field() -> Iterator[Field]:
    with contextlib.closing(Field()) as processes:
        yield processes
    assert [process.returncode for process in processes.running] == [0] * PROCESSES


async def test_each_is_won_once(field: Field, new_url: NewUrl) -> None:
    for _ in range(3):
        url = new_url()
        field.say(f"opening {url}")  # all make its tables
        assert sorted(field.heard()) == [[f"owner-{n}"] for n in range(PROCESSES)]
        async with open_store(url) as store:
            await store.ping()
    await race_worker.prepare(url)
    for what in race_worker.RACES:
        field.say(f"{what} {url}")
        assert field.heard() == [["ready"]] * PROCESSES
        field.say("go")
        won = field.heard()
        assert Counter(id for mine in won for id in mine) == Counter(race_worker.IDS), what
