"""A fix is done, taken back, finished, whatever Exchange Online answers, and however late it shows what was written."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.demo.lab.tenant import LabTenant, Trouble
from commands.fix_wording import exit_code
from diagnostics.fix import ledger
from diagnostics.fix.write_step import Patience
from tests.fix.office import (
    AFTER,
    BEFORE,
    CONNECTOR,
    DOMAIN,
    EVER,
    GET_CONNECTOR,
    GET_DOMAIN,
    HALF,
    QUICK,
    SET_CONNECTOR,
    SET_DOMAIN,
    Office,
    appear,
    forget_the_writer,
    notes,
    on_both,
    planned,
    states,
)

# ---- when all goes well


@on_both
async def test_done_and_taken_back(office: Office) -> None:
    done = await office.do()
    assert (done.state, states(done), office.truth, exit_code(done)) == ("done", "done done", AFTER, 0)
    assert [round((at - office.clock()).total_seconds() / 60) for at in done.verify_at] == [30, 60]
    undone = await office.undo()
    assert (undone.state, states(undone), office.truth, exit_code(undone)) == ("undone", "undone undone", BEFORE, 0)
    assert undone.verify_at == ()
    kept = await office.kept()
    assert (kept.state, kept.steps, kept.requester) == ("undone", undone.steps, "U1")
    assert [(line.actor, line.event) for line in await office.desk.store.audit()] == [
        ("U1", "planned"),
        *(("U1", event) for event in ("begun", "about to write", "written", "about to write", "written", "done")),
        *(("U2", event) for event in ("undo begun", "about to write", "written", "about to write", "written", "undone")),
    ]


@pytest.fixture
def another_connector(world: dict[str, Any]) -> None:
    world["connectors"].append({"Name": "Another", "RecipientDomains": ["fabrikam.test", "adatum.test"]})
    names = ("fabrikam.test", "adatum.test")
    world["accepted_domains"] += [{"DomainName": name, "DomainType": "InternalRelay"} for name in names]


async def test_domains_first_and_the_connector_last(another_connector: None, tenant: LabTenant, office: Office) -> None:
    """Taken back the other way round: never is a domain Internal Relay while the connector is off."""
    names = ["fabrikam.test", "adatum.test", "Another"]
    office.fix = await planned(office.desk, office.clock, "Another", *names[:2])
    assert (await office.do()).state == "done"
    assert (await office.undo()).state == "undone"
    assert [change.name for change in tenant.changes] == [*names, *reversed(names)]


async def test_the_guid_decides(another_connector: None, tenant: LabTenant, office: Office) -> None:
    """A connector that was renamed since is the one; another that has its name now is not."""
    tenant.change("connector", CONNECTOR, "Name", "Renamed")
    tenant.change("connector", "Another", "Name", CONNECTOR)
    assert (await office.do()).state == "done"
    assert [change.guid for change in tenant.changes if change.property == "Enabled"] == [office.fix.steps[1].identity]


@on_both
async def test_no_intent_no_write(tenant: LabTenant, office: Office) -> None:
    """At each request to write the ledger says already which value, of which object."""
    seen = []
    note = tenant._note

    async def noting(request: Any) -> None:
        if request.what in (SET_DOMAIN, SET_CONNECTOR):
            seen.append([(step.name, step.sending) for step in (await office.kept()).steps if step.sent])
        await note(request)

    tenant._note = noting  # type: ignore[method-assign]
    await office.do()
    await office.undo()
    assert seen == [[(DOMAIN, "Authoritative")], [(CONNECTOR, False)], [(CONNECTOR, True)], [(DOMAIN, "InternalRelay")]]


# ---- what the service can do to a write

UNTAKEN = {  # name → what the step becomes, and how often it was sent
    "refused": ("failed", 1),
    "forbidden": ("failed", 1),
    "not-found": ("failed", 1),
    "busy": ("failed", 5),
    "unavailable": ("failed", 5),
    "expired": ("failed", 5),
    "failing": ("unknown", 1),
    "cut": ("unknown", 1),
    "errors": ("unknown", 1),
    "ineffective": ("unknown", 1),
    "html": ("unknown", 1),
    "half-json": ("unknown", 1),
    "list": ("unknown", 1),
    "deep": ("unknown", 1),
    "redirect": ("unknown", 1),
    "silent": ("unknown", 1),
    "drip": ("unknown", 1),
}
TAKEN = ("errors-after", "cut-after", "cut-body", "silent-after", "zipped")


@pytest.mark.parametrize("trouble", UNTAKEN)
async def test_the_first_write_is_never_taken(tenant: LabTenant, office: Office, trouble: str) -> None:
    """Nothing was written, or that is not known; the second step is not begun."""
    tenant.spoil(Trouble(SET_DOMAIN, trouble, EVER))
    fix = await office.do()
    step, sent = UNTAKEN[trouble]
    assert (fix.state, states(fix), exit_code(fix)) == (step, f"{step} todo", 1)
    assert (office.sent, office.truth) == ((sent, 0), BEFORE)
    kept = await office.kept()
    assert kept.model_dump_json() == fix.model_dump_json()
    assert (kept.steps[0].sent is not None) == (step == "unknown")


@pytest.mark.parametrize("trouble", UNTAKEN)
async def test_the_second_write_is_never_taken(tenant: LabTenant, office: Office, trouble: str) -> None:
    """Half done: resume finishes it with one more effective change, undo takes the first step back."""
    tenant.spoil(Trouble(SET_CONNECTOR, trouble, EVER))
    fix = await office.do()
    step, sent = UNTAKEN[trouble]
    assert (fix.state, states(fix), exit_code(fix)) == ("half-done" if step == "failed" else "unknown", f"done {step}", 1)
    assert (office.sent, office.truth) == ((1, sent), HALF)
    tenant.heal()
    assert (await office.resume()).state == "done"
    assert (office.effective, office.truth) == ((1, 1), AFTER)
    assert (await office.undo()).state == "undone"
    assert (office.effective, office.truth) == ((2, 2), BEFORE)


@pytest.mark.parametrize("trouble", [*TAKEN, "busy", "unavailable", "expired"])
@pytest.mark.parametrize("on", [SET_DOMAIN, SET_CONNECTOR])
async def test_once_is_no_harm(tenant: LabTenant, office: Office, trouble: str, on: str) -> None:
    """What was taken all the same is not sent again; what was not taken is, after a look."""
    tenant.spoil(Trouble(on, trouble, 1))
    assert (await office.do()).state == "done"
    assert (office.effective, office.truth) == ((1, 1), AFTER)
    assert len(tenant.asked(on)) == (1 if trouble in TAKEN else 2)


async def test_a_service_that_is_busy_and_takes_it_all_the_same(tenant: LabTenant, office: Office) -> None:
    """Its answer says no; the look before the next attempt shows that there is nothing left to do."""
    tenant.spoil(Trouble(SET_DOMAIN, "busy", 1))
    value: Any = ("accepted-domain", DOMAIN, "DomainType", "Authoritative", tenant.writer.client_id)
    office.points.at("after-send", lambda: tenant.state.write(*value))
    assert (await office.do()).state == "done"
    assert (office.sent, office.effective) == ((1, 1), (1, 1))


@pytest.mark.parametrize(("after", "sent"), [("0", 5), ("170", 2), ("3600", 1), ("nonsense", 5)])
async def test_a_busy_service_is_asked_no_sooner_than_it_says(
    tenant: LabTenant, office: Office, after: str, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not for ever: all pauses of a step are three minutes at most."""
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def slept(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    tenant.spoil(Trouble(SET_DOMAIN, "busy", EVER, retry_after=after))
    office.desk = replace(office.desk, patience=Patience())
    monkeypatch.setattr(asyncio, "sleep", slept)
    fix = await office.do()
    assert (fix.state, office.sent[0]) == ("failed", sent)
    assert sum(pauses) < 180
    assert sum(pauses) >= (int(after) * (sent - 1) if after.isdigit() else 15)
    assert "HTTP 429" in fix.said


@pytest.mark.parametrize("trouble", ["failing", "busy", "cut", "html", "wrong-tenant", "no-token"])
async def test_without_a_token_nothing_is_sent(tenant: LabTenant, office: Office, trouble: str) -> None:
    tenant.spoil(Trouble("token", trouble, EVER))
    fix = await office.do()
    assert (fix.state, states(fix), office.sent) == ("failed", "failed todo", (0, 0))
    assert fix.said.startswith("Nothing was sent: ")


async def test_a_token_that_is_taken_back_in_the_middle(tenant: LabTenant, office: Office) -> None:
    office.points.at("after-record", tenant.tokens.given.clear)
    assert (await office.do()).state == "done"
    assert office.sent == (1, 2)


async def test_the_service_goes_away_in_the_middle(tenant: LabTenant, office: Office) -> None:
    """Writes are known not to have gone out, so nothing is unknown."""
    port = tenant.port
    gone: list[asyncio.Task[None]] = []
    office.points.at("after-record", lambda: gone.append(asyncio.ensure_future(tenant.stop())))
    fix = await office.do()
    assert (fix.state, fix.steps[0].state, office.sent) == ("half-done", "done", (1, 0))
    await asyncio.gather(*gone)
    tenant.port = port
    async with tenant:
        assert (await office.resume()).state == "done"


# ---- what the service can do to a reading


@pytest.mark.parametrize("on", [GET_DOMAIN, GET_CONNECTOR])
@pytest.mark.parametrize("trouble", ["forbidden", "busy", "failing", "cut", "html", "half-json", "no-rows", "refused"])
async def test_nothing_is_sent_unless_all_can_be_read(tenant: LabTenant, office: Office, trouble: str, on: str) -> None:
    tenant.spoil(Trouble(on, trouble, EVER))
    fix = await office.do()
    assert (fix.state, notes(fix), office.sent) == ("failed", [], (0, 0))
    assert "cannot be read by its Guid now" in fix.said
    assert "Exchange Online (127.0.0.1" in fix.said, "why"


@pytest.mark.parametrize("trouble", ["busy", "cut", "failing", "unavailable"])
async def test_a_reading_is_tried_again(tenant: LabTenant, office: Office, trouble: str) -> None:
    tenant.spoil(Trouble("*", trouble, 3))
    assert (await office.do()).state == "done"
    assert office.sent == (1, 1)


@pytest.mark.parametrize(("table", "name"), [("accepted-domain", DOMAIN), ("connector", CONNECTOR)])
async def test_an_object_that_is_gone(tenant: LabTenant, office: Office, table: Any, name: str) -> None:
    """Asked for an identity that it does not know, the service gives all others: none of them is written to."""
    tenant.change(table, name, "Guid", "0e2f4f0c-1111-4222-8333-444455556666")
    fix = await office.do()
    assert (fix.state, office.sent) == ("failed", (0, 0))
    assert "Nothing has that Guid." in fix.said


@pytest.mark.parametrize("trouble", ["forbidden", "html", "cut"])
async def test_it_cannot_be_read_back(tenant: LabTenant, office: Office, trouble: str) -> None:
    office.points.at("after-send", lambda: tenant.spoil(Trouble(GET_DOMAIN, trouble, EVER)))
    fix = await office.do()
    assert (fix.state, states(fix), office.sent) == ("unknown", "unknown todo", (1, 0))
    again = await office.resume()
    assert (again.state, office.sent) == ("unknown", (1, 0)), "what cannot be read is not sent again"
    tenant.heal()
    done = await office.resume()
    assert (done.state, office.sent, office.effective) == ("done", (1, 1), (1, 1))


async def test_what_was_written_before_cannot_be_read(tenant: LabTenant, office: Office) -> None:
    """That is not blamed on somebody else."""
    office.points.at("after-record", lambda: tenant.spoil(Trouble(GET_DOMAIN, "forbidden", EVER)))
    fix = await office.do()
    assert (fix.state, states(fix), notes(fix), office.sent) == ("half-done", "done todo", [], (1, 0))


async def test_between_two_tries_it_cannot_be_read(tenant: LabTenant, office: Office) -> None:
    """No second attempt without a reading before it."""
    tenant.spoil(Trouble(SET_DOMAIN, "busy", EVER))
    office.points.at("after-send", lambda: tenant.spoil(Trouble(GET_DOMAIN, "forbidden", EVER)))
    fix = await office.do()
    assert (fix.state, office.sent) == ("failed", (1, 0))


async def test_the_lease_outlives_a_slow_reading(tenant: LabTenant, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "LEASE", ledger.LEASE / 50)
    tenant.spoil(Trouble(GET_DOMAIN, "late", 1, seconds=0.95))
    before = len(tenant.asked(GET_DOMAIN))
    doing = asyncio.ensure_future(office.do())
    await tenant.arrived(GET_DOMAIN, before + 1)
    await asyncio.sleep(0.8)
    row = await office.desk.store.fix(office.fix.id)
    assert row
    assert row.lease_until
    assert row.lease_until > office.clock()
    assert (await doing).state == "done"


# ---- what is seen late


@pytest.mark.parametrize("lag", [{"reads": 1}, {"reads": 4}, {"seconds": 0.08}])
async def test_a_write_that_is_seen_late(tenant: LabTenant, office: Office, lag: Any) -> None:
    tenant.lag(**lag)
    office.desk = replace(office.desk, patience=replace(QUICK, lag=5))
    assert (await office.do()).state == "done"
    assert (await office.undo()).state == "undone"
    assert (office.sent, office.effective, office.truth) == ((2, 2), (2, 2), BEFORE)


@on_both
async def test_later_than_anybody_waits(tenant: LabTenant, office: Office) -> None:
    tenant.lag(seconds=3600)
    fix = await office.do()
    assert (fix.state, states(fix), exit_code(fix)) == ("unknown", "unknown todo", 1)
    appear(tenant)
    done = await office.resume()
    assert (done.state, office.sent, office.effective) == ("unknown", (1, 1), (1, 1)), "the connector is late as well"
    appear(tenant)
    assert (await office.resume()).state == "done"
    assert (office.sent, office.effective, office.truth) == ((1, 1), (1, 1), AFTER)


async def test_resumed_while_it_is_still_not_seen(tenant: LabTenant, office: Office) -> None:
    """The same value is sent once more, and changes nothing."""
    tenant.lag(seconds=3600)
    assert [(await office.do()).state, (await office.resume()).state] == ["unknown", "unknown"]
    assert (office.sent, office.effective) == ((2, 0), (1, 0))


async def test_resumed_while_not_seen_and_not_to_be_sent(tenant: LabTenant, office: Office) -> None:
    """That an old attempt took no effect is not known, so it does not become "failed"."""
    tenant.lag(seconds=3600)
    await office.do()
    for on, trouble in (("token", "no-token"), (SET_DOMAIN, "refused"), (SET_DOMAIN, "busy")):
        forget_the_writer(tenant)
        tenant.spoil(Trouble(on, trouble, EVER))
        again = await office.resume()
        assert (again.state, states(again)) == ("unknown", "unknown todo"), trouble
        tenant.heal()
    appear(tenant)
    tenant.lag()
    assert (await office.resume()).state == "done"
    assert office.effective == (1, 1)


async def test_taken_back_while_not_seen(tenant: LabTenant, office: Office) -> None:
    """The old value may only be seen because the new one is late: it is written all the same."""
    tenant.lag(seconds=3600)
    assert (await office.do()).state == "unknown"
    tenant.lag()
    assert (await office.undo()).state == "undone"
    appear(tenant)
    assert (office.truth, office.effective) == (BEFORE, (2, 0))


@pytest.mark.parametrize("trouble", ["refused", "busy", "failing", "cut"])
async def test_not_taken_back_while_not_seen(tenant: LabTenant, office: Office, trouble: str) -> None:
    tenant.lag(seconds=3600)
    await office.do()
    tenant.lag()
    tenant.spoil(Trouble(SET_DOMAIN, trouble, EVER))
    assert (await office.undo()).state == "unknown"
    tenant.heal()
    assert (await office.undo()).state == "undone"
    assert office.truth == BEFORE
