"""A text about an error, typed, pasted into a form, or chosen as a message; whose text it is, nobody hears again."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.conversation.responder import GRACE
from bot.demo.local_slack import LocalSlack, eventually
from bot.slack import app
from commands.explain_wording import NO_CODE
from tests.e2e.conftest import Serving, both_transports
from tests.e2e.fixing import ALICE, BOB, CHANNEL, form, words_of
from tests.e2e.reading import Bot, Message, done_reply, final_parent, running_parents, thread_of
from tests.e2e.strict_proxy import ACK_SECONDS, Fault, StrictProxy

pytestmark = pytest.mark.needs("local-slack", "namespaces")

CANARY = "canary.person@example.com"
TEXT = f"To {CANARY}\nServer at gone.contoso.lab.test (127.0.11.2) returned '450 4.4.316 Connection refused'\nDon't -- \"reply"
SLOW = TEXT.replace("gone.", "slow.").replace("127.0.11.2", "127.0.11.4")


def never_stored(store_url: str) -> None:
    """Not even in what SQLite has not overwritten yet."""
    file = Path(store_url.removeprefix("sqlite:///"))
    written = [path.read_bytes() for path in file.parent.glob(file.name + "*")]
    assert any(b"mailflow_answers" in content for content in written)
    assert not [content for content in written if CANARY.encode() in content]


async def explained(slack: LocalSlack) -> Message:
    """The answer to a command, whole: its parent, once the thread below says what was seen from here."""
    parent = await final_parent(slack, CHANNEL)
    replies = await thread_of(slack, parent)
    assert "4.4.316" in parent["text"]
    assert "Checked from here just now" in words_of(replies[0])
    assert CANARY not in words_of(parent) + words_of(replies[0])
    return parent


@both_transports
async def test_typed(slack: LocalSlack, proxy: StrictProxy, serving: Serving, store_url: str) -> None:
    async with serving(database_url=store_url):
        await slack.command(CHANNEL, ALICE, f"explain {TEXT}")
        assert "asked: /mailflow explain …" in words_of(await explained(slack))
        never_stored(store_url)
    assert max(proxy.acks) < ACK_SECONDS


@both_transports
async def test_pasted_into_a_form(slack: LocalSlack, proxy: StrictProxy, serving: Serving, store_url: str) -> None:
    async with serving(database_url=store_url):
        await slack.command(CHANNEL, ALICE, "explain")
        view = await form(slack)
        assert view["title"]["text"] == "Explain an error"
        assert await slack.submit_view(ALICE, {"--text": {"value": {"type": "plain_text_input", "value": TEXT}}}) == {"stack": []}
        assert f"<@{ALICE}>" in words_of(await explained(slack))
        never_stored(store_url)
    assert max(proxy.acks) < ACK_SECONDS


# ---- the shortcut, which local-slack does not have


async def shortcut(proxy: StrictProxy, message: Message, user: str, **more: Any) -> None:
    """“Diagnose mail error” in the menu of a message, as Slack sends it."""
    payload = {
        "type": "message_action",
        "callback_id": "diagnose-mail-error",
        "trigger_id": f"7.{message['ts']}.{user}",
        "team": {"id": "T01TEST", "domain": "mailflow-lab"},
        "user": {"id": user, "team_id": "T01TEST"},
        "channel": {"id": message["channel"], "name": "somewhere"},
        "message_ts": message["ts"],
        "message": message,
        **more,
    }
    await proxy.send_envelope(json.dumps({"envelope_id": f"shortcut-{user}", "type": "interactive", "payload": payload}))


async def said(slack: LocalSlack, channel: str, text: str, thread: str | None = None) -> Message:
    await slack.post(channel, BOB, text, thread_ts=thread)
    return next(m | {"channel": channel} for m in await slack.messages(channel) if CANARY in m["text"] or m["text"] == text)


async def test_chosen_as_a_message(slack: LocalSlack, proxy: StrictProxy, serving: Serving, store_url: str) -> None:
    async with serving(database_url=store_url):
        message = await said(slack, CHANNEL, TEXT)
        await shortcut(proxy, message, ALICE)
        (answer,) = await thread_of(slack, message)

        async def whole() -> bool:
            return "4.4.316" in words_of((await thread_of(slack, message))[0])

        await eventually(whole)
        assert CANARY not in words_of(answer)
        never_stored(store_url)
        # the same envelope once more is the same question
        await shortcut(proxy, message, ALICE)
        await asyncio.sleep(0.5)
        assert len(await thread_of(slack, message)) == 1


async def told_alone(proxy: StrictProxy, words: str) -> None:
    async def found() -> bool:
        return any(words in json.dumps(call.args, ensure_ascii=False) for call in proxy.made("response_url"))

    await eventually(found, seconds=20)


async def test_chosen_where_the_bot_may_not_post(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command("C03OUT", ALICE, "help")
    url = json.loads(proxy.envelopes[-1])["payload"]["response_url"]
    message = {"type": "message", "user": ALICE, "ts": "17.5", "text": TEXT, "channel": "C03OUT"}
    await shortcut(proxy, message, ALICE, response_url=url)
    await told_alone(proxy, "450 4.4.316")
    await shortcut(proxy, message | {"text": "", "ts": "18.5"}, ALICE, response_url=url)
    await told_alone(proxy, "There is no text in it")
    assert not proxy.made("chat.postMessage")


# ---- a text that names no code


async def typed(slack: LocalSlack, _proxy: StrictProxy) -> None:
    await slack.command(CHANNEL, ALICE, "explain hello")


async def pasted(slack: LocalSlack, _proxy: StrictProxy) -> None:
    await slack.command(CHANNEL, ALICE, "explain")
    await form(slack)
    await slack.submit_view(ALICE, {"--text": {"value": {"type": "plain_text_input", "value": "hello"}}})


async def chosen(slack: LocalSlack, proxy: StrictProxy) -> None:
    await shortcut(proxy, await said(slack, CHANNEL, "hello"), ALICE)


async def mentioned(slack: LocalSlack, proxy: StrictProxy) -> None:
    """So slowly that the answer has a parent, waiting in that thread."""
    proxy.fail("conversations.replies", Fault(seconds=2 * GRACE))
    message = await said(slack, CHANNEL, "hello")
    await slack.post(CHANNEL, ALICE, "<@U0BOT> explain", thread_ts=message["ts"])


@pytest.mark.parametrize("way", [typed, pasted, chosen, mentioned])
async def test_what_names_no_code_is_told_to_the_asker_alone(
    way: Callable[[LocalSlack, StrictProxy], Awaitable[None]], slack: LocalSlack, proxy: StrictProxy, bot: Bot
) -> None:
    await way(slack, proxy)

    async def told() -> list[Message]:
        return [m for m in await slack.messages(CHANNEL) if NO_CODE in m["text"]]

    (answer,) = await eventually(told)
    assert answer["subtype"] == "ephemeral"
    assert len(proxy.made("chat.postMessage")) == len(proxy.made("chat.delete")) == (1 if way is mentioned else 0)
    await slack.click(answer | {"channel": CHANNEL}, "explain-error", ALICE)
    assert (await form(slack))["title"]["text"] == "Explain an error"


# ---- in a thread


@pytest.mark.parametrize("mention", ["<@U0BOT> explain", "<@U0BOT>"])
async def test_mentioned_below_the_message(mention: str, slack: LocalSlack, serving: Serving, store_url: str) -> None:
    async with serving(database_url=store_url):
        message = await said(slack, CHANNEL, TEXT)
        await slack.post(CHANNEL, ALICE, mention, thread_ts=message["ts"])

        async def whole() -> bool:
            return "4.4.316" in words_of((await thread_of(slack, message))[0])

        await eventually(whole)
        never_stored(store_url)


THREADS = {
    "a question": ("Mail to Contoso comes back, since ten", "Which error?", TEXT, "version 1.2.3 of what?"),
    "a sentence": ("Who saw that before?", "Users get 450 4.4.316."),
    "an older one": ("Which?", "550 5.1.10 no such user", "Later it was 450 4.4.316 Connection refused", "Hm, 4.4 you say"),
    "the first": ("450 4.4.316 Connection refused", "450 4.4.312 was last week"),
}


@pytest.mark.parametrize("thread", THREADS.values(), ids=THREADS)
async def test_mentioned_in_a_thread_that_has_an_error(thread: tuple[str, ...], slack: LocalSlack, bot: Bot) -> None:
    first, *more = thread
    await slack.post(CHANNEL, ALICE, first)
    (root,) = [m | {"channel": CHANNEL} for m in await slack.messages(CHANNEL)]
    for words in (*more, "<@U0BOT> explain", "450 4.4.315 too"):
        await slack.post(CHANNEL, BOB, words, thread_ts=root["ts"])
    await done_reply(slack, root, "450 4.4.316", after=0)


async def test_mentioned_below_an_answer_of_its_own(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command(CHANNEL, ALICE, 'check "Branch office"')
    parent = await final_parent(slack, CHANNEL)
    assert "450 4.4.316" in parent["text"]
    await thread_of(slack, parent)
    await slack.post(CHANNEL, ALICE, "<@U0BOT> explain", thread_ts=parent["ts"])

    async def nothing() -> bool:
        return any("No message of this thread names an error" in call.args["text"] for call in proxy.made("chat.postEphemeral"))

    await eventually(nothing)
    for words in ("450 4.4.312 DNS query failed", "<@U0BOT> explain"):
        await slack.post(CHANNEL, BOB, words, thread_ts=parent["ts"])
    await done_reply(slack, parent, "450 4.4.312")


async def test_mentioned_in_a_thread_that_is_too_long(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = {"ok": True, "messages": [{"ts": "1.1", "text": "Hm"}], "has_more": True, "response_metadata": {"next_cursor": "x"}}
    proxy.fail("conversations.replies", *[Fault(200, page)] * 5)
    await slack.post(CHANNEL, ALICE, "Hm")
    (root,) = [m | {"channel": CHANNEL} for m in await slack.messages(CHANNEL)]
    await slack.post(CHANNEL, BOB, "<@U0BOT> explain", thread_ts=root["ts"])

    async def said() -> bool:
        return any("longer than I can read" in call.args["text"] for call in proxy.made("chat.postEphemeral"))

    await eventually(said)


async def test_mentioned_below_a_message_that_is_gone(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    message = await said(slack, CHANNEL, TEXT)
    proxy.fail("conversations.replies", Fault(200, {"ok": False, "error": "thread_not_found"}))
    await slack.post(CHANNEL, ALICE, "<@U0BOT>", thread_ts=message["ts"])

    async def refused() -> bool:
        return any("(thread_not_found)" in call.args["text"] for call in proxy.made("chat.postEphemeral"))

    assert await eventually(refused)


async def test_mentioned_without_the_scope_it_offers_the_form(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    message = await said(slack, CHANNEL, TEXT)
    proxy.fail("conversations.replies", Fault(200, {"ok": False, "error": "missing_scope", "needed": "channels:history"}))
    await slack.post(CHANNEL, ALICE, "<@U0BOT> explain", thread_ts=message["ts"])

    async def offered() -> list[Message]:
        return [m for m in await slack.messages(CHANNEL) if "channels:history" in m["text"]]

    (offer,) = await eventually(offered)
    assert proxy.made("chat.postEphemeral"), "for the asker alone"
    await slack.click(offer | {"channel": CHANNEL}, "explain-error", ALICE)
    assert (await form(slack))["title"]["text"] == "Explain an error"
    await slack.submit_view(ALICE, {"--text": {"value": {"type": "plain_text_input", "value": TEXT}}})

    async def answered() -> list[Message]:
        return [m for m in await slack.messages(CHANNEL) if "4.4.316" in m["text"] and m["user"] == "U0BOT"]

    assert await eventually(answered)


async def test_mentioned_below_a_message_of_its_own_it_helps(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command(CHANNEL, ALICE, "check mail.contoso.lab.test")
    parent = await final_parent(slack, CHANNEL)
    await slack.post(CHANNEL, ALICE, "<@U0BOT>", thread_ts=parent["ts"])

    async def helped() -> bool:
        return any("@mailflow check [TARGET…]" in call.args["text"] for call in proxy.made("chat.postEphemeral"))

    assert await eventually(helped)


async def test_stopped_in_the_middle(
    slack: LocalSlack, serving: Serving, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app, "DRAIN", 0.1)
    async with serving(database_url=store_url):
        await slack.command(CHANNEL, ALICE, f"explain {SLOW}")
        await eventually(lambda: running_parents(slack, CHANNEL))
        never_stored(store_url)
    async with serving(database_url=store_url):
        assert "It keeps nobody's text" in (await final_parent(slack, CHANNEL))["text"]
