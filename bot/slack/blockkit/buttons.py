"""Reply.actions → buttons and a menu; a click → a row of `registry.VERBS` and an id. Pure.

A button says nothing but a fixed verb and an opaque id, so a forged one can ask for no more than typed words can.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack.blockkit.blocks import Block, Piece
from bot.slack.blockkit.characters import one_line, units
from commands.command import Verb
from commands.registry import VERBS, find
from commands.reply import Action

MENU = "more"
"""The action_id of the menu, whose entries carry verb and id."""

SELECT = "choose"
"""The action_id of a select, whose options carry verb and id."""

_IN_SELECT = 100  # Slack takes no more options
_OPTION_TEXT = 75
_IN_VIEW = 3
_IN_MENU = 5  # Slack takes no more options
_LABEL = 75  # an accessibility_label
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,119}")
_VERBS = {verb.name: verb for verb in VERBS}


@dataclass(frozen=True, slots=True)
class Choice:
    """What was clicked."""

    verb: Verb
    id: str
    label: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The command line that it means."""
        return (*self.verb.words, self.id)


def row(actions: Sequence[Action], subject: str, *, thread: bool = True) -> list[Piece]:
    """At most three buttons in view and a menu; `subject` tells a screen reader which of several they belong to.

    Without a `thread`, what needs one is left out.
    """
    choices = [choice for choice in map(_choice, actions) if choice and (thread or not _needs_a_thread(choice.verb))]
    offered = [choice for choice in choices if choice.verb.shows == "select"]
    choices = [choice for choice in choices if choice not in offered]
    choices = list({choice.verb.name: choice for choice in reversed(choices)}.values())[::-1]
    shown = [choice for choice in choices if choice.verb.shows != "menu"][:_IN_VIEW]
    folded = [choice for choice in choices if choice not in shown][:_IN_MENU]
    elements = [*_select(offered), *(_button(choice, subject) for choice in shown)]
    if folded:
        elements.append({"type": "overflow", "action_id": MENU, "options": [_option(choice) for choice in folded]})
    return [Piece({"type": "actions", "elements": elements}, "")] if elements else []


def chosen(action: Mapping[str, Any]) -> Choice | None:
    """What a click of Slack's says; None for anything that no button of ours says."""
    verb, id = action.get("action_id"), action.get("value")
    if verb in (MENU, SELECT):
        option = action.get("selected_option")
        verb, _, id = str(option.get("value") if isinstance(option, Mapping) else "").partition(" ")
    return _choice(Action(verb, id)) if isinstance(verb, str) and isinstance(id, str) else None


def _choice(action: Action) -> Choice | None:
    verb = _VERBS.get(action.verb)
    return Choice(verb, action.id, action.label) if verb and _ID.fullmatch(action.id) else None


def _needs_a_thread(verb: Verb) -> bool:
    """What comes back later needs a place to come to, and what changes a tenant is not done behind the others' backs."""
    command = find(verb.words[0])
    return command is not None and (command.front == "chat" or command.changes_tenant)


def _button(choice: Choice, subject: str) -> Block:
    # read aloud: an entity would be, letter by letter, and a control sequence shall stand nowhere
    label = f"{choice.verb.label}: {one_line(re.sub('[<>&]', ' ', subject))}"
    while units(label) > _LABEL:
        label = label[: len(label) - max(1, (units(label) - _LABEL) // 2)]
    return {
        "type": "button",
        "action_id": choice.verb.name,
        "text": _plain(choice.verb.label),
        "value": choice.id,
        "accessibility_label": label.strip(),
        **({"style": choice.verb.style} if choice.verb.style else {}),
        **({"confirm": _confirm(choice.verb)} if choice.verb.confirm else {}),
    }


def _select(choices: Sequence[Choice]) -> list[Block]:
    """One of several with the same verb, by their labels."""
    if not choices:
        return []
    options = [{**_option(choice), "text": _plain(_short(choice.label))} for choice in choices[:_IN_SELECT]]
    placeholder = _plain(choices[0].verb.label)
    return [{"type": "static_select", "action_id": SELECT, "placeholder": placeholder, "options": options}]


def _short(label: str) -> str:
    shown = one_line(label) or "-"
    while units(shown) > _OPTION_TEXT:
        shown = shown[: len(shown) - max(1, (units(shown) - _OPTION_TEXT) // 2)]
    return shown


def _confirm(verb: Verb) -> Block:
    """Slack's own question before a click counts. Whoever forges a click leaves it out, so nothing hangs on it."""
    return {
        "title": _plain(verb.label),
        "text": _plain(verb.confirm),
        "confirm": _plain(verb.label),
        "deny": _plain("Cancel"),
        **({"style": verb.style} if verb.style else {}),
    }


def _option(choice: Choice) -> Block:
    return {
        "text": _plain(choice.verb.label),
        "value": f"{choice.verb.name} {choice.id}",
    }


def _plain(words: str) -> Block:
    return {"type": "plain_text", "text": words, "emoji": False}
