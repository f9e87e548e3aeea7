"""What Slack would say of a message. Written from Slack's pages, apart from bot/slack/blocks.py, which it judges.

Numbers: docs.slack.dev/reference/block-kit; the total: bolt-js issue 2509.
"""

import json
import re
from typing import Any

Json = dict[str, Any]

TOTAL = 13_000

_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_MENTION = re.compile(r"<(?:@[UW]|!subteam\^S)[A-Z0-9]+>")
_DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} \{time\}\|\d{4}-\d\d-\d\d \d\d:\d\d UTC>")
_LINK = re.compile(r"<https://[^<>|\s]+\|[\w.:-]+>")
_CONTROL = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"  # tab and newline may stand
)
_FENCED = re.compile(r"```\n.*?\n```", re.DOTALL)
_BOLD = re.compile(r"(?<!\S)\*(?!\s)[^*\n]+(?<!\s)\*(?!\w)")


def length(text: str) -> int:
    """As JavaScript counts, which is the strictest."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_message(text: Any, blocks: Any) -> list[str]:
    """Everything that is wrong with the two together; empty: nothing."""
    errors = check_blocks(blocks)
    if not isinstance(text, str) or not text.strip():
        return [*errors, "text: missing (screen readers and phones read nothing else)"]
    if length(text) > 4000:
        errors.append(f"text: {length(text)} > 4000: msg_too_long")
    errors += [f"text: {error}" for error in check_escaped(text)]
    if blocks and not errors:
        first = _first_words(blocks[0])
        if not first or not text.startswith(first.split("\n")[0]):
            errors.append(f"text and first block differ: {text[:60]!r}, {first[:60]!r}")
    return errors


def check_blocks(blocks: Any) -> list[str]:
    if not isinstance(blocks, list):
        return ["blocks: not a list"]
    if len(blocks) > 50:
        return [f"blocks: {len(blocks)} > 50"]
    errors = []
    for number, block in enumerate(blocks):
        errors += [f"blocks[{number}] {error}" for error in _check_block(block)]
    total = sum(length(found) for found in _strings(blocks))
    if total > TOTAL:
        errors.append(f"{total} > {TOTAL} characters: msg_blocks_too_long")
    return errors


def check_escaped(text: str) -> list[str]:
    """Nothing in it may mean anything to Slack but a person, a group, a time, or a link with an honest label."""
    errors = []
    bare = _LINK.sub("", _MENTION.sub("", _DATE.sub("", text)))
    if found := re.search(r"[<>]", bare):
        errors.append(f"live control sequence at {bare[found.start() : found.start() + 40]!r}")
    if "&" in _ENTITY.sub("", bare):
        errors.append("an & that is no entity")
    if found := _CONTROL.search(text):
        errors.append(f"control character {found[0]!r}")
    for link in _LINK.findall(text):
        target, label = link[1:-1].split("|")
        if re.sub(r"[/?#].*", "", target.removeprefix("https://")) != label:
            errors.append(f"the label of {link} is not its host")
    return errors


def check_mrkdwn(text: str) -> list[str]:
    """Only bold and fences are ours; anything else that Slack reads as markup came from outside."""
    errors = []
    rest = _FENCED.sub("", text)
    if "`" in rest:
        errors.append("a backtick outside a fence")
    if any(fence[3:-3].count("```") for fence in _FENCED.findall(text)):
        errors.append("a fence within a fence")
    rest = _BOLD.sub("", _LINK.sub("", _MENTION.sub("", _DATE.sub("", rest))))
    if found := re.search(r"[*_~]|:[^\s:]+:|^\s*&gt;", rest, re.MULTILINE):
        errors.append(f"markup from outside: {rest[max(0, found.start() - 20) : found.end() + 20]!r}")
    return errors


def _check_block(block: Json) -> list[str]:
    kind = block.get("type")
    if kind == "section":
        return _check_text(block.get("text", {}), 3000)
    if kind == "context":
        elements = block.get("elements", [])
        errors = [error for element in elements for error in _check_text(element, 2000)]
        return errors if 1 <= len(elements) <= 10 else [*errors, f"context with {len(elements)} elements"]
    if kind == "actions":
        return _check_actions(block.get("elements", []))
    return [] if kind == "divider" else [f"{kind!r}: nothing of ours uses it, so nothing here checks it"]


def _check_actions(elements: list[Json]) -> list[str]:
    """At most three buttons in view, the rest in one menu; nothing but a verb and an id behind them."""
    kinds = [element.get("type") for element in elements]
    errors = [f"{kind!r} among actions" for kind in kinds if kind not in ("button", "overflow", "static_select")]
    if not elements or kinds.count("button") > 3 or kinds.count("overflow") > 1 or kinds.count("static_select") > 1:
        errors.append(f"actions with {kinds}")
    ids = [element.get("action_id", "") for element in elements]
    if len(set(ids)) != len(ids) or not all(re.fullmatch(r"[a-z-]{1,255}", id) for id in ids):
        errors.append(f"action_ids {ids}")
    for element in elements:
        options = element.get("options", [])
        if element.get("type") == "overflow" and not 1 <= len(options) <= 5:
            errors.append(f"a menu with {len(options)} entries")
        for choice in options or [element]:
            errors += _check_label(choice.get("text", {}), 75 if options else 30)
            if not re.fullmatch(r"(?:[a-z-]+ )?[A-Za-z0-9_-]+", choice.get("value", "")) or length(choice["value"]) > 150:
                errors.append(f"value {choice.get('value')!r}")
        label = element.get("accessibility_label", "")
        if length(label) > 75 or _CONTROL.search(label) or re.search("[<>&]", label):
            errors.append(f"accessibility_label {label!r}")
        if element.get("style", "primary") not in ("primary", "danger"):
            errors.append(f"style {element['style']!r}")
        errors += _check_confirm(element["confirm"]) if "confirm" in element else []
    return errors


def _check_confirm(confirm: Json) -> list[str]:
    most = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    errors = [f"confirm {error}" for key, length in most.items() for error in _check_label(confirm.get(key, {}), length)]
    return errors if confirm.get("style", "primary") in ("primary", "danger") else [*errors, "style of a confirm"]


def check_view(view: Any) -> list[str]:
    """Everything that is wrong with a modal; empty: nothing."""
    errors = [f"title, submit or close: {e}" for k in ("title", "submit", "close") for e in _check_label(view.get(k, {}), 24, k)]
    blocks = view.get("blocks", [])
    if view.get("type") != "modal" or not 1 <= len(blocks) <= 100 or not 1 <= length(view.get("callback_id", "")) <= 255:
        errors.append("no modal")
    fields = [block for block in blocks if block.get("type") == "input"]
    if fields and "submit" not in view:
        errors.append("fields without submit")
    if len({block.get("block_id") for block in fields}) != len(fields):
        errors.append("block_ids of fields twice")
    for block in blocks:
        if block.get("type") != "input":
            errors += _check_block(block)
            continue
        errors += _check_label(block.get("label", {}), 2000)
        errors += _check_label(block["hint"], 2000) if "hint" in block else []
        errors += _check_field(block["element"])
    if length(view.get("private_metadata", "")) > 3000:
        errors.append("private_metadata")
    if length(json.dumps(view)) > 250_000:
        errors.append("view_too_large")
    return errors


def _check_field(element: Json) -> list[str]:
    kind = element.get("type")
    errors = [] if 1 <= length(element.get("action_id", "")) <= 255 else ["a field without action_id"]
    if kind == "plain_text_input":
        fine = 1 <= length(element.get("initial_value", "-")) <= 3000 and 1 <= element.get("max_length", 1) <= 3000
        return errors if fine else [*errors, "initial_value or max_length"]
    most = {"checkboxes": 10, "static_select": 100, "multi_static_select": 100}.get(kind or "", 0)
    groups = element.get("option_groups", [])
    if groups and (kind == "checkboxes" or len(groups) > 100):
        errors.append(f"{len(groups)} groups of {kind}")
    errors += [error for group in groups for error in _check_label(group.get("label", {}), 75)]
    for options in [group["options"] for group in groups] or [element.get("options", [])]:
        if not 1 <= len(options) <= most:
            errors.append(f"{len(options)} options of {kind!r}")
        if len({option["value"] for option in options}) != len(options):
            errors.append("options twice")
        for option in options:
            errors += _check_label(option.get("text", {}), 75)
            errors += [] if 1 <= length(option["value"]) <= 150 else [f"value {option['value']!r}"]
    return errors


def _check_label(text: Json, most: int, key: str = "") -> list[str]:
    if not text and key == "submit":
        return []
    fine = text.get("type") == "plain_text" and text.get("emoji") is False and 1 <= length(text.get("text", "")) <= most
    return [] if fine else [f"label {text}"]


def _check_text(text: Json, most: int) -> list[str]:
    kind, words = text.get("type"), text.get("text")
    if kind not in ("plain_text", "mrkdwn") or not isinstance(words, str):
        return [f"text of type {kind!r}"]
    errors = check_escaped(words)
    if not 1 <= length(words) <= most or not words.strip():
        errors.append(f"{length(words)} characters, 1 to {most} may be")
    if kind == "mrkdwn":
        errors += check_mrkdwn(words)
        if text.get("verbatim") is not True:
            errors.append("mrkdwn that is not verbatim makes links of names")
    elif _MENTION.search(words) or _LINK.search(words) or _DATE.search(words):
        errors.append("a mention or link in plain_text shows as it is written")
    elif text.get("emoji") is not False:
        errors.append("plain_text with emoji reads :x: as one")
    return errors


def _first_words(block: Json) -> str:
    text = block.get("text")
    return re.sub(r"\*", "", text["text"]) if text and text["type"] == "mrkdwn" else (text or {}).get("text", "")


def _strings(value: Any) -> list[str]:
    """Every text that counts into the total."""
    if isinstance(value, dict):
        own = [value["text"]] if isinstance(value.get("text"), str) else []
        return own + [found for inner in value.values() for found in _strings(inner)]
    return [found for inner in value for found in _strings(inner)] if isinstance(value, list) else []


def as_sent(blocks: Any) -> Any:
    """What arrives: JSON, once over the wire."""
    return json.loads(json.dumps(blocks))
