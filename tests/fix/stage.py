"""The program at work on a tenant that is there for it, with a ledger of its own."""

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bot.demo.lab import Lab
from bot.demo.lab.tenant import LabTenant
from diagnostics.store import Store
from diagnostics.store.opening import open_store
from tests.fix.office import CONNECTOR, DOMAIN


@dataclass(frozen=True, slots=True)
class Stage:
    """A connector and its domain, and the settings of a program that works on them."""

    tenant: LabTenant
    store: Store
    env: dict[str, str]
    connector: str = CONNECTOR
    domain: str = DOMAIN

    def at(self, number: int) -> "Stage":
        """Another connector of the same tenant."""
        return replace(self, connector=f"{CONNECTOR} {number}", domain=f"d{number}.test")

    @staticmethod
    def now() -> datetime:
        return datetime.now(UTC)

    @property
    def guids(self) -> tuple[str, str]:
        return self.tenant.guid_of("accepted-domain", self.domain), self.tenant.guid_of("connector", self.connector)

    @property
    def truth(self) -> tuple[str, bool]:
        """The domain's type, and whether the connector is on, whatever reads see."""
        return (
            self.tenant.value("accepted-domain", self.domain, "DomainType"),
            self.tenant.value("connector", self.connector, "Enabled"),
        )

    @property
    def sent(self) -> tuple[int, int]:
        """How many writes came for the domain and for the connector."""
        written = [one.parameters["Identity"] for one in self.tenant.requests if one.what.startswith("Set-")]
        return written.count(self.guids[0]), written.count(self.guids[1])

    @property
    def effective(self) -> tuple[int, int]:
        """How many of them changed something."""
        return self.tenant.effective(self.domain, "DomainType"), self.tenant.effective(self.connector, "Enabled")


@contextlib.asynccontextmanager
async def staged(
    lab: Lab, folder: Path, url: str, *, connectors: int = 0, mail_users: Mapping[str, str] | None = None
) -> AsyncIterator[Stage]:
    """`connectors`: how many there are besides the one. `mail_users`: address → target."""
    stages = [(CONNECTOR, DOMAIN), *((f"{CONNECTOR} {n}", f"d{n}.test") for n in range(connectors))]
    rows = [{"Name": name, "RecipientDomains": [domain], "SmartHosts": ["mail.contoso.test"]} for name, domain in stages]
    domains = [{"DomainName": domain, "DomainType": "InternalRelay"} for _, domain in stages]
    async with (
        open_store(url) as store,
        LabTenant(folder, connectors=rows, accepted_domains=domains, mail_users=mail_users) as tenant,
    ):
        yield Stage(tenant, store, settings(lab, tenant, folder, url))


def settings(lab: Lab, tenant: LabTenant, folder: Path, url: str) -> dict[str, str]:
    """The environment of a program that reads and writes this tenant."""
    return {
        "MAILFLOW_DNS": lab.dns,
        "MAILFLOW_SMTP_PORT": str(lab.smtp_port),
        "MAILFLOW_ALLOW_PRIVATE": "on",
        "MAILFLOW_CONTROL_HOST": "",
        "MAILFLOW_DATABASE_URL": url,
        **tenant.variables,
        "XDG_DATA_HOME": str(folder),
        "XDG_CONFIG_HOME": str(folder),
        "HOME": str(folder),
    }
