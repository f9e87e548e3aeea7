"""What is read from Exchange Online, page by page, and what is known while it is away."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.demo.lab.tenant import LabTenant, Trouble, cmdlets
from diagnostics.connectors import admin_api, exchange_online, https_client
from diagnostics.connectors.exchange_online import ExchangeOnline
from diagnostics.connectors.source import Object, SourceError

GET = "Get-OutboundConnector"


async def test_the_inventory_holds_connectors_in_test_mode_too(tenant: LabTenant, reader: ExchangeOnline) -> None:
    found = await reader.read()
    assert [(one.Name, one.TestMode) for one in found.connectors] == [
        ("On premises", False),
        ("Partner", False),
        ("Rehearsal", True),
    ]
    assert [(one.DomainName, one.DomainType) for one in found.accepted_domains] == [
        ("contoso.test", "InternalRelay"),
        ("fabrikam.test", "Authoritative"),
    ]
    assert found.source == f"Exchange Online (tenant {tenant.guid})"
    assert found.at is not None
    assert datetime.now(UTC) - found.at < timedelta(seconds=10)


async def test_the_list_tells_the_mode_and_nobody_stands_in_both(
    tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(_state: object, parameters: cmdlets.Parameters, _app: str) -> list[dict[str, str]]:
        live, both = {"Name": "Live", "Guid": "1"}, {"Name": "Rehearsal", "Guid": "2"}
        return [live, both] if parameters else [live]

    monkeypatch.setitem(vars(cmdlets)["CMDLETS"], GET, (rows, ("IncludeTestModeConnectors",)))
    assert [(one.Name, one.TestMode) for one in (await reader.read()).connectors] == [("Live", False), ("Rehearsal", True)]


async def test_modes_are_read_and_tls_settings_that_are_not_given_are_not_known(
    tenant: LabTenant, reader: ExchangeOnline
) -> None:
    tenant.change("connector", "On premises", "SmtpDaneMode", "Mandatory")
    tenant.change("connector", "On premises", "MtaStsMode", "None")
    tenant.change("connector", "On premises", "TlsSettings", None)
    del tenant.state.true("connector", "Partner")["TlsSettings"]
    null, absent, _ = (await reader.fresh()).connectors
    assert (null.SmtpDaneMode, null.MtaStsMode, null.TlsSettings, null.tls_known) == ("Mandatory", "None", None, True)
    assert (absent.TlsSettings, absent.tls_known) == (None, False)


async def test_what_a_plan_reads_besides(tenant: LabTenant, reader: ExchangeOnline) -> None:
    rules = await reader.rules()
    assert [(rule.Name, rule.State, rule.RouteMessageOutboundConnector) for rule in rules] == [
        ("Legal", "Enabled", "Partner"),
        ("Footer", "Enabled", None),
    ]
    assert await reader.has_mailboxes()
    tenant.state.remove("mailbox", "alice@contoso.test")
    assert not await reader.has_mailboxes()


@pytest.mark.parametrize(
    ("domain", "count"), [("contoso.test", 1), ("CONTOSO.test", 1), ("elsewhere.test", 1), ("none.test", 0), ("o'hara.test", 0)]
)
async def test_recipients_whose_target_is_in_the_domain_are_counted(reader: ExchangeOnline, domain: str, count: int) -> None:
    assert await reader.on_premises_recipients(domain) == count


async def test_the_filter_is_quoted(tenant: LabTenant, reader: ExchangeOnline) -> None:
    await reader.on_premises_recipients("o'hara.test")
    assert tenant.asked("Get-MailUser")[0].parameters["Filter"] == "ExternalEmailAddress -like '*@o''hara.test'"


async def test_of_recipients_only_the_target_is_asked_for(tenant: LabTenant, reader: ExchangeOnline) -> None:
    await reader.on_premises_recipients("contoso.test")
    assert tenant.asked("Get-MailUser")[0].query == {"$select": "ExternalEmailAddress"}


async def test_a_filter_that_is_passed_over_is_found_out(
    tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.demo.lab.tenant.cmdlets.LIKE", re.compile("never"))
    assert await reader.on_premises_recipients("contoso.test") == 1
    monkeypatch.setattr(exchange_online, "MOST_RECIPIENTS", 2)
    with pytest.raises(SourceError, match="cannot be counted"):
        await reader.on_premises_recipients("none.test")


async def test_waiting_mail_of_all_domains_is_counted_in_one_reading(tenant: LabTenant, reader: ExchangeOnline) -> None:
    assert list(await reader.pending(["contoso.test", "Fabrikam.test", "none.test"])) == [2, 1, 0]
    (asked,) = tenant.asked("Get-MessageTraceV2")
    assert asked.parameters["Status"] == "Pending"
    assert asked.query == {"$select": "Status,RecipientAddress"}, "nobody's address leaves, and no subject comes"


# --- One value, by Guid ---


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [("connector", "On premises", True), ("connector", "Rehearsal", True), ("accepted-domain", "contoso.test", "InternalRelay")],
)
async def test_a_value_is_that_of_the_one_object(
    tenant: LabTenant, reader: ExchangeOnline, kind: Object, name: str, value: object
) -> None:
    assert await reader.value(kind, tenant.guid_of(kind, name).upper()) == value


@pytest.mark.parametrize("kind", ["connector", "accepted-domain"])
@pytest.mark.parametrize("identity", ["00000000-0000-4000-8000-000000000000", "", "On premises"])
async def test_no_value_of_an_object_that_is_not_there(reader: ExchangeOnline, kind: Object, identity: str) -> None:
    """Asked so, the service gives all objects."""
    assert await reader.value(kind, identity) is None


async def test_an_object_that_cannot_be_seen_yet_has_no_value(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.spoil(Trouble(GET, "not-found", times=2))
    guid = tenant.guid_of("connector", "On premises")
    assert [await reader.value("connector", guid) for _ in range(2)] == [None, True]


async def test_a_value_that_is_not_told_is_not_false(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.change("connector", "On premises", "Enabled", None)
    with pytest.raises(SourceError, match="without Enabled"):
        await reader.value("connector", tenant.guid_of("connector", "On premises"))


async def test_replication_takes_its_time(tenant: LabTenant, reader: ExchangeOnline) -> None:
    guid = tenant.guid_of("connector", "On premises")
    tenant.lag(reads=2)
    tenant.state.write("connector", guid, "Enabled", False, by=tenant.writer.client_id)
    assert [await reader.value("connector", guid) for _ in range(3)] == [True, True, False]


# --- Pages ---


async def test_pages_are_followed_with_the_same_question(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.page_size = 1
    await reader.on_premises_recipients("contoso.test")
    found = await reader.fresh()
    assert [one.Name for one in found.connectors] == ["On premises", "Partner", "Rehearsal"]
    pages = [asked for asked in tenant.asked(GET) if not asked.parameters]
    assert [asked.query.get("$skiptoken") for asked in pages] == [None, "1"]
    assert all(asked.headers["X-AnchorMailbox"].endswith("@" + tenant.guid) for asked in pages)


@pytest.mark.parametrize(("trouble", "asked"), [("link-back", 2), ("links-for-ever", admin_api.MAX_PAGES)])
async def test_pages_without_an_end(tenant: LabTenant, reader: ExchangeOnline, trouble: str, asked: int) -> None:
    tenant.spoil(Trouble("Get-TransportRule", trouble, times=None))
    with pytest.raises(SourceError, match="without an end"):
        await reader.rules()
    assert len(tenant.asked("Get-TransportRule")) == asked


async def test_reads_share_connections(tenant: LabTenant, reader: ExchangeOnline) -> None:
    for _ in range(3):
        await reader.rules()
    assert len({asked.port for asked in tenant.asked("Get-TransportRule")}) == 1


# --- Asking again ---


@pytest.mark.parametrize("trouble", ["busy", "unavailable", "failing", "cut", "cut-body"])
async def test_what_may_pass_is_asked_again(tenant: LabTenant, reader: ExchangeOnline, trouble: str) -> None:
    tenant.spoil(Trouble("Get-TransportRule", trouble, times=admin_api.TRIES - 1))
    assert len(await reader.rules()) == 2


@pytest.mark.parametrize(
    ("trouble", "said"), [("busy", "HTTP 429"), ("unavailable", "HTTP 503"), ("failing", "HTTP 500"), ("cut", "broke off")]
)
async def test_five_times_at_most(tenant: LabTenant, reader: ExchangeOnline, trouble: str, said: str) -> None:
    tenant.spoil(Trouble("Get-TransportRule", trouble, times=None))
    with pytest.raises(SourceError, match=said):
        await reader.rules()
    assert len(tenant.asked("Get-TransportRule")) == 5


async def test_retry_after_is_heeded(tenant: LabTenant, reader: ExchangeOnline) -> None:
    tenant.spoil(Trouble("Get-TransportRule", "busy", retry_after="1"))
    await reader.rules()
    first, second = tenant.asked("Get-TransportRule")
    assert second.at - first.at >= 1


async def test_a_pause_has_a_limit(tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_api, "LONGEST_PAUSE", 0.01)
    tenant.spoil(Trouble("Get-TransportRule", "busy", retry_after="600"))
    assert await reader.rules()


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("0", 0, 0),
        ("7", 7, 7),
        (" 7 ", 7, 7),
        ("9" * 60, 3600, 3600),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 3600, 3600),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str, low: float, high: float) -> None:
    pause = https_client.pause_of(text)
    assert pause is not None
    assert low <= pause <= high


@pytest.mark.parametrize("text", [None, "", "-1", "soon", "7.5", "٣", "Fri, 99 Jan 2100 00:00:00 GMT"])
def test_any_other_retry_after_is_none(text: str | None) -> None:
    assert https_client.pause_of(text) is None


# --- What is known ---


async def test_an_inventory_serves_for_a_minute(
    tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await reader.read()
    asked = len(tenant.requests)
    assert await reader.read() is first
    assert len(tenant.requests) == asked
    assert await reader.fresh() is not first
    monkeypatch.setattr(exchange_online, "KEPT_SECONDS", 0)
    last = await reader.fresh()
    assert await reader.read() is not last


async def test_a_service_that_is_away_leaves_what_is_known(
    tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_online, "KEPT_SECONDS", 0)
    first = await reader.read()
    await tenant.stop()
    assert await reader.read() is first
    with pytest.raises(SourceError, match="cannot be reached"):
        await reader.fresh()


async def test_a_service_that_was_found_away_is_left_alone_for_a_while(
    tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_online, "KEPT_SECONDS", 0)
    first = await reader.read()
    monkeypatch.undo()
    tenant.spoil(Trouble("*", "unavailable", times=None))
    started, asked = time.monotonic(), len(tenant.requests)
    assert [await reader.read() for _ in range(5)] == [first] * 5
    assert len(tenant.requests) - asked <= 3
    assert time.monotonic() - started < 1


async def test_what_is_known_does_not_hide_that_the_right_was_taken(
    tenant: LabTenant, reader: ExchangeOnline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_online, "KEPT_SECONDS", 0)
    await reader.read()
    tenant.spoil(Trouble(GET, "forbidden", times=None))
    with pytest.raises(SourceError, match=f"may not run {GET}. Give it the role 'View-Only Configuration'"):
        await reader.read()


async def test_a_service_that_is_away_from_the_start(tenant: LabTenant, reader: ExchangeOnline) -> None:
    await tenant.stop()
    with pytest.raises(SourceError, match=r"token service 127.0.0.1:\d+ cannot be reached"):
        await reader.read()
