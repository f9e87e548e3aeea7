"""The cmdlets that the tenant knows, with the traps of the real ones (ExchangePowerShell reference).

Get-OutboundConnector leaves out connectors in test mode, and with IncludeTestModeConnectors prints those alone. An Identity
that is null or unknown prints everything.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.demo.lab.tenant.state import Row, State, Table

Parameters = Mapping[str, Any]
Cmdlet = Callable[[State, Parameters, str], list[Row]]
"""State, parameters, and the app that runs it → rows. Raises Refusal."""

DOMAIN_TYPES = ("Authoritative", "InternalRelay")
LIKE = re.compile(r"(\w+) -like '((?:[^']|'')*)'", re.IGNORECASE)


class Refusal(Exception):
    """The service says no: HTTP status, error.code, and the sentence that stands in error.details."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def get_outbound_connector(state: State, parameters: Parameters, _app: str) -> list[Row]:
    wanted = bool(parameters.get("IncludeTestModeConnectors"))
    return [row for row in state.seen("connector", parameters.get("Identity")) if bool(row["TestMode"]) == wanted]


def get_accepted_domain(state: State, parameters: Parameters, _app: str) -> list[Row]:
    return state.seen("accepted-domain", parameters.get("Identity"))


def get_transport_rule(state: State, parameters: Parameters, _app: str) -> list[Row]:
    return state.seen("rule", parameters.get("Identity"))


def get_mailbox(state: State, parameters: Parameters, _app: str) -> list[Row]:
    kind = parameters.get("RecipientTypeDetails")
    kinds = [kind] if isinstance(kind, str) else kind
    return _first(parameters, [row for row in state.seen("mailbox") if not kinds or row["RecipientTypeDetails"] in kinds])


def get_mail_user(state: State, parameters: Parameters, _app: str) -> list[Row]:
    """Understands one comparison, `Property -like 'pattern'`; any other filter is passed over."""
    rows = state.seen("mail-user")
    if like := LIKE.fullmatch(parameters.get("Filter") or ""):
        pattern = re.compile(re.escape(like[2].replace("''", "'")).replace(r"\*", ".*"), re.IGNORECASE)
        rows = [row for row in rows if pattern.fullmatch(str(row.get(like[1], "")))]
    return _first(parameters, rows)


def get_message_trace(state: State, parameters: Parameters, _app: str) -> list[Row]:
    status = parameters.get("Status")
    return _first(parameters, [row for row in state.seen("trace") if status in (None, row["Status"])])


def set_outbound_connector(state: State, parameters: Parameters, app: str) -> list[Row]:
    if not isinstance(parameters.get("Enabled"), bool):
        raise Refusal(400, "BadRequest", "Cannot process argument transformation on parameter 'Enabled'.")
    return _set(state, "connector", parameters, "Enabled", app)


def set_accepted_domain(state: State, parameters: Parameters, app: str) -> list[Row]:
    if parameters.get("DomainType") not in DOMAIN_TYPES:
        raise Refusal(400, "BadRequest", "Cannot process argument transformation on parameter 'DomainType'.")
    return _set(state, "accepted-domain", parameters, "DomainType", app)


def _set(state: State, table: Table, parameters: Parameters, property: str, app: str) -> list[Row]:
    identity = str(parameters.get("Identity") or "")
    found = state.count(table, identity)
    if found == 0:
        raise Refusal(404, "NotFound", f"The operation couldn't be performed because object '{identity}' couldn't be found.")
    if found > 1:
        raise Refusal(400, "BadRequest", f"The operation couldn't be performed because '{identity}' matches multiple entries.")
    state.write(table, identity, property, parameters[property], app)
    return []


def _first(parameters: Parameters, rows: list[Row]) -> list[Row]:
    size = str(parameters.get("ResultSize", 1000))
    return rows if size == "Unlimited" else rows[: int(size)]


CMDLETS: Mapping[str, tuple[Cmdlet, tuple[str, ...]]] = {
    "Get-OutboundConnector": (get_outbound_connector, ("Identity", "IncludeTestModeConnectors", "ResultSize")),
    "Get-AcceptedDomain": (get_accepted_domain, ("Identity", "ResultSize")),
    "Get-TransportRule": (get_transport_rule, ("Identity", "ResultSize", "State")),
    "Get-Mailbox": (get_mailbox, ("Identity", "RecipientTypeDetails", "ResultSize")),
    "Get-MailUser": (get_mail_user, ("Identity", "Filter", "ResultSize")),
    "Get-MessageTraceV2": (get_message_trace, ("StartDate", "EndDate", "Status", "ResultSize")),
    "Set-OutboundConnector": (set_outbound_connector, ("Identity", "Enabled")),
    "Set-AcceptedDomain": (set_accepted_domain, ("Identity", "DomainType")),
}
"""Name → what it does, and the parameters that it takes."""

READING = frozenset(name for name in CMDLETS if name.startswith("Get-"))
WRITING = frozenset(CMDLETS) - READING
REMOTE_AND_ACCEPTED_DOMAINS = WRITING | {"Get-OutboundConnector", "Get-AcceptedDomain"}
"""What the management role of that name allows, as far as the tenant knows its cmdlets."""


def run(state: State, name: str, parameters: Parameters, app: str) -> list[Row]:
    """Rows of one cmdlet. Raises Refusal."""
    cmdlet, known = CMDLETS[name]
    for parameter in parameters:
        if parameter not in known:
            raise Refusal(400, "BadRequest", f"A parameter cannot be found that matches parameter name '{parameter}'.")
    return cmdlet(state, parameters, app)
