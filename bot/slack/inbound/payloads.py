"""Slack's payloads → what was asked, and where; Slack's text → the text that the person saw. Pure.

Slack wraps what looks like an address and escapes three characters, in commands too when the manifest's `should_escape`
is on, and always in what people paste from messages (docs.slack.dev/messaging/formatting-message-text).
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.conversation.forms import Click
from bot.conversation.question import Question, Used, asked_for, explains
from bot.slack.blockkit import inputs
from bot.slack.blockkit.buttons import Choice, chosen
from bot.slack.blockkit.modals import Held, held
from bot.slack.conversation_ref import ConversationRef, load
from bot.slack.inbound import message_text
from commands.words import at_the_door

_WRAPPED = re.compile(r"<((?:[@#!]|[a-z][a-z0-9+.-]*:)[^<>|]*)(?:\|([^<>]*))?>")

Payload = Mapping[str, Any]

SlackQuestion = Question[ConversationRef]

COMMAND = "/mailflow"

DIAGNOSE = "Diagnose mail error"
"""The message shortcut, as people see it."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A form that was sent. `errors`, by field: what is missing. `choice` None: nothing of this version is behind it."""

    question: SlackQuestion
    choice: Choice | None
    errors: Mapping[str, str]


def command(payload: Payload) -> SlackQuestion:
    """A slash command. Slack knows none in threads."""
    text = at_the_door(plain(_text(payload, "text")))
    place = ConversationRef(
        channel=_text(payload, "channel_id"),
        user=_text(payload, "user_id"),
        line=_line(text, COMMAND),
        team=_text(payload, "team_id"),
        response_url=_text(payload, "response_url"),
    )
    return Question(_id("t", _text(payload, "trigger_id")), text, place, COMMAND)


def mention(body: Payload, me: str, name: str) -> SlackQuestion | None:
    """`@mailflow …`, answered in the thread that it is in or begins. None for messages of bots and for edits."""
    event = _part(body, "event")
    if not _said_by_a_person(event):
        return None
    text, prefix = at_the_door(plain(_after_mention(_text(event, "text"), me))), f"@{name}"
    return _message(body, text, prefix, line=_line(text, prefix), thread=_text(event, "thread_ts") or _text(event, "ts"))


def direct_message(body: Payload, me: str) -> SlackQuestion | None:
    """The whole text of a direct message is a command. None for other messages."""
    event = _part(body, "event")
    if event.get("channel_type") != "im" or not _said_by_a_person(event):
        return None
    text = at_the_door(plain(_after_mention(_text(event, "text"), me)))
    return _message(body, text, COMMAND, line=_line(text), thread=_text(event, "thread_ts"))


def click(body: Payload) -> Click[ConversationRef]:
    """A click on a message of ours, answered in that message's thread."""
    actions = body.get("actions")
    first = actions[0] if isinstance(actions, list) and actions and isinstance(actions[0], Mapping) else {}
    choice = chosen(first)
    trigger = _text(body, "trigger_id")
    place = replace(_below(body), line=choice.verb.label if choice else "")
    words = choice.words if choice else ()
    question = Question(_id("t", trigger), "", place, COMMAND, words=words, used=_used(body, place))
    return Click(question, choice.verb if choice else None, trigger)


def submission(body: Payload) -> Submission:
    """A form of ours that came back: a command line with what was filled in as options.

    It is answered in the thread of the message that it was opened from, or in the form itself.
    """
    view, user = _part(body, "view"), _part(body, "user")
    kept: Held | None = held(_text(view, "private_metadata"))
    choice = kept.choice if kept else None
    place = kept.place if kept else ConversationRef("", "", "")
    place = replace(place, user=_text(user, "id"), team=_team(body), line=choice.verb.label if choice else "")
    filled = inputs.read(view)
    words = (*choice.words, *filled.options) if choice else ()
    question = Question(_sent_once(view), "", place, COMMAND, words=words, used=Used(form=_text(view, "id")))
    return Submission(question, choice, filled.missing)


def shortcut(body: Payload) -> SlackQuestion:
    """“Diagnose mail error” on a message: that message's text as one word, and its files, answered in its thread."""
    message = _part(body, "message")
    ts = _text(message, "thread_ts") or _text(message, "ts") or _text(body, "message_ts")
    channel, user = _text(_part(body, "channel"), "id"), _text(_part(body, "user"), "id")
    place = ConversationRef(channel, user, DIAGNOSE, ts, team=_team(body), response_url=_text(body, "response_url"))
    words = explains(message_text.text_of(message, plain))
    return Question(_id("t", _text(body, "trigger_id")), "", place, COMMAND, words=words, files=message_text.files_of(message))


def pasted(body: Payload) -> Submission:
    """The form for a text, sent: the text as one word, answered as if the command had been typed with it."""
    view = _part(body, "view")
    try:
        place = load(_text(view, "private_metadata"))
    except ValueError:
        place = ConversationRef("", "", "")
    place = replace(place, user=_text(_part(body, "user"), "id"), team=_team(body))
    filled = inputs.read(view)
    text = "\n".join(option.partition("=")[2] for option in filled.options)
    question = Question(_sent_once(view), "", place, COMMAND, words=explains(text))
    return Submission(question, None, filled.missing)


def plain(text: str) -> str:
    """`<http://contoso.com|contoso.com>` → `contoso.com`, `<mailto:a@b.c|a@b.c>` → `a@b.c`, `&amp;` → `&`."""
    unwrapped = _WRAPPED.sub(_seen, text)
    # & last: "&amp;lt;" is somebody's "&lt;", not "<"
    return unwrapped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _below(body: Payload) -> ConversationRef:
    """The thread of the message that was clicked."""
    message, container = _part(body, "message"), _part(body, "container")
    channel = _text(_part(body, "channel"), "id") or _text(container, "channel_id")
    # an ephemeral message is no place to answer under, and in a direct message answers stand side by side
    alone = container.get("is_ephemeral") is True or channel.startswith("D")
    ts = _text(message, "ts") or _text(container, "message_ts")
    thread = _text(message, "thread_ts") or _text(container, "thread_ts") or ("" if alone else ts)
    user = _text(_part(body, "user"), "id")
    return ConversationRef(channel, user, "", thread, team=_team(body), response_url=_text(body, "response_url"))


def _used(body: Payload, place: ConversationRef) -> Used | None:
    """A message that only one person sees is no longer to be found, and goes by itself."""
    message, container = _part(body, "message"), _part(body, "container")
    blocks, ts = message.get("blocks"), _text(message, "ts")
    if container.get("is_ephemeral") is True or not ts or not isinstance(blocks, list):
        return None
    shown = [block for block in blocks if isinstance(block, Mapping)]
    content = {"channel": place.channel, "ts": ts, "text": _text(message, "text"), "blocks": shown}
    return Used(f"{place.channel}-{ts}", content)


def _team(body: Payload) -> str:
    return _text(_part(body, "user"), "team_id") or _text(_part(body, "team"), "id")


def _message(body: Payload, text: str, prefix: str, *, line: str, thread: str) -> SlackQuestion:
    event = _part(body, "event")
    channel, ts = _text(event, "channel"), _text(event, "ts")
    place = ConversationRef(channel, _text(event, "user"), line, thread, team=_text(event, "team") or _text(body, "team_id"))
    # one message is one question, however many events Slack makes of it
    id, shared = _id("m", f"{channel}-{ts}" if ts else ""), body.get("is_ext_shared_channel") is True
    above, files = _text(event, "thread_ts"), message_text.files_of(event)
    # a file without a word is given to be explained, as a text is when it is pasted
    words = explains("") if files and not text else ()
    return Question(id, text, place, prefix, shared, words, thread=above if above != ts else "", message=ts, files=files)


def _line(text: str, prefix: str = "") -> str:
    """What was typed, as others see it; somebody's text, or what is no command, is not repeated to them."""
    command = asked_for(text)
    if text and command is None:
        text = "…"
    elif command is not None and command.text:
        text = f"{command.name} …"
    return f"{prefix} {text}".strip()


def _said_by_a_person(event: Payload) -> bool:
    """Bots that answer each other never end. A message with a file is the one kind of people's messages that has a subtype."""
    return bool(event.get("user")) and not event.get("bot_id") and event.get("subtype") in (None, "", "file_share")


def _after_mention(text: str, me: str) -> str:
    before, found, after = re.sub(rf"<@{re.escape(me)}(?:\|[^<>]*)?>", "\0", text).partition("\0")
    return (after.replace("\0", " ").strip() or before.strip()) if found else text.strip()


def _sent_once(view: Payload) -> str:
    """The hash is another one each time a form is changed, so the same form may be sent once more after a mistake."""
    return _id("f", f"{_text(view, 'id')}-{_text(view, 'hash')}" if _text(view, "id") else "")


def _id(kind: str, given: str) -> str:
    """Never empty, never longer than the store takes: what has no id of Slack's is nobody's copy."""
    return f"{kind}-{(given or secrets.token_hex(16))[:140]}"


def _text(payload: Payload, key: str) -> str:
    value = payload.get(key)
    return value if isinstance(value, str) else ""


def _part(payload: Payload, key: str) -> Payload:
    value = payload.get(key)
    return value if isinstance(value, Mapping) else {}


def _seen(match: re.Match[str]) -> str:
    """What stood on the screen for `<target|label>`: the label, or a name made of the target."""
    target, label = match[1], match[2]
    if target.startswith(("@", "#")):
        return target[0] + (label or target[1:])
    if label:
        return label
    if target.startswith("!"):
        return "@" + target[1:].partition("^")[0]
    return target.removeprefix("mailto:")
