"""Text to copy out of a form. Pure.

It is shown in input fields: selected with one key, changed before it is sent, and never parsed as markup.
"""

from bot.slack.blockkit.blocks import Block
from bot.slack.blockkit.characters import clean, units
from commands.reply import Reply

_INPUT = 2900  # a plain_text_input holds 3,000
_INPUTS = 40


def wanted(reply: Reply) -> bool:
    """An answer that is lines and nothing else is there to be copied."""
    return bool(reply.sections) and all(section.kind == "code" for section in reply.sections) and not reply.ask


def shown(reply: Reply) -> list[Block]:
    texts = _parted(clean("\n".join(item.text for section in reply.sections for item in section.items), strip=False))
    return [_field(text, number, len(texts)) for number, text in enumerate(texts, 1)]


def _field(text: str, number: int, of: int) -> Block:
    label = "Text to copy" if of == 1 else f"Text to copy, {number} of {of}"
    return {
        "type": "input",
        "block_id": f"text-{number}",
        "optional": True,
        "label": {"type": "plain_text", "text": label, "emoji": False},
        "element": {"type": "plain_text_input", "action_id": "text", "multiline": True, "initial_value": text},
    }


def _parted(text: str) -> list[str]:
    """Pieces that a field holds, parted at line ends where there are any; not escaped, since a field shows text as it is."""
    pieces: list[str] = []
    held = ""
    for line in text.split("\n"):
        rest = line
        while units(rest) > _INPUT:
            room = _INPUT // 2
            pieces += [piece for piece in (held, rest[:room]) if piece.strip()]
            held, rest = "", rest[room:]
        if held and units(held) + units(rest) + 1 > _INPUT:
            pieces.append(held)
            held = rest
        else:
            held = f"{held}\n{rest}" if held else rest
    return ([*pieces, held] if held.strip() else pieces)[:_INPUTS] or ["…"]
