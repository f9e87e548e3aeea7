"""One write is one attempt, and what it says of itself is no more than the reply tells."""

import asyncio
import time

import pytest

from bot.demo.lab.tenant import LabTenant, Trouble
from diagnostics.connectors import https_client
from diagnostics.connectors.exchange_admin import ExchangeAdmin
from diagnostics.connectors.exchange_online import ExchangeOnline
from diagnostics.connectors.source import Change, Sent, SourceError

SET = "Set-OutboundConnector"


def off(tenant: LabTenant) -> Change:
    return Change("connector", tenant.guid_of("connector", "On premises"), False, "On premises")


async def test_both_writes(tenant: LabTenant, admin: ExchangeAdmin) -> None:
    domain = Change("accepted-domain", tenant.guid_of("accepted-domain", "contoso.test"), "Authoritative")
    assert [await admin.send(domain), await admin.send(off(tenant))] == [Sent("accepted"), Sent("accepted")]
    assert tenant.value("accepted-domain", "contoso.test", "DomainType") == "Authoritative"
    assert tenant.value("connector", "On premises", "Enabled") is False
    assert [(one.by, one.property) for one in tenant.changes] == [
        (tenant.writer.client_id, "DomainType"),
        (tenant.writer.client_id, "Enabled"),
    ]


async def test_the_same_value_again_is_no_change(tenant: LabTenant, admin: ExchangeAdmin) -> None:
    assert [(await admin.send(off(tenant))).kind for _ in range(3)] == ["accepted"] * 3
    assert tenant.effective("On premises", "Enabled") == 1


async def test_what_is_sent_is_the_guid_and_the_value_alone(tenant: LabTenant, admin: ExchangeAdmin) -> None:
    change = off(tenant)
    await admin.send(change)
    (asked,) = tenant.asked(SET)
    assert asked.parameters == {"Identity": change.guid, "Enabled": False}


@pytest.mark.parametrize(
    "case",
    [
        ("ineffective", "accepted", "", 0),
        ("zipped", "accepted", "", 1),
        ("refused", "refused", r"HTTP 400. It says: The value isn't valid: \x1b[31m<!channel>.", 0),
        ("not-found", "refused", "HTTP 404. It says: The object couldn't be found on 'LAB01'.", 0),
        ("forbidden", "refused", f"may not run {SET}. Give it the role 'Remote and Accepted Domains'", 0),
        ("busy", "again", "HTTP 429: it is busy", 0),
        ("unavailable", "again", "HTTP 503: it is busy", 0),
        ("expired", "again", "does not accept the token", 0),
        ("failing", "uncertain", "HTTP 500", 0),
        ("errors", "uncertain", "with an error: The change was not taken.", 0),
        ("errors-after", "uncertain", "with an error: An error occurred after the change.", 1),
        ("cut", "uncertain", "broke off the answer", 0),
        ("cut-after", "uncertain", "broke off the answer", 1),
        ("cut-body", "uncertain", "broke off the answer", 1),
        ("html", "uncertain", "no JSON", 0),
        ("half-json", "uncertain", "no JSON", 0),
        ("list", "uncertain", "not an object", 0),
        ("deep", "uncertain", "no JSON (RecursionError)", 0),
        ("redirect", "uncertain", "HTTP 307", 0),
    ],
)
async def test_one_attempt(tenant: LabTenant, admin: ExchangeAdmin, case: tuple[str, str, str, int]) -> None:
    """Trouble → kind, words, and whether the tenant was changed."""
    trouble, kind, said, changed = case
    tenant.spoil(Trouble(SET, trouble))
    sent = await admin.send(off(tenant))
    assert (sent.kind, sent.pause) == (kind, None)
    assert said in sent.said
    assert sent.said.isprintable()
    assert len(tenant.asked(SET)) == 1
    assert tenant.effective("On premises", "Enabled") == changed


async def test_the_pause_that_was_asked_for_is_handed_on(tenant: LabTenant, admin: ExchangeAdmin) -> None:
    tenant.spoil(Trouble(SET, "busy", retry_after="17"))
    assert (await admin.send(off(tenant))).pause == 17


@pytest.mark.parametrize(("trouble", "changed"), [("silent", 0), ("silent-after", 1), ("drip", 0)])
async def test_no_answer_in_time(
    tenant: LabTenant, admin: ExchangeAdmin, monkeypatch: pytest.MonkeyPatch, trouble: str, changed: int
) -> None:
    await admin.ready()
    monkeypatch.setattr(https_client, "SECONDS", 0.3)
    tenant.spoil(Trouble(SET, trouble))
    started = time.monotonic()
    assert (await admin.send(off(tenant))).kind == "uncertain"
    assert time.monotonic() - started < 2
    assert tenant.effective("On premises", "Enabled") == changed


async def test_a_service_that_is_away_got_nothing(tenant: LabTenant, admin: ExchangeAdmin) -> None:
    await admin.ready()
    await tenant.stop()
    sent = await admin.send(off(tenant))
    assert sent.kind == "again"
    assert "cannot be reached" in sent.said


async def test_a_write_never_goes_out_on_an_old_connection(tenant: LabTenant, admin: ExchangeAdmin) -> None:
    """If the service closed it meanwhile, it could not be told whether the write arrived."""
    for _ in range(3):
        await admin.send(off(tenant))
    assert len({asked.port for asked in tenant.asked(SET)}) == 3


async def test_the_time_for_a_token_is_part_of_the_time(
    tenant: LabTenant, admin: ExchangeAdmin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(https_client, "SECONDS", 0.8)
    tenant.spoil(Trouble("token", "late", seconds=0.6), Trouble(SET, "silent"))
    started = time.monotonic()
    assert (await admin.send(off(tenant))).kind == "uncertain"
    assert time.monotonic() - started < 1.2


async def test_after_a_refused_token_the_next_write_has_a_new_one(tenant: LabTenant, admin: ExchangeAdmin) -> None:
    await admin.ready()
    tenant.tokens.given.clear()
    assert [(await admin.send(off(tenant))).kind for _ in range(2)] == ["again", "accepted"]
    assert len(tenant.asked("token")) == 2


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [("busy", "again"), ("failing", "again"), ("cut", "again"), ("html", "refused"), ("wrong-tenant", "refused")],
)
async def test_without_a_token_nothing_is_sent(tenant: LabTenant, admin: ExchangeAdmin, trouble: str, kind: str) -> None:
    tenant.spoil(Trouble("token", trouble, times=2))
    with pytest.raises(SourceError):
        await admin.ready()
    assert (await admin.send(off(tenant))).kind == kind
    assert not tenant.asked(SET)


@pytest.mark.parametrize("guid", ["", "On premises", "*", "00000000-0000-4000-8000-00000000000"])
async def test_without_a_guid_nothing_is_sent(tenant: LabTenant, admin: ExchangeAdmin, guid: str) -> None:
    assert (await admin.send(Change("connector", guid, False, "On premises"))).kind == "refused"
    assert not tenant.requests


async def test_a_cancelled_write_is_cancelled(tenant: LabTenant, admin: ExchangeAdmin) -> None:
    tenant.spoil(Trouble(SET, "silent-after"))
    write = asyncio.create_task(admin.send(off(tenant)))
    await tenant.arrived(SET)
    write.cancel()
    with pytest.raises(asyncio.CancelledError):
        await write
    assert tenant.effective("On premises", "Enabled") == 1


async def test_who_reads_cannot_write_and_who_writes_cannot_read_all(tenant: LabTenant, reader: ExchangeOnline) -> None:
    assert not tenant.reader.may & {SET, "Set-AcceptedDomain"}
    assert "Get-MailUser" not in tenant.writer.may
    await reader.read()
    assert not tenant.changes
