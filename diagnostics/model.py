"""Contract 3 as frozen models: one model is result and JSON. What JSON does not show has `exclude=True`."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_serializer

from diagnostics.findings import Finding, Reason

Verdict = Literal["healthy", "degraded", "failing", "unknown"]
StepName = Literal["dns", "tcp", "banner", "ehlo", "starttls", "tls", "certificate"]
StepStatus = Literal["ok", "failed", "warning", "skipped"]
Likelihood = Literal["confirmed", "likely", "possible", "ruled-out"]
Basis = Literal["reported", "seen-from-here"]
Sender = Literal["exchange-online", "other", "unknown"]
"""Who was sending the mail, as far as a text tells."""

Owner = Literal["you", "network", "dns-host", "partner", "microsoft"]
STEPS: tuple[StepName, ...] = ("dns", "tcp", "banner", "ehlo", "starttls", "tls", "certificate")


class Frozen(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, json_schema_serialization_defaults_required=True
    )


class Step(Frozen):
    """One step of one path. `seconds` is None when it was not tried."""

    step: StepName
    status: StepStatus
    seconds: float | None = None
    detail: str = ""


class Tried(Frozen):
    """One step as a probe saw it; `note` is what it showed, which the catalogue puts into words."""

    step: StepName
    status: StepStatus
    seconds: float | None = None
    note: Finding | None = None


class Certificate(Frozen):
    """The server's certificate as a person needs it. Times are UTC; `chain` are subjects as sent, leaf first."""

    subject: str
    sans: tuple[str, ...]
    sans_total: int
    issuer: str
    not_before: datetime
    not_after: datetime
    days_left: int
    sha1: str
    sha256: str
    key: str
    signature: str
    chain: tuple[str, ...]
    wanted: str | None = None
    revocation_list: str = ""


class Evidence(Frozen):
    """What one path showed: steps, findings in the order they were made, and the conversation.

    `transcript`: `S:` and `C:` lines as they were said, between them what else happened.
    """

    host: str
    address: str | None = None
    preference: int | None = None
    steps: tuple[Tried, ...] = ()
    findings: tuple[Finding, ...] = ()
    transcript: tuple[str | Finding, ...] = ()
    certificate: Certificate | None = None
    listed: bool = True
    destination: str = ""


class Path(Frozen):
    """One path of contract 3: one host at one address, on the way to `destination` (a smart host, or a recipient domain)."""

    host: str
    address: str | None
    preference: int | None
    verdict: Verdict
    code: str | None
    reason: Reason | None
    steps: tuple[Step, ...]
    destination: str = ""
    certificate: Certificate | None = None
    transcript: tuple[str, ...] = Field(default=(), exclude=True)
    findings: tuple[Finding, ...] = Field(default=(), exclude=True)


class Cause(Frozen):
    id: str
    text: str
    likelihood: Likelihood
    evidence: tuple[str, ...] = ()


class Fix(Frozen):
    id: str
    text: str
    owner: Owner
    url: str | None = None


class FixNow(Frozen):
    """`basis`: what an offer rests on: a report of Microsoft's that was explained here within a day, or this machine's look."""

    offered: bool
    why: str
    basis: Basis | None = None


class Warning(Frozen):
    id: str
    text: str


class ConnectorRef(Frozen):
    name: str
    guid: str


class SwitchedOff(Frozen):
    """Since when a connector is off by a fix of the ledger: its id, who asked for and approved it, and why. `at`: UTC."""

    fix: str
    at: datetime
    people: tuple[str, ...]
    reason: str


class Result(Frozen):
    """One target's result (contract 3).

    `age`: seconds since its paths were seen, 0 when this run saw them. `meaning`: what the code says of the mail.
    `partner_ask`: what a partner would have to change, as half a sentence.
    """

    id: str
    target: str
    connector: ConnectorRef | None
    verdict: Verdict
    code: str | None
    code_basis: Literal["documented", "observed", "inferred"] | None
    also_seen_as: tuple[str, ...] = ()
    reason: Reason | None
    title: str
    summary: str
    causes: tuple[Cause, ...] = ()
    fixes: tuple[Fix, ...] = ()
    fix_now: FixNow
    warnings: tuple[Warning, ...] = ()
    paths: tuple[Path, ...] = ()
    age: float = 0.0
    switched_off: SwitchedOff | None = None
    meaning: str = ""
    partner_ask: str = ""


class Diagnosis(Frozen):
    """The document of `check --json`."""

    schema_: Literal["mailflow/check/1"] = Field("mailflow/check/1", alias="schema")
    started: datetime
    seconds: float
    results: tuple[Result, ...]

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)

    @field_serializer("started")
    def _utc(self, moment: datetime) -> str:
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
