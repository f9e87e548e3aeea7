"""Where in Slack a question was asked, and where its answer belongs: one opaque string outside this package."""

import json
import re
from dataclasses import asdict, dataclass, field, replace

PLATFORM = "slack"

PERSON = re.compile(r"[UW][A-Z0-9]{1,30}")
"""What the id of a user looks like."""

PEOPLE = re.compile(r"[UWS][A-Z0-9]{1,30}")
"""What the id of a user or of a user group looks like."""


@dataclass(frozen=True, slots=True)
class ConversationRef:
    """`line` is what was typed or clicked, as people see it; empty for what the clock says. Without a `thread` an answer gets
    a parent of its own.

    `parent` is the message of ours that is edited while the work runs. A timestamp stays a string: as a float it would
    lose digits.
    """

    channel: str
    user: str
    line: str = ""
    thread: str = ""
    parent: str = ""
    team: str = ""
    response_url: str = field(default="", repr=False)

    @property
    def direct(self) -> bool:
        """A direct message: where the bot can post there, only the asker reads it."""
        return self.channel.startswith("D")

    @property
    def inline(self) -> bool:
        """The answer is one message among others, instead of a message with a thread of its own."""
        return bool(self.thread) or self.direct

    def dump(self) -> str:
        """For the store, while the answer is under way: "slack:" and a JSON object."""
        return f"{PLATFORM}:" + json.dumps({name: value for name, value in asdict(self).items() if value})

    def lasting(self, parent: str = "") -> str:
        """For what comes back later, a form or a job: the thread, and nothing that expires or that opens a door."""
        return replace(self, thread=self.thread or ("" if self.direct else parent), parent="", response_url="").dump()


def load(text: str) -> ConversationRef:
    """What `dump` or `lasting` made; earlier versions wrote the JSON object alone. Raises ValueError for anything else."""
    try:
        found = json.loads(str.removeprefix(text, f"{PLATFORM}:"))
        place = ConversationRef(**found)
    except TypeError as error:
        raise ValueError("no place of ours") from error
    if not all(isinstance(value, str) for value in found.values()) or not place.channel:
        raise ValueError("no place of ours")
    return place
