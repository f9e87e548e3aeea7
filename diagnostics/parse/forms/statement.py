"""One place in a text that states an error, as written: nothing is judged yet."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from diagnostics import codes
from diagnostics.parse.forms.error_string import Core
from diagnostics.parse.tokens.reply_codes import Code

_EXPIRED = re.compile(r"\bmessage expired|QUEUE\.Expired|delivery time expired", re.IGNORECASE)

Form = Literal["attempt", "trace", "dsn", "prose"]
Fate = Literal["delayed", "returned"]


class Statement(NamedTuple):
    """`start`, `end`: the characters it takes. `server`, `ip`: named by the form around the error string, as written.

    `by_prefix`: they come from `Server at …`, which in a closing line is the server that gave up. `proxied`: the form names the
    target of Microsoft's own proxy. `derived`: not a place of its own but the first link of a closing line. `fate`: what the
    form says became of the mail; `retry_until`: how long it is tried again. `inferred`: words stand for the code, which the
    text leaves out.
    """

    form: Form
    start: int
    end: int
    code: Code
    core: Core
    server: str = ""
    ip: str = ""
    by_prefix: bool = False
    message: str = ""
    reporter: str | None = None
    proxied: bool = False
    time: datetime | None = None
    last_retry: datetime | None = None
    arrival: datetime | None = None
    derived: bool = False
    fate: Fate | None = None
    retry_until: datetime | None = None
    inferred: bool = False

    @property
    def expired(self) -> bool:
        """Whether the line itself says that the time was up."""
        return bool(_EXPIRED.search(self.core.words))

    @property
    def closes(self) -> bool:
        """Whether it only tells the end or the delay of waiting (`5.4.316 Message expired, …`, `4.4.7 Message delayed`)."""
        return not self.derived and (self.expired or waits(self.code))


def waits(code: Code) -> bool:
    """Whether the code only says how long the mail waits."""
    row = codes.row(code.enhanced, "")
    return row is not None and row.waits


@dataclass(slots=True)
class Record:
    """Fields that belong together, by lower-case key, and the characters that they take."""

    start: int
    end: int
    fields: dict[str, str] = field(default_factory=dict)
