"""Files in Slack are explained like texts, wherever they hang; what is in them, nobody hears again."""

import json
from typing import Any

import aiohttp
import pytest

from bot.demo.local_slack import LocalSlack, eventually
from tests.e2e.conftest import Serving, both_transports
from tests.e2e.fixing import ALICE, BOB, CHANNEL, buttons, form, words_of
from tests.e2e.reading import Bot, Message, thread_of
from tests.e2e.strict_proxy import Fault, StrictProxy
from tests.e2e.test_explain import CANARY, TEXT, never_stored, shortcut

pytestmark = pytest.mark.needs("local-slack", "namespaces")

NAME = f"Undeliverable plans of {CANARY}.eml"
BOUNCE = f"From: {CANARY}\nSubject: plans\n\n{TEXT}".encode()
PICTURE = b"\x89PNG\r\n\x1a\n"
LACKS_SCOPE = Fault(200, {"ok": False, "error": "missing_scope", "needed": "files:read"})


async def upload(slack: LocalSlack, channel: str, user: str, text: str, *, name: str = NAME, **more: Any) -> Message:
    """A message with a file, as people drop it into a channel."""
    form = aiohttp.FormData({"channel": channel, "user": user, "text": text, **more})
    form.add_field("file", PICTURE if name.endswith("png") else BOUNCE, filename=name)
    async with aiohttp.ClientSession() as http, http.post(f"{slack.base}/_control/upload", data=form) as answer:
        message: Message = (await answer.json())["message"]
        return message


async def explained(slack: LocalSlack, message: Message) -> str:
    """The answer in the thread of that message, once it is whole."""

    async def whole() -> str:
        words = words_of((await thread_of(slack, message))[0])
        return words if "Checked from here just now" in words else ""

    words = await eventually(whole, seconds=20)
    assert "4.4.316" in words
    assert CANARY not in words
    return words


async def told_alone(slack: LocalSlack, proxy: StrictProxy, words: str) -> Message:
    async def found() -> list[Message]:
        return [m for m in await slack.messages(CHANNEL) if words in m["text"]]

    (message,) = await eventually(found)
    assert proxy.made("chat.postEphemeral"), "for the asker alone"
    return message | {"channel": CHANNEL}


@both_transports
async def test_beside_a_mention(slack: LocalSlack, proxy: StrictProxy, serving: Serving, store_url: str) -> None:
    async with serving(database_url=store_url):
        message = await upload(slack, CHANNEL, ALICE, "<@U0BOT> explain 550 5.1.1 User unknown")
        words = await explained(slack, message)
        assert "Read from 1 attached file (.eml)." in words
        assert "550 5.1.1" in words, "what was typed counts as well"
        never_stored(store_url)
    assert len(proxy.made("download")) == 1


async def test_in_a_direct_message(slack: LocalSlack, bot: Bot) -> None:
    async with (
        aiohttp.ClientSession(headers={"Authorization": "Bearer xoxb-test-token"}) as http,
        http.post(slack.api + "conversations.open", json={"users": ALICE}) as answer,
    ):
        direct = (await answer.json())["channel"]["id"]
    await upload(slack, direct, ALICE, "")

    async def answers() -> list[Message]:
        return [
            m for m in await slack.messages(direct) if m["user"] == "U0BOT" and "Read from 1 attached file (.eml)." in words_of(m)
        ]

    assert await eventually(answers, seconds=20)


async def test_of_a_message_that_is_chosen(slack: LocalSlack, proxy: StrictProxy, serving: Serving, store_url: str) -> None:
    async with serving(database_url=store_url):
        message = await upload(slack, CHANNEL, BOB, "what is this?")
        await shortcut(proxy, message | {"channel": CHANNEL}, ALICE)
        await explained(slack, message)
        never_stored(store_url)


async def test_of_the_message_above(slack: LocalSlack, bot: Bot) -> None:
    message = await upload(slack, CHANNEL, BOB, "what is this?")
    await slack.post(CHANNEL, ALICE, "<@U0BOT>", thread_ts=message["ts"])
    await explained(slack, message)


async def test_a_picture_does_not_stand_before_the_bounce_below_it(slack: LocalSlack, bot: Bot) -> None:
    message = await upload(slack, CHANNEL, BOB, "What is this pop-up?", name="shot.png")
    for words in (TEXT, "<@U0BOT> explain"):
        await slack.post(CHANNEL, ALICE, words, thread_ts=message["ts"])
    await explained(slack, message)


async def test_without_the_scope_it_offers_the_form(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.fail("files.info", LACKS_SCOPE)
    await upload(slack, CHANNEL, ALICE, "<@U0BOT> explain")
    offer = await told_alone(
        slack, proxy, "1 attached file (.eml) was not read: the Slack app lacks the optional scope files:read"
    )
    assert buttons(offer) == ["explain-error"]
    await slack.click(offer, "explain-error", ALICE)
    assert (await form(slack))["title"]["text"] == "Explain an error"
    assert not proxy.made("download")


async def test_without_the_scope_the_text_is_still_explained(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.fail("files.info", LACKS_SCOPE)
    message = await upload(slack, CHANNEL, ALICE, f"<@U0BOT> explain {TEXT}")
    assert "1 attached file (.eml) was not read: the Slack app lacks the optional scope files:read." in await explained(
        slack, message
    )


async def test_a_picture_is_not_fetched(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    message = await upload(slack, CHANNEL, BOB, "what is this?", name="shot.png")
    await shortcut(proxy, message | {"channel": CHANNEL}, ALICE)
    await told_alone(slack, proxy, "Not read: a picture. Paste the text that it shows")
    assert not [call for call in proxy.calls if call.method in ("files.info", "download")]


async def test_other_commands_take_no_files(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    message = await upload(slack, CHANNEL, ALICE, "<@U0BOT> check mail.contoso.lab.test")
    assert "Healthy" in json.dumps(await thread_of(slack, message))
    assert not [call for call in proxy.calls if call.method in ("files.info", "download")]
