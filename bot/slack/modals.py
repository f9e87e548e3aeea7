"""Replies in a form that only the clicker sees. Pure.

A trigger lives 3 seconds, so the form is opened at once, waiting, and filled when the answer is there.
"""

from bot.slack import blocks
from bot.slack.characters import clean, units
from bot.slack.pieces import Block
from commands.reply import Reply

CALLBACK = "copy"
_INPUT = 2900  # a plain_text_input holds 3,000
_INPUTS = 40
_TITLE = 24


def waiting(title: str) -> Block:
    return _view(title, [_plain("⏳ One moment …")])


def filled(title: str, reply: Reply) -> Block:
    """Text to copy stands in fields: selected with one key, changed before it is sent, and nothing in it is parsed."""
    lines = [item.text for section in reply.sections if section.kind == "code" for item in section.items]
    if not lines:
        return _view(title, list(blocks.sentence(reply.headline).blocks))
    texts = _parted(clean("\n".join(lines), strip=False))
    return _view(title, [_field(text, number, len(texts)) for number, text in enumerate(texts, 1)], done=True)


def failed(title: str, sentence: str) -> Block:
    return _view(title, list(blocks.sentence(sentence).blocks))


def _view(title: str, parts: list[Block], *, done: bool = False) -> Block:
    view: Block = {
        "type": "modal",
        "callback_id": CALLBACK,
        "title": {"type": "plain_text", "text": title[:_TITLE], "emoji": False},
        "close": {"type": "plain_text", "text": "Close", "emoji": False},
        "blocks": parts,
    }
    if done:
        # Slack wants it wherever there are fields
        view["submit"] = {"type": "plain_text", "text": "Done", "emoji": False}
    return view


def _plain(words: str) -> Block:
    return {"type": "section", "text": {"type": "plain_text", "text": words, "emoji": False}}


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
