"""What can go wrong between mailflow and Exchange Online: one exception, which says whether asking again may help."""

import re
from typing import Literal

from diagnostics.connectors.source import SourceError
from diagnostics.text import visible

Kind = Literal[
    "not-sent",
    "silent",
    "cut",
    "busy",
    "failing",
    "unauthorized",
    "forbidden",
    "missing",
    "refused",
    "errors",
    "malformed",
    "setting",
]
"""not-sent: no connection, so nothing was asked · silent: no answer in time · cut: the answer broke off · busy: 429, 503 ·
failing: another 5xx · unauthorized: 401 · forbidden: 403 · missing: 404 · refused: 400, 405, and what the token service
says no to · errors: a 200 that reports errors · malformed: no such answer as was asked for · setting: mailflow's own settings.
"""

UNREACHABLE: frozenset[Kind] = frozenset({"not-sent", "silent", "cut", "busy", "failing"})
"""The service is away or overloaded: what was known before is the best there is."""

TRANSIENT: frozenset[Kind] = frozenset({"cut", "busy", "failing"})
"""Worth asking again within seconds. Whoever did not answer in time has had its time."""

MAX_SHOWN = 300

_LOCAL_PART = re.compile(r"[^\s'\"<>@:;,(]{1,64}@")


class Fault(SourceError):
    """A request failed: `str` is a sentence for people that names the service and the mend.

    `pause`: seconds that the service asked for. `said`: its own words.
    """

    def __init__(self, kind: Kind, text: str, pause: float | None = None, *, said: str = "") -> None:
        super().__init__(text + (f" It says: {shown(said)}" if said.strip() else ""))
        self.kind, self.pause = kind, pause


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """Foreign words, fit for a message: one line, bounded, nothing invisible, nobody's address."""
    line = visible(_LOCAL_PART.sub("…@", " ".join(text[: 4 * limit].split())))
    return line if len(line) <= limit else line[: limit - 1] + "…"
