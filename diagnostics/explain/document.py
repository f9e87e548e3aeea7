"""Contract 5 as frozen models: the document of `explain --json` is what the words for a person are made of."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, PlainSerializer

from diagnostics.catalogue.entries import Basis
from diagnostics.findings import Reason
from diagnostics.model import Cause, Fix, FixNow, Frozen, Result, Sender
from diagnostics.parse.report import State

Agreement = Literal["same", "refused-for-microsoft", "mended", "different", "not-told"]

Moment = Annotated[datetime, PlainSerializer(lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"), when_used="json")]
"""UTC, to the second."""


class Clock(Frozen):
    """When the mail was tried last, between which times it is tried next, and when Microsoft gives up. None: not known."""

    last_retry: Moment | None = None
    next_retry: tuple[Moment, Moment] | None = None
    expires: Moment | None = None


class Live(Frozen):
    """What a check from here showed beside the report, and how the two agree."""

    agreement: Agreement
    result: Result


class ExplainedError(Frozen):
    """One error of the text. Beyond contract 5: `text` behind the code, `summary` and `meaning` in words, Microsoft's `page`."""

    code: str
    code_basis: Basis
    enhanced: str
    family: str
    state: State
    sender: Sender
    to_microsoft: bool
    title: str
    reason: Reason | None
    text: str
    message: str | None
    server: str | None
    ip: str | None
    domain: str | None
    chain: tuple[str, ...]
    time: Moment | None
    reported_by: str | None
    connector: str | None
    count: int
    first: Moment | None
    last: Moment | None
    summary: str
    meaning: str
    page: str
    clock: Clock
    live: Live | None
    causes: tuple[Cause, ...]
    fixes: tuple[Fix, ...]
    fix_now: FixNow


class Explanation(Frozen):
    """The document of `explain --json`. `primary` is None without errors; `alert` is the name of an alert of Microsoft's that
    names no code; `notes` say what was not read or not checked.
    """

    schema_: Literal["mailflow/explain/1"] = Field("mailflow/explain/1", alias="schema")
    primary: int | None
    errors: tuple[ExplainedError, ...]
    alert: str | None = None
    notes: tuple[str, ...] = ()

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, serialize_by_alias=True)
