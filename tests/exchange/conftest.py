"""A tenant of the lab, and the two apps that work on it: one reads, one writes."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.demo.lab.tenant import LabTenant
from diagnostics.connectors import admin_api
from diagnostics.connectors.access_token import App
from diagnostics.connectors.exchange_admin import ExchangeAdmin
from diagnostics.connectors.exchange_online import ExchangeOnline

CONNECTORS = (
    {"Name": "On premises", "RecipientDomains": ["contoso.test"], "SmartHosts": ["mail.contoso.test"]},
    {"Name": "Partner", "ConnectorType": "Partner", "RecipientDomains": ["partner.test"]},
    {"Name": "Rehearsal", "TestMode": True},
)
DOMAINS = (
    {"DomainName": "contoso.test", "DomainType": "InternalRelay"},
    {"DomainName": "fabrikam.test", "DomainType": "Authoritative", "Default": True},
)


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Doubling from 10 ms instead of 1 s."""
    monkeypatch.setattr(admin_api, "FIRST_PAUSE", 0.01)


@pytest.fixture
async def tenant(tmp_path: Path) -> AsyncIterator[LabTenant]:
    async with LabTenant(
        tmp_path,
        connectors=CONNECTORS,
        accepted_domains=DOMAINS,
        rules=[{"Name": "Legal", "RouteMessageOutboundConnector": "Partner"}, {"Name": "Footer"}],
        waiting=["bob@contoso.test", "dave@CONTOSO.test", "eve@sub.contoso.test", "frank@fabrikam.test"],
        mail_users={"bob@contoso.test": "bob@contoso.test", "carol@contoso.test": "carol@elsewhere.test"},
    ) as started:
        yield started


@pytest.fixture
async def reader(tenant: LabTenant) -> AsyncIterator[ExchangeOnline]:
    app = App(tenant.guid, tenant.reader.client_id, tenant.reader.secret)
    made = ExchangeOnline(app, tenant.login_url, tenant.url, tenant.ca_file)
    yield made
    await made.close()


@pytest.fixture
async def admin(tenant: LabTenant) -> AsyncIterator[ExchangeAdmin]:
    app = App(tenant.guid, tenant.writer.client_id, tenant.writer.secret)
    made = ExchangeAdmin(app, tenant.login_url, tenant.url, tenant.ca_file)
    yield made
    await made.close()
