"""Slack throttles, fails, forbids, forgets: the person still gets the whole answer."""

import asyncio
import logging
import re
import time

import pytest

from bot.demo.local_slack import LocalSlack, eventually
from bot.slack.blockkit import messages
from bot.slack.outbound import redelivery
from tests.e2e.conftest import Serving
from tests.e2e.reading import Bot, final_parent, running_parents, thread_of
from tests.e2e.strict_proxy import ACK_SECONDS, ODD, Fault, StrictProxy, rate_limited
from tests.e2e.test_survival import finished

pytestmark = pytest.mark.needs("local-slack", "namespaces")

LINE = 'check "Branch office"'
BROKEN = Fault(500, {"ok": False, "error": "internal_error"})


async def said_privately(proxy: StrictProxy, words: str) -> list[str]:
    """Every text of the response_url, once `words` are among them; all of it for the asker alone."""

    async def found() -> list[str]:
        texts = [call.args["text"] for call in proxy.made("response_url")]
        return texts if any(words in text for text in texts) else []

    texts = await eventually(found, seconds=30)
    assert {call.args["response_type"] for call in proxy.made("response_url")} == {"ephemeral"}
    return texts


# ---- throttled, failing


async def test_429_is_waited_out(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.fail("chat.postMessage", rate_limited(1), rate_limited(1), Fault(), rate_limited(1))
    began = time.monotonic()
    await slack.command("C02INC", "U01ALICE", LINE)
    assert len(await thread_of(slack, await final_parent(slack, "C02INC"))) == 1
    assert time.monotonic() - began >= 3, "Retry-After is what Slack asks for"


async def test_a_burst_of_commands_in_one_channel_loses_none(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await asyncio.gather(*(slack.command("C02INC", "U01ALICE", LINE) for _ in range(8)))

    async def all_final() -> bool:
        own = [m for m in await slack.messages("C02INC") if not m.get("thread_ts") and m["text"].startswith("🔴")]
        return len(own) == 8 and all([await thread_of(slack, parent) for parent in own])

    await eventually(all_final, seconds=40)
    assert proxy.made("chat.postMessage", "ratelimited"), "the burst was one"
    assert max(proxy.acks) < ACK_SECONDS


async def test_progress_that_is_throttled_does_not_hold_up_the_verdict(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.fail("chat.update", rate_limited(60))
    began = time.monotonic()
    await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
    assert "4.4.315" in (await final_parent(slack, "C02INC"))["text"]
    assert time.monotonic() - began < 20
    assert proxy.made("chat.update", "ratelimited")


async def test_progress_that_slack_applies_late_does_not_stay_over_the_verdict(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot
) -> None:
    proxy.fail("chat.update", Fault(seconds=5.5))
    await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
    assert "4.4.315" in (await final_parent(slack, "C02INC"))["text"]

    async def overwritten() -> bool:
        return bool(await running_parents(slack, "C02INC"))

    await eventually(overwritten, seconds=8)
    assert "4.4.315" in (await final_parent(slack, "C02INC"))["text"]


async def test_slack_that_fails_now_and_then(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.fail("chat.postMessage", BROKEN, Fault(), BROKEN)
    await slack.command("C02INC", "U01ALICE", LINE)
    assert len(await thread_of(slack, await final_parent(slack, "C02INC"))) == 1


# ---- answers that are none


KINDS = ["502 text", "503 html", "200 list", "200 empty", "200 text"]


def nothing_is_mailflows_fault(caplog: pytest.LogCaptureFixture, proxy: StrictProxy) -> None:
    assert "internal error" not in caplog.text
    assert not [call for call in proxy.calls if "mailflow failed" in str(call.args.get("text"))]


ODD_ANSWERS = [
    (kind, method)
    for method in ("chat.postMessage", "chat.update", "users.info", "conversations.info", "response_url")
    for kind in KINDS
    if (kind, method) != ("200 empty", "response_url")  # that is how stand-ins for Slack say ok
]


@pytest.mark.parametrize(("kind", "method"), ODD_ANSWERS)
async def test_what_is_no_answer_of_slacks_loses_none(
    kind: str, method: str, slack: LocalSlack, proxy: StrictProxy, *, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fail(method, ODD[kind])
    if method == "response_url":
        await slack.command("G03PRIV", "U01ALICE", LINE)
        await said_privately(proxy, "450 4.4.316")
    elif method == "chat.update":
        await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
        assert "450 4.4.315" in (await final_parent(slack, "C02INC"))["text"]
    else:
        await slack.command("C02INC", "U01ALICE", LINE)
        assert len(await thread_of(slack, await final_parent(slack, "C02INC"))) == 1
    nothing_is_mailflows_fault(caplog, proxy)


@pytest.mark.parametrize("kind", KINDS)
async def test_where_posting_goes_on_failing_the_asker_gets_it_alone(
    kind: str, slack: LocalSlack, proxy: StrictProxy, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    proxy.fail("chat.postMessage", *[ODD[kind]] * 20)
    await slack.command("C02INC", "U01ALICE", LINE)
    assert "What to do" in (await said_privately(proxy, "450 4.4.316"))[0]
    nothing_is_mailflows_fault(caplog, proxy)


async def test_where_edits_go_on_failing_no_message_says_running_for_ever(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redelivery, "EVERY", 0.5)
    await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
    await eventually(lambda: running_parents(slack, "C02INC"))
    proxy.fail("chat.update", *[ODD["502 text"]] * 8)
    assert "450 4.4.315" in (await final_parent(slack, "C02INC"))["text"], "in a message of its own"

    async def ended() -> bool:
        return not await running_parents(slack, "C02INC")

    await eventually(ended, seconds=20)
    own = [m["text"] for m in await slack.messages("C02INC") if not m.get("thread_ts")]
    assert sum("450 4.4.315" in text for text in own) == 1
    assert any("in a message of its own" in text for text in own)


@pytest.mark.parametrize("kind", ["502 text", "503 html", "200 list", "500 empty"])
async def test_an_answer_that_was_due_while_slack_was_away_is_there_soon_after(
    kind: str, slack: LocalSlack, proxy: StrictProxy, serving: Serving, *, store_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with serving(database_url=store_url):
        await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
        (waiting,) = await eventually(lambda: running_parents(slack, "C02INC"))
        with proxy.outage(ODD[kind]):
            await asyncio.sleep(12)  # the answer is due after 5
            assert await running_parents(slack, "C02INC")
        began = time.monotonic()
        parent = await final_parent(slack, "C02INC")
        assert time.monotonic() - began < 10
        assert (parent["ts"], "450 4.4.315" in parent["text"]) == (waiting["ts"], True)
        assert len(await thread_of(slack, parent)) == 1
        await finished(store_url)
    assert len([m for m in await slack.messages("C02INC") if m["user"] == "U0BOT"]) == 2, "nothing twice"
    nothing_is_mailflows_fault(caplog, proxy)


async def test_a_question_asked_while_slack_is_away_is_answered_when_it_is_back(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, caplog: pytest.LogCaptureFixture
) -> None:
    with proxy.outage(ODD["502 text"]):
        await slack.command("C02INC", "U01ALICE", LINE)
        await asyncio.sleep(6)
    began = time.monotonic()
    assert "450 4.4.316" in (await final_parent(slack, "C02INC"))["text"]
    assert time.monotonic() - began < 10
    nothing_is_mailflows_fault(caplog, proxy)


# ---- forbidden


@pytest.mark.parametrize("channel", ["G03PRIV", "C03OUT"])
async def test_where_the_bot_is_no_member(channel: str, slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command(channel, "U01ALICE", 'check "Branch office" "Healthy one" rude.contoso.lab.test')
    texts = await said_privately(proxy, "3 targets: 2 failing, 1 healthy")
    whole = "\n".join(texts)
    for words in ("/invite @mailflow", "450 4.4.316", "450 4.4.317", "likely: ", "1. you: ", "Healthy one"):
        assert words in whole
    assert len(texts) <= 5


async def test_the_asker_learns_at_once_that_the_answer_will_be_private(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command("G03PRIV", "U01ALICE", 'check "Black hole"')
    (first,) = await asyncio.wait_for(said_privately(proxy, "Running"), 3)
    assert "/invite @mailflow" in first
    await said_privately(proxy, "450 4.4.315")


@pytest.mark.parametrize("error", ["is_archived", "restricted_action", "missing_scope"])
async def test_where_nobody_may_post(error: str, slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.close_channel("C02INC", error)
    await slack.command("C02INC", "U01ALICE", LINE)
    texts = await said_privately(proxy, "450 4.4.316")
    assert f"({error})" in texts[0]
    assert "/invite" not in texts[0]


async def test_channel_that_is_closed_while_the_check_runs(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", 'check "Black hole"')
    await eventually(lambda: running_parents(slack, "C02INC"))
    proxy.close_channel("C02INC", "is_archived")
    (text,) = await said_privately(proxy, "450 4.4.315")
    assert "What to do" in text


async def test_thread_that_is_locked_while_the_check_runs(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    locked = Fault(200, {"ok": False, "error": "restricted_action_thread_locked"})
    proxy.fail("chat.postMessage", Fault(), locked)
    await slack.command("C02INC", "U01ALICE", LINE)
    assert "What to do" in (await said_privately(proxy, "450 4.4.316"))[0]
    assert (await final_parent(slack, "C02INC"))["text"].startswith("🔴 Failing")


async def test_parent_that_somebody_deletes(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.fail("chat.postMessage", Fault(), Fault(200, {"ok": False, "error": "thread_not_found"}))
    proxy.fail("chat.update", Fault(200, {"ok": False, "error": "message_not_found"}))
    await slack.command("C02INC", "U01ALICE", LINE)
    assert "What to do" in (await said_privately(proxy, "450 4.4.316"))[0]
    assert (await final_parent(slack, "C02INC"))["text"].startswith("🔴 Failing"), "in a message of its own"


async def test_the_last_way_is_a_direct_message(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    proxy.close_channel("C02INC", "is_archived")
    proxy.fail("response_url", *[Fault(404, {})] * 5)
    await slack.command("C02INC", "U01ALICE", LINE)

    async def told() -> bool:
        sent = [call for call in proxy.made("chat.postMessage") if call.args["channel"] == "U01ALICE"]
        return any("450 4.4.316" in call.args["text"] for call in sent)

    await eventually(told)


async def test_no_way_at_all_is_logged(slack: LocalSlack, proxy: StrictProxy, bot: Bot, caplog: pytest.LogCaptureFixture) -> None:
    proxy.close_channel("C02INC", "is_archived")
    proxy.close_channel("U01ALICE", "cannot_dm_bot")
    proxy.fail("response_url", *[Fault(404, {})] * 5)
    await slack.command("C02INC", "U01ALICE", LINE)

    async def told() -> bool:
        return "could not be delivered in any way" in caplog.text

    await eventually(told)


# ---- our own faults


async def test_our_own_fault_is_told_with_a_number_that_the_log_knows(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(messages, "thread", lambda reply: 1 / 0)
    await slack.command("C02INC", "U01ALICE", LINE)

    async def said() -> re.Match[str] | None:
        return re.search(r"error (e-[0-9a-f]{6})", (await final_parent(slack, "C02INC"))["text"])

    number = await eventually(said)
    assert number
    (record,) = [r for r in caplog.records if r.levelno == logging.ERROR]
    assert number[1] in record.getMessage()
    assert record.exc_info


async def test_our_own_fault_before_there_is_a_parent(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("commands.run.run", lambda *args, **kwargs: 1 / 0)
    await slack.command("C02INC", "U01ALICE", LINE)
    (text,) = await said_privately(proxy, "mailflow failed")
    assert re.search(r"error e-[0-9a-f]{6}", text)
    assert max(proxy.acks) < ACK_SECONDS
