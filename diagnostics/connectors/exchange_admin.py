"""The one place from which a tenant is written to (`Admin` of source.py): one call, one attempt, and what is known of it."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from diagnostics.connectors import https_client
from diagnostics.connectors.access_token import App, Token
from diagnostics.connectors.admin_api import Command, Invoke, Role
from diagnostics.connectors.exchange_online import PROPERTIES
from diagnostics.connectors.faults import UNREACHABLE, Fault, Kind
from diagnostics.connectors.source import GUID, Change, Object, Sent

CMDLETS: Mapping[Object, str] = {"connector": "Set-OutboundConnector", "accepted-domain": "Set-AcceptedDomain"}
ROLE: Role = "Remote and Accepted Domains"

SENT: Mapping[Kind, Literal["refused", "again"]] = {
    "refused": "refused",
    "forbidden": "refused",
    "missing": "refused",
    "setting": "refused",
    "unauthorized": "again",
    "busy": "again",
    "not-sent": "again",
}
"""Faults that tell that nothing was changed. Any other leaves it open, a 200 that reports errors included."""


class ExchangeAdmin:
    """Writes as one app, which needs no right to read. Raises SourceError for settings that cannot be."""

    def __init__(self, app: App, login_url: str, exchange_url: str, ca_file: Path | None = None) -> None:
        self._invoke = Invoke(app, login_url, exchange_url, ca_file, keep=False)

    async def close(self) -> None:
        await self._invoke.close()

    async def ready(self) -> None:
        await self._invoke.token()

    async def send(self, change: Change) -> Sent:
        """Within wire.SECONDS, whatever happens: a lease of 30 s outlives it."""
        if not GUID.fullmatch(change.guid):
            # for other identities the service may find several objects
            return _sent(Fault("missing", f"{change.name or 'The object'} has no Guid, so nothing was sent."))
        until = asyncio.get_running_loop().time() + https_client.SECONDS
        try:
            token = await self._invoke.token()
        except Fault as fault:
            return Sent("again" if fault.kind in UNREACHABLE else "refused", str(fault), fault.pause)
        try:
            async with asyncio.timeout_at(until):
                return await self._send(change, token)
        except TimeoutError:
            return _sent(Fault("silent", f"Exchange Online did not answer within {https_client.SECONDS:.0f} s."))

    async def _send(self, change: Change, token: Token) -> Sent:
        parameters = {"Identity": change.guid, PROPERTIES[change.kind]: change.value}
        try:
            await self._invoke.once(Command(CMDLETS[change.kind], parameters, role=ROLE), token)
        except Fault as fault:
            if fault.kind == "unauthorized":
                await self._invoke.drop_token()
            return _sent(fault)
        return Sent("accepted")


def _sent(fault: Fault) -> Sent:
    return Sent(SENT.get(fault.kind, "uncertain"), str(fault), fault.pause)
