"""One question on its way through this front, and how it is kept in the store until it is answered."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.slack.place import Place, load

COMMAND = "/mailflow"


@dataclass(frozen=True, slots=True)
class Used:
    """What was clicked: a message of ours as Slack sent it back, or a form (`view`, its id). It is good for once."""

    channel: str = ""
    ts: str = ""
    text: str = ""
    blocks: tuple[Mapping[str, Any], ...] = ()
    view: str = ""


@dataclass(frozen=True, slots=True)
class Inquiry:
    """`id` is the same for each copy of it that Slack sends; `prefix` is what stands before a command there.

    `text` was typed. `words` come from a click or a form: nobody typed them, and nothing splits them again.
    """

    id: str
    text: str
    place: Place
    prefix: str = COMMAND
    shared: bool = False
    """Slack says by itself that other organisations read that channel."""
    words: tuple[str, ...] = ()
    used: Used | None = None

    def dump(self) -> str:
        """For the store, beside id and place."""
        kept = {"text": self.text, "prefix": self.prefix, "shared": self.shared, "words": self.words}
        return json.dumps(kept | {"used": asdict(self.used) if self.used else None})


def read(id: str, place: str, request: str) -> Inquiry:
    """What the store has kept. Raises ValueError for anything else, as an older version may have left it."""
    try:
        kept = json.loads(request)
        words = tuple(map(str, kept.get("words", ())))
        used = Used(**{**kept["used"], "blocks": tuple(kept["used"]["blocks"])}) if kept.get("used") else None
        return Inquiry(id, str(kept["text"]), load(place), str(kept["prefix"]), bool(kept["shared"]), words, used)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no question of ours") from error
