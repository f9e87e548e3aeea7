"""Fix now in Slack, from the offer to its end, and what else can become of it."""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

import pytest

from bot.demo.lab.tenant import LabTenant, Trouble
from bot.demo.local_slack import LocalSlack, eventually
from commands.reply import Reply
from tests.e2e.conftest import Serving, both_transports
from tests.e2e.fixing import (
    ALICE,
    BOB,
    CAROL,
    CHANNEL,
    NAME,
    as_it_is,
    asked,
    buttons,
    form,
    form_with,
    offered,
    planned,
    send,
    used_up,
    words_of,
)
from tests.e2e.reading import done_reply, thread_of
from tests.e2e.strict_proxy import ACK_SECONDS, Fault, StrictProxy
from tests.e2e.test_who import told

pytestmark = pytest.mark.needs("local-slack", "namespaces")

DOMAIN = "contoso.lab.test"


def state(tenant: LabTenant, connector: str = NAME, domain: str = DOMAIN) -> tuple[bool, str]:
    """What is true in the tenant: is the connector on, and what kind is the domain."""
    return tenant.value("connector", connector, "Enabled"), tenant.value("accepted-domain", domain, "DomainType")


BEFORE, AFTER = (True, "InternalRelay"), (False, "Authoritative")


@both_transports
async def test_offer_form_approval_done_and_undone(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    async with fixing():
        parent, reply = await offered(slack)
        assert buttons(reply)[:2] == ["check-again", "fix-now"]

        await slack.click(reply, "fix-now", ALICE)
        view = await form_with(slack, '"--reason"')
        assert view["title"]["text"] == "Fix now"
        for words in ("InternalRelay → Authoritative", "Enabled on → off", "What it means", "Make sure that all of this is true"):
            assert words in words_of(view), "read before anything is typed"
        await send(slack, "CHG-1: gone  for good --yes")
        plan = await done_reply(slack, parent, "Nothing is changed before", f"Planned by <@{ALICE}>")
        assert "Reason: CHG-1: gone  for good --yes" in plan["text"]
        assert "Go on in the thread: press Ask for approval there." in words_of(await form_with(slack, "can be done"))
        (button,) = [e for block in plan["blocks"] if block["type"] == "actions" for e in block["elements"]]
        assert (button["text"]["text"], button["confirm"]["confirm"]["text"]) == ("Ask for approval", "Ask for approval")
        assert state(tenant) == BEFORE

        await slack.click(plan, "ask", BOB)
        await told(proxy, "Only the one who made this plan")
        await slack.click(plan, "ask", ALICE)
        question = await done_reply(slack, parent, "waits for approval", f"Asked by <@{ALICE}>", f" UTC for <@{BOB}>")
        assert buttons(question) == ["approve", "reject"]
        await used_up(slack, plan, f"Asked for by <@{ALICE}> at ")
        assert state(tenant) == BEFORE

        await slack.click(question, "approve", BOB)
        done = await done_reply(slack, parent, "is done")
        assert state(tenant) == AFTER
        assert buttons(done) == ["undo"]
        await used_up(slack, question, f"Approved by <@{BOB}> at ")

        await slack.click(done, "undo", BOB)
        await done_reply(slack, parent, "was taken back")
        assert state(tenant) == BEFORE
        await used_up(slack, done, f"Taken back by <@{BOB}> at ")
        assert max(proxy.acks) < ACK_SECONDS
        assert (tenant.effective(NAME, "Enabled"), tenant.effective(DOMAIN, "DomainType")) == (2, 2)


async def test_it_is_looked_at_again_afterwards(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    async with fixing(fix_verify_after="1s"):
        parent, question = await asked(slack)
        await slack.click(question, "approve", BOB)
        done = await done_reply(slack, parent, "is done")
        assert "It is looked at again, and this thread is told" in done["text"]
        look = await done_reply(slack, parent, "is in effect", "This was the last look")
        assert "no connector carries its mail any more" in look["text"], "what was read before the fix is old"
        assert "of the mail of the last 24 hours none waits" in look["text"]
        assert f"as set: {DOMAIN}: DomainType is Authoritative\n" in look["text"]
        assert "asked: " not in words_of(look), "the clock looks, and nobody asked for that"
        await slack.click(look, "undo", BOB)
        await used_up(slack, look, f"Taken back by <@{BOB}> at ")
        await slack.click(done, "undo", BOB)
        await told(proxy, "There is nothing to undo")
        await used_up(slack, done, f"Taken back, as seen by <@{BOB}> at ")


async def test_an_undo_that_failed_keeps_its_button(slack: LocalSlack, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing():
        parent, question = await asked(slack)
        await slack.click(question, "approve", BOB)
        done = await done_reply(slack, parent, "is done")
        tenant.spoil(Trouble("Set-OutboundConnector", "refused"))
        await slack.click(done, "undo", BOB)
        failed = await done_reply(slack, parent, f"Undo of {NAME} failed", "The fix is still in effect")
        assert buttons(failed) == buttons(await as_it_is(slack, done)) == ["undo"]
        await slack.click(failed, "undo", BOB)
        await done_reply(slack, parent, "was taken back")
        await used_up(slack, failed, f"Taken back by <@{BOB}> at ")


async def test_what_is_not_there_is_told_to_who_asked(slack: LocalSlack, proxy: StrictProxy, fixing: Serving) -> None:
    async with fixing():
        await slack.command(CHANNEL, ALICE, "fix Nobody")
        await told(proxy, "Fix now of Nobody cannot be done: nothing was changed")


@pytest.mark.parametrize("who", [BOB, ALICE])
async def test_rejected_by_an_approver_or_by_who_asked(
    who: str, slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    async with fixing():
        parent, question = await asked(slack)
        await slack.click(question, "reject", CAROL)
        await told(proxy, "You may not approve fixes")
        assert buttons(await as_it_is(slack, question)), "who may still can"
        await slack.click(question, "reject", who)
        await done_reply(slack, parent, "was rejected")
        await used_up(slack, question, f"Rejected by <@{who}> at ")
        await slack.click(question, "approve", BOB)
        await told(proxy, "it is rejected")
        await asyncio.sleep(0.3)
        assert "as seen" not in (await as_it_is(slack, question))["text"], "the first who used it stands there"
        assert state(tenant) == BEFORE


async def test_a_plan_that_waited_too_long(slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing(fix_plan_ttl="8s"):
        parent, question = await asked(slack)
        await done_reply(slack, parent, "was not approved in time")
        await slack.click(question, "approve", BOB)
        await told(proxy, "it is expired")
        await used_up(slack, question, "Expired, as seen by ")
        assert state(tenant) == BEFORE


async def test_a_tenant_that_changed_meanwhile(slack: LocalSlack, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing():
        parent, question = await asked(slack)
        tenant.change("connector", NAME, "SmartHosts", ["mail.contoso.lab.test"])
        await slack.click(question, "approve", BOB)
        await done_reply(slack, parent, "changed-since-plan")
        await used_up(slack, question, "Not done, though approved by ")
        assert state(tenant) == BEFORE


async def test_a_server_that_answers_meanwhile(
    slack: LocalSlack, tenant: LabTenant, fixing: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diagnostics.probes.flights.FRESH_SECONDS", 0.0)
    async with fixing():
        parent, question = await asked(slack, "Contoso in the cellar")
        await slack.click(question, "approve", BOB)
        await done_reply(slack, parent, "server-answers")
        await used_up(slack, question, "Not done, though approved by ")
        assert state(tenant, "Contoso in the cellar", "cellar.lab.test") == BEFORE


async def test_which_of_several_domains(slack: LocalSlack, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing():
        parent, reply = await offered(slack, "Contoso branches")
        await slack.click(reply, "fix-now", ALICE)
        view = await form_with(slack, '"checkboxes"')
        (boxes,) = [block["element"] for block in view["blocks"] if block.get("block_id") == "--domain"]
        assert [option["value"] for option in boxes["options"]] == ["east.lab.test", "west.lab.test"]
        assert await send(slack, " ") == {"errors": {"--domain": "Fill this in.", "--reason": "Fill this in."}}
        await send(slack, "moved", ["west.lab.test"])
        plan = await done_reply(slack, parent, "Nothing is changed before")
        assert "west.lab.test: DomainType InternalRelay → Authoritative" in words_of(plan)
        assert "east.lab.test: DomainType" not in words_of(plan)


async def test_what_cannot_be_done_says_why_and_has_no_button(slack: LocalSlack, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing():
        _parent, reply = await offered(slack)
        tenant.change("connector", NAME, "Enabled", False)
        await slack.click(reply, "fix-now", ALICE)
        view = await form_with(slack, "connector-already-off")
        assert "submit" not in view


async def test_typed_by_name_it_is_asked_for_in_its_thread(slack: LocalSlack, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing():
        await slack.command(CHANNEL, ALICE, f'fix "{NAME}"')

        async def shown() -> list[dict[str, object]]:
            return [m for m in await slack.messages(CHANNEL) if m.get("thread_ts") and buttons(m) == ["fix-now"]]

        (plan,) = await eventually(shown, seconds=20)
        await slack.click(await planned(slack, plan), "ask", ALICE)
        await done_reply(slack, {"channel": CHANNEL, "ts": plan["thread_ts"]}, "waits for approval")


# ---- while it is done


async def test_a_click_shows_at_once_that_it_runs(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    async with fixing():
        parent, question = await asked(slack)
        tenant.lag(seconds=4)
        before = time.monotonic()
        await slack.click(question, "approve", BOB)
        await tenant.arrived("Set-AcceptedDomain")
        tenant.lag()
        await done_reply(slack, parent, "is done")
        runs, *edits = [c for c in proxy.calls if c.at > before and "⏳ Running: Approve" in str(c.args.get("text"))]
        assert runs.method == "chat.postMessage"
        assert runs.at - before < 1
        assert [c.method for c in edits][:1] == ["chat.update"], "it says how far it is"
        assert state(tenant) == AFTER


async def test_two_clicks_at_once_do_it_once(slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving) -> None:
    async with fixing(fix_approvers=(BOB, CAROL)):
        parent, question = await asked(slack)
        tenant.lag(seconds=2)
        await slack.click(question, "approve", BOB)
        await tenant.arrived("Set-AcceptedDomain")
        tenant.lag()
        await slack.click(question, "approve", CAROL)
        await told(proxy, "it is running")
        await done_reply(slack, parent, "is done")
        await used_up(slack, question, f"Approved by <@{BOB}> at ")
        assert len([m for m in await thread_of(slack, parent) if "is done" in m["text"]]) == 1
        assert (tenant.effective(NAME, "Enabled"), tenant.effective(DOMAIN, "DomainType")) == (1, 1)


@pytest.mark.parametrize("pause", [0.0, 0.05, 0.3])
async def test_approve_against_reject(pause: float, slack: LocalSlack, tenant: LabTenant, fixing: Serving) -> None:
    """Whichever comes first counts, whole; the other one changes nothing."""
    async with fixing():
        parent, question = await asked(slack)
        approving = asyncio.create_task(slack.click(question, "approve", BOB))
        await asyncio.sleep(pause)
        await slack.click(question, "reject", ALICE)
        await approving
        now = await used_up(slack, question, " by <@")

        async def quiet() -> list[str]:
            texts = [message["text"] for message in await thread_of(slack, parent)]
            return [] if any(text.startswith("⏳") for text in texts) else texts

        texts = await eventually(quiet, seconds=20)
    ends = [words for words in ("is done", "was rejected") if any(words in text for text in texts)]
    assert len(ends) == 1, texts
    done = ends == ["is done"]
    assert state(tenant) == (AFTER if done else BEFORE)
    assert tenant.effective(NAME, "Enabled") == done
    # who came second may be the first to say on the question how it ended
    assert any(
        words in now["text"] for words in (("Approved by", "Done, as seen") if done else ("Rejected by", "Rejected, as seen"))
    )


async def test_stopped_in_the_middle_it_can_be_gone_on_with(
    slack: LocalSlack, tenant: LabTenant, fixing: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.slack.app.DRAIN", 0.2)
    async with fixing():
        parent, question = await asked(slack)
        tenant.lag(seconds=5)
        await slack.click(question, "approve", BOB)
        await tenant.arrived("Set-AcceptedDomain")
    tenant.lag()
    tenant.heal()
    assert state(tenant) == (True, "Authoritative"), "no domain is relayed without a connector"
    async with fixing():
        stopped = await done_reply(slack, parent, "could not be told: was it done?")
        assert buttons(stopped) == ["resume", "undo"]
        await used_up(slack, question, "Unknown, as seen by ")
        await slack.click(stopped, "resume", BOB)
        await done_reply(slack, parent, "is done")
        await used_up(slack, stopped, f"Finished by <@{BOB}> at ")
        assert state(tenant) == AFTER
        assert tenant.effective(DOMAIN, "DomainType") == 1


async def test_a_message_that_cannot_be_edited_keeps_its_buttons_and_they_do_nothing(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving
) -> None:
    async with fixing():
        parent, question = await asked(slack)
        proxy.fail("chat.update", *[Fault(200, {"ok": False, "error": "cant_update_message"})] * 3)
        await slack.click(question, "reject", BOB)
        await done_reply(slack, parent, "was rejected")
        assert buttons(await as_it_is(slack, question))
        await slack.click(question, "approve", BOB)
        await told(proxy, "it is rejected")
        assert state(tenant) == BEFORE


async def test_an_answer_that_is_faster_than_its_acknowledgement(
    slack: LocalSlack, proxy: StrictProxy, fixing: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fixing():
        _parent, reply = await offered(slack)
        await slack.click(reply, "fix-now", ALICE)
        await form_with(slack, '"--reason"')
        proxy.ack_takes = 0.3
        monkeypatch.setattr("commands.run.run", _refusal)
        await send(slack, "CHG-1")
        await form_with(slack, "You may not")
        await asyncio.sleep(0.5)
        await form_with(slack, "You may not")


async def _refusal(*_args: object, **_more: object) -> Reply:
    return Reply("You may not.", audience="asker")


@dataclass(frozen=True)
class Ahead:
    """A clock."""

    by: timedelta

    def now(self, zone: tzinfo) -> datetime:
        return datetime.now(zone) + self.by


async def test_a_form_that_was_closed_meanwhile(
    slack: LocalSlack, proxy: StrictProxy, tenant: LabTenant, fixing: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with fixing(fix_approvers=()):
        parent, reply = await offered(slack)
        await slack.click(reply, "fix-now", ALICE)
        view = await form(slack)
        assert "submit" not in view
        assert "Nobody may approve fixes" in words_of(view)
    async with fixing():
        await slack.click(reply, "fix-now", ALICE)
        await form_with(slack, '"--reason"')
        proxy.fail("views.update", *[Fault(200, {"ok": False, "error": "not_found"})] * 2)
        await send(slack, "CHG-1")
        plan = await done_reply(slack, parent, "Nothing is changed before")
        monkeypatch.setattr("diagnostics.probes.instruments.datetime", Ahead(timedelta(minutes=15)))
        await slack.click(plan, "ask", ALICE)
        await done_reply(slack, parent, "was not approved in time")
        await used_up(slack, plan, "Expired, as seen by ")


async def test_what_nobody_is_told_leaves_nothing(
    slack: LocalSlack, proxy: StrictProxy, fixing: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_args: object, **_more: object) -> Reply:
        await asyncio.sleep(0.5)
        return Reply("", audience="nobody")

    monkeypatch.setattr("commands.run.run", silent)
    async with fixing():
        await slack.command(CHANNEL, ALICE, "check")
        await eventually(lambda: _made(proxy, "chat.delete"))
    assert [m for m in await slack.messages(CHANNEL) if m["user"] == "U0BOT"] == []
    assert not proxy.made("response_url")


async def _made(proxy: StrictProxy, method: str) -> bool:
    return bool(proxy.made(method))
