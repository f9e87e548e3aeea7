"""Leases, on both databases."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from diagnostics.durable.engines import Database, _sqlite
from diagnostics.durable.leases import Leases

NOW = 1_795_514_400.5


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    made = Database(url, None)
    yield made
    made.close()


@pytest.fixture
def leases(database: Database) -> Leases:
    made = Leases(database.engine(3), database.schema)
    made.create()
    return made


def test_held_by_one(leases: Leases) -> None:
    def take(owner: str, now: float) -> bool:
        return leases.take("adopter", owner, now=now, until=now + 30)

    assert take("one", NOW)
    assert not take("two", NOW + 29.9)
    assert take("one", NOW + 20), "renewed"
    assert not take("two", NOW + 49.9)
    assert take("two", NOW + 50.1), "over"
    assert not take("one", NOW + 50.2)
    leases.give_back("two")
    assert take("one", NOW + 50.2)


def test_who_is_alive(leases: Leases) -> None:
    for number, name in enumerate(("one", "two", "three")):
        leases.take(name, name, now=NOW, until=NOW + 10 * number)
    assert leases.held(since=NOW - 1) == {"one", "two", "three"}
    assert leases.held(since=NOW + 10) == {"three"}
    leases.forget(before=NOW + 5)
    assert leases.held(since=0) == {"two", "three"}


def test_taken_and_made_at_once(database: Database) -> None:
    at_once = threading.Barrier(8)
    engines = [database.engine(1) for _ in range(8)]

    def take(number: int) -> bool:
        leases = Leases(engines[number], database.schema)
        at_once.wait(10)
        leases.create()
        return leases.take("adopter", str(number), now=NOW, until=NOW + 30)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1


def test_a_new_file_is_opened_by_many_at_once(tmp_path: Path) -> None:
    """SQLite refuses one of two who turn it into write-ahead mode, and does not wait before it does."""

    def opened(file: Path, at_once: threading.Barrier) -> None:
        at_once.wait(10)
        _sqlite(file).close()

    with ThreadPoolExecutor(8) as pool:
        for number in range(50):
            file, at_once = tmp_path / f"{number}.db", threading.Barrier(8)
            file.touch()
            list(pool.map(opened, [file] * 8, [at_once] * 8))
