"""One question on its way through this front, and how it is kept in the store until it is answered."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.slack.conversation_ref import ConversationRef, load
from bot.slack.inbound.message_text import File
from commands.command import Command
from commands.registry import find

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
class Question:
    """`id` is the same for each copy of it that Slack sends; `prefix` is what stands before a command there.

    `text` was typed. `words` come from a click or a form: nobody typed them, and nothing splits them again.
    """

    id: str
    text: str
    place: ConversationRef
    prefix: str = COMMAND
    shared: bool = False
    """Slack says by itself that other organisations read that channel."""
    words: tuple[str, ...] = ()
    used: Used | None = None
    forgotten: bool = False
    """It was somebody's text, and came back from the store without it."""
    above: str = ""
    """The timestamp of the message that its thread hangs on, where it does not begin one."""
    said: str = ""
    """Its own timestamp, where it is a message."""
    files: tuple[File, ...] = ()
    """What hangs on the message: fetched when it is answered, and never kept."""

    @property
    def command(self) -> Command | None:
        return asked_for(self.words[0] if self.words else self.text)

    @property
    def lacks_text(self) -> bool:
        """A command that explains somebody's text was typed without one."""
        return self.command is not None and self.command.text and len(self.text.split(None, 1)) == 1

    @property
    def means_above(self) -> bool:
        """It was said in a thread, and nothing but that thread says what it is about."""
        return bool(self.above) and not self.words and not self.files and (self.lacks_text or not self.text)

    def dump(self) -> str:
        """For the store, beside id and place. A text that somebody pasted names people, and is nobody's to keep."""
        kept = {"text": self.text, "prefix": self.prefix, "shared": self.shared, "words": self.words}
        if self.command is None or self.command.text:
            kept |= {"text": "", "words": (), "forgotten": True}
        return json.dumps(kept | {"used": asdict(self.used) if self.used else None})


def explains(text: str) -> tuple[str, ...]:
    """The command line that explains somebody's text: one word, whatever stands in it."""
    return ("explain", "--", text)


def asked_for(text: str) -> Command | None:
    """The command that a text begins with."""
    name, *_ = text.split(None, 1) or ("",)
    return find(name.lower())


def read(id: str, place: str, request: str) -> Question:
    """What the store has kept. Raises ValueError for anything else, as an older version may have left it."""
    try:
        kept = json.loads(request)
        words = tuple(map(str, kept.get("words", ())))
        used = Used(**{**kept["used"], "blocks": tuple(kept["used"]["blocks"])}) if kept.get("used") else None
        text, prefix, shared = str(kept["text"]), str(kept["prefix"]), bool(kept["shared"])
        return Question(id, text, load(place), prefix, shared, words, used, bool(kept.get("forgotten")))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("no question of ours") from error
