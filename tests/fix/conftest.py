"""Fixes at work in the lab, with real HTTPS and real ledgers; only pauses are short."""

import copy
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from bot.demo.lab import Lab, parse
from bot.demo.lab.tenant import LabTenant
from diagnostics.connectors import invoke, wire
from diagnostics.fix import ledger, writing
from diagnostics.fix.apply import Desk
from diagnostics.store import Store
from tests.fix.office import QUICK, SAY, WORLD, Clock, Office, Points, apps, planned
from tests.fix.processes import Program, program
from tests.store.conftest import NewUrl, _server, server, store, url  # noqa: F401 - fixtures
from tests.store.server import Server


@pytest.fixture
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> NewUrl:
    """Makes the URL of an empty database at each call."""
    if getattr(request, "param", "sqlite") == "postgresql":
        made: Server = request.getfixturevalue("server")
        return made.new_database
    numbers = itertools.count()
    return lambda: f"sqlite:///{tmp_path}/ledger-{next(numbers)}.db"


@pytest.fixture
def points(monkeypatch: pytest.MonkeyPatch) -> Points:
    found = Points()
    monkeypatch.setattr(writing, "passed", found)
    return found


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invoke, "FIRST_PAUSE", 0.005)
    monkeypatch.setattr(wire, "SECONDS", 1.0)
    monkeypatch.setattr(ledger, "RETRY", (0.01, 0.02))


@pytest.fixture
def world() -> dict[str, Any]:
    """What LabTenant is started with."""
    return copy.deepcopy(WORLD)


@pytest.fixture
async def tenant(tmp_path: Path, world: dict[str, Any]) -> AsyncIterator[LabTenant]:
    async with LabTenant(tmp_path, **world) as started:
        yield started


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def desk(tenant: LabTenant, store: Store, clock: Clock) -> AsyncIterator[Desk]:  # noqa: F811 - a fixture
    async with AsyncExitStack() as stack:
        yield Desk(store, *apps(tenant, stack), clock, SAY, patience=QUICK)


@pytest.fixture
async def office(tenant: LabTenant, desk: Desk, clock: Clock, points: Points) -> Office:
    return Office(tenant, desk, clock, points, await planned(desk, clock))


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Lab]:
    """Around the tenant: the server on premises is gone, the domain's MX are Exchange Online's."""
    mx = {"contoso.test": ["MX 10 contoso-test.mail.protection.outlook.com."], "mail.contoso.test": ["A 127.0.0.9"]}
    async with Lab(parse({"title": "gone for good", "dns": mx, "connectors": []}), tmp_path) as started:
        yield started


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with program(tmp_path_factory.mktemp("programs")) as started:
        yield started
