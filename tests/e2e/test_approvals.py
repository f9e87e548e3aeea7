"""Who may have a tenant changed, and where: rights are looked at with each click, whatever the screen shows."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from bot.demo.lab.lab import Lab
from bot.demo.lab.tenant import LabTenant
from bot.demo.local_slack import LocalSlack, eventually
from bot.slack.access import SlackApprovers
from bot.slack.transport.client import Me, Slack, open_slack
from commands.command import CommandError
from tests.e2e.conftest import Serving
from tests.e2e.fixing import (
    ALICE,
    BOB,
    CAROL,
    CHANNEL,
    NAME,
    as_it_is,
    asked,
    buttons,
    form_with,
    offered,
    planned,
    send,
    used_up,
    words_of,
)
from tests.e2e.reading import Message, done_reply, thread_of
from tests.e2e.strict_proxy import Fault, StrictProxy
from tests.e2e.test_serve import refused
from tests.e2e.test_who import told

pytestmark = pytest.mark.needs("local-slack", "namespaces")

GROUP = "S1MAIL"
ERROR = Fault(200, {"ok": False, "error": "internal_error"})


def value_of(message: Message) -> str:
    """The id behind its buttons."""
    return str(next(e["value"] for block in message["blocks"] if block["type"] == "actions" for e in block["elements"]))


async def forge(slack: LocalSlack, message: Message, user: str, **action: Any) -> None:
    """A click that no button of ours makes."""
    body = {"channel": CHANNEL, "messageTs": message["ts"], "user": user, "action": {"type": "button", **action}}
    async with aiohttp.ClientSession() as http, http.post(slack.base + "/_control/interact", json=body) as answer:
        assert answer.status == 200


async def heard(proxy: StrictProxy, words: str, times: int) -> None:
    """So many answers for one person alone have these words."""

    async def found() -> bool:
        return sum(words in call.args["text"] for call in proxy.made("response_url")) == times

    await eventually(found, seconds=20)


# ---- who approves


async def test_who_may_not_approve(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.workspace.DOUBT", ())
    async with fixing():
        parent, question = await asked(slack)
        await slack.click(question, "approve", ALICE)
        await told(proxy, "another person has to approve it")
        await slack.click(question, "approve", CAROL)
        await told(proxy, "MAILFLOW_FIX_APPROVERS")
        proxy.fail("users.info", ERROR)
        await slack.click(question, "approve", BOB)
        await told(proxy, "who you are (internal_error)")
        assert buttons(await as_it_is(slack, question)) == ["approve", "reject"]
        assert tenant.changes == []
        await slack.click(question, "approve", BOB)
        await done_reply(slack, parent, "is done")


async def test_a_group_may_approve_and_is_asked_afresh(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    proxy.groups[GROUP] = [CAROL]
    async with fixing(fix_approvers=(GROUP,)):
        parent, question = await asked(slack)
        assert f"<!subteam^{GROUP}>" in words_of(question)
        await slack.click(question, "approve", BOB)
        await told(proxy, "You may not approve fixes")
        proxy.groups[GROUP] = [BOB]
        await slack.click(question, "approve", CAROL)
        await heard(proxy, "You may not approve fixes", 2)
        await slack.click(question, "approve", BOB)
        await done_reply(slack, parent, "is done")


async def test_two_people_are_two_people(slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing(fix_approvers=(BOB, CAROL), fix_approvals=2):
        parent, question = await asked(slack)
        await slack.click(question, "approve", BOB)
        await done_reply(slack, parent, f"Approved by <@{BOB}>", "one person more needed")
        await slack.click(question, "approve", BOB)
        await told(proxy, "one person counts once")
        assert buttons(await as_it_is(slack, question)) == ["approve", "reject"]
        assert tenant.changes == []
        await slack.click(question, "approve", CAROL)
        await done_reply(slack, parent, "is done")
        await used_up(slack, question, f"Approved by <@{CAROL}> at ")


async def test_an_approval_of_somebody_who_may_no_longer_is_dropped(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    proxy.groups[GROUP] = [BOB]
    async with fixing(fix_approvers=(GROUP, CAROL), fix_approvals=2):
        parent, question = await asked(slack)
        await slack.click(question, "approve", BOB)
        await done_reply(slack, parent, "one person more needed")
        proxy.groups[GROUP] = []
        await slack.click(question, "approve", CAROL)
        await done_reply(slack, parent, f"Approved by <@{CAROL}>", f"that they may approve: <@{BOB}>", "one person more needed")
        assert (buttons(await as_it_is(slack, question)), tenant.changes) == (["approve", "reject"], [])
        proxy.groups[GROUP] = [BOB]
        await slack.click(question, "approve", BOB)
        await done_reply(slack, parent, "is done")
        await used_up(slack, question, f"Approved by <@{BOB}> at ")


async def test_an_approver_alone(slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing(fix_approvers=(ALICE,), fix_approvals=0):
        parent, reply = await offered(slack)
        plan = await planned(slack, reply, user=BOB)
        assert "they, an approver, say so here" in words_of(plan)
        await slack.click(plan, "do-it", BOB)
        await told(proxy, "You may not approve fixes")
        assert tenant.changes == []
        await slack.click(await planned(slack, reply), "do-it", ALICE)
        done = await done_reply(slack, parent, "is done")
        assert buttons(done) == ["undo"]
        await slack.click(done, "undo", BOB)
        assert "MAILFLOW_FIX_APPROVERS" in (await told(proxy, "You may not undo this fix"))["text"]
        assert buttons(await as_it_is(slack, done)) == ["undo"]


async def test_an_approver_may_click_whatever_the_readers_are(slack: LocalSlack, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing(readers=(ALICE,)):
        parent, question = await asked(slack)
        await slack.click(question, "approve", BOB)
        await done_reply(slack, parent, "is done")


@pytest.mark.parametrize("entry", ["@bob", "bob", "C02INC", "U"])
async def test_approvers_that_are_no_ids_are_refused_at_the_start(entry: str, lab: Lab, proxy: StrictProxy) -> None:
    error: CommandError = await refused(lab, proxy, fix_approvers=(entry,))
    assert f"MAILFLOW_FIX_APPROVERS: {entry!r} is no id" in str(error)
    assert error.exit_code == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({}, None),
        ({"is_restricted": True}, "guests"),
        ({"is_ultra_restricted": True}, "guests"),
        ({"is_bot": True}, "people only"),
        ({"deleted": True}, "switched off"),
        ({"is_stranger": True}, "own workspace"),
        ({"team_id": "T0OTHER"}, "own workspace"),
        ({"team_id": None}, "own workspace"),
    ],
)
async def test_what_an_approver_must_be(flags: dict[str, Any], words: str | None, proxy: StrictProxy) -> None:
    proxy.user_flags[BOB] = flags
    async with open_slack(proxy.api, "xoxb-test-token") as found:
        why = await SlackApprovers(_named(found), (BOB, GROUP)).why_not(BOB)
    assert why is words is None or (words and why and words in why)


@pytest.mark.parametrize(
    ("method", "error", "words"),
    [
        ("users.info", "user_not_found", "user_not_found"),
        ("users.info", "ratelimited", "ratelimited"),
        ("usergroups.users.list", "missing_scope", "missing_scope"),
        ("usergroups.users.list", "plan_upgrade_required", "plan_upgrade_required"),
    ],
)
async def test_where_slack_does_not_say_nobody_may(method: str, error: str, words: str, proxy: StrictProxy) -> None:
    proxy.groups[GROUP] = [BOB]
    async with open_slack(proxy.api, "xoxb-test-token") as found:
        approvers = SlackApprovers(_named(found), (GROUP,))
        proxy.fail(method, Fault(200, {"ok": False, "error": error}))
        assert words in str(await approvers.why_not(BOB))
        assert await approvers.why_not(BOB) is None, "a failure is not kept"
        proxy.groups[GROUP] = []
        assert "MAILFLOW_FIX_APPROVERS" in str(await approvers.why_not(BOB)), "nor is a yes"
        assert await approvers.why_not("watch:w-1") == "Only people approve fixes."


def _named(found: Slack) -> Slack:
    return Slack(found.retrying, found.no_retry, found.session, Me("U0BOT", "mailflow", "T01TEST"))


# ---- what is not clicked does not count


async def test_words_of_buttons_cannot_be_typed(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    async with fixing():
        _parent, question = await asked(slack)
        id = value_of(question)
        lines = {
            **{f"{verb} {id}": f"There is no command '{verb}'" for verb in ("approve", "reject", "ask", "expire", "verify")},
            f'fix "{NAME}" --yes': "Unknown option --yes of fix",
            f'fix "{NAME}" --reason CHG': "Unknown option --reason of fix",
            f"undo {id} --yes": "Unknown option --yes of undo",
            f"resume {id} --yes": "Unknown option --yes of resume",
        }
        for line, words in lines.items():
            await slack.command(CHANNEL, BOB, line)
            await told(proxy, words)
        await slack.post(CHANNEL, BOB, f"<@U0BOT> approve {id}")
        await told(proxy, "There is no command 'approve'", "chat.postEphemeral")
        assert tenant.changes == []


async def test_forged_clicks_and_forms(slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing():
        _parent, question = await asked(slack)
        id = value_of(question)
        for action in (
            {"action_id": "approve", "value": f"{id} --yes"},
            {"action_id": "fix", "value": f"{NAME} --yes"},
            {"action_id": "expire", "value": id},
            {"action_id": "verify", "value": id},
        ):
            await forge(slack, question, BOB, **action)
        await heard(proxy, "does not know that button", 4)
        await forge(slack, question, BOB, action_id="approve", value="f-0123456789abcdef")
        await told(proxy, "There is no fix")
        await forge(slack, question, CAROL, action_id="undo", value=id)
        await told(proxy, "There is nothing to undo")
        await forge(slack, question, ALICE, action_id="do-it", value=id)
        await told(proxy, "There is nothing to be asked")
        assert tenant.changes == []


async def test_what_is_sent_twice_counts_once(slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing():
        parent, question = await asked(slack)
        await slack.click(question, "approve", BOB)
        done = await done_reply(slack, parent, "is done")
        await slack.click(done, "undo", BOB)
        await done_reply(slack, parent, "was taken back")
        before, views = len(await thread_of(slack, parent)), len(proxy.made("views.update"))
        for envelope in [e for e in proxy.envelopes if json.loads(e)["type"] == "interactive"]:
            await proxy.send_envelope(envelope)
        await asyncio.sleep(1.5)
        assert len(await thread_of(slack, parent)) == before
        assert len(proxy.made("views.update")) == views
        assert tenant.effective(NAME, "Enabled") == 2


async def test_people_of_another_team(slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing():
        parent, question = await asked(slack)
        await slack.click(question, "reject", CAROL)
        await told(proxy, "You may not approve fixes")
        envelope = json.loads(proxy.envelopes[-1])
        envelope["payload"]["user"] |= {"id": BOB, "team_id": "T0OTHER"}
        envelope["payload"]["trigger_id"] = "1.2.3"
        await proxy.send_envelope(json.dumps(envelope))
        await told(proxy, "members of its own workspace only")
        assert buttons(await as_it_is(slack, question)) == ["approve", "reject"]
        assert "waits for approval" in (await thread_of(slack, parent))[-1]["text"]


# ---- where


@pytest.mark.parametrize("flags", [{"is_ext_shared": True}, {"is_pending_ext_shared": ["T0OTHER"]}])
async def test_where_others_read_along_there_are_no_buttons(
    flags: dict[str, Any], slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    proxy.channel_flags[CHANNEL] = flags
    async with fixing():
        for line, words in ((f'check "{NAME}"', "450 4.4.316"), (f'fix "{NAME}"', "can be done")):
            await slack.command(CHANNEL, ALICE, line)
            assert buttons(await told(proxy, words)) == []
        assert not proxy.made("chat.postMessage")


async def test_a_channel_that_has_become_shared(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.access.KEPT", 0.0)
    async with fixing():
        parent, reply = await offered(slack)
        plan = await planned(slack, reply)
        proxy.channel_flags[CHANNEL] = {"is_ext_shared": True}
        await slack.click(plan, "ask", ALICE)
        await told(proxy, "Others read this channel")
        await slack.click(reply, "fix-now", ALICE)
        await form_with(slack, "Others read this channel")
        proxy.channel_flags.clear()
        await slack.click(await planned(slack, reply), "ask", ALICE)
        question = await done_reply(slack, parent, "waits for approval")
        proxy.channel_flags[CHANNEL] = {"is_ext_shared": True}
        await slack.click(question, "approve", BOB)
        await heard(proxy, "Others read this channel", 2)
        assert tenant.changes == []


async def test_a_form_is_of_whoever_may_ask_when_it_is_sent(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.access.KEPT", 0.0)
    async with fixing():
        _parent, reply = await offered(slack)
        await slack.click(reply, "fix-now", ALICE)
        await form_with(slack, '"--reason"')
        proxy.user_flags[ALICE] = {"is_restricted": True}
        await send(slack, "CHG-1")
        await form_with(slack, "does not answer guests")


async def test_a_direct_message_is_read_by_nobody_who_could_approve(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    async with (
        fixing(),
        aiohttp.ClientSession(headers={"Authorization": "Bearer xoxb-test-token"}) as http,
        http.post(slack.api + "conversations.open", json={"users": ALICE}) as answer,
    ):
        direct = (await answer.json())["channel"]["id"]
        await slack.post(direct, ALICE, f'check "{NAME}"')

        async def verdict() -> list[Message]:
            return [m for m in await slack.messages(direct) if m["user"] == "U0BOT" and "fix-now" in buttons(m)]

        (reply,) = await eventually(verdict, seconds=20)
        await slack.click(reply, "fix-now", ALICE)
        await form_with(slack, "Ask for it in a channel")
