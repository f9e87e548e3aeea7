"""What Slack would say of a message. Written from Slack's pages, apart from bot/slack/blocks.py, which it judges.

Numbers: docs.slack.dev/reference/block-kit; the total: bolt-js issue 2509.
"""

import json
import re
from typing import Any

Json = dict[str, Any]

TOTAL = 13_000

_ENTITY = re.compile(r"&(?:amp|lt|gt);")
_MENTION = re.compile(r"<@[UW][A-Z0-9]+>")
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
    """Nothing in it may mean anything to Slack but a mention of a person or a link with an honest label."""
    errors = []
    bare = _LINK.sub("", _MENTION.sub("", text))
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
    rest = _BOLD.sub("", _LINK.sub("", _MENTION.sub("", rest)))
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
    return [] if kind == "divider" else [f"{kind!r}: nothing of ours uses it, so nothing here checks it"]


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
    elif _MENTION.search(words) or _LINK.search(words):
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
