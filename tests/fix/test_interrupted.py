"""Ctrl-C, death, a ledger that fails, a fault of our own, at every point: what is not known is said to be, and can be settled."""

import asyncio
from dataclasses import replace

import pytest

from bot.demo.lab.tenant import LabTenant, Trouble
from diagnostics.fix import execute, ledger
from diagnostics.fix.follow_up_plan import undoing
from tests.fix.office import (
    AFTER,
    BEFORE,
    DOMAIN,
    EVER,
    HALF,
    POINTS,
    QUICK,
    SAY,
    SET_DOMAIN,
    DiedError,
    Flaky,
    Office,
    appear,
    forget_the_writer,
    notes,
    on_both,
    planned,
    states,
)

# ---- interrupted


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("verb", ["do", "undo"])
async def test_ctrl_c(office: Office, verb: str, step: int, point: str) -> None:
    """Somebody else may go on at once, and nothing takes effect twice."""
    if verb == "undo":
        await office.do()
        office.clock.forward(10)
    before = await office.kept()
    task = asyncio.ensure_future(getattr(office, verb)())
    office.points.at(point, task.cancel, after=step)
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = await office.kept()
    assert (verb, kept.state) != ("undo", "done") or kept.verify_at == before.verify_at, "as if undo had not been asked for"
    assert await office.desk.store.owned_fix(kept.steps[1].identity) is None
    if kept.state in ("half-done", "unknown"):
        kept = await office.resume()
    assert office.truth == {"failed": BEFORE, "undone": BEFORE, "done": AFTER}[kept.state]
    assert max(office.effective) <= (1 if verb == "do" else 2)
    if kept.state == "done":
        assert (await office.undo()).state == "undone"
        assert (office.truth, office.effective) == (BEFORE, (2, 2))


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize("said", ["do resume", "do undo", "undo resume"])
async def test_dead(office: Office, said: str, step: int, point: str) -> None:
    """The process is gone. The ledger says so once the lease is over; only after its grace somebody else goes on."""
    verb, then = said.split()
    if verb == "undo":
        await office.do()
    office.points.die(point, after=step)
    with pytest.raises(DiedError):
        await getattr(office, verb)()
    sent = office.sent
    early = await getattr(office, then)()
    assert (early.state, office.sent) == ("running", sent)
    office.lease_ends()
    assert (await office.kept()).state == "unknown"
    end = await getattr(office, then)()
    assert (end.state, office.truth) == (("done", AFTER) if said == "do resume" else ("undone", BEFORE))
    assert max(office.effective) <= (1 if said == "do resume" else 2)
    assert (await office.kept()).state == end.state


@pytest.mark.parametrize("seconds", [0.1, 3600])
async def test_dead_and_late(tenant: LabTenant, office: Office, seconds: float) -> None:
    """It was sent and is not seen yet: undo waits until it is, or for as long as the lag may be, and then writes all the same."""
    tenant.lag(seconds=seconds)
    office.desk = replace(office.desk, patience=replace(QUICK, lag=0.5))
    task = asyncio.ensure_future(office.do())
    office.points.at("after-send", task.cancel)
    with pytest.raises(asyncio.CancelledError):
        await task
    tenant.lag()
    assert (await office.undo()).state == "undone"
    appear(tenant)
    assert (office.truth, office.effective) == (BEFORE, (2, 0))


async def test_dead_and_then_not_to_be_taken_back(tenant: LabTenant, office: Office) -> None:
    """What was found written stays done until it is taken back, whatever is in the way of that."""
    office.points.die("after-send")
    with pytest.raises(DiedError):
        await office.do()
    office.lease_ends()
    shown = undoing(await office.kept(), writable=True, say=SAY)
    assert shown
    assert [step.name for step in shown.steps] == [DOMAIN], "it may have been written"
    for on, trouble in (("token", "no-token"), (SET_DOMAIN, "refused"), (SET_DOMAIN, "busy")):
        forget_the_writer(tenant)
        tenant.spoil(Trouble(on, trouble, EVER))
        fix = await office.undo()
        assert (fix.state, states(fix), office.truth) == ("half-done", "done todo", HALF), trouble
        tenant.heal()
    assert (await office.undo()).state == "undone"
    assert office.truth == BEFORE


async def test_dead_and_then_changed_by_somebody_else(tenant: LabTenant, office: Office) -> None:
    """One step may have been written: that is still said when another is in the way."""
    office.points.die("after-send")
    with pytest.raises(DiedError):
        await office.do()
    office.lease_ends()
    tenant.change("accepted-domain", DOMAIN, "DomainType", "ExternalRelay")
    for verb in (office.resume, office.undo):
        fix = await verb()
        assert (fix.state, states(fix), notes(fix)) == ("unknown", "unknown todo", ["changed-since-plan"])
    assert office.truth == ("ExternalRelay", True)


@pytest.mark.parametrize("back", [-3600, 24 * 3600])
async def test_the_clock_is_set(tenant: LabTenant, office: Office, back: float) -> None:
    """While it is read back, and between death and resume: nobody waits for longer than the lag."""
    office.points.at("after-send", lambda: office.clock.forward(back))
    tenant.lag(seconds=3600)
    async with asyncio.timeout(10):
        assert (await office.do()).state == "unknown"
        assert (await office.resume()).state == "unknown"


@on_both
async def test_a_dead_process_that_had_not_begun_blocks_nobody(office: Office) -> None:
    """It had taken the fix, and no write can be on its way: another fix of the connector is done instead."""
    sound, office.desk = office.desk, replace(office.desk, store=Flaky(office.desk.store, spare=1, deaf=1000))
    assert (await office.do()).state == "failed"
    office.desk = sound
    first, office.fix = office.fix, await planned(office.desk, office.clock)
    soon = await office.do()
    assert (soon.state, soon.said) == (
        "blocked",
        f"Another fix of this connector, {first.id}, is under way. Try again in {execute.LATER} seconds.",
    )
    office.lease_ends()
    assert (await office.do()).state == "done"
    kept = await ledger.find(office.desk.store, first.id, office.clock(), SAY)
    assert kept
    assert kept.state == "planned"


@on_both
async def test_a_dead_process_that_had_begun_is_to_be_settled_first(office: Office) -> None:
    second = await planned(office.desk, office.clock)
    office.points.die("after-send")
    with pytest.raises(DiedError):
        await office.do()
    office.lease_ends()
    first, office.fix = office.fix, second
    fix = await office.do()
    assert (fix.state, office.sent) == ("blocked", (1, 0))
    assert fix.said == f"Another fix of this connector, {first.id}, is not at its end: resume or undo that one first."
    office.fix = first
    assert (await office.resume()).state == "done"


# ---- an internal error, a ledger that fails


@pytest.mark.parametrize(
    ("point", "state"),
    [
        ("before-intent", "failed"),
        *((point, "unknown") for point in ("after-intent", "after-send", "after-read-back")),
        ("after-record", "half-done"),
    ],
)
async def test_an_internal_error(office: Office, point: str, state: str, caplog: pytest.LogCaptureFixture) -> None:
    office.points.at(point, lambda: 1 // 0)
    fix = await office.do()
    assert (fix.state, fix.said[:30]) == (state, "mailflow failed at this itself")
    assert (await office.kept()).state == state
    assert "a fix ended in an internal error" in caplog.text
    if state != "failed":
        assert (await office.resume()).state == "done"
        assert office.effective == (1, 1)


LEDGER_FAILS_AFTER = {  # → how many writes are sent, and what is said of a fix that is being done, or taken back
    "take": (0, "failed", "failed"),
    "begun": (0, "failed", "failed"),
    "about to write the first": (1, "unknown", "unknown"),
    "first written": (1, "half-done", "half-done"),
    "about to write the second": (2, "unknown", "unknown"),
    "second written": (2, "done", "undone"),
}


@pytest.mark.parametrize("number", range(len(LEDGER_FAILS_AFTER)), ids=list(LEDGER_FAILS_AFTER))
@pytest.mark.parametrize("verb", ["do", "undo"])
async def test_the_ledger_fails(office: Office, verb: str, number: int) -> None:
    """Nothing is sent without a word of it before, and what may have been written is not called failed. Later it is ended."""
    if verb == "undo":
        await office.do()
    before = sum(office.sent)
    flaky = Flaky(office.desk.store, spare=number + 1, deaf=1000)
    sound, office.desk = office.desk, replace(office.desk, store=flaky)
    fix = await getattr(office, verb)()
    sent, doing, taking_back = list(LEDGER_FAILS_AFTER.values())[number]
    assert (fix.state, sum(office.sent) - before) == (doing if verb == "do" else taking_back, sent)
    assert fix.said
    office.desk = sound
    office.lease_ends()
    if number:
        assert (await office.kept()).state == "unknown"
        end = await office.resume()
    else:
        assert (await office.kept()).state == ("planned" if verb == "do" else "done"), "as if nothing had been asked for"
        end = await getattr(office, verb)()
    assert (end.state, office.truth) == (("done", AFTER) if verb == "do" else ("undone", BEFORE))
    assert max(office.effective) <= (1 if verb == "do" else 2)


@pytest.mark.parametrize("trouble", [{"deaf": 2}, {"mute": 2}, {"deaf": 1, "mute": 1}])
@pytest.mark.parametrize("spare", [0, 1, 3, 6])
async def test_the_ledger_is_away_for_a_moment(office: Office, spare: int, trouble: dict[str, int]) -> None:
    """It is asked again, and what it had done the first time is no harm."""
    office.desk = replace(office.desk, store=Flaky(office.desk.store, spare=spare + 1, **trouble))
    fix = await office.do()
    assert (fix.state, office.sent) == ("done", (1, 1))
    assert [line.event for line in await office.desk.store.audit()] == [
        *("planned", "begun", "about to write", "written", "about to write", "written", "done"),
    ]
