"""A fix is in one hand at a time, a connector in one fix; what was done stays written."""

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import DatabaseError
from sqlalchemy.ext.asyncio import AsyncConnection

from diagnostics.store import MAX_DOCUMENT, MAX_ID, MAX_TEXT, AuditEntry, DoesNotFit, Store, StoredFix, StoreUnavailable
from diagnostics.store.opening import open_store
from diagnostics.store.records import Records
from tests.store.factories import DAY, GUID, MINUTE, NOW, SECOND, entry, fix
from tests.store.server import Server

GRACE = MINUTE
OVER = NOW + MINUTE + GRACE + SECOND
"""A lease that began at NOW is over, and its grace too."""


async def take(
    store: Store,
    id: str = "f-1",
    owner: str = "one",
    *,
    now: datetime = NOW,
    states: Collection[str] = ("awaiting-approval", "running"),
) -> StoredFix | None:
    return await store.take_fix(id, owner=owner, states=states, now=now, lease=MINUTE, grace=GRACE)


async def save(
    store: Store,
    owner: str = "one",
    fence: int = 1,
    *,
    id: str = "f-1",
    state: str = "running",
    document: str = '{"n": 1}',
    now: datetime = NOW,
    lease: timedelta | None = MINUTE,
    entry: AuditEntry | None = None,
) -> bool:
    return await store.save_fix(id, owner=owner, fence=fence, state=state, document=document, now=now, lease=lease, entry=entry)


@pytest.fixture
async def taken(store: Store) -> Store:
    """The fix f-1 is held by "one"."""
    await store.add_fix(fix(), entry())
    assert await take(store)
    return store


# ---- rows


async def test_a_fix_comes_back_as_it_was(store: Store) -> None:
    assert await store.add_fix(replace(fix(guid=GUID.upper()), owner="one", fence=7, lease_until=NOW), entry())
    assert await store.fix("f-1") == fix()  # nobody holds it yet
    assert await store.audit() == [entry()]
    for unknown in ("f-2", "", "f" * 5000):
        assert await store.fix(unknown) is None


async def test_the_first_stays(store: Store) -> None:
    assert await store.add_fix(fix(), entry())
    assert not await store.add_fix(fix(state="blocked"), entry("another"))
    assert await store.fixes() == [fix()]
    assert await store.audit() == [entry()]


async def test_pages_newest_first(store: Store) -> None:
    for id, minutes in {"b": 0, "d": 2, "a": 0, "c": 1}.items():
        await store.add_fix(fix(id, created=NOW + minutes * MINUTE), entry(fix=id))
    first = await store.fixes(limit=2)
    second = await store.fixes(limit=2, before=first[-1])
    assert [f.id for f in (*first, *second)] == ["d", "c", "b", "a"]
    assert await store.fixes(before=second[-1]) == []


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        (fix(""), entry()),
        (fix("x" * (MAX_ID + 1)), entry()),
        (fix(guid=""), entry()),
        (fix(state=""), entry()),
        (replace(fix(), document="x" * (MAX_DOCUMENT + 1)), entry()),
        (fix(), entry("")),
        (fix(), replace(entry(), detail="x" * (MAX_TEXT + 1))),
    ],
)
async def test_what_does_not_fit(store: Store, wrong: StoredFix, line: AuditEntry) -> None:
    with pytest.raises(DoesNotFit):
        await store.add_fix(wrong, line)
    assert await store.fixes() == []


async def test_the_longest(taken: Store) -> None:
    full = replace(entry("long"), detail="x" * MAX_TEXT)
    assert await save(taken, document="x" * MAX_DOCUMENT, entry=full)
    for document, line in (("x" * (MAX_DOCUMENT + 1), None), ("{}", replace(entry("longer"), detail="x" * (MAX_TEXT + 1)))):
        with pytest.raises(DoesNotFit):
            await save(taken, document=document, entry=line)
    assert await taken.audit() == [entry(), full]
    held = await taken.fix("f-1")
    assert held
    assert held.document == "x" * MAX_DOCUMENT


# ---- in one hand


async def test_it_is_held_under_the_next_fence(store: Store) -> None:
    await store.add_fix(fix(), entry())
    held = replace(fix(), owner="one", fence=1, lease_until=NOW + MINUTE)
    assert await take(store) == held
    assert await store.fix("f-1") == held
    assert await take(store, owner="two", now=OVER) == replace(held, owner="two", fence=2, lease_until=OVER + MINUTE)


@pytest.mark.parametrize(
    ("state", "now", "owner", "won"),
    [
        ("planned", OVER, "two", False),  # not in a state that was asked for
        ("running", NOW, "two", False),
        ("running", NOW, "one", False),  # two clicks that reach one process
        ("running", NOW + MINUTE + SECOND, "two", False),  # what was sent may still take effect
        ("running", NOW + MINUTE + GRACE, "two", False),
        ("running", OVER, "two", True),
        ("running", OVER, "one", True),
    ],
)
async def test_it_is_taken(taken: Store, state: str, now: datetime, owner: str, won: bool) -> None:
    assert await save(taken, state=state)
    before = await taken.fix("f-1")
    after = await take(taken, owner=owner, now=now)
    assert (after is not None) == won
    assert won or await taken.fix("f-1") == before


async def test_what_is_not_there_is_not_taken(store: Store) -> None:
    await store.add_fix(fix(), entry())
    assert await take(store, "f-2") is None
    assert await take(store, states=()) is None


async def test_one_of_many_tasks_takes_it(store: Store) -> None:
    await store.add_fix(fix(), entry())
    won = await asyncio.gather(*(take(store) for _ in range(20)))
    assert [held.fence for held in won if held] == [1]


async def test_saving_puts_the_lease_off(taken: Store) -> None:
    line = entry("sending")
    assert await save(taken, now=NOW + 30 * SECOND, entry=line)
    assert await taken.fix("f-1") == replace(
        fix(), state="running", document='{"n": 1}', owner="one", fence=1, lease_until=NOW + 90 * SECOND
    )
    assert await taken.audit("f-1") == [entry(), line]
    assert not await take(taken, owner="two", now=OVER)


async def test_a_late_owner_that_nobody_replaced_goes_on(taken: Store) -> None:
    assert await save(taken, now=OVER + DAY)


@pytest.mark.parametrize(("owner", "fence", "id"), [("two", 1, "f-1"), ("one", 2, "f-1"), ("one", 0, "f-1"), ("one", 1, "f-2")])
async def test_others_save_nothing(taken: Store, owner: str, fence: int, id: str) -> None:
    before = await taken.fix("f-1")
    for lease in (MINUTE, None):
        assert not await save(taken, owner, fence, id=id, lease=lease, entry=entry("sending"))
    assert await taken.fix("f-1") == before
    assert await taken.audit() == [entry()]


async def test_a_process_that_woke_up_too_late_saves_nothing(taken: Store) -> None:
    await take(taken, owner="two", now=OVER)
    assert not await save(taken, "one", 1, entry=entry("sending"))
    assert await save(taken, "two", 2)
    await take(taken, owner="one", now=OVER + DAY)
    assert not await save(taken, "one", 1)
    assert await save(taken, "one", 3)


async def test_the_end_gives_it_back(taken: Store) -> None:
    assert await save(taken, state="done", lease=None)
    assert await taken.fix("f-1") == replace(fix(), state="done", document='{"n": 1}', fence=1)
    assert not await save(taken, state="running")
    assert await take(taken, owner="two", states=["done"])


# ---- a connector in one fix


async def test_another_fix_of_the_connector_waits(taken: Store) -> None:
    await taken.add_fix(fix("f-2", guid=GUID.upper()), entry(fix="f-2"))
    await taken.add_fix(fix("f-3", guid="another"), entry(fix="f-3"))
    assert await take(taken, "f-3", "two")
    for now in (NOW, OVER, OVER + DAY):  # however long: nobody knows what the first one did
        assert await take(taken, "f-2", "two", now=now) is None
    await save(taken, state="done", lease=None)
    held = await take(taken, "f-2", "two")
    assert held
    assert held.fence == 1
    assert await take(taken, "f-1", states=["done"]) is None


async def test_who_has_the_connector(taken: Store) -> None:
    assert await taken.owned_fix(GUID.upper()) == await taken.fix("f-1")
    assert await taken.owned_fix("another") is None
    await save(taken, lease=None)
    assert await taken.owned_fix(GUID) is None


async def test_one_of_many_fixes_of_a_connector(store: Store) -> None:
    ids = [f"f-{n}" for n in range(20)]
    for id in ids:
        await store.add_fix(fix(id), entry(fix=id))
    won = [held.id for held in await asyncio.gather(*(take(store, id) for id in ids)) if held]
    assert len(won) == 1
    owned = await store.owned_fix(GUID)
    assert owned
    assert owned.id == won[0]


# ---- said again, because nobody knows whether it was heard


@pytest.mark.parametrize("lease", [MINUTE, None])
async def test_a_save_is_made_again(taken: Store, lease: timedelta | None) -> None:
    line = replace(entry("half\0done \ud800"), detail="\0")
    for _ in range(3):
        assert await save(taken, state="half-done", document="\0\ud800", lease=lease, entry=line)
    assert [(one.event, one.detail) for one in await taken.audit()] == [
        ("planned", '{"steps": 2}'),
        ("half\ufffddone \ufffd", "\ufffd"),
    ]


async def test_nothing_else_is_saved_after_the_end(taken: Store) -> None:
    assert await save(taken, state="done", lease=None)
    assert not await save(taken, state="failed", lease=None)
    assert not await save(taken, state="done", document="{}", lease=None)
    assert not await save(taken, "two", state="done", lease=None)
    assert await take(taken, owner="two", states=["done"])
    assert not await save(taken, state="done", lease=None)


async def test_a_save_that_was_made_behind_the_callers_back(tmp_path: Path) -> None:
    """The time is over before SQLite has answered: the caller is told so, and the work ends behind it."""
    async with open_store(f"sqlite:///{tmp_path}/store.db") as store:
        assert isinstance(store, Records)
        await store.add_fix(fix(), entry())
        await take(store)
        store._database._patience = 0
        with pytest.raises(StoreUnavailable):
            await save(store, state="done", lease=None, entry=entry("done"))
        store._database._patience = 5
        assert await save(store, state="done", lease=None, entry=entry("done"))
        assert [line.event for line in await store.audit()] == ["planned", "done"]


# ---- the owner ends


@pytest.mark.parametrize(("state", "held"), [("awaiting-approval", False), ("half-done", False), ("running", True)])
async def test_a_process_that_ends(taken: Store, state: str, held: bool) -> None:
    await save(taken, state=state)
    await taken.add_fix(fix("f-2", guid="another"), entry(fix="f-2"))
    await take(taken, "f-2", "two")
    await taken.release("one", now=NOW)
    assert bool(await taken.owned_fix(GUID)) == held
    assert await save(taken) == held
    assert await taken.owned_fix("another")
    assert bool(await take(taken, owner="three", states=[state], now=NOW + SECOND)) == (not held)


async def test_it_outlives_a_restart(url: str) -> None:
    async with open_store(url) as store:
        await store.add_fix(fix(), entry())
        await take(store)
        await save(store, entry=entry("sending"))
    async with open_store(url) as store:
        assert await store.audit() == [entry(), entry("sending")]
        assert await take(store, owner="two") is None
        assert await save(store)


@pytest.mark.needs("postgresql")
async def test_a_killed_server_keeps_what_was_saved(server: Server) -> None:
    async with open_store(server.new_database()) as store:
        await store.add_fix(fix(), entry())
        await take(store)
        assert await save(store, entry=entry("sending"))
        server.kill()
        with pytest.raises(StoreUnavailable):
            await save(store, state="done", lease=None, entry=entry("done"))
        server.start()
        held = await store.fix("f-1")
        assert held
        assert (held.state, held.owner, held.fence) == ("running", "one", 1)
        assert await save(store, state="done", lease=None, entry=entry("done"))
        assert await store.audit() == [entry(), entry("sending"), entry("done")]


# ---- the audit


async def test_lines_stand_in_the_order_of_writing(taken: Store) -> None:
    await taken.add_fix(fix("f-2", guid="another"), entry(fix="f-2"))
    for n in (3, 1, 2):  # clocks differ
        assert await save(taken, entry=entry("sending", at=NOW + n * SECOND))
    assert [line.at for line in await taken.audit("f-1")] == [NOW, *(NOW + n * SECOND for n in (3, 1, 2))]
    everything = await taken.audit()
    assert everything == [entry(), entry(fix="f-2"), *(entry("sending", at=NOW + n * SECOND) for n in (3, 1, 2))]
    assert await taken.audit(limit=2, offset=1) == everything[1:3]
    assert await taken.audit("f-3") == []


async def test_lines_that_differ_in_anything_are_two(taken: Store) -> None:
    lines = [entry(at=NOW + timedelta(microseconds=1)), replace(entry(), actor="U2"), replace(entry(), detail=""), entry("other")]
    for line in lines:
        assert await save(taken, entry=line)
    assert await taken.audit() == [entry(), *lines]


ROW = "mailflow_audit (number, fix, at, actor, event, detail, digest)"
VALUES = "VALUES (1, 'f-9', '2026-11-24 10:00:00', 'U9', 'forged', '', 'd')"
FORGERIES = {
    "sqlite": [
        ("UPDATE mailflow_audit SET actor = 'U9'", True),
        ("UPDATE OR REPLACE mailflow_audit SET number = 1", True),
        ("DELETE FROM mailflow_audit", True),
        # whatever would put a line in the place of another is passed over
        (f"REPLACE INTO {ROW} {VALUES}", False),
        (f"INSERT INTO {ROW} {VALUES} ON CONFLICT DO UPDATE SET actor = 'U9'", False),
    ],
    "postgresql": [
        ("UPDATE mailflow_audit SET actor = 'U9'", True),
        ("DELETE FROM mailflow_audit", True),
        ("TRUNCATE mailflow_audit", True),
        ("TRUNCATE mailflow_fixes, mailflow_audit CASCADE", True),
        (f"INSERT INTO {ROW} OVERRIDING SYSTEM VALUE {VALUES} ON CONFLICT (number) DO UPDATE SET actor = 'U9'", True),
    ],
}


async def test_what_is_written_stays(taken: Store, url: str) -> None:
    await save(taken, entry=entry("sending"))
    lines = await taken.audit()
    assert isinstance(taken, Records)
    for statement, refused in FORGERIES[url.partition(":")[0]]:

        async def forge(connection: AsyncConnection, statement: str = statement) -> str:
            try:
                async with connection.begin_nested():
                    await connection.exec_driver_sql(statement)
            except DatabaseError as error:
                return str(error.orig)
            return ""

        said = await taken._database.run(forge)
        assert ("mailflow_audit keeps what is in it" in said) == refused, statement
        assert await taken.audit() == lines, statement
    assert await save(taken, entry=entry("done"))


async def test_nothing_of_it_is_pruned(taken: Store) -> None:
    await save(taken, state="done", lease=None, entry=entry("done"))
    await taken.prune(NOW + 9999 * DAY)
    assert len(await taken.fixes()) == 1
    assert len(await taken.audit()) == 2


async def test_fixes_of_some_states_however_many_others_there_are(store: Store) -> None:
    await store.add_fix(fix("f-old", state="running", created=NOW - DAY))
    for n in range(60):
        await store.add_fix(fix(f"f-{n}", state="planned", created=NOW))
    assert [row.id for row in await store.fixes(limit=5, states=("running", "done"))] == ["f-old"]
    assert await store.fixes(limit=5, states=("running",), since=NOW) == []
