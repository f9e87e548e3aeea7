"""A fix, clicked through as people do it, up to any of its stages."""

import json
from collections.abc import Collection
from typing import Any

from bot.demo.local_slack import LocalSlack, eventually
from tests.e2e.reading import Message, done_reply, final_parent, thread_of

ALICE, BOB, CAROL = "U01ALICE", "U02BOB", "U03CAROL"
CHANNEL = "C02INC"
NAME = "Contoso on-premises"


async def form(slack: LocalSlack) -> dict[str, Any]:
    """The modal on top, once it does not wait any more."""

    async def found() -> dict[str, Any] | None:
        stack = (await slack.ui_snapshot())["modalStack"]
        view: dict[str, Any] = (stack[-1].get("view") or stack[-1]) if stack else {}
        return view if view and "One moment" not in json.dumps(view) else None

    view = await eventually(found, seconds=20)
    assert view
    return view


async def form_with(slack: LocalSlack, words: str) -> dict[str, Any]:
    """The modal on top, once it has the words."""

    async def found() -> dict[str, Any] | None:
        view = await form(slack)
        return view if words in json.dumps(view, ensure_ascii=False) else None

    view = await eventually(found, seconds=20)
    assert view
    return view


async def offered(slack: LocalSlack, name: str = NAME, user: str = ALICE) -> tuple[Message, Message]:
    """A check that failed: its parent, and the reply with the button Fix now."""
    await slack.command(CHANNEL, user, f'check "{name}"')
    parent = await final_parent(slack, CHANNEL)
    (reply,) = await thread_of(slack, parent)
    return parent, reply


async def send(slack: LocalSlack, reason: str, domains: Collection[str] = (), user: str = ALICE) -> dict[str, Any]:
    """Fill in the form on top and send it; what came back at once."""
    values: dict[str, Any] = {"--reason": {"value": {"type": "plain_text_input", "value": reason}}}
    if domains:
        boxes = {"type": "checkboxes", "selected_options": [{"value": name} for name in domains]}
        values["--domain"] = {"value": boxes}
    return await slack.submit_view(user, values)


async def planned(slack: LocalSlack, reply: Message, reason: str = "CHG-1", user: str = ALICE) -> Message:
    """Fix now, and the reason: the message with the plan, ready to be asked for."""
    thread = {"channel": reply["channel"], "ts": reply["thread_ts"]}
    before = len(await thread_of(slack, thread))
    await slack.click(reply, "fix-now", user)
    await form_with(slack, '"--reason"')
    await send(slack, reason, user=user)
    return await done_reply(slack, thread, "Nothing is changed before", after=before)


async def asked(slack: LocalSlack, name: str = NAME) -> tuple[Message, Message]:
    """Alice asks for it: the parent of her check, and the message with Approve and Reject."""
    parent, reply = await offered(slack, name)
    await slack.click(await planned(slack, reply), "ask", ALICE)
    return parent, await done_reply(slack, parent, "waits for approval")


async def as_it_is(slack: LocalSlack, message: Message) -> Message:
    """The message as it stands now."""
    return next(m for m in await slack.messages(message["channel"]) if m["ts"] == message["ts"])


async def used_up(slack: LocalSlack, message: Message, words: str) -> Message:
    """The message, once it has no buttons any more and says by whom."""

    async def found() -> Message | None:
        now = await as_it_is(slack, message)
        return now if words in now["text"] and not buttons(now) else None

    now = await eventually(found, seconds=20)
    assert now
    return now


def buttons(message: Message) -> list[str]:
    """What can be clicked, by action_id."""
    elements = [e for block in message["blocks"] if block["type"] == "actions" for e in block["elements"]]
    return [element["action_id"] for element in elements]


def words_of(message: Message) -> str:
    return json.dumps(message, ensure_ascii=False)
