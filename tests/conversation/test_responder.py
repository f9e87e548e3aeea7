"""Questions and answers on a platform that exists in memory alone: admission, answers, forms, restarts. No HTTP, no waiting."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bot.conversation.forms import TEXT, WAITING, Click
from bot.conversation.inflight import Inflight
from bot.conversation.platform import Admission, Platform, Undelivered
from bot.conversation.question import File, Question, Used
from bot.conversation.responder import Responder
from bot.conversation.tasks import Tasks
from bot.wiring import bare_services
from commands import run
from commands.registry import VERBS
from commands.reply import Reply
from diagnostics.catalogue import load
from diagnostics.endpoints import SHIPPED
from diagnostics.store import Answer, Store
from diagnostics.store.opening import open_store
from diagnostics.tools import Tools
from tests.conversation.memory import NAME, Chat, Room

ALICE = Room("alice", "help")
ERROR = "450 4.4.316 Connection refused"


@dataclass
class Talk:
    """One process on one platform."""

    chat: Chat
    responder: Responder[Room]

    @property
    def kinds(self) -> list[str]:
        return [kind for _, kind, _ in self.chat.shown]


def no_network() -> Tools:
    """Tools whose every probe would fail: the questions here are answered without one."""
    return cast(Tools, SimpleNamespace(catalogue=load(SHIPPED), instruments=None))


def talk(store: Store | None = None) -> Talk:
    chat = Chat()
    platform: Platform[Room] = chat
    services = replace(bare_services(), store=store, toolbox=no_network)
    return Talk(chat, Responder(platform, services, Inflight(store, NAME), Tasks()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite3"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Store]:
    async with open_store(f"sqlite:///{path}") as opened:
        yield opened


def click(verb: str, id: str = "t-9", place: Room = ALICE, trigger: str = "trigger") -> Click[Room]:
    (found,) = (v for v in VERBS if v.name == verb)
    return Click(Question(id, "", place, words=(*found.words, "r-1")), found, trigger)


# ---- answers


async def test_a_question_is_answered_once() -> None:
    one = talk()
    await one.responder.ask(Question("q-1", "help", ALICE))
    await one.responder.ask(Question("q-1", "help", ALICE))
    ((user, kind, text),) = one.chat.shown
    assert (user, kind) == ("alice", "answer")
    assert text


async def test_what_takes_longer_says_that_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.conversation.responder.GRACE", 0.0)
    monkeypatch.setattr(run, "run", slow)
    one = talk()
    await one.responder.ask(Question("q-1", "check", Room("alice", "check all")))
    assert one.chat.shown == [("alice", "running", "check all"), ("alice", "answer", "done")]


async def slow(*args: object, **more: object) -> Reply:
    await asyncio.sleep(0.01)
    return Reply("done")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("chek", "There is no command 'chek'"),
        ('check "x', "quot"),
        ("explain " + ERROR, "4.4.316"),
        ("ask f-1", "no command 'ask'"),
    ],
)
async def test_what_was_typed(text: str, says: str) -> None:
    one = talk()
    await one.responder.ask(Question("q-1", text, ALICE))
    assert says in one.chat.shown[-1][2]


async def test_who_may_not_ask_is_refused() -> None:
    one = talk()
    one.chat.admission = Admission(None, "You may not ask here.")
    await one.responder.ask(Question("q-1", "explain " + ERROR, ALICE))
    assert one.chat.shown == [("alice", "answer", "You may not ask here.")]


async def test_files_are_read_with_the_text() -> None:
    one = talk()
    question = Question("q-1", "", ALICE, words=("explain", "--", ""), files=(File("F1", "bounce.eml"),))
    await one.responder.ask(question)
    assert "4.4.316" in one.chat.shown[-1][2]


@pytest.mark.parametrize(("above", "says"), [("", "Nothing stands above."), (ERROR, "4.4.316")])
async def test_the_thread_that_a_question_is_about(above: str, says: str) -> None:
    one = talk()
    one.chat.above = above
    await one.responder.ask(Question("q-1", "explain", ALICE, thread="m-1", message="m-2"))
    assert says in one.chat.shown[-1][2]


async def test_an_internal_error_is_said_with_its_number(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*args: object, **more: object) -> Reply:
        raise RuntimeError("secret")

    monkeypatch.setattr(run, "run", broken)
    one = talk()
    await one.responder.ask(Question("q-1", "check", ALICE))
    ((_, kind, text),) = one.chat.shown
    number = text.rpartition("error ")[2].rstrip(".")
    assert kind == "sorry"
    assert number.startswith("e-")
    assert number in caplog.text
    assert "secret" not in text


@pytest.mark.parametrize(
    ("admission", "place", "says"),
    [
        (Admission(None, "", "Others read along.", secluded=True), ALICE, "Others read this channel"),
        (None, replace(ALICE, direct=True), "nobody could approve it"),
    ],
)
async def test_nothing_is_changed_where_nobody_could_approve(admission: Admission | None, place: Room, says: str) -> None:
    one = talk()
    if admission is not None:
        actor = (await one.chat.admit(Question("x", "", ALICE))).actor
        one.chat.admission = replace(admission, actor=actor)
    await one.responder.ask(Question("q-1", "", place, words=("fix", "--again", "r-1")))
    assert says in one.chat.shown[-1][2]


# ---- forms and clicks


async def test_a_command_without_its_text_opens_a_form_once() -> None:
    one = talk()
    for _ in range(2):
        await one.responder.ask(Question("q-1", "explain", ALICE), "trigger")
    assert one.chat.shown == [("alice", "form", TEXT.title)]


async def test_a_form_is_open_before_its_answer_is_there() -> None:
    one = talk()
    await one.responder.click(click("fix-now"))
    assert [(kind, text == WAITING) for _, kind, text in one.chat.shown] == [("form", True), ("filled", False)]


async def test_a_form_that_did_not_open_is_said() -> None:
    one = talk()
    await one.responder.click(click("fix-now", trigger=""))
    assert one.chat.shown == [("alice", "sorry", "Too late. Try once more.")]


async def test_a_form_that_another_process_opened_is_not_talked_about() -> None:
    one = talk()
    one.chat.triggers.add("trigger")
    await one.responder.click(click("fix-now"))
    assert one.chat.shown == []


async def test_what_is_for_the_asker_alone_is_shown_in_the_form_that_was_sent() -> None:
    one = talk()
    await one.responder.ask(Question("q-1", "", ALICE, words=("undo", "f-1"), used=Used(form="form-1")))
    assert one.kinds == ["filled"]


async def test_the_buttons_of_a_message_go_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def spends(*args: object, **more: object) -> Reply:
        return Reply("Approved", spent="Approved")

    monkeypatch.setattr(run, "run", spends)
    for id in ("q-1", "q-2"):
        one = talk(store)
        await one.responder.ask(Question(id, "", ALICE, words=("approve", "f-1"), used=Used("m-1", {"text": "?"})))
        assert one.kinds == (["answer", "used"] if id == "q-1" else ["answer"])


async def test_an_unknown_button_is_said_once() -> None:
    one = talk()
    for _ in range(2):
        await one.responder.click(Click(Question("q-1", "", ALICE), None, "trigger"))
    assert one.kinds == ["sorry"]


# ---- news, and answers that survive their process


async def test_news_are_delivered_in_their_place_or_tried_again() -> None:
    one = talk()
    await one.responder.tell(ALICE.lasting(), Reply("Works again"))
    assert one.chat.shown == [("alice", "answer", "Works again")]
    one.chat.away = 1
    with pytest.raises(Undelivered):
        await one.responder.tell(ALICE.lasting(), Reply("Works again"))


async def test_news_of_another_platform_is_left_to_its_process() -> None:
    one = talk()
    with pytest.raises(Undelivered, match="telegraph"):
        await one.responder.tell("telegraph:7", Reply("Works again"))
    await one.responder.tell("{}", Reply("for a place that nobody can read"))
    assert one.chat.shown == []


def left_by(path: Path, *answers: Answer) -> None:
    """Answers of processes that are gone."""
    with sqlite3.connect(path) as database:
        for answer in answers:
            row = (answer.id, answer.platform, answer.place, answer.request, answer.actor, answer.attempts)
            database.execute(
                "insert into mailflow_answers (id, platform, place, request, actor, attempts, started, lease_until, owner) "
                "values (?, ?, ?, ?, ?, ?, '2026-01-01 00:00:00.000000', '2026-01-01 00:00:00.000000', 'gone')",
                row,
            )


def unfinished(path: Path) -> list[tuple[str, str | None, int]]:
    with sqlite3.connect(path) as database:
        rows = "select id, owner, attempts from mailflow_answers where finished is null order by id"
        return database.execute(rows).fetchall()


def asked(id: str, place: Room = ALICE, *, text: str = "help", platform: str = NAME, attempts: int = 1) -> Answer:
    kept = Question(id, text, place).dump()
    dumped = place.dump().replace(f"{NAME}:", f"{platform}:", 1)
    return Answer(id, dumped, kept, place.user, later(), attempts)


async def resumed(one: Talk, is_enough: Callable[[], bool]) -> None:
    keeping = asyncio.create_task(one.responder.inflight.keep(one.responder.again))
    async with asyncio.timeout(20):
        while not is_enough():
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    keeping.cancel()
    await asyncio.wait({keeping})


async def test_unfinished_answers_of_another_platform_are_left_alone(store: Store, path: Path) -> None:
    left_by(path, asked("a-1", platform="telegraph"), asked("a-2"), asked("a-3", platform="slack"))
    one = talk(store)
    await resumed(one, lambda: "answer" in one.kinds)
    assert [(user, kind) for user, kind, _ in one.chat.shown] == [("alice", "answer")]
    assert unfinished(path) == [("a-1", "gone", 1), ("a-3", "gone", 1)], "not even counted as a run"


async def test_what_a_process_left_is_answered_or_said(store: Store, path: Path) -> None:
    told = {"headline": "Works again", "severity": "good", "lines": [], "actions": [], "exit_code": 0}
    news = replace(asked("a-4"), request=json.dumps({"words": [], "told": told}))
    left_by(
        path,
        asked("a-1"),
        asked("a-2", text=f"explain {ERROR}"),
        asked("a-3", attempts=2),
        news,
        replace(asked("a-5"), request="{}"),
    )
    one = talk(store)
    await resumed(one, lambda: not unfinished(path))
    assert one.kinds == ["answer", "sorry", "sorry", "answer"]
    assert one.chat.shown[1][2].startswith("mailflow was stopped while answering this")
    assert one.chat.shown[2][2].startswith("mailflow ended twice")
    assert one.chat.shown[3][2] == "Works again"


async def test_a_message_of_its_own_is_kept_for_the_next_process(
    store: Store, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.conversation.responder.GRACE", 0.0)

    async def hangs(*args: object, **more: object) -> Reply:
        await asyncio.sleep(60)
        return Reply("never")

    monkeypatch.setattr(run, "run", hangs)
    one = talk(store)
    task = one.responder.tasks.spawn(one.responder.ask(Question("q-1", "check", ALICE)), "answer")
    async with asyncio.timeout(20):
        while "running" not in one.kinds:
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    task.cancel()
    await asyncio.wait({task})
    assert one.kinds == ["running"], "the next process says the rest"
    (left,) = await store.take_unfinished("next", now=later(), platform=NAME)
    assert (one.chat.place(left.place).parent, left.platform) == ("1", NAME)


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)
