"""What a pasted text or a file says: contract 5's errors without what the catalogue and a live check add later.

Nothing in it names a person: addresses are cut to their domain before anything is read, subjects and message ids never get in.
"""

from datetime import datetime
from typing import Literal, NamedTuple

from diagnostics.findings import Reason, Unread
from diagnostics.model import Frozen, Sender

State = Literal["queued", "expired", "rejected", "delivered", "unknown"]

MAX_ERRORS = 64
MAX_LINKS = 8
MAX_WORDS = 512
"""Characters of any text field: what a server may say in one reply (RFC 5321 section 4.5.3.1.5)."""


class Submessage(Frozen):
    """What the sub-message proves beyond its words.

    `expected`, `presented`: the two names of a SubjectMismatch, as written. `winsock`: Windows' error number. `reply`: the SMTP
    reply inside the error, its code as in `Reported.code`.
    """

    expected: str | None = None
    presented: str | None = None
    thumbprint: str | None = None
    winsock: int | None = None
    reply: str | None = None


class Reported(Frozen):
    """One error that the text reports. Names are contract 5's; times are UTC.

    `code` always has both parts: 450 or 550 stand before an enhanced code given alone (RFC 2034 section 4: the classes agree),
    and x.0.0 behind a basic code given alone (RFC 3463 section 3.1: no more is known). `code_inferred`: the text has no code, and
    Microsoft's words stand for this one. `state` is what became of the mail: an attempt before a closing "Message expired" is
    expired too. `sender`: who was sending, by the text's own evidence; `to_microsoft`: the destination is Exchange Online.
    `text` is what stands behind the code, `message` the sub-message. `reason` only if code and sub-message prove it. `count`: so
    many rows or attempts told it, from `first` to `last`; the other fields are those of the newest. `retry_until`: until when the
    text itself says that it is tried again.
    """

    code: str
    code_inferred: bool = False
    enhanced: str
    family: str
    state: State
    sender: Sender = "unknown"
    to_microsoft: bool = False
    reason: Reason | None = None
    text: str = ""
    message: str | None = None
    submessage: Submessage = Submessage()
    server: str | None = None
    ip: str | None = None
    domain: str | None = None
    chain: tuple[str, ...] = ()
    time: datetime | None = None
    reported_by: str | None = None
    connector: str | None = None
    count: int = 1
    first: datetime | None = None
    last: datetime | None = None
    last_retry: datetime | None = None
    arrival: datetime | None = None
    retry_until: datetime | None = None


class Note(NamedTuple):
    """Something that was not read. `number`: of errors or rows, where they were counted."""

    what: Unread
    number: int = 0


class ErrorReport(Frozen):
    """Errors in order of appearance. `primary` is the index of the one that says why delivery failed, None without errors.

    `alert`: the name of an alert of Microsoft's, where the text has no error. `recipient_domains` are a hint at the connector,
    never a destination. `builds`: of Exchange servers on premises that passed the mail on. `notes`: what was not read.
    `said_apart`: the kind of refusal (catalogue/rules/kinds.toml) that other words of the text name, where a code has none.
    `not_read`: why nothing of the files was read, None where something was.
    """

    errors: tuple[Reported, ...] = ()
    primary: int | None = None
    alert: str | None = None
    recipient_domains: tuple[str, ...] = ()
    builds: tuple[str, ...] = ()
    said_apart: str | None = None
    notes: tuple[Note, ...] = ()
    not_read: Unread | None = None
