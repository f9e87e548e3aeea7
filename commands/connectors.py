"""`connectors`: what is known of the tenant's connectors, and where it came from."""

from commands.command import Call, CommandError, Services
from commands.reply import Item, Reply, Section, Tell
from commands.request import Request
from diagnostics.connectors.connector import Connector, Inventory
from diagnostics.connectors.export.kinds import not_used
from diagnostics.connectors.source import SourceError


async def run(_call: Call, _request: Request, services: Services, _tell: Tell) -> Reply:
    """Raises CommandError for an export that cannot be read."""
    try:
        inventory = await services.connectors.read()
    except SourceError as error:
        raise CommandError(str(error)) from None
    if not inventory.source:
        raise CommandError("No connector is known: name the export with --connectors (MAILFLOW_CONNECTORS).")
    rows = tuple(Item(c.Name, tag=_state(c), notes=(_route(c), *_lost(c))) for c in inventory.connectors)
    count = f"{len(rows)} connector{'s' if len(rows) != 1 else ''}"
    about = (Item(_origin(inventory)), *(Item(not_used(ignored)) for ignored in inventory.ignored))
    sections = (Section("", about), Section("Connectors", rows, "bullets"))
    return Reply(f"{count} known", sections=tuple(s for s in sections if s.items))


def _origin(inventory: Inventory) -> str:
    return f"From {inventory.source}" + (f", as of {inventory.at:%Y-%m-%d %H:%M} UTC." if inventory.at else ".")


def _state(connector: Connector) -> str:
    words = ["on" if connector.Enabled else "off", "partner" if connector.is_partner else "on premises"]
    return ", ".join([*words, *(["test mode"] if connector.TestMode else [])])


def _lost(connector: Connector) -> tuple[str, ...]:
    fields = ", ".join(dict.fromkeys(loss.field for loss in connector.lost if loss.kind != "joined"))
    return (f"the export lost values of {fields}: write it anew",) if fields else ()


def _route(connector: Connector) -> str:
    domains = ", ".join(connector.RecipientDomains[:5]) or (
        "all accepted domains" if connector.AllAcceptedDomains else "no domain"
    )
    hosts = "the domain's MX"
    if not connector.UseMXRecord and (connector.SmartHosts or connector.lost_destinations):
        hosts = ", ".join(connector.SmartHosts[:5]) or "hosts not known"
    wanted = f" for {connector.TlsDomain}" if connector.TlsDomain else ""
    tls = connector.TlsSettings or ("if offered" if connector.tls_known else "not known (the export has no TlsSettings)")
    return f"{domains} → {hosts}; TLS: {tls}{wanted}"
