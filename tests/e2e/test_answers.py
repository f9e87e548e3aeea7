"""From the typed command to the finished thread."""

import asyncio
import json
import re
from itertools import pairwise
from typing import Any

import pytest

from bot.demo.lab.lab import Lab
from bot.demo.local_slack import LocalSlack, eventually
from commands.command import Services
from commands.registry import COMMANDS, OWNER_OPTIONS
from commands.reply import Progress, Reply, Tell
from commands.request import Request
from tests.e2e.reading import Bot, final_parent, running_parents, thread_of
from tests.e2e.strict_proxy import ACK_SECONDS, StrictProxy

pytestmark = pytest.mark.needs("local-slack", "namespaces")


async def test_the_verdict_and_its_thread(slack: LocalSlack, proxy: StrictProxy, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", 'check "Branch office"')
    parent = await final_parent(slack, "C02INC")
    assert parent["text"] == "🔴 Failing: Branch office — 450 4.4.316 Connection refused"
    assert "<@U01ALICE>" in json.dumps(parent["blocks"])
    (reply,) = await thread_of(slack, parent)
    text = reply["text"]
    order = (
        "450 4.4.316",
        "refuses connections",
        "Likely causes",
        "• likely: ",
        "ECONNREFUSED",
        "What to do",
        "1. you: ",
        "Paths",
    )
    assert [text.index(words) for words in order] == sorted(text.index(words) for words in order)
    assert re.search(r"^2\. network team: .*TCP port 25", text, re.MULTILINE)

    assert [ack < ACK_SECONDS for ack in proxy.acks] == [True]
    written = [c for c in proxy.calls if c.method.startswith("chat.")]
    assert [(c.method, "thread_ts" in c.args) for c in written] == [
        ("chat.postMessage", False),
        ("chat.postMessage", True),
    ], "a quick answer is posted as it is, and never edited"


async def test_several_targets_are_one_parent_with_a_reply_for_each_bad_one(slack: LocalSlack, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", 'check "Branch office" "Healthy one" rude.contoso.lab.test')
    parent = await final_parent(slack, "C02INC")
    assert parent["text"].startswith("⚠️ 3 targets: 2 failing, 1 healthy")
    first, *parts = [message["text"] for message in await thread_of(slack, parent, 3)]
    assert "Healthy\nHealthy one" in first
    assert [re.findall(r"450 [\d.]+", part)[0] for part in parts] == ["450 4.4.316", "450 4.4.317"]


async def test_healthy(slack: LocalSlack, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", "check mail.contoso.lab.test")
    assert (await final_parent(slack, "C02INC"))["text"].startswith("✅ Healthy: mail.contoso.lab.test")


async def test_progress_is_quiet_for_three_seconds_then_at_most_one_edit_a_second(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot
) -> None:
    await slack.command("C02INC", "U01ALICE", 'check "Black hole" "Branch office"')
    (parent,) = await eventually(lambda: running_parents(slack, "C02INC"), seconds=2)
    assert parent["text"].startswith('⏳ Running: /mailflow check "Black hole" "Branch office"')
    await final_parent(slack, "C02INC")
    posted = proxy.made("chat.postMessage")[0].at
    *edits, final = proxy.made("chat.update")
    assert edits, "a check of five seconds shows that it is alive"
    assert edits[0].at - posted >= 2.95
    assert all(late.at - early.at >= 0.95 for early, late in pairwise(edits))
    assert all(edit.args["text"].startswith("⏳ Running: ") for edit in edits)
    assert "4.4.315" in json.dumps(await slack.messages("C02INC"))
    assert not final.args["text"].startswith("⏳")


async def test_much_progress_is_shown_as_one_edit_a_second_of_the_newest(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(request: Request, services: Services, tell: Tell, *, prefix: str) -> Reply:
        for number in range(120):
            tell(Progress(number, 120, f"path {number}"))
            await asyncio.sleep(0.05)
        return Reply("Healthy: all of it", "good")

    monkeypatch.setattr("commands.run.run", run)
    await slack.command("C02INC", "U01ALICE", "check")
    await final_parent(slack, "C02INC")
    *edits, final = proxy.made("chat.update")
    assert len(edits) >= 2, "between the third and the sixth second"
    assert all(late.at - early.at >= 0.95 for early, late in pairwise(edits))
    assert all(re.fullmatch(r"⏳ Running: /mailflow check … (\d+) of 120: path \1", edit.args["text"]) for edit in edits)
    assert final.args["text"] == "✅ Healthy: all of it"


async def test_nothing_from_outside_is_alive(slack: LocalSlack, proxy: StrictProxy, lab: Lab, bot: Bot) -> None:
    """The connector's name, the server's banner and the typed words; `proxy` judges every message whole."""
    await slack.command("C02INC", "U01ALICE", 'check "&lt;!channel&gt; &amp; *rude* :one:"')
    parent = await final_parent(slack, "C02INC")
    (reply,) = await thread_of(slack, parent)
    assert "&lt;!channel&gt; &amp; *rude* :one:" in parent["text"]
    assert "&lt;https://evil.example|bank&gt; `x` *.example :x:" in reply["text"]
    sent = [call.args.get("text", "") + json.dumps(call.args.get("blocks", [])) for call in proxy.calls]
    assert not [text for text in sent if "<!" in text or "<http://" in text or "<https://evil" in text]


async def test_addresses_that_slack_wrapped(slack: LocalSlack, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", "check <http://gone.contoso.lab.test|gone.contoso.lab.test>")
    assert "gone.contoso.lab.test" in (await final_parent(slack, "C02INC"))["text"]


async def test_json_stands_in_the_thread(slack: LocalSlack, bot: Bot) -> None:
    await slack.command("C02INC", "U01ALICE", 'check --json "Branch office"')
    parent = await final_parent(slack, "C02INC")
    code = [b["text"]["text"] for m in await thread_of(slack, parent) for b in m["blocks"] if "```" in str(b)]
    document = json.loads("\n".join(words.removeprefix("```\n").removesuffix("\n```") for words in code))
    assert document["schema"] == "mailflow/check/1"
    assert document["results"][0]["reason"] == "tcp-refused"


# ---- for the asker alone


async def private(proxy: StrictProxy) -> list[dict[str, Any]]:
    """What was said through response_url, once something was."""

    async def said() -> list[dict[str, Any]]:
        return [dict(call.args) for call in proxy.made("response_url")]

    return await eventually(said)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("help", "/mailflow check [TARGET…]"),
        ("", "/mailflow check [TARGET…]"),
        ("help check", "/mailflow check mail.contoso.com"),
        ("check --help", "/mailflow check mail.contoso.com"),
        ("chek mail.contoso.com", "There is no command 'chek'."),
        ('check "open', "A quote is open"),
        ("check --frobnicate", "Unknown option --frobnicate"),
    ],
)
async def test_help_and_mistakes_are_for_the_asker_alone(
    line: str, words: str, slack: LocalSlack, proxy: StrictProxy, bot: Bot
) -> None:
    await slack.command("C02INC", "U01ALICE", line)
    (said,) = await private(proxy)
    assert said["response_type"] == "ephemeral"
    assert words in said["text"]
    assert not proxy.made("chat.postMessage")


async def test_a_mistake_that_shows_late_takes_the_parent_back(
    slack: LocalSlack, proxy: StrictProxy, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.conversation.responder.GRACE", 0.0)
    await slack.command("C02INC", "U01ALICE", "check connector:nobody")
    (said,) = await private(proxy)
    assert said["response_type"] == "ephemeral"
    assert proxy.made("chat.delete")
    assert await running_parents(slack, "C02INC") == []


async def test_what_belongs_to_the_owner_is_refused_before_anything_is_opened(
    slack: LocalSlack, proxy: StrictProxy, lab: Lab, bot: Bot
) -> None:
    lines = [f"check {o.flag}{' 127.0.0.1' if o.metavar else ''} mail.contoso.lab.test" for o in OWNER_OPTIONS]
    lines += [f"check {o.flag}={'127.0.0.1' if o.metavar else ''} mail.contoso.lab.test" for o in OWNER_OPTIONS]
    lines += [f"{o.flag} check" for o in OWNER_OPTIONS]
    lines += [c.name for c in COMMANDS if c.front == "terminal"]
    lines += [f"{c.name} {o.flag}" for c in COMMANDS if c.front == "terminal" for o in c.options]
    for count, line in enumerate(lines, 1):
        await slack.command("C02INC", "U01ALICE", line)

        async def answered(count: int = count) -> bool:
            return len(proxy.made("response_url")) == count

        await eventually(answered)
        said = proxy.made("response_url")[-1].args["text"]
        assert re.match(r"Unknown option --[a-z-]+ of check|There is no command '", said), line
    assert not proxy.made("chat.postMessage")
    assert not lab.queries
    assert not any(mail.sessions for mail in lab.mail.values())
