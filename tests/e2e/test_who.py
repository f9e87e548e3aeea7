"""Who may ask, and who reads along: the same for commands, mentions, direct messages and clicks."""

import json
from typing import Any

import aiohttp
import pytest

from bot.demo.lab.lab import Lab
from bot.demo.local_slack import LocalSlack, eventually
from commands.command import CommandError
from tests.e2e.conftest import Serving
from tests.e2e.fixing import form
from tests.e2e.reading import Bot, done_reply, final_parent, thread_of
from tests.e2e.strict_proxy import Fault, StrictProxy
from tests.e2e.test_serve import refused

pytestmark = pytest.mark.needs("local-slack", "namespaces")

LINE = 'check "Branch office"'
GRID = {"id": "W02BOB", "enterprise_id": "E01GRID", "enterprise_name": "Lab"}
ERROR = Fault(200, {"ok": False, "error": "internal_error"})


async def told(proxy: StrictProxy, words: str, method: str = "response_url") -> dict[str, Any]:
    """What the asker alone was told, once it has the words."""

    async def found() -> list[dict[str, Any]]:
        return [dict(call.args) for call in proxy.made(method) if words in call.args["text"]]

    return (await eventually(found))[0]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"is_restricted": True}, "does not answer guests"),
        ({"is_restricted": True, "is_ultra_restricted": True}, "does not answer guests"),
        ({"is_stranger": True}, "members of its own workspace only"),
        ({"team_id": "T0OTHER"}, "members of its own workspace only"),
        ({"team_id": None}, "members of its own workspace only"),
        ({"team_id": "T0OTHER", "enterprise_user": GRID | {"teams": ["T0OTHER"]}}, "members of its own workspace only"),
        ({"team_id": "T0OTHER", "enterprise_user": GRID | {"teams": "T01TEST"}}, "members of its own workspace only"),
        ({"is_bot": True}, "answers people only"),
        ({"deleted": True}, "switched off"),
    ],
)
async def test_who_is_no_full_member_is_refused(
    flags: dict[str, Any], words: str, *, slack: LocalSlack, proxy: StrictProxy, lab: Lab, bot: Bot
) -> None:
    proxy.user_flags["U02BOB"] = flags
    await slack.command("C02INC", "U02BOB", LINE)
    assert (await told(proxy, words))["response_type"] == "ephemeral"
    await slack.post("C02INC", "U02BOB", f"<@U0BOT> {LINE}")
    assert (await told(proxy, words, "chat.postEphemeral"))["user"] == "U02BOB"
    assert not proxy.made("chat.postMessage")
    assert not lab.queries


AT_HOME = {"ok": True, "user_id": "U0BOT", "user": "mailflow", "team_id": "T01TEST", "enterprise_id": "E01GRID"}


@pytest.mark.parametrize(
    ("grid", "may"),
    [
        (GRID | {"teams": ["T0OTHER", "T01TEST"]}, True),
        (GRID | {"teams": ["T0OTHER"]}, False),
        (GRID | {"teams": "T01TEST"}, False),
        (GRID | {"enterprise_id": "E02ELSE", "teams": ["T01TEST"]}, False),
        (GRID, False),
        (["T01TEST"], False),
        (None, False),
    ],
)
async def test_in_an_enterprise_grid_only_members_of_the_installing_workspace_may_ask(
    grid: Any, may: bool, *, slack: LocalSlack, proxy: StrictProxy, serving: Serving
) -> None:
    proxy.fail("auth.test", Fault(200, AT_HOME))
    proxy.user_flags["U02BOB"] = {"team_id": "T0OTHER", "enterprise_user": grid}
    async with serving():
        await slack.command("C02INC", "U02BOB", LINE)
        if may:
            await final_parent(slack, "C02INC")
        else:
            await told(proxy, "members of its own workspace only")
            assert not proxy.made("chat.postMessage")


async def test_a_guests_click_does_nothing(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", "check Fabrikam")
    parent = await final_parent(slack, "C02INC")
    (reply,) = await thread_of(slack, parent)
    proxy.user_flags["U02BOB"] = {"is_restricted": True}
    await slack.click(reply, "check-again", "U02BOB")
    await told(proxy, "does not answer guests")
    await slack.click(reply, "copy-for-partner", "U02BOB")
    view = json.dumps(await form(slack))
    assert "does not answer guests" in view
    assert "Hello," not in view
    assert len(await thread_of(slack, parent)) == 1


async def test_where_slack_fails_to_say_who_somebody_is_it_is_asked_again(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot
) -> None:
    proxy.fail("users.info", ERROR)
    await slack.command("C02INC", "U01ALICE", LINE)
    assert "450 4.4.316" in (await final_parent(slack, "C02INC"))["text"]


async def test_where_slack_does_not_say_who_somebody_is(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.workspace.DOUBT", (0.01,))
    proxy.fail("users.info", ERROR, ERROR)
    await slack.command("C02INC", "U01ALICE", LINE)
    await told(proxy, "Slack did not tell me who you are (internal_error)")
    await slack.command("C02INC", "U01ALICE", LINE)
    assert "450 4.4.316" in (await final_parent(slack, "C02INC"))["text"], "a failure is not kept"


async def test_the_same_person_is_looked_up_once(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    for _ in range(3):
        await slack.command("C02INC", "U01ALICE", "help")
    await told(proxy, "mailflow tells why")
    assert len(proxy.made("users.info")) == len(proxy.made("conversations.info")) == 1


# ---- readers


async def test_readers_by_person_and_by_channel(slack: LocalSlack, proxy: StrictProxy, serving: Serving) -> None:
    async with serving(readers=("U02BOB", "C02INC")):
        await slack.command("C01GEN", "U01ALICE", LINE)
        await told(proxy, "MAILFLOW_READERS")
        assert not proxy.made("chat.postMessage")
        await slack.command("C01GEN", "U02BOB", LINE)
        await final_parent(slack, "C01GEN")
        await slack.command("C02INC", "U01ALICE", LINE)
        await final_parent(slack, "C02INC")
        assert not proxy.made("usergroups.users.list")


async def test_readers_by_group(slack: LocalSlack, proxy: StrictProxy, serving: Serving) -> None:
    proxy.groups["S1MAIL"] = ["U01ALICE"]
    async with serving(readers=("S1MAIL",)):
        await slack.command("C02INC", "U02BOB", LINE)
        await told(proxy, "MAILFLOW_READERS")
        await slack.command("C02INC", "U01ALICE", LINE)
        await final_parent(slack, "C02INC")
        assert len(proxy.made("usergroups.users.list")) == 1


async def test_a_guest_in_the_group_is_still_a_guest(slack: LocalSlack, proxy: StrictProxy, serving: Serving) -> None:
    proxy.groups["S1MAIL"] = ["U02BOB"]
    proxy.user_flags["U02BOB"] = {"is_restricted": True}
    async with serving(readers=("S1MAIL", "U02BOB")):
        await slack.command("C02INC", "U02BOB", LINE)
        await told(proxy, "does not answer guests")


async def test_a_group_that_cannot_be_read_lets_nobody_in(slack: LocalSlack, proxy: StrictProxy, serving: Serving) -> None:
    async with serving(readers=("S0GONE",)):
        await slack.command("C02INC", "U01ALICE", LINE)
        await told(proxy, "who is in the user group that may ask (no_such_subteam)")


@pytest.mark.parametrize("entry", ["@alice", "alice", "mail-admins", "U"])
async def test_readers_that_are_no_ids_are_refused_at_the_start(entry: str, lab: Lab, proxy: StrictProxy) -> None:
    error: CommandError = await refused(lab, proxy, readers=(entry,))
    assert f"MAILFLOW_READERS: {entry!r} is no id" in str(error)
    assert error.exit_code == 2


# ---- who reads along


@pytest.mark.parametrize("flags", [{"is_ext_shared": True}, {"is_pending_ext_shared": ["T0OTHER"]}])
async def test_in_a_channel_shared_with_others_only_the_asker_sees_it(
    flags: dict[str, Any], slack: LocalSlack, proxy: StrictProxy, bot: Bot
) -> None:
    proxy.channel_flags["C02INC"] = flags
    await slack.command("C02INC", "U01ALICE", LINE)
    said = await told(proxy, "450 4.4.316")
    assert "shared with another organisation" in said["text"]
    await slack.post("C02INC", "U01ALICE", f"<@U0BOT> {LINE}")
    mentioned = await told(proxy, "450 4.4.316", "chat.postEphemeral")
    for shown in (said, mentioned):
        assert not [block for block in shown["blocks"] if block["type"] == "actions"]
    assert not proxy.made("chat.postMessage")


async def test_a_channel_whose_kind_cannot_be_read_counts_as_shared(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.fail("conversations.info", Fault(200, {"ok": False, "error": "missing_scope"}))
    await slack.command("C02INC", "U01ALICE", LINE)
    said = await told(proxy, "450 4.4.316")
    assert "who reads this channel (missing_scope)" in said["text"]
    assert not [block for block in said["blocks"] if block["type"] == "actions"]


async def test_a_click_in_a_channel_that_has_become_shared(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.access.KEPT", 0.0)
    await slack.command("C02INC", "U01ALICE", LINE)
    parent = await final_parent(slack, "C02INC")
    (reply,) = await thread_of(slack, parent)
    proxy.channel_flags["C02INC"] = {"is_ext_shared": True}
    await slack.click(reply, "check-again", "U02BOB")
    assert "450 4.4.316" in (await told(proxy, "450 4.4.316"))["text"]
    assert len(await thread_of(slack, parent)) == 1
    proxy.channel_flags.clear()
    await slack.click(reply, "check-again", "U02BOB")
    await done_reply(slack, parent, "450 4.4.316")


async def test_an_answer_for_the_asker_alone_can_be_asked_again(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    """Where nobody else reads along, but the bot may not write: a button of an ephemeral message answers there too."""
    proxy.close_channel("C03OUT", "restricted_action")
    await slack.command("C03OUT", "U01ALICE", LINE)
    said = await told(proxy, "450 4.4.316")
    assert not said["blocks"][-1]["elements"][-1].get("options", [{}])[-1].get("value", "").startswith("watch")
    async with aiohttp.ClientSession() as http:
        value = said["blocks"][-1]["elements"][0]["value"]
        hidden = next(m for m in await slack.messages("C03OUT") if "450 4.4.316" in m["text"])
        action = {"type": "button", "action_id": "check-again", "value": value}
        body = {"channel": "C03OUT", "messageTs": hidden["ts"], "user": "U01ALICE", "action": action}
        async with http.post(slack.base + "/_control/interact", json=body):
            pass

    async def again() -> bool:
        return sum("450 4.4.316" in call.args["text"] for call in proxy.made("response_url")) == 2

    await eventually(again)
