"""`mailflow demo`: the lab, then Slack or, where that cannot be, the terminal; with --once a comparison that ends."""

import asyncio
import functools
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.demo import in_slack, in_terminal, verdicts
from bot.demo.lab import Lab, WorldError, load
from bot.demo.lab.tenant import LabTenant
from bot.demo.local_slack import LocalSlack, Unavailable
from bot.settings import Settings
from bot.wiring import open_services
from commands.command import Services
from commands.reply import Reply
from commands.request import Actor, Request
from commands.run import run

WORLD = Path(__file__).parent / "lab" / "demo.toml"
ONCE_SECONDS = 110.0
VERIFY_AFTER = timedelta(seconds=10)
"""A fix is looked at again: in the demo after seconds, since nobody waits an hour for it."""

Say = Callable[[str], None]


async def demo(once: bool) -> int:
    """Everything on this machine, until Ctrl-C. `once`: one line a target, then 0 if all is told as built, else 1."""
    say = functools.partial(print, file=sys.stderr if once else sys.stdout, flush=True)
    work = asyncio.create_task(_demo(once, say))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    try:
        await asyncio.wait({work})
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
    if work.cancelled():
        say("")
        # half a comparison is none
        return 1 if once else 0
    try:
        return work.result()
    except TimeoutError as error:
        say(f"The demo took too long: {error or f'it was not done within {ONCE_SECONDS:.0f} s'}.")
    except (OSError, WorldError) as error:
        say(f"The demo cannot run here: {error}.")
    return 1


async def _demo(once: bool, say: Say) -> int:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mailflow-demo-")))
        world = load(WORLD)
        lab = await stack.enter_async_context(Lab(world, folder))
        domains = world.accepted_domains or ()
        tenant = await stack.enter_async_context(LabTenant(folder, connectors=world.connectors, accepted_domains=domains))
        settings = _settings(lab, tenant, folder)
        services = await stack.enter_async_context(open_services(settings))
        say(f"Fault lab: {lab.title} (DNS {lab.dns}, SMTP port {lab.smtp_port}, loopback only)")
        slack: LocalSlack | None = None
        try:
            slack = await stack.enter_async_context(LocalSlack(in_slack.SEED))
        except Unavailable as why:
            say(f"No Slack here: {why}. So this is the terminal.")
        if once:
            async with asyncio.timeout(ONCE_SECONDS):
                return await _once(lab, services, slack, settings, say)
        if slack is None:
            await in_terminal.talk(services, say)
            return 0
        async with _bot(slack, settings, services, say) as bot:
            gone = next(row["target"] for row in lab.expect if row.get("reason") == "tcp-refused")
            seconds = f"{VERIFY_AFTER.seconds} and {2 * VERIFY_AFTER.seconds} seconds"
            say(f"Fix now: click it below {gone} in the thread, as Dana; then choose Act as Lee, who may approve.")
            say(f"What was fixed is looked at again after {seconds} here, instead of 30 and 60 minutes.")
            say(f"Explain: type /mailflow explain; or paste a bounce, and in its thread say <@{in_slack.BOT}> explain.")
            say("Ctrl-C ends everything.")
            await bot
        return 0


@asynccontextmanager
async def _bot(slack: LocalSlack, settings: Settings, services: Services, say: Say) -> AsyncIterator["asyncio.Task[None]"]:
    """The bot in Slack, with a first command under way."""
    async with in_slack.bot_in(slack, settings, services) as bot:
        say(f"Slack: {slack.base} (#{in_slack.CHANNEL_NAME}; try /mailflow check, /mailflow help)")
        await in_slack.ask(slack)
        yield bot


async def _once(lab: Lab, services: Services, slack: LocalSlack | None, settings: Settings, say: Say) -> int:
    """Print a verdict a line; say whatever is not as the lab built it."""
    if slack is None:
        _, wrong = await _compare(lab, services)
    else:
        async with _bot(slack, settings, services, say):
            reply, wrong = await _compare(lab, services)
            wrong += await in_slack.shortcomings(slack, reply.headline, verdicts.found(reply))
    for sentence in wrong:
        say(sentence)
    return 1 if wrong else 0


async def _compare(lab: Lab, services: Services) -> tuple[Reply, list[str]]:
    """Check everything, print the verdicts, and tell what differs from the lab."""
    request = Request(("check", "--json"), Actor("demo", frozenset({"reader"})))
    reply = await run(request, services, lambda _: None, prefix="mailflow")
    rows = verdicts.found(reply)
    for line in verdicts.table(rows):
        print(line, flush=True)
    if not rows:
        return reply, [reply.headline]
    return reply, verdicts.differences(map(verdicts.Row.of, lab.expect), rows)


def _settings(lab: Lab, tenant: LabTenant, folder: Path) -> Settings:
    """The lab's settings; the environment has no say."""
    return Settings(
        **tenant.variables,
        fix_approvers=(in_slack.APPROVER,),
        fix_verify_after=(VERIFY_AFTER, 2 * VERIFY_AFTER),
        dns=(lab.dns,),
        smtp_port=lab.smtp_port,
        ca_file=lab.ca_file,
        ehlo_name="mailflow.lab.test",
        allow_private=True,
        control_host="",
        timeout=2,
        deadline=8,
        database_url=SecretStr(f"sqlite:///{folder / 'demo.sqlite3'}"),
    )
