"""Two processes of `serve` over one PostgreSQL: everything reaches both, and everything is done once.

Each has a proxy of its own, so it is known which of them said what. They start at the same moment on an empty database.
"""

import asyncio
import contextlib
import json
import signal
import time
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from bot.demo.lab.lab import Lab
from bot.demo.lab.mailserver import BEHAVIOURS
from bot.demo.lab.tenant import LabTenant
from bot.demo.local_slack import LocalSlack, eventually
from diagnostics.store import LEASE
from tests.e2e.fixing import BOB, CAROL, NAME, asked, form
from tests.e2e.reading import Message, done_reply, final_parent, running_parents, thread_of
from tests.e2e.strict_proxy import StrictProxy
from tests.e2e.test_conversation import choose, reported
from tests.e2e.test_serve import program
from tests.store.conftest import _server, server  # noqa: F401 - fixtures
from tests.store.server import PASSWORD, Server

pytestmark = pytest.mark.needs("local-slack", "namespaces", "postgresql")

DOMAIN = "contoso.lab.test"
WRITES = ("chat.postMessage", "chat.update")


@dataclass(frozen=True, slots=True)
class Replica:
    proxy: StrictProxy
    process: Process
    log: list[dict[str, str]] = field(default_factory=list)

    @property
    def wrote(self) -> list[float]:
        """When it wrote a message or changed one."""
        return [call.at for method in WRITES for call in self.proxy.made(method)]

    async def listen(self) -> None:
        """Until its end. Each line has to be one of the log's."""
        assert self.process.stderr
        async for line in self.process.stderr:
            self.log.append(json.loads(line))

    async def connected(self) -> None:
        async def said() -> bool:
            assert self.process.returncode is None, self.log
            return any(line["event"].startswith("connected to Slack") for line in self.log)

        await eventually(said, seconds=20)

    async def die(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        await self.process.wait()

    async def stop(self) -> None:
        """What it still does it has done afterwards; who was killed stays so."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(30):
            assert await self.process.wait() in (0, -signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Database:
    server: Server
    url: str

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        return self.server.execute(statement, self.url.rpartition("/")[2])

    def answers(self) -> list[tuple[object, ...]]:
        """(whether it is out, how often it was tried) of each, oldest first."""
        return self.rows("select finished is not null, attempts from mailflow_answers order by started")


@pytest.fixture
def database(server: Server) -> Database:  # noqa: F811 - the fixture
    return Database(server, server.new_database())


@contextlib.asynccontextmanager
async def replica(slack: LocalSlack, lab: Lab, database: Database, *, busy: bool = False, **more: str) -> AsyncIterator[Replica]:
    """One that starts. At its end it has to stop in order, to have offended nobody and to have had nothing to complain of.

    `busy`: but for a database that has too much to do on this machine, and for an answer that it took over from another one,
    whose stand-in for Slack may have gone with it.
    """
    async with StrictProxy(slack.base) as proxy:
        variables = {
            "SLACK_BOT_TOKEN": "xoxb-test-token",
            "SLACK_APP_TOKEN": "xapp-test-token",
            "SLACK_API_URL": proxy.api,
            "MAILFLOW_DATABASE_URL": database.url,
            "MAILFLOW_CA_FILE": str(lab.ca_file),
            "MAILFLOW_EHLO_NAME": "probe.lab.test",
            "MAILFLOW_OPS_ADDRESS": "off",
            "PYTHONWARNINGS": "error",
            **more,
        }
        async with program(lab, **variables) as process:
            started = Replica(proxy, process)
            listening = asyncio.create_task(started.listen())
            try:
                yield started
                await started.stop()
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
                await listening
    assert proxy.violations == []
    complaints = [line for line in started.log if line["level"] != "info"]
    borne = ("no answer from the database within", "by_url failed") if busy else ()
    assert [line for line in complaints if not any(words in line["event"] for words in borne)] == []
    assert PASSWORD not in json.dumps(started.log)


Pair = Callable[[], contextlib.AbstractAsyncContextManager[tuple[Replica, Replica]]]


@pytest.fixture
def pair(slack: LocalSlack, lab: Lab, database: Database) -> Pair:
    """`async with pair() as (one, other):` both are connected; at the end both have done all that they would do."""

    @contextlib.asynccontextmanager
    async def run() -> AsyncIterator[tuple[Replica, Replica]]:
        async with replica(slack, lab, database) as one, replica(slack, lab, database) as other:
            await one.connected()
            await other.connected()
            yield one, other

    return run


async def said(slack: LocalSlack) -> list[Message]:
    return [message for message in await slack.messages("C02INC") if message["user"] == "U0BOT"]


async def test_a_question_that_reaches_both_is_answered_once(slack: LocalSlack, pair: Pair, database: Database) -> None:
    async with pair() as both:
        parent, reply = await reported(slack, "check Fabrikam")
        await slack.click(reply, "check-again", "U02BOB")
        again = await done_reply(slack, parent, "450 4.4.317")
        await slack.click(again, "copy-for-partner", "U02BOB")
        assert (await form(slack))["title"]["text"] == "Copy for partner"
    assert [len(each.proxy.envelopes) for each in both] == [3, 3], "local-slack sends everything to every socket"
    assert [len(each.proxy.acks) for each in both] == [3, 3], "and each acknowledges what it gets"
    assert [message["ts"] for message in await said(slack)] == [parent["ts"], reply["ts"], again["ts"]]
    assert sum(len(each.proxy.made("views.open")) for each in both) == 1
    assert database.answers() == [(True, 1), (True, 1)]


async def test_what_a_killed_one_leaves_the_other_finishes(slack: LocalSlack, pair: Pair, database: Database) -> None:
    """With the lease as it is: nobody tells the other, so it takes up to 45 seconds."""
    async with pair() as both:
        await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
        (waiting,) = await eventually(lambda: running_parents(slack, "C02INC"))
        killed, alive = sorted(both, key=lambda each: not each.wrote)
        assert not alive.wrote

        async def noted() -> bool:
            ((place,),) = database.rows("select place from mailflow_answers")
            return waiting["ts"] in str(place)

        await eventually(noted)
        await killed.die()
        died = time.monotonic()
        ((until,),) = database.rows("select lease_until from mailflow_answers")
        assert isinstance(until, datetime)
        left = (until - datetime.now(UTC)).total_seconds()
        assert database.answers() == [(False, 1)]

        async def finished() -> bool:
            return database.answers() == [(True, 2)]

        await eventually(finished, seconds=LEASE.total_seconds() + 20)
        assert min(alive.wrote) - died > left - 1, "while its lease lasts the answer is the other's"
        parent = await final_parent(slack, "C02INC")
        (reply,) = await thread_of(slack, parent)
        assert parent["ts"] == waiting["ts"], "in the place where it was begun"
        assert "450 4.4.315" in parent["text"]

        await slack.click(reply, "check-again", "U01ALICE")
        again = await done_reply(slack, parent, "450 4.4.315")
    assert [message["ts"] for message in await said(slack)] == [parent["ts"], reply["ts"], again["ts"]]
    assert database.answers() == [(True, 2), (True, 1)]


async def test_a_watch_of_both_tells_its_thread_once(
    slack: LocalSlack, lab: Lab, pair: Pair, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def as_if_minutes_had_passed() -> None:
        database.rows("update mailflow_watches set due = due - interval '5 minutes'")
        database.rows("update mailflow_jobs.workflow_status set delay_until_epoch_ms = delay_until_epoch_ms - 300000")

    async def put_off() -> bool:
        return database.rows("select due > now() + interval '2 minutes' from mailflow_watches") == [(True,)]

    async with pair():
        parent, reply = await reported(slack, "check Fabrikam")
        await choose(slack, reply, "watch", "U01ALICE")
        watching = await done_reply(slack, parent, "Watching", "every 5 minutes")
        as_if_minutes_had_passed()
        await eventually(put_off, seconds=15)
    assert len(await said(slack)) == 3, "what is known already is not told"

    # started anew: what was seen within the last minute is not looked at again
    connections = lab.mail["127.0.11.5"].sessions
    before = len(connections)
    async with pair():
        monkeypatch.setitem(BEHAVIOURS, "banner-421", BEHAVIOURS["healthy"])
        as_if_minutes_had_passed()
        news = await done_reply(slack, parent, "Works again: Fabrikam — ", after=2)
        as_if_minutes_had_passed()
        await asyncio.sleep(6)  # jobs that are due are called within three seconds
    assert len(connections) == before + 1, "one of them has looked"
    assert [message["ts"] for message in await said(slack)] == [each["ts"] for each in (parent, reply, watching, news)]
    assert {message.get("thread_ts") for message in (reply, watching, news)} == {parent["ts"]}
    assert database.rows("select told, ended is not null, owner from mailflow_watches") == [(True, True, None)]
    assert database.answers() == [(True, 1)] * 3, "the command, the click, the news"


async def test_a_hundred_clicks_on_each_of_three_are_one_write(
    slack: LocalSlack, lab: Lab, tenant: LabTenant, database: Database
) -> None:
    """And when one of them is killed afterwards, the others verify what was done."""
    variables = {
        **tenant.variables,
        "MAILFLOW_FIX_APPROVERS": f"{BOB},{CAROL}",
        "MAILFLOW_FIX_VERIFY_AFTER": "20s,23s",
    }
    async with contextlib.AsyncExitStack() as stack:
        three = [await stack.enter_async_context(replica(slack, lab, database, busy=True, **variables)) for _ in range(3)]
        for each in three:
            await each.connected()
        parent, question = await asked(slack)
        await asyncio.gather(*(slack.click(question, "approve", (BOB, CAROL)[n % 2]) for n in range(100)))
        done = await done_reply(slack, parent, "is done")
        doers = [
            each for each in three if any("is done" in json.dumps(call.args) for call in each.proxy.made("chat.postMessage"))
        ]
        await (doers or three)[0].die()
        verified = await done_reply(slack, parent, "This was the last look")
    assert "is in effect" in verified["text"]
    assert [len(tenant.asked(cmdlet)) for cmdlet in ("Set-AcceptedDomain", "Set-OutboundConnector")] == [1, 1]
    assert (tenant.effective(NAME, "Enabled"), tenant.effective(DOMAIN, "DomainType")) == (1, 1)
    assert done["ts"] < verified["ts"]
