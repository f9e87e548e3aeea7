"""Clicks, mentions and direct messages: one conversation in both transports."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

import commands.run
from bot.demo.local_slack import LocalSlack, eventually
from commands.reply import Reply
from tests.e2e.conftest import Serving, both_transports
from tests.e2e.fixing import form
from tests.e2e.reading import Bot, Message, done_reply, final_parent, thread_of
from tests.e2e.strict_proxy import ACK_SECONDS, Fault, StrictProxy

pytestmark = pytest.mark.needs("local-slack", "namespaces")


async def choose(slack: LocalSlack, message: Message, verb: str, user: str) -> None:
    """An entry of the menu."""
    for block in message["blocks"]:
        for element in block.get("elements", ()):
            for option in element.get("options", ()):
                if option["value"].startswith(verb + " "):
                    action = {"type": element["type"], "action_id": element["action_id"], "selected_option": option}
                    body = {"channel": message["channel"], "messageTs": message["ts"], "user": user, "action": action}
                    async with aiohttp.ClientSession() as http, http.post(slack.base + "/_control/interact", json=body) as done:
                        assert done.status == 200
                    return
    raise LookupError(verb)


async def test_a_bare_code_asks_which_connector_and_checks_it(slack: LocalSlack, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", "explain 450 4.4.317")
    parent = await final_parent(slack, "C02INC")
    message = next(m for m in (parent, *await thread_of(slack, parent)) if "Which connector?" in json.dumps(m["blocks"]))
    await choose(slack, message, "check-connector", "U02BOB")
    checked = await done_reply(slack, parent, "lab.test")
    assert "<@U02BOB>" in json.dumps(checked["blocks"])


async def reported(slack: LocalSlack, line: str = 'check "Branch office"') -> tuple[Message, Message]:
    """A finished check: its parent and its reply."""
    await slack.command("C02INC", "U01ALICE", line)
    parent = await final_parent(slack, "C02INC")
    (reply,) = await thread_of(slack, parent)
    return parent, reply


@both_transports
async def test_command_parent_thread_check_again_copy_for_partner(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    parent, reply = await reported(slack, "check Fabrikam")
    assert "450 4.4.317" in parent["text"]

    await slack.click(reply, "check-again", "U02BOB")
    again = await done_reply(slack, parent, "450 4.4.317")
    assert "<@U02BOB>" in json.dumps(again["blocks"])
    assert "asked: Check again" in json.dumps(again["blocks"])

    before = len(await slack.messages("C02INC"))
    await slack.click(again, "copy-for-partner", "U02BOB")
    view = await form(slack)
    assert view["title"]["text"] == "Copy for partner"
    text = "".join(block["element"]["initial_value"] for block in view["blocks"])
    assert text.startswith("Hello,\n")
    assert "- mx.fabrikam.lab.test, TCP port 25" in text
    assert "probe.lab.test" not in text, "nothing internal"
    assert len(await slack.messages("C02INC")) == before, "for the clicker alone"
    assert "stack" in await slack.submit_view("U02BOB", {})
    assert max(proxy.acks) < ACK_SECONDS
    assert len(proxy.acks) >= 3


async def test_an_answer_to_a_click_that_takes_long_is_one_message(
    slack: LocalSlack, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent, reply = await reported(slack)
    run = commands.run.run

    async def slowly(*args: Any, **more: Any) -> Reply:
        await asyncio.sleep(1)
        return await run(*args, **more)

    monkeypatch.setattr("commands.run.run", slowly)
    await slack.click(reply, "check-again", "U01ALICE")
    waiting = (await eventually(lambda: thread_of(slack, parent, 2), seconds=3))[1]
    assert waiting["text"].startswith("⏳ Running: Check again …")
    done = await done_reply(slack, parent, "450 4.4.316")
    assert done["ts"] == waiting["ts"]
    assert done["blocks"][-1]["type"] == "actions"


async def test_the_menu_answers_in_the_thread(slack: LocalSlack, bot: Bot) -> None:
    parent, reply = await reported(slack, "check Fabrikam")
    await choose(slack, reply, "transcript", "U01ALICE")
    assert "C: QUIT" in (await done_reply(slack, parent, "What was said on"))["text"]
    await choose(slack, reply, "json", "U01ALICE")
    code = await done_reply(slack, parent, '"smtp-', after=2)
    assert not [block for block in code["blocks"] if block["type"] == "actions"]


async def test_a_watch_needs_a_store(slack: LocalSlack, bot: Bot) -> None:
    _parent, reply = await reported(slack)
    await choose(slack, reply, "watch", "U01ALICE")

    async def said() -> list[Message]:
        return [m for m in await slack.messages("C02INC") if "A watch needs a thread" in m["text"]]

    assert await eventually(said)


async def test_a_watch_tells_the_thread_later(slack: LocalSlack, serving: Serving, store_url: str) -> None:
    async with serving(database_url=store_url):
        parent, reply = await reported(slack)
        await choose(slack, reply, "watch", "U01ALICE")
        await done_reply(slack, parent, "Watching", "every 5 minutes")
        await choose(slack, reply, "watch", "U01ALICE")

        async def told_already() -> list[Message]:
            return [m for m in await slack.messages("C02INC") if "being watched here already" in m["text"]]

        await eventually(told_already)
        # typed, it gets a thread of its own first
        await slack.command("C02INC", "U01ALICE", "watch " + reply["blocks"][-1]["elements"][0]["value"])

        async def typed() -> list[Message]:
            own = [m for m in await slack.messages("C02INC") if not m.get("thread_ts") and m["text"].startswith("Watching")]
            return own

        assert await eventually(typed)


async def test_a_button_of_nobody(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    _parent, reply = await reported(slack)
    for action in (
        {"type": "button", "action_id": "fix", "value": "r-1"},
        {"type": "button", "action_id": "check-again", "value": "mail.contoso.lab.test --dns 127.0.0.1"},
    ):
        body = {"channel": "C02INC", "messageTs": reply["ts"], "user": "U01ALICE", "action": action}
        async with aiohttp.ClientSession() as http, http.post(slack.base + "/_control/interact", json=body):
            pass

    async def refused() -> bool:
        return len(proxy.made("response_url")) == 2

    await eventually(refused)
    assert all("does not know that button" in call.args["text"] for call in proxy.made("response_url"))


async def test_a_result_that_is_forgotten(slack: LocalSlack, proxy: StrictProxy, serving: Serving) -> None:
    async with serving():
        _parent, reply = await reported(slack, "check Fabrikam")
    async with serving():
        await slack.click(reply, "check-again", "U01ALICE")

        async def said() -> bool:
            return any("There is no result" in call.args["text"] for call in proxy.made("response_url"))

        await eventually(said)
        await slack.click(reply, "copy-for-partner", "U01ALICE")
        assert "There is no result" in json.dumps(await form(slack))


async def test_a_form_that_slack_does_not_open(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    _parent, reply = await reported(slack, "check Fabrikam")
    proxy.fail("views.open", Fault(200, {"ok": False, "error": "expired_trigger_id"}))
    await slack.click(reply, "copy-for-partner", "U01ALICE")

    async def said() -> bool:
        return any("did not open the form in time" in call.args["text"] for call in proxy.made("response_url"))

    await eventually(said)
    await slack.click(reply, "copy-for-partner", "U01ALICE")
    assert "Hello," in json.dumps(await form(slack))


# ---- mentions, direct messages


@both_transports
async def test_a_mention_is_answered_in_its_thread(slack: LocalSlack, bot: Bot) -> None:
    await slack.post("C02INC", "U01ALICE", '<@U0BOT> check "Branch office"')
    asked = next(m["ts"] for m in await slack.messages("C02INC") if m["user"] == "U01ALICE")
    (answer,) = await thread_of(slack, {"channel": "C02INC", "ts": asked})
    assert "450 4.4.316" in answer["text"]
    assert "@mailflow check" in json.dumps(answer["blocks"])
    await slack.post("C02INC", "U02BOB", "and <@U0BOT> check mail.contoso.lab.test", thread_ts=asked)
    await done_reply(slack, {"channel": "C02INC", "ts": asked}, "Healthy: mail.contoso.lab.test")
    assert len(await thread_of(slack, {"channel": "C02INC", "ts": asked})) == 2


async def test_help_and_mistakes_after_a_mention_are_for_the_asker_alone(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.post("C02INC", "U01ALICE", "<@U0BOT>")
    await slack.post("C02INC", "U01ALICE", "thanks <@U0BOT>")

    async def said() -> str:
        texts = [call.args["text"] for call in proxy.made("chat.postEphemeral")]
        assert {call.args["user"] for call in proxy.made("chat.postEphemeral")} <= {"U01ALICE"}
        return "\n".join(texts) if len(texts) == 2 else ""

    text = await eventually(said)
    assert "@mailflow check [TARGET…]" in text
    assert "There is no command 'thanks'." in text
    assert not proxy.made("chat.postMessage")


@both_transports
async def test_a_direct_message_is_a_command(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer xoxb-test-token"}) as http,
        http.post(slack.api + "conversations.open", json={"users": "U01ALICE"}) as answer,
    ):
        direct = (await answer.json())["channel"]["id"]

    async def answers(*words: str) -> list[Message]:
        own = [m for m in await slack.messages(direct) if m["user"] == "U0BOT" and not m.get("thread_ts")]
        return [m for m in own if all(word in m["text"] for word in words)]

    await slack.post(direct, "U01ALICE", 'check "Branch office"')
    (verdict,) = await eventually(lambda: answers("450 4.4.316", "What to do"))
    await slack.click(verdict, "check-again", "U01ALICE")

    async def twice() -> bool:
        return len(await answers("450 4.4.316", "What to do")) == 2

    await eventually(twice)
    await slack.post(direct, "U01ALICE", "help")
    await eventually(lambda: answers("/mailflow check [TARGET…]"))
    assert not proxy.made("chat.postEphemeral")


async def test_what_bots_say_is_no_question(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": "Bearer xoxb-test-token"}) as http:
        body = {"channel": "C02INC", "text": "<@U0BOT> check mail.contoso.lab.test"}
        async with http.post(slack.api + "chat.postMessage", json=body) as answer:
            assert (await answer.json())["ok"]
    await asyncio.sleep(1)
    assert not proxy.made("chat.postMessage")
