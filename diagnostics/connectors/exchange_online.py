"""Connectors, and what a fix needs to know besides, read from Exchange Online itself (`Tenant` of source.py)."""

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from diagnostics.connectors.access_token import App
from diagnostics.connectors.admin_api import TRIES, Command, Invoke, Parameters, Role, Row
from diagnostics.connectors.connector import AcceptedDomain, Connector, Inventory, TransportRule
from diagnostics.connectors.faults import UNREACHABLE, Fault, shown
from diagnostics.connectors.source import Object, Value
from diagnostics.connectors.words import say

KEPT_SECONDS = 60.0
"""How long an inventory serves further questions, and how long nobody asks again after the service was found away."""

MOST_RECIPIENTS = 10_000
"""Mail users that are counted: beyond, the number changes no decision."""

PROPERTIES: Mapping[Object, str] = {"connector": "Enabled", "accepted-domain": "DomainType"}
"""What a fix changes of each."""

RECIPIENTS: Role = "View-Only Recipients"
TRACES: Role = "Message Tracking"
MOST_TRACES = 5_000
"""What one call gives at most."""
TEST_MODE = {"IncludeTestModeConnectors": True}
"""Gives the connectors in test mode and no others (Get-OutboundConnector)."""

_INVENTORY = (Command("Get-OutboundConnector"), Command("Get-OutboundConnector", TEST_MODE), Command("Get-AcceptedDomain"))

_Model = TypeVar("_Model", bound=BaseModel)


class ExchangeOnline:
    """Reads as one app. `login_url`, `exchange_url`: bases, https. Raises SourceError for settings that cannot be."""

    def __init__(self, app: App, login_url: str, exchange_url: str, ca_file: Path | None = None) -> None:
        self._invoke = Invoke(app, login_url, exchange_url, ca_file)
        self._source = say("tenant", {"tenant": app.tenant})
        self._known: Inventory | None = None
        self._until = 0.0
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        await self._invoke.close()

    async def read(self) -> Inventory:
        """An inventory of the last minute does. If the service is away, the last one does, with the time it was read."""
        async with self._lock:
            if self._known is None:
                return await self._read(TRIES)
            if time.monotonic() < self._until:
                return self._known
            try:
                return await self._read(tries=1)
            except Fault as fault:
                if fault.kind not in UNREACHABLE:
                    raise
                self._until = time.monotonic() + KEPT_SECONDS
                return self._known

    async def fresh(self) -> Inventory:
        async with self._lock:
            return await self._read(TRIES)

    def changed(self) -> None:
        self._until = 0.0

    async def rules(self) -> Sequence[TransportRule]:
        rows = await self._invoke.rows(Command("Get-TransportRule", select=tuple(TransportRule.model_fields)))
        return _models(TransportRule, rows, "Get-TransportRule")

    async def has_mailboxes(self) -> bool:
        parameters: Parameters = {"RecipientTypeDetails": "UserMailbox", "ResultSize": 1}
        rows = await self._invoke.rows(Command("Get-Mailbox", parameters, ("RecipientTypeDetails",), RECIPIENTS))
        return any(row.get("RecipientTypeDetails") == "UserMailbox" for row in rows)

    async def on_premises_recipients(self, domain: str) -> int:
        """At most MOST_RECIPIENTS. The service filters, and so do we: a filter that it passes over would give everybody."""
        ending = "@" + domain.lower()
        # OPATH: a target is kept with its prefix, SMTP: (filterable properties, ExternalEmailAddress)
        pattern = "*" + ending.replace("'", "''")
        parameters: Parameters = {"Filter": f"ExternalEmailAddress -like '{pattern}'", "ResultSize": MOST_RECIPIENTS}
        rows = await self._invoke.rows(Command("Get-MailUser", parameters, ("ExternalEmailAddress",), RECIPIENTS))
        count = sum(str(row.get("ExternalEmailAddress", "")).lower().endswith(ending) for row in rows)
        if count < len(rows) >= MOST_RECIPIENTS:
            raise Fault(
                "malformed", f"Exchange Online did not filter mail users by {shown(domain, 80)}, so they cannot be counted."
            )
        return count

    async def pending(self, domains: Sequence[str]) -> Sequence[int]:
        """Of the last day, as far as one answer of Get-MessageTraceV2 tells, which has no filter by domain."""
        now = datetime.now(UTC)
        parameters: Parameters = {
            "Status": "Pending",
            "StartDate": f"{now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
            "EndDate": f"{now:%Y-%m-%dT%H:%M:%SZ}",
            "ResultSize": MOST_TRACES,
        }
        rows = await self._invoke.rows(Command("Get-MessageTraceV2", parameters, ("Status", "RecipientAddress"), TRACES), tries=1)
        waiting = Counter(_domain_of(row.get("RecipientAddress")) for row in rows if row.get("Status") == "Pending")
        return [waiting[domain.lower()] for domain in domains]

    async def value(self, kind: Object, guid: str) -> Value | None:
        """Microsoft gives all objects for an identity that it does not know: only the row with that Guid counts."""
        for command in _look_ups(kind, guid):
            try:
                rows = await self._invoke.rows(command)
            except Fault as fault:
                if fault.kind != "missing":
                    raise
                continue
            found = [row for row in rows if str(row.get("Guid")).lower() == guid.lower()]
            if len(found) == 1:
                return _told(kind, found[0])
        return None

    async def _read(self, tries: int) -> Inventory:
        try:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(self._invoke.rows(command, tries=tries)) for command in _INVENTORY]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        live, testing, domains = (task.result() for task in asked)
        # connectors in test mode are a list of their own; a service that knows no test mode gives the same list twice
        guids = {row.get("Guid") for row in live}
        found = [*live, *({**row, "TestMode": True} for row in testing if row.get("Guid") not in guids)]
        # null is opportunistic TLS; a row without the property tells nothing of it
        connectors = [{**row, "tls_known": "TlsSettings" in row, "lost": ()} for row in found]
        self._known = Inventory(
            connectors=_models(Connector, connectors, "Get-OutboundConnector"),
            accepted_domains=_models(AcceptedDomain, domains, "Get-AcceptedDomain"),
            source=self._source,
            at=datetime.now(UTC),
        )
        self._until = time.monotonic() + KEPT_SECONDS
        return self._known


def _domain_of(address: object) -> str:
    return str(address or "").rpartition("@")[2].lower()


def _look_ups(kind: Object, guid: str) -> tuple[Command, ...]:
    """A connector may be among the live ones or among those in test mode."""
    if kind == "accepted-domain":
        return (Command("Get-AcceptedDomain", {"Identity": guid}),)
    identity: Parameters = {"Identity": guid}
    return (Command("Get-OutboundConnector", identity), Command("Get-OutboundConnector", {**identity, **TEST_MODE}))


def _told(kind: Object, row: Row) -> Value:
    """The property that a fix changes. Missing is not false: raises Fault."""
    property = PROPERTIES[kind]
    value = row.get(property)
    if isinstance(value, bool if kind == "connector" else str):
        return value
    raise Fault(
        "malformed", f"Exchange Online gives the {kind} {row['Guid']} without {property}. Look at it in the admin center."
    )


def _models(model: type[_Model], rows: Sequence[Row], cmdlet: str) -> list[_Model]:
    try:
        # null tells nothing: what was not told must not pass as "false"
        return [model.model_validate({key: value for key, value in row.items() if value is not None}) for row in rows]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Fault(
            "malformed", f"Exchange Online answers {cmdlet} with {shown(place, 80) or 'a row'}: {shown(first['msg'], 120)}."
        ) from None
