"""Contract 6 as frozen models: one model is the plan, the ledger's record, the result and the JSON."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PlainSerializer

from diagnostics.connectors.source import Object, Value
from diagnostics.model import Basis, ConnectorRef, Frozen

State = Literal[
    "planned",
    "blocked",
    "awaiting-approval",
    "rejected",
    "expired",
    "running",
    "done",
    "half-done",
    "failed",
    "unknown",
    "undone",
]
StepState = Literal["todo", "done", "failed", "unknown", "undone"]
Direction = Literal["do", "undo"]
Property = Literal["DomainType", "Enabled"]

Utc = Annotated[datetime, PlainSerializer(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"), when_used="json")]


class FixStep(Frozen):
    """One write. `cmdlet` None: a value cannot be printed safely (`said` tells).

    `sent`, `sending`: when which value was about to be sent, until it is known what came of that.
    """

    object: Object
    identity: str
    name: str
    property: Property
    before: Value
    after: Value
    state: StepState = "todo"
    cmdlet: str | None = None
    sent: Utc | None = None
    sending: Value | None = None
    said: str = ""


class FixNote(Frozen):
    """A reason why not, or a warning: `id` of contract 6, `text` with the way out."""

    id: str
    text: str


class Reported(Frozen):
    """Microsoft's own report of a refused connection: who explained it here, when, and its line."""

    by: str
    at: Utc
    line: str


class Fix(Frozen):
    """The document of `fix --json`, `undo --json`, `resume --json`, and what the ledger keeps.

    `steps` in the order of doing: accepted domains first, the connector last. `direction`: what was begun last. `read`: digest of
    what the plan was made from. `choices`: the domains among which a person has to choose. `by_name`: a person named the
    connector, so that a server that answers does not end it. `said`: what happened. `place`: where it is talked about.
    `basis`: what shows that the servers are gone, None: nothing does; `report` where that is Microsoft's. `statement`: what was
    stated in a terminal when it was done. `kept`: the ledger's own state, where this is the answer to a try that did not change
    it.
    """

    schema_: Literal["mailflow/fix/1"] = Field("mailflow/fix/1", alias="schema")
    id: str
    state: State
    connector: ConnectorRef | None
    requester: str = ""
    approvers: tuple[str, ...] = ()
    reason: str = ""
    steps: tuple[FixStep, ...] = ()
    blocked: tuple[FixNote, ...] = ()
    warnings: tuple[FixNote, ...] = ()
    verify_at: tuple[Utc, ...] = ()
    consequences: tuple[str, ...] = ()
    checklist: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    direction: Direction = "do"
    read: str = ""
    created: Utc | None = None
    by_name: bool = True
    basis: Basis | None = None
    report: Reported | None = None
    statement: str = ""
    said: str = ""
    place: str = Field("", exclude=True)
    kept: State | None = Field(None, exclude=True)

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)


class AuditLine(Frozen):
    """A line of the audit. `detail` is what was written then: the state, and the whole plan or the one step."""

    fix: str
    at: Utc
    actor: str
    event: str
    detail: dict[str, Any]


class Audit(Frozen):
    """The document of `fixes --json`: every fix, newest first, and every line of the audit, oldest first."""

    schema_: Literal["mailflow/fixes/1"] = Field("mailflow/fixes/1", alias="schema")
    fixes: tuple[Fix, ...]
    audit: tuple[AuditLine, ...]

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)
