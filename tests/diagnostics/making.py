"""Short ways to make what the rooms of diagnostics/ hand to each other."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from diagnostics.catalogue import Catalogue, load
from diagnostics.classify import classify
from diagnostics.connectors.connector import AcceptedDomain, Connector, Inventory
from diagnostics.findings import Finding, Reason, Tag, Trace
from diagnostics.model import STEPS, Certificate, Evidence, Result, StepName, Tried
from diagnostics.probes.control import Control
from diagnostics.probes.run import Observed
from diagnostics.target import Destination, Policy, Target
from diagnostics.vantage import Vantage

CATALOGUE: Catalogue = load()
NOW = datetime(2026, 11, 24, 10, 0, tzinfo=UTC)
SAID = {"host": "outlook.com", "text": "220 outlook.com", "error": "late"}
"""Facts of a control host."""

GUID = "6a1f3c58-0c9b-4c5e-9a57-3a1c7f6f2b11"


def connector(name: str = "Contoso", **fields: Any) -> Connector:
    return Connector.model_validate({"Name": name, "ConnectorType": "OnPremises", **fields})


def inventory(*connectors: Connector, accepted: Sequence[str] = ()) -> Inventory:
    return Inventory(connectors=connectors, accepted_domains=[AcceptedDomain(DomainName=d) for d in accepted])


def evidence(*tags: Tag, address: str = "192.0.2.1", failed: StepName | None = None, **fields: Any) -> Evidence:
    """A path on which these tags were found, each with a line of its own."""
    steps = tuple(_step(name, failed) for name in STEPS)
    findings = tuple(Finding(tag, {"how": "as-reported", "line": f"seen: {tag}"}) for tag in tags)
    plain: dict[str, Any] = {"host": "mail.contoso.com", "address": address, "steps": steps, "findings": findings}
    return Evidence(**(plain | fields))


def _step(name: StepName, failed: StepName | None) -> Tried:
    if name == failed:
        return Tried(step=name, status="failed", seconds=0.1, note=Finding(Trace.REPLIED, {"text": f"what {name} showed"}))
    if failed and STEPS.index(name) > STEPS.index(failed):
        return Tried(step=name, status="skipped")
    return Tried(step=name, status="ok", seconds=0.1)


def target(connector: Connector | None = None, policy: Policy | None = None) -> Target:
    host = Destination("mail.contoso.com", "smart-host" if connector else "host")
    return Target(connector.Name if connector else host.name, (host,), connector, policy or Policy())


def result(paths: Sequence[Evidence], control: Control | None = None, **fields: Any) -> Result:
    seen = Observed(target(**fields), tuple(paths))
    return classify(seen, Vantage(control, is_controlled=control is not None), CATALOGUE, "r-1", Inventory())


def certificate(**fields: Any) -> Certificate:
    plain: dict[str, Any] = {
        "subject": "mail.contoso.com",
        "sans": ("mail.contoso.com",),
        "sans_total": 1,
        "issuer": "Some CA",
        "not_before": NOW - timedelta(days=30),
        "not_after": NOW + timedelta(days=60),
        "days_left": 60,
        "sha1": "A" * 40,
        "sha256": "B" * 64,
        "key": "RSA 2048",
        "signature": "SHA256",
        "chain": ("mail.contoso.com",),
    }
    return Certificate(**(plain | fields))


def untested(reason: Reason) -> bool:
    """Contract 3: "Untested paths (`vantage-*`, `address-not-public`)"."""
    return reason.startswith("vantage-") or reason is Reason.ADDRESS_NOT_PUBLIC
