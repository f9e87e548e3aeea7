"""Both databases for every test of the store: a file, and a database of its own on a PostgreSQL server of the tests'."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from diagnostics.store import Store
from diagnostics.store.opening import open_store
from tests.store.server import Server

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("postgresql"))]

NewUrl = Callable[[], str]


@pytest.fixture(scope="session")
def _server() -> Iterator[Server]:
    # not below pytest's own folder: that is for one user alone, and as root the server runs as another
    folder = Path(tempfile.mkdtemp(prefix="mailflow-postgresql-"))
    try:
        with Server(folder) as server:
            yield server
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def server(_server: Server) -> Iterator[Server]:
    """Running at the start of each test, whatever the one before did to it."""
    _server.start()
    yield _server
    _server.start()


@pytest.fixture(params=BOTH)
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Makes the URL of an empty database at each call."""
    if request.param == "postgresql":
        made: Server = request.getfixturevalue("server")
        return made.new_database
    numbers = iter(range(1000))
    return lambda: f"sqlite:///{tmp_path}/store-{next(numbers)}.db"


@pytest.fixture
def url(new_url: NewUrl) -> str:
    return new_url()


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    async with open_store(url) as opened:
        yield opened
