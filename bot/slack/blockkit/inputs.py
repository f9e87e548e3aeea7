"""`Ask.fields` → what a person fills in; what came back → options of a command line. Pure.

What was typed stays one word, and that word begins with its option's name: a reason such as `--yes` is a reason.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.slack.blockkit.blocks import Block
from bot.slack.blockkit.characters import clean, cut, escaped, units
from commands.reply import Field

_NAME = re.compile(r"--[a-z][a-z-]{0,30}")
TYPED = 3000
"""Characters that Slack takes in a field."""

_LABEL = 2000  # of a field, and of its hint
_OPTION = 75  # what an option shows; _VALUE is what it says
_VALUE = 150
_BOXES = 10  # checkboxes
_OPTIONS = 100  # options of a list, and of each of its groups
_MOST = 500  # choices; a view holds 250 kB


@dataclass(frozen=True, slots=True)
class Filled:
    """`options`: a word each. `missing`, by field: what is to be filled in still."""

    options: tuple[str, ...]
    missing: Mapping[str, str]


def shown(fields: Sequence[Field]) -> list[Block]:
    return [_input(field) for field in fields]


def read(view: Mapping[str, Any]) -> Filled:
    """What Slack says of a form that was sent. Whatever is not of that shape counts as not filled in."""
    blocks, state = view.get("blocks"), view.get("state")
    values = state.get("values") if isinstance(state, Mapping) else None
    options: list[str] = []
    missing: dict[str, str] = {}
    for block in blocks if isinstance(blocks, list) else ():
        name = block.get("block_id") if isinstance(block, Mapping) and block.get("type") == "input" else None
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            continue
        said = list(_said(values.get(name) if isinstance(values, Mapping) else None))[:_MOST]
        options += [f"{name}={words}" for words in said]
        if not said and not block.get("optional"):
            missing[name] = "Fill this in."
    return Filled(tuple(options), missing)


def _said(actions: Any) -> Iterator[str]:
    """The words of one field, whichever kind it is."""
    for element in actions.values() if isinstance(actions, Mapping) else ():
        if not isinstance(element, Mapping):
            continue
        chosen = element.get("selected_options") or [element.get("selected_option")]
        typed = [option.get("value") for option in chosen if isinstance(option, Mapping)] if isinstance(chosen, list) else []
        for value in (element.get("value"), *typed):
            if isinstance(value, str) and (words := clean(value)[:TYPED]):
                yield words


def _input(field: Field) -> Block:
    return {
        "type": "input",
        "block_id": field.name,
        "optional": field.optional,
        "label": _plain(field.label, _LABEL),
        **({"hint": _plain(field.hint, _LABEL)} if field.hint else {}),
        "element": {"action_id": "value", **_element(field)},
    }


def _element(field: Field) -> Block:
    # a name that Slack cannot take back whole must not stand there cut
    choices = [choice for choice in dict.fromkeys(field.choices) if units(choice) <= _VALUE][:_MOST]
    options: list[Block] = [{"text": _plain(choice, _OPTION), "value": choice} for choice in choices]
    if not options:
        lines = {"multiline": True} if field.multiline else {}
        return {"type": "plain_text_input", "max_length": min(field.longest, TYPED), **lines}
    if field.several and len(options) <= _BOXES:
        return {"type": "checkboxes", "options": options}
    kind = "multi_static_select" if field.several else "static_select"
    if len(options) <= _OPTIONS:
        return {"type": kind, "options": options}
    groups = [options[start : start + _OPTIONS] for start in range(0, len(options), _OPTIONS)]
    labelled = [{"label": _plain(f"from {group[0]['value']}", _OPTION), "options": group} for group in groups]
    return {"type": kind, "option_groups": labelled}


def _plain(words: str, most: int) -> Block:
    return {"type": "plain_text", "text": escaped(cut(clean(words) or "…", most)), "emoji": False}
