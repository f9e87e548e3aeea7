"""Nothing is lost and nothing done twice: restarts in the middle, two replicas, a store that fails."""

import asyncio
import contextlib
import json
import re
import signal
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.lab.lab import Lab
from bot.demo.local_slack import LocalSlack, eventually
from bot.slack import app
from diagnostics.store import StoreUnavailable
from diagnostics.store.sql_store import Records
from tests.e2e.conftest import Serving
from tests.e2e.reading import Message, done_reply, final_parent, running_parents, thread_of
from tests.e2e.strict_proxy import StrictProxy
from tests.e2e.test_serve import program

pytestmark = pytest.mark.needs("local-slack", "namespaces")

SLOW = 'check "Black hole"'
QUICK = 'check "Branch office"'


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
        return database.execute(statement).fetchall()


async def finished(url: str, count: int = 1) -> None:
    """So many answers are out, and none is left."""

    async def found() -> bool:
        ended = rows(url, "select finished is not null from mailflow_answers")
        return len(ended) == count and all(one for (one,) in ended)

    await eventually(found, seconds=30)


def socket_mode(proxy: StrictProxy, store_url: str) -> dict[str, str]:
    """The environment of a `serve` that keeps its answers in that store."""
    return {
        "SLACK_BOT_TOKEN": "xoxb-test-token",
        "SLACK_APP_TOKEN": "xapp-test-token",
        "SLACK_API_URL": proxy.api,
        "MAILFLOW_DATABASE_URL": store_url,
        "MAILFLOW_OPS_ADDRESS": "",
    }


def let_leases_end(url: str) -> None:
    """As if half a minute had passed."""
    rows(url, "update mailflow_answers set lease_until = started where finished is null")


async def test_killed_in_the_middle_and_started_again(
    slack: LocalSlack, proxy: StrictProxy, lab: Lab, store_url: str, tmp_path: Path
) -> None:
    settings = socket_mode(proxy, store_url)

    async def connected(times: int) -> None:
        async def opened() -> bool:
            return len(proxy.made("apps.connections.open")) == times

        await eventually(opened, seconds=20)
        await asyncio.sleep(0.5)

    async with program(lab, **settings) as process:
        await connected(1)
        await slack.command("C02INC", "U01ALICE", SLOW)
        (waiting,) = await eventually(lambda: running_parents(slack, "C02INC"))
        await asyncio.sleep(0.5)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    let_leases_end(store_url)
    async with program(lab, **settings):
        parent = await final_parent(slack, "C02INC")
        assert "450 4.4.315" in parent["text"]
        assert parent["ts"] == waiting["ts"], "in the place where it was begun"
        assert await thread_of(slack, parent)
        await finished(store_url)
    assert rows(store_url, "select place, request, actor from mailflow_answers") == [("", "", "")]


async def test_stopped_before_its_end_it_is_left_to_the_next(
    slack: LocalSlack, serving: Serving, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "DRAIN", 0.2)
    async with serving(database_url=store_url):
        await slack.command("C02INC", "U01ALICE", SLOW)
        await eventually(lambda: running_parents(slack, "C02INC"))
    assert await running_parents(slack, "C02INC"), "no verdict that is none"
    (place,) = rows(store_url, "select place from mailflow_answers")[0]
    assert "hooks" not in str(place), "with a parent there is another way"
    monkeypatch.setattr(app, "DRAIN", 20.0)
    async with serving(database_url=store_url):
        assert "450 4.4.315" in (await final_parent(slack, "C02INC"))["text"]


async def test_a_mention_is_taken_up_in_its_thread(
    slack: LocalSlack, serving: Serving, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "DRAIN", 0.2)
    async with serving(database_url=store_url):
        await slack.post("C02INC", "U01ALICE", f"<@U0BOT> {SLOW}")
        await eventually(lambda: running_parents(slack, "C02INC"))
    monkeypatch.setattr(app, "DRAIN", 20.0)
    async with serving(database_url=store_url):
        asked = next(m["ts"] for m in await slack.messages("C02INC") if m["user"] == "U01ALICE")
        await done_reply(slack, {"channel": "C02INC", "ts": asked}, "450 4.4.315", after=0)
        assert len(await thread_of(slack, {"channel": "C02INC", "ts": asked})) == 1


async def test_who_may_no_longer_ask_gets_no_answer_after_a_restart(
    slack: LocalSlack, proxy: StrictProxy, serving: Serving, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "DRAIN", 0.2)
    async with serving(database_url=store_url):
        await slack.command("C02INC", "U02BOB", SLOW)
        await eventually(lambda: running_parents(slack, "C02INC"))
    monkeypatch.setattr(app, "DRAIN", 20.0)
    proxy.user_flags["U02BOB"] = {"is_restricted": True}
    async with serving(database_url=store_url):

        async def refused() -> bool:
            return any("does not answer guests" in call.args["text"] for call in proxy.made("chat.postEphemeral"))

        await eventually(refused)
    assert proxy.made("chat.delete")
    assert "450 4.4.315" not in json.dumps(await slack.messages("C02INC"))


async def test_what_ends_the_process_twice_is_given_up_and_costs_nobody_else_anything(
    slack: LocalSlack, proxy: StrictProxy, lab: Lab, store_url: str
) -> None:
    settings = socket_mode(proxy, store_url)

    async def attempts(*counts: int) -> None:
        async def found() -> bool:
            counted = rows(store_url, "select attempts from mailflow_answers where finished is null order by started")
            return [count for (count,) in counted] == list(counts)

        await eventually(found, seconds=20)

    async with program(lab, **settings) as process:
        await eventually(lambda: slack_is_open(proxy), seconds=60)
        for _ in range(2):
            await slack.command("C02INC", "U01ALICE", SLOW)
        await attempts(1, 1)
        await eventually(lambda: running_parents(slack, "C02INC"))
        process.kill()
        await process.wait()
    let_leases_end(store_url)
    async with program(lab, **settings) as process:
        await attempts(2, 1)
        process.kill()
        await process.wait()
    let_leases_end(store_url)
    before = proxy.connected
    async with program(lab, **settings):
        await eventually(lambda: slack_is_open(proxy, before), seconds=60)
        await slack.command("C02INC", "U02BOB", QUICK)
        await finished(store_url, 3)
        own = [m["text"] for m in await slack.messages("C02INC") if m["user"] == "U0BOT" and not m.get("thread_ts")]
    assert sum("it has given up" in text for text in own) == 1
    assert sum("450 4.4.315" in text for text in own) == 1
    assert sum("450 4.4.316" in text for text in own) == 1


async def slack_is_open(proxy: StrictProxy, before: int = 0) -> bool:
    """A command that is sent sooner is lost."""
    return proxy.connected > before


async def test_it_gives_up_after_three_times(slack: LocalSlack, serving: Serving, store_url: str) -> None:
    async with serving(database_url=store_url):
        await slack.command("C02INC", "U01ALICE", QUICK)
        parent = await final_parent(slack, "C02INC")
    place = json.dumps({"channel": "C02INC", "user": "U01ALICE", "line": "x", "parent": parent["ts"]})
    columns = "id, place, request, actor, started, attempts, owner, lease_until"
    values = f"'t-old', '{place}', '{{}}', 'U01ALICE', started, 3, 'gone', started"
    request = json.dumps({"text": QUICK, "prefix": "/mailflow", "shared": False})
    rows(store_url, f"insert into mailflow_answers ({columns}) select {values} from mailflow_answers")  # noqa: S608
    rows(store_url, f"update mailflow_answers set request = '{request}' where id = 't-old'")  # noqa: S608
    async with serving(database_url=store_url):
        await finished(store_url, 2)
    assert "it has given up" in (await final_parent(slack, "C02INC"))["text"]


# ---- several replicas


@pytest.fixture
def jobless(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine of jobs runs once a process; tests/e2e/test_replicas.py has replicas in processes of their own."""

    @contextlib.asynccontextmanager
    async def nothing(*_: object) -> AsyncIterator[None]:
        yield None

    monkeypatch.setattr(app, "open_jobs", nothing)


@pytest.mark.usefixtures("jobless")
async def test_two_replicas_on_one_store_answer_once(
    slack: LocalSlack, proxy: StrictProxy, serving: Serving, store_url: str
) -> None:
    """local-slack sends every envelope to every socket."""
    async with serving(database_url=store_url), serving(database_url=store_url):
        await slack.command("C02INC", "U01ALICE", QUICK)
        parent = await final_parent(slack, "C02INC")
        (reply,) = await thread_of(slack, parent)
        await slack.click(reply, "check-again", "U02BOB")
        await done_reply(slack, parent, "450 4.4.316")
        await slack.post("C02INC", "U01ALICE", f"<@U0BOT> {QUICK}")
        await finished(store_url, 3)
        await asyncio.sleep(1)
    own = [m for m in await slack.messages("C02INC") if m["user"] == "U0BOT"]
    assert len(own) == 4, "parent, its reply, Check again, the mention"
    assert len(proxy.acks) >= 6, "each replica acknowledges what it gets"


async def test_two_sockets_of_one_process_answer_once(slack: LocalSlack, proxy: StrictProxy, serving: Serving) -> None:
    """Without a store a process knows at least its own."""
    async with serving():
        await slack.command("C02INC", "U01ALICE", QUICK)
        await thread_of(slack, await final_parent(slack, "C02INC"))
        for raw in proxy.envelopes[-1:] * 2:
            await proxy.send_envelope(raw)
        await asyncio.sleep(1)
    assert len([m for m in await slack.messages("C02INC") if not m.get("thread_ts")]) == 1


# ---- a store that fails


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*args: object, **more: object) -> None:
        raise StoreUnavailable("the disk is full")

    for name in ("claim", "begin_answer", "move_answer", "finish_answer", "take_unfinished", "renew", "release"):
        monkeypatch.setattr(Records, name, away)
    for name in ("keep_result", "result", "add_watch", "take_due_watches", "prune"):
        monkeypatch.setattr(Records, name, away)


async def test_a_store_that_fails_costs_no_answer(
    slack: LocalSlack, serving: Serving, store_url: str, broken: None, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(database_url=store_url):
        await slack.command("C02INC", "U01ALICE", "check Fabrikam")
        parent = await final_parent(slack, "C02INC")
        (reply,) = await thread_of(slack, parent)
        await slack.click(reply, "check-again", "U01ALICE")
        done: Message = await done_reply(slack, parent, "450 4.4.317")
        assert done
    said = [record.getMessage() for record in caplog.records if record.name.startswith("mailflow")]
    assert any(re.search(r"will not survive a restart: the disk is full", line) for line in said)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
