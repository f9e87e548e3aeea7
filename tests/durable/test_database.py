"""Connections for threads that wait for a server."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from diagnostics.durable.engines import ClosedError, Database
from tests.store.server import Server

pytestmark = pytest.mark.needs("postgresql")

Asking = Callable[[Engine], Future[Any]]


@pytest.fixture
def database(server: Server) -> Iterator[Database]:
    made = Database(server.new_database(), None)
    yield made
    made.close()


@pytest.fixture
def ask() -> Iterator[Asking]:
    def one(engine: Engine) -> Any:
        with engine.connect() as connection:
            return connection.exec_driver_sql("SELECT 1").scalar()

    with ThreadPoolExecutor(1) as pool:
        yield lambda engine: pool.submit(one, engine)


def test_a_server_that_comes_back(server: Server, database: Database, ask: Asking) -> None:
    patient, other = database.engine(1, patient=True), database.engine(1)
    assert ask(patient).result() == ask(other).result() == 1
    server.kill()
    with pytest.raises(OperationalError):
        ask(other).result(5)
    waiting = ask(patient)
    time.sleep(0.5)
    assert not waiting.done()
    server.start()
    assert waiting.result(5) == ask(other).result(5) == 1


def test_leaving(server: Server, database: Database, ask: Asking) -> None:
    patient = database.engine(1, patient=True)
    database.leave()
    assert ask(patient).result(5) == 1, "as long as it can be reached"
    server.kill()
    with pytest.raises(ClosedError):
        ask(patient).result(5)
    server.start()
    with pytest.raises(ClosedError):
        ask(patient).result(5)
