"""A fix at work: a planned one in a real ledger, its tenant behind real HTTPS, and what may happen on the way."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import pytest

from bot.demo.lab.tenant import LabTenant
from diagnostics.catalogue import load
from diagnostics.connectors.access_token import App
from diagnostics.connectors.exchange_admin import ExchangeAdmin
from diagnostics.connectors.exchange_online import ExchangeOnline
from diagnostics.fix import execute, ledger
from diagnostics.fix.execute import Desk
from diagnostics.fix.plan import Wanted, plan
from diagnostics.fix.read_tenant import read
from diagnostics.fix.record import Fix
from diagnostics.fix.write_step import Patience
from diagnostics.store import Store, StoredFix, StoreUnavailable
from tests.store.conftest import BOTH

SAY = load().fixing.say
CONNECTOR, DOMAIN = "On premises", "contoso.test"
SET_DOMAIN, SET_CONNECTOR = "Set-AcceptedDomain", "Set-OutboundConnector"
GET_DOMAIN, GET_CONNECTOR = "Get-AcceptedDomain", "Get-OutboundConnector"
BEFORE, HALF, AFTER = ("InternalRelay", True), ("Authoritative", True), ("Authoritative", False)
EVER = None
POINTS = ("before-intent", "after-intent", "after-send", "after-read-back", "after-record")
QUICK = Patience(lag=0.1, shortest=0.005, longest=0.02)

WORLD: dict[str, Any] = {
    "connectors": [{"Name": CONNECTOR, "RecipientDomains": [DOMAIN], "SmartHosts": ["mail.contoso.test"]}],
    "accepted_domains": [{"DomainName": DOMAIN, "DomainType": "InternalRelay"}],
}
on_both = pytest.mark.parametrize("new_url", BOTH, indirect=True)
"""For what hangs on the ledger; the rest is shown on SQLite."""

Action = Callable[[], object]
T = TypeVar("T")


@dataclass
class Clock:
    """The time of day, which can be put forward."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)


class DiedError(BaseException):
    """The process is gone: nothing of it runs any more."""


@dataclass
class Points:
    """The named points on the way of a write: which were passed, and what happens at the next one of a name."""

    seen: list[str] = field(default_factory=list)
    todo: list[tuple[str, Action]] = field(default_factory=list)

    def __call__(self, point: str) -> None:
        self.seen.append(point)
        due = next((one for one in self.todo if one[0] == point), None)
        if due:
            self.todo.remove(due)
            due[1]()

    def at(self, point: str, action: Action, *, after: int = 0) -> None:
        """Once, when the point was passed `after` times more."""
        self.todo += [(point, lambda: None)] * after + [(point, action)]

    def die(self, point: str, *, after: int = 0) -> None:
        def die() -> None:
            raise DiedError(point)

        self.at(point, die, after=after)


class Flaky:
    """A ledger which does not answer for a while: `spare` more calls to change it work, then `deaf` of them are not heard, and
    then `mute` are, but their answer is not."""

    def __init__(self, store: Store, *, spare: int = 0, deaf: int = 0, mute: int = 0) -> None:
        self.store, self.spare, self.deaf, self.mute = store, spare, deaf, mute

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def save_fix(self, *args: Any, **more: Any) -> bool:
        return await self._call(self.store.save_fix, *args, **more)

    async def take_fix(self, *args: Any, **more: Any) -> StoredFix | None:
        return await self._call(self.store.take_fix, *args, **more)

    async def _call(self, call: Callable[..., Awaitable[T]], *args: Any, **more: Any) -> T:
        if self.spare:
            self.spare -= 1
            return await call(*args, **more)
        if self.deaf:
            self.deaf -= 1
            raise StoreUnavailable("no connection")
        answer = await call(*args, **more)
        if self.mute:
            self.mute -= 1
            raise StoreUnavailable("no answer")
        return answer


@dataclass
class Office:
    """A tenant, a planned fix of its connector in the ledger, and whoever works on it."""

    tenant: LabTenant
    desk: Desk
    clock: Clock
    points: Points
    fix: Fix
    told: list[str] = field(default_factory=list)

    async def do(self) -> Fix:
        return await execute.do(self.fix, self.desk, actor="U1", tell=self.told.append)

    async def undo(self) -> Fix:
        return await execute.undo(await self.kept(), self.desk, actor="U2", tell=self.told.append)

    async def resume(self) -> Fix:
        return await execute.resume(await self.kept(), self.desk, actor="U3", tell=self.told.append)

    async def kept(self) -> Fix:
        """What the ledger says now."""
        found = await ledger.find(self.desk.store, self.fix.id, self.clock(), SAY)
        assert found
        return found

    def lease_ends(self) -> None:
        self.clock.forward((ledger.LEASE + ledger.GRACE).total_seconds() + 1)

    @property
    def truth(self) -> tuple[str, bool]:
        """The domain's type, and whether the connector is on, whatever reads see."""
        return (
            self.tenant.value("accepted-domain", DOMAIN, "DomainType"),
            self.tenant.value("connector", self.fix.steps[-1].identity, "Enabled"),
        )

    @property
    def sent(self) -> tuple[int, int]:
        """How many writes came for the domain and for the connector."""
        return len(self.tenant.asked(SET_DOMAIN)), len(self.tenant.asked(SET_CONNECTOR))

    @property
    def effective(self) -> tuple[int, int]:
        """How many of them changed something."""
        return self.tenant.effective(DOMAIN, "DomainType"), self.tenant.effective(self.fix.steps[-1].identity, "Enabled")


def notes(fix: Fix) -> list[str]:
    return [note.id for note in fix.blocked]


def states(fix: Fix) -> str:
    return " ".join(step.state for step in fix.steps)


def forget_the_writer(tenant: LabTenant) -> None:
    """Its token is taken back."""
    for text in [text for text, token in tenant.tokens.given.items() if token.app.client_id == tenant.writer.client_id]:
        del tenant.tokens.given[text]


def appear(tenant: LabTenant) -> None:
    """The directory has caught up."""
    for table in tenant.state.tables.values():
        for one in table:
            one.old = None


async def planned(desk: Desk, clock: Clock, connector: str = CONNECTOR, *domains: str) -> Fix:
    """A plan made from what is read, and put into the ledger."""

    async def no_mx(_domain: str) -> tuple[str, ...]:
        return ()

    wanted = Wanted(connector, domains)
    number = len(await desk.store.fixes()) + 1
    seen = await read(wanted, desk.tenant, desk.tenant, no_mx)
    fix = plan(wanted, seen, id=f"f-{number}", requester="U1", reason="CHG-1", created=clock(), say=SAY)
    assert fix.state == "planned", fix.blocked
    await ledger.add(desk.store, fix, actor="U1", event="planned", now=clock())
    return fix


def apps(tenant: LabTenant, stack: AsyncExitStack) -> tuple[ExchangeOnline, ExchangeAdmin]:
    """Who reads and who writes, until the stack ends."""
    bases = (tenant.login_url, tenant.url, tenant.ca_file)
    reader = ExchangeOnline(App(tenant.guid, tenant.reader.client_id, tenant.reader.secret), *bases)
    admin = ExchangeAdmin(App(tenant.guid, tenant.writer.client_id, tenant.writer.secret), *bases)
    stack.push_async_callback(reader.close)
    stack.push_async_callback(admin.close)
    return reader, admin
