"""Answers belong to a chat platform, also those that an older version left; each platform takes its own."""

import json
from dataclasses import replace
from pathlib import Path

from bot.conversation.question import Question, Used, read
from bot.slack.conversation_ref import ConversationRef, load
from diagnostics.store import LEASE, Answer, Store, Watch, schema
from diagnostics.store import postgresql as pg
from diagnostics.store import sqlite as lite
from diagnostics.store.opening import open_store
from tests.store.factories import DAY, MINUTE, NOW, answer

PLACE = ConversationRef("C1", "U1", "Approve", "17.5")
BEFORE = '{"channel": "C1", "user": "U1", "line": "Approve", "thread": "17.5"}'
BLOCKS = [{"type": "divider"}]


def kept(used: dict[str, object] | None, *words: str) -> str:
    """A question as it was kept before places named their platform."""
    return json.dumps({"text": "", "prefix": "/mailflow", "shared": False, "words": words, "used": used})


CLICKED: dict[str, object] = {"channel": "C1", "ts": "18.1", "text": "h", "blocks": BLOCKS, "view": ""}
SENT: dict[str, object] = {"channel": "", "ts": "", "text": "", "blocks": [], "view": "V1"}
LEFT = {"a-1": kept(None, "check"), "a-2": kept(CLICKED, "approve", "f-1"), "a-3": kept(SENT, "ask", "f-1"), "a-4": "unreadable"}


async def written_before(url: str) -> None:
    """Three unfinished questions, one that cannot be read, a finished answer and a live watch, at revision 0004."""
    if url.startswith("sqlite"):
        file = Path(url.removeprefix("sqlite:///"))
        lite.create(file)
        engine = lite.engine(file)
        await schema.bring_up_to_date(engine, lite.lock, "here", to="0004")
    else:
        engine = pg.engine(pg.address(url))
        await schema.bring_up_to_date(engine, pg.lock, "here", to="0004")
    at = "2026-11-24 10:00:00.000000"

    def row(table: str, **values: object) -> str:
        shown = [str(v) if isinstance(v, int) else "NULL" if v is None else f"'{v}'" for v in values.values()]
        return f"INSERT INTO mailflow_{table} ({', '.join(values)}) VALUES ({', '.join(shown)})"  # noqa: S608 - constants

    answers = {**LEFT, "a-0": ""}
    rows = [
        row(
            "answers",
            id=id,
            place=BEFORE if request else "",
            request=request,
            actor="U1",
            started=at,
            finished=None if request else at,
            attempts=1,
            owner="gone",
            lease_until=at,
        )
        for id, request in answers.items()
    ]
    live = "from another digest"
    rows.append(row("watches", id="w-1", word="x", place=BEFORE, live=live, actor="U1", until=at, every=60, due=at, last=""))
    async with engine.begin() as connection:
        for each in rows:
            await connection.exec_driver_sql(each.replace("%", "%%"))
    await engine.dispose()


async def test_what_an_older_version_left(url: str) -> None:
    await written_before(url)
    async with open_store(url) as store:
        assert await store.take_unfinished("other", now=NOW + DAY, platform="telegraph") == []
        taken = {answer.id: answer for answer in await store.take_unfinished("one", now=NOW + DAY, platform="slack")}
        assert sorted(taken) == sorted(LEFT)
        assert {(a.platform, load(a.place), a.attempts) for a in taken.values()} == {("slack", PLACE, 2)}
        assert taken["a-4"].request == "unreadable"
        used = Used("C1-18.1", {"channel": "C1", "ts": "18.1", "text": "h", "blocks": BLOCKS})
        wanted = [
            Question("a-1", "", PLACE, "/mailflow", words=("check",)),
            Question("a-2", "", PLACE, "/mailflow", words=("approve", "f-1"), used=used),
            Question("a-3", "", PLACE, "/mailflow", words=("ask", "f-1"), used=Used(form="V1")),
        ]
        assert [read(id, load(taken[id].place), taken[id].request) for id in ("a-1", "a-2", "a-3")] == wanted
        again = Watch("w-2", "x", PLACE.dump(), "U1", NOW + DAY, 5 * MINUTE)
        assert not await store.add_watch(again, now=NOW), "it is the same watch in the same place"
        (due,) = await store.take_due_watches("one", now=NOW + DAY)
        assert load(due.place) == PLACE


async def test_each_platform_takes_its_own(store: Store) -> None:
    mine, other = answer("a-1"), replace(answer("a-2"), place="telegraph:7")
    for each in (mine, other):
        await store.begin_answer(each, owner="gone", now=NOW)
    (taken,) = await store.take_unfinished("one", now=NOW + LEASE, platform="telegraph")
    assert taken == replace(other, attempts=2)
    assert await store.move_answer("a-2", owner="one", place="telegraph:8")
    assert [a.id for a in await store.take_unfinished("two", now=NOW + LEASE, platform="slack")] == ["a-1"]


def test_the_platform_of_a_place() -> None:
    places = {"slack:C1": "slack", "telegraph:a:b": "telegraph", "": "", "nothing": ""}
    assert {place: Answer("a", place, "", "", NOW).platform for place in places} == places
