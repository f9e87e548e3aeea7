"""What other people change meanwhile is never overwritten; what is done already is not done again."""

import asyncio
from typing import Any

import pytest

from bot.demo.lab.tenant import LabTenant, Trouble
from commands.fix_wording import exit_code
from diagnostics.fix import execute, ledger, write_step
from diagnostics.fix.follow_up_plan import resuming, undoing
from diagnostics.store import MAX_TEXT, DoesNotFit
from tests.fix.office import (
    AFTER,
    BEFORE,
    CONNECTOR,
    DOMAIN,
    SAY,
    SET_CONNECTOR,
    SET_DOMAIN,
    Office,
    notes,
    on_both,
    planned,
    states,
)

# ---- what somebody else changes


@on_both
@pytest.mark.parametrize(
    "change",
    [
        ("accepted-domain", DOMAIN, "DomainType", "Authoritative"),
        ("accepted-domain", DOMAIN, "DomainType", "ExternalRelay"),
        ("connector", CONNECTOR, "Enabled", False),
    ],
)
async def test_changed_since_the_plan(tenant: LabTenant, office: Office, change: Any) -> None:
    tenant.change(*change)
    truth = office.truth
    fix = await office.do()
    assert (fix.state, notes(fix), exit_code(fix)) == ("blocked", ["changed-since-plan"], 1)
    assert (states(fix), office.sent, office.truth) == ("todo todo", (0, 0), truth)
    assert ((await office.kept()).state, await office.desk.store.owned_fix(fix.steps[1].identity)) == ("blocked", None)


@pytest.mark.parametrize(
    "change", [("accepted-domain", DOMAIN, "DomainType", "InternalRelay"), ("connector", CONNECTOR, "Enabled", False)]
)
async def test_changed_between_the_steps(tenant: LabTenant, office: Office, change: Any) -> None:
    """The connector is not switched off once its domain is Internal Relay again. If that is put right, it can be finished."""
    table, name, property, _ = change
    before = "Authoritative" if table == "accepted-domain" else True
    office.points.at("after-record", lambda: tenant.change(*change))
    fix = await office.do()
    assert (fix.state, notes(fix), office.sent) == ("half-done", ["changed-since-plan"], (1, 0))
    tenant.change(table, name, property, before)
    fix = await office.resume()
    assert (fix.state, notes(fix), fix.said) == ("done", [], "")


async def test_changed_between_two_tries(tenant: LabTenant, office: Office) -> None:
    tenant.spoil(Trouble(SET_DOMAIN, "busy", 1))
    office.points.at("after-send", lambda: tenant.change("accepted-domain", DOMAIN, "DomainType", "ExternalRelay"))
    fix = await office.do()
    assert (fix.state, notes(fix), office.sent) == ("blocked", ["changed-since-plan"], (1, 0))
    assert office.truth == ("ExternalRelay", True)


async def test_changed_while_the_ledger_is_slow(tenant: LabTenant, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look is worth nothing any more once the word of the ledger is old."""
    monkeypatch.setattr(write_step, "STALE", -1.0)
    office.points.at("after-intent", lambda: tenant.change("accepted-domain", DOMAIN, "DomainType", "ExternalRelay"))
    fix = await office.do()
    assert (fix.state, notes(fix), office.sent) == ("blocked", ["changed-since-plan"], (0, 0))


async def test_the_ledger_stays_slow(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under an old word nothing is sent, as somebody else may hold the fix by now."""
    monkeypatch.setattr(write_step, "STALE", -1.0)
    fix = await office.do()
    assert (fix.state, office.sent) == ("unknown", (0, 0))
    assert "too slow" in fix.said


async def test_done_by_hand_meanwhile(tenant: LabTenant, office: Office) -> None:
    """Half done, and somebody ran the other cmdlet: to resume is to see that."""
    tenant.spoil(Trouble(SET_CONNECTOR, "refused"))
    await office.do()
    tenant.change("connector", CONNECTOR, "Enabled", False)
    fix = await office.resume()
    assert (fix.state, office.sent, fix.steps[1].said) == ("done", (1, 1), "It had that value already.")


@pytest.mark.parametrize(
    "change",
    [("accepted-domain", DOMAIN, "DomainType", "ExternalRelay"), ("accepted-domain", DOMAIN, "Guid", "gone")],
)
async def test_nothing_is_taken_back_over_a_foreign_change(tenant: LabTenant, office: Office, change: Any) -> None:
    """Although the connector's step, the first to be taken back, is as it was left."""
    await office.do()
    guid = office.fix.steps[0].identity
    tenant.change(*change)
    undone = await office.undo()
    assert undone.state == ("blocked" if change[2] == "DomainType" else "failed")
    assert (exit_code(undone), office.sent, office.truth[1]) == (1, (1, 1), False)
    kept = await office.kept()
    assert (kept.state, len(kept.verify_at), notes(kept)) == ("done", 2, [])
    tenant.change(change[0], DOMAIN, change[2], "Authoritative" if change[2] == "DomainType" else guid)
    assert (await office.undo()).state == "undone"


async def test_taken_back_by_hand_already(tenant: LabTenant, office: Office) -> None:
    await office.do()
    tenant.change("connector", CONNECTOR, "Enabled", True)
    assert (await office.undo()).state == "undone"
    assert (office.sent, office.truth) == ((2, 1), BEFORE)


async def test_the_connector_goes_off_before_its_domain_is_taken_back(tenant: LabTenant, office: Office) -> None:
    """Of a half-done fix only the domain was written; Internal Relay without a connector must not come of it."""
    tenant.spoil(Trouble(SET_CONNECTOR, "refused"))
    await office.do()
    tenant.change("connector", CONNECTOR, "Enabled", False)
    fix = await office.undo()
    assert (fix.state, notes(fix)) == ("half-done", ["changed-since-plan"])
    assert office.truth == AFTER


async def test_the_connector_goes_off_between_the_steps_of_undo(tenant: LabTenant, office: Office) -> None:
    await office.do()
    office.points.at("after-record", lambda: tenant.change("connector", CONNECTOR, "Enabled", False))
    fix = await office.undo()
    assert (fix.state, states(fix), notes(fix)) == ("half-done", "done undone", ["changed-since-plan"])
    assert office.truth == AFTER


# ---- which state allows what


async def test_twice(tenant: LabTenant, office: Office) -> None:
    await office.do()
    assert [(await office.do()).said, (await office.resume()).said] == ["It is done, so this cannot be done with it."] * 2
    await office.undo()
    assert [fix.said for fix in (await office.do(), await office.undo(), await office.resume())] == [
        "It is undone, so this cannot be done with it."
    ] * 3
    assert (office.sent, office.effective) == ((2, 2), (2, 2))


async def test_a_half_done_one_is_taken_back(tenant: LabTenant, office: Office) -> None:
    tenant.spoil(Trouble(SET_CONNECTOR, "refused"))
    await office.do()
    fix = await office.undo()
    assert (fix.state, states(fix), office.truth, office.sent) == ("undone", "undone failed", BEFORE, (2, 1))


async def test_a_half_undone_one_is_finished_backwards(tenant: LabTenant, office: Office) -> None:
    await office.do()
    tenant.spoil(Trouble(SET_DOMAIN, "refused"))
    fix = await office.undo()
    assert (fix.state, states(fix), office.truth) == ("half-done", "done undone", ("Authoritative", True))
    assert (await office.resume()).state == "undone"
    assert (office.truth, office.effective) == (BEFORE, (2, 2))


@on_both
async def test_undo_that_is_refused_leaves_it_done(tenant: LabTenant, office: Office) -> None:
    await office.do()
    tenant.spoil(Trouble(SET_CONNECTOR, "refused"))
    fix = await office.undo()
    assert (fix.state, states(fix), exit_code(fix)) == ("failed", "done done", 1)
    kept = await office.kept()
    assert (kept.state, len(kept.verify_at)) == ("done", 2)


async def test_unknown_and_taken_back(tenant: LabTenant, office: Office) -> None:
    tenant.spoil(Trouble(SET_DOMAIN, "ineffective"))
    assert (await office.do()).state == "unknown"
    assert (await office.undo()).state == "undone"
    assert (office.effective, office.truth) == ((0, 0), BEFORE)


@on_both
async def test_another_fix_of_the_connector(tenant: LabTenant, office: Office) -> None:
    second = await planned(office.desk, office.clock)
    tenant.spoil(Trouble(SET_DOMAIN, "late", 1, seconds=0.5))
    doing = asyncio.ensure_future(office.do())
    await tenant.arrived(SET_DOMAIN)
    first, office.fix = office.fix, second
    blocked = await office.do()
    assert (blocked.state, blocked.said) == (
        "blocked",
        f"Another fix of this connector, {first.id}, is under way. Try again in {execute.LATER} seconds.",
    )
    assert (await doing).state == "done"
    late = await office.do()
    assert (late.state, notes(late), office.sent) == ("blocked", ["changed-since-plan"], (1, 1))


@pytest.mark.parametrize("verb", ["do", "undo", "resume"])
async def test_one_that_is_not_there(office: Office, verb: str) -> None:
    unknown = office.fix.model_copy(update={"id": "f-none"})
    fix = await getattr(execute, verb)(unknown, office.desk, actor="U1", tell=lambda _: None)
    assert (fix.state, fix.said, office.sent) == ("failed", "There is no such fix in the ledger.", (0, 0))


async def test_a_plan_must_leave_room_for_what_is_said_later(office: Office) -> None:
    step = office.fix.steps[0].model_copy(update={"name": "x" * 240})
    for count, fits in ((100, True), (MAX_TEXT * 3 // 4 // 400 + 1, False)):
        large = office.fix.model_copy(update={"id": f"f-{count}", "steps": (step,) * count})
        try:
            await ledger.add(office.desk.store, large, actor="U1", event="planned", now=office.clock())
        except DoesNotFit:
            assert not fits
        else:
            assert fits


# ---- what is shown before


async def test_what_is_left_is_shown_as_it_will_be_done(tenant: LabTenant, office: Office) -> None:
    tenant.spoil(Trouble(SET_CONNECTOR, "refused"))
    half = await office.do()
    left, back = resuming(half, writable=True, say=SAY), undoing(half, writable=True, say=SAY)
    assert left
    assert back
    assert [(s.name, s.before, s.after, s.state) for s in left.steps] == [(CONNECTOR, True, False, "todo")]
    assert [(s.name, s.before, s.after, s.state) for s in back.steps] == [(DOMAIN, "Authoritative", "InternalRelay", "todo")]
    done = await office.resume()
    assert resuming(done, writable=True, say=SAY) is None
    back = undoing(done, writable=False, say=SAY)
    assert back
    assert (back.state, notes(back)) == ("blocked", ["not-writable"])
    assert [s.cmdlet for s in back.steps] == [
        f"Set-OutboundConnector -Identity '{office.fix.steps[1].identity}' -Enabled $true",
        f"Set-AcceptedDomain -Identity '{office.fix.steps[0].identity}' -DomainType 'InternalRelay'",
    ]
