"""Replies in a form that only the clicker sees: to read, to fill in, to send, to copy from. Pure.

A trigger lives 3 seconds, so the form is opened at once, waiting, and filled when the answer is there.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from bot.conversation.platform import Form
from bot.slack.blockkit import copy_text, inputs, messages
from bot.slack.blockkit.blocks import TOTAL, Block, Piece, context, weight
from bot.slack.blockkit.buttons import Choice, chosen
from bot.slack.conversation_ref import ConversationRef, load
from commands.reply import Field, Reply

CALLBACK = "form"
PASTE = "paste"
"""callback_id of the form for a text that somebody pastes: it has no command line yet."""

_TITLE = 24  # characters, those of submit and close too
_BLOCKS = 100
_KEPT = 3000  # private_metadata
_CUT = "The rest does not fit here: /mailflow fix shows it whole."


@dataclass(frozen=True, slots=True)
class Held:
    """What a form remembers: where its answer belongs, and the command line that it means, or that its fields complete."""

    place: ConversationRef
    choice: Choice

    def dump(self) -> str:
        return json.dumps({"place": self.place.lasting(), "verb": self.choice.verb.name, "id": self.choice.id})


def held(text: str) -> Held | None:
    """What a form of ours brings back; None for anything else."""
    if len(text) > _KEPT:
        return None
    try:
        kept = json.loads(text)
        choice = chosen({"action_id": kept["verb"], "value": kept["id"]})
        place = load(kept["place"])
    except (ValueError, KeyError, TypeError):
        return None
    return Held(place, choice) if choice else None


def view(form: Form, place: ConversationRef) -> Block:
    """The form as views.open and views.update take it."""
    if form.reply is not None:
        return filled(form.title, form.reply, place)
    return said(form.title, form.sentence) if form.sentence else to_paste(form.title, place)


def said(title: str, sentence: str) -> Block:
    return _view(title, list(messages.sentence(sentence).blocks))


def filled(title: str, reply: Reply, place: ConversationRef) -> Block:
    """A form to go on with, a text to copy, or a sentence: whatever the reply is.

    The button that sends a form never changes a tenant: Slack asks for confirmation only before other buttons.
    """
    if copy_text.wanted(reply):
        return _view(title, copy_text.shown(reply), submit="Done")
    choice = chosen({"action_id": reply.ask.verb, "value": reply.ask.id}) if reply.ask else None
    if reply.ask is None or choice is None:
        return _view(title, _fitting(messages.whole(reply), _BLOCKS))
    asked = inputs.shown(reply.ask.fields)
    shown = _fitting(messages.whole(reply), _BLOCKS - len(asked))
    return _view(title, [*shown, *asked], submit=reply.ask.submit, kept=Held(place, choice).dump())


def to_paste(title: str, place: ConversationRef) -> Block:
    """Whole from the start: there is nothing to wait for."""
    hint = (
        "A bounce, a line of a message trace, an alert. For a longer one, post it and choose “Diagnose mail error” in its menu."
    )
    field = Field("--text", "Error text", hint, longest=inputs.TYPED, multiline=True)
    return _view(title, inputs.shown([field]), submit="Explain", kept=place.lasting(), callback=PASTE)


def _fitting(pieces: Sequence[Piece], most: int) -> list[Block]:
    """As much as one message holds: a view may be 250 kB, its fields included, and nobody reads more."""
    weights = accumulate(map(weight, pieces))
    kept = [piece for piece, held in zip(pieces, weights, strict=True) if held <= TOTAL][:most]
    if len(kept) < len(pieces):
        kept = [*kept[: most - 1], *context(_CUT)]
    return [piece.block for piece in kept]


def _view(title: str, parts: list[Block], *, submit: str = "", kept: str = "", callback: str = CALLBACK) -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": callback,
        "title": _label(title),
        "close": _label("Close"),
        "blocks": parts,
    }
    if submit:
        view["submit"] = _label(submit)
    if kept:
        view["private_metadata"] = kept
    return view


def _label(words: str) -> Block:
    return {"type": "plain_text", "text": words[:_TITLE], "emoji": False}
