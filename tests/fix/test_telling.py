"""What people are told of a fix, and which buttons they are left with."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.demo.lab.tenant import LabTenant, Trouble
from bot.settings import Settings
from bot.wiring import open_services
from commands import fix_wording, fixes
from commands.command import Call, FixRules, Services
from commands.registry import FIXES
from commands.reply import Reply
from commands.request import Actor, Request
from diagnostics.fix import execute, ledger
from diagnostics.fix.record import Audit, Fix, FixNote, State
from diagnostics.model import ConnectorRef
from diagnostics.store import Store
from tests.fix.office import CONNECTOR, DOMAIN, SET_CONNECTOR, Flaky, Office, on_both, planned

LISTED = FixRules(approvers=("U2", "U3"))


def of(fix: Fix, **update: object) -> Fix:
    return fix.model_copy(update=update)


def words_of(reply: Reply) -> str:
    lines = (f"{i.tag} {i.text} {' '.join((*i.notes, *i.people))}" for s in reply.sections for i in s.items)
    return "\n".join((reply.headline, *(section.title for section in reply.sections), *lines))


def verbs(reply: Reply) -> list[str]:
    return [action.verb for action in reply.actions]


def turned(fix: Fix, verb: str = "undo") -> Reply:
    return fix_wording.turned(fix, verb, front="click")


# ---- undo and resume that came to nothing


async def refused(office: Office) -> Fix:
    office.tenant.spoil(Trouble(SET_CONNECTOR, "refused"))
    return await office.undo()


async def over_a_foreign_change(office: Office) -> Fix:
    office.tenant.change("accepted-domain", DOMAIN, "DomainType", "ExternalRelay")
    return await office.undo()


async def without_a_ledger(office: Office) -> Fix:
    fix, office.desk = await office.kept(), replace(office.desk, store=Flaky(office.desk.store, deaf=9))
    return await execute.undo(fix, office.desk, actor="U2", tell=office.told.append)


@pytest.mark.parametrize(
    ("tried", "state", "headline"),
    [
        (refused, "failed", "failed, nothing was changed"),
        (without_a_ledger, "failed", "failed, nothing was changed"),
        (over_a_foreign_change, "blocked", "cannot be done: nothing was changed"),
    ],
)
async def test_an_undo_that_came_to_nothing_says_so_and_can_be_tried_again(
    office: Office, tried: object, state: State, headline: str
) -> None:
    await office.do()
    fix = await tried(office)  # type: ignore[operator]
    reply = turned(fix)
    assert (fix.state, reply.headline, reply.exit_code) == (state, f"Undo of {CONNECTOR} {headline}", 1)
    assert "The fix is still in effect" in words_of(reply)
    assert (verbs(reply), reply.spent) == (["undo"], "")


async def test_a_resume_without_a_ledger_can_be_tried_again(tenant: LabTenant, office: Office) -> None:
    tenant.spoil(Trouble(SET_CONNECTOR, "refused"))
    fix = await office.do()
    flaky = replace(office.desk, store=Flaky(office.desk.store, deaf=9))
    reply = turned(await execute.resume(fix, flaky, actor="U3", tell=office.told.append), "resume")
    assert reply.headline == f"Resume of {CONNECTOR} failed, nothing was changed"
    assert (verbs(reply), reply.spent) == (["resume", "undo"], "")


async def test_what_could_not_be_begun_waits_still(office: Office) -> None:
    flaky = replace(office.desk, store=Flaky(office.desk.store, deaf=9))
    fix = await execute.do(office.fix, flaky, actor="U1", tell=office.told.append)
    assert (fix.state, fix.kept, fix_wording.outcome(fix, front="click").actions) == ("failed", "planned", ())


async def test_a_ledger_that_is_lost_on_the_way_leaves_a_way_on(office: Office) -> None:
    """The ledger says "running" of it, which soon nobody renews."""
    flaky = replace(office.desk, store=Flaky(office.desk.store, spare=2, deaf=9))
    fix = await execute.do(office.fix, flaky, actor="U1", tell=office.told.append)
    reply = fix_wording.outcome(fix, front="click")
    assert (fix.state, verbs(reply)) == ("failed", ["resume", "undo"])


# ---- what a message says once its buttons were used

DONE = Fix(id="f-1", state="done", connector=ConnectorRef(name="Contoso", guid="c5102fff-33e8-5d87-a057-21e07cfe583d"))


@pytest.mark.parametrize(
    ("state", "kept", "verb", "spent"),
    [
        ("undone", None, "undo", "Taken back"),
        ("undone", "undone", "undo", "Taken back, as seen"),
        ("undone", None, "resume", "Taken back"),
        ("done", None, "resume", "Finished"),
        ("half-done", None, "undo", "Undo tried"),
        ("failed", None, "resume", "Resume tried"),
        ("failed", "failed", "resume", "Failed, as seen"),
        ("running", "running", "undo", ""),
    ],
)
def test_what_stands_instead_of_the_buttons(state: State, kept: State | None, verb: str, spent: str) -> None:
    assert turned(of(DONE, state=state, kept=kept), verb).spent == spent


@pytest.mark.parametrize(
    ("state", "verb", "spent"),
    [
        ("undone", "undo", "Taken back, as seen"),
        ("undone", "resume", "Taken back, as seen"),
        ("undone", "approve", "Taken back, as seen"),
        ("failed", "undo", "Failed, as seen"),
        ("expired", "approve", "Expired, as seen"),
        ("done", "resume", ""),
        ("half-done", "undo", ""),
        ("running", "undo", ""),
        ("awaiting-approval", "undo", ""),
    ],
)
def test_what_a_late_click_leaves(state: State, verb: str, spent: str) -> None:
    assert fix_wording.settled(of(DONE, state=state), verb, front="click").spent == spent


@pytest.mark.parametrize(("state", "words"), [("done", "It takes effect in 30"), ("undone", "That takes effect in 30")])
def test_when_it_shows(state: State, words: str) -> None:
    assert words in words_of(turned(of(DONE, state=state), "resume"))


@pytest.mark.parametrize(("front", "line"), [("terminal", "mailflow undo f-1"), ("chat", "/mailflow undo f-1")])
def test_a_command_line_can_be_typed_as_it_stands(front: str, line: str) -> None:
    assert f"To take it back: {line} " in words_of(fix_wording.outcome(DONE, front=front))  # type: ignore[arg-type]


# ---- a plan


@pytest.mark.parametrize(
    ("ids", "told"),
    [
        ([], True),
        (["domain-not-chosen"], True),
        (["not-writable"], True),
        (["domain-not-chosen", "not-writable"], True),
        (["connector-already-off"], True),
        (["connector-partner"], False),
        (["not-writable", "server-answers"], False),
    ],
)
async def test_what_to_make_sure_of_is_told_only_of_what_may_be_done(office: Office, ids: list[str], told: bool) -> None:
    notes = tuple(FixNote(id=id, text="because") for id in ids)
    fix = of(office.fix, state="blocked" if ids else "planned", blocked=notes)
    shown = words_of(fix_wording.plan(fix, as_json=False, front="chat"))
    assert ("What it means" in shown, "Make sure that all of this is true" in shown) == (told, told)


def test_a_connector_that_is_not_there_is_named_to_who_asked_alone() -> None:
    reply = fix_wording.plan(of(DONE, state="blocked", connector=None), as_json=False, front="chat", asked="Nobody")
    assert (reply.headline, reply.audience) == ("Fix now of Nobody cannot be done: nothing was changed", "asker")


async def test_until_when_it_can_be_approved(office: Office) -> None:
    assert office.fix.created
    end = f"{office.fix.created + timedelta(minutes=15):%Y-%m-%d %H:%M} UTC"
    assert f"before {end}" in words_of(fix_wording.to_be_asked(office.fix, LISTED))
    assert f"until {end} for one person of U2 U3" in words_of(fix_wording.waiting(office.fix, LISTED))
    assert f"until {end} for U2" in words_of(fix_wording.waiting(office.fix, FixRules(approvers=("U2",))))


async def test_where_nobody_may_approve_the_owner_is_the_way_on(office: Office) -> None:
    shown = words_of(fix_wording.to_be_reasoned(office.fix, "f-1", FixRules(), clicked=True))
    assert "MAILFLOW_FIX_APPROVERS" in shown


# ---- the list of fixes


@pytest.fixture
async def services(office: Office) -> AsyncIterator[Services]:
    async with open_services(Settings(dns=("127.0.0.1:9",), control_host="")) as opened:
        yield replace(opened, store=office.desk.store)


async def listed(services: Services, *flags: str) -> Reply:
    call = Call(FIXES, (), dict.fromkeys(flags, ()))
    return await fixes.run(call, Request(("fixes",), Actor("U9")), services, lambda _: None)


@on_both
async def test_the_list_names_who_and_leaves_out_what_was_only_looked_at(office: Office, services: Services) -> None:
    assert (await listed(services)).headline == "No fix was made here."
    await planned(office.desk, office.clock)
    await office.do()
    assert "Taken back" not in words_of(await listed(services))
    await office.undo()
    reply = await listed(services)
    (section,) = reply.sections
    assert (reply.headline, section.title) == ("1 fix, newest first", f"f-1  undone             {CONNECTOR}")
    asked, reason, back = section.items
    assert (asked.text.startswith("Asked for 20"), asked.people, reason.text) == (True, ("U1",), "Reason: CHG-1")
    assert (back.text.startswith("Taken back 20"), back.people) == (True, ("U2",))
    document = (await listed(services, "--json")).document
    assert isinstance(document, Audit)
    assert [fix.id for fix in document.fixes] == ["f-2", "f-1"], "the archive has everything"


async def test_a_long_list_ends_and_says_where_the_rest_is(
    office: Office, store: Store, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fixes, "PAGE", 3)
    monkeypatch.setattr(fixes, "SHOWN", 2)
    for number in range(6):
        state = "planned" if number % 2 else "rejected"
        fix = of(office.fix, id=f"f-x{number}", state=state, created=office.clock() + timedelta(seconds=number))
        await ledger.add(store, fix, actor="U1", event="planned", now=office.clock())
    reply = await listed(services)
    assert [section.title.split()[0] for section in reply.sections if section.title] == ["f-x4", "f-x2"]
    assert "Older ones: /mailflow fixes --json" in words_of(reply)
