"""`result` and `transcript`: a stored result once more, as it was; its JSON, its text for the partner, its conversation."""

from dataclasses import replace

from commands import partner, wording
from commands.command import Call, CommandError, Services
from commands.reply import Item, Reply, Section, Tell
from commands.request import Request
from diagnostics.model import Diagnosis, Result
from diagnostics.store import StoredResult


async def run(call: Call, _request: Request, services: Services, _tell: Tell) -> Reply:
    """Raises CommandError for an id that is not known."""
    stored = await _found(call, services)
    if call.has("--partner-text"):
        return _partner_text(stored)
    if stored.document is None:
        raise CommandError("That result was too large to be kept whole. Check the target again.", exit_code=1)
    one = Result.model_validate_json(stored.document)
    passed = (services.tools.instruments.now() - stored.at).total_seconds()
    whole = wording.result(one.model_copy(update={"age": max(0.0, one.age + passed)}))
    return replace(
        whole,
        sections=(Section("", (Item(f"As seen on {stored.at:%Y-%m-%d} at {stored.at:%H:%M:%S} UTC."),)), *whole.sections),
        document=Diagnosis(started=stored.at, seconds=0.0, results=(one,)),
        as_json=call.has("--json"),
        verdict=None,
    )


async def transcript(call: Call, _request: Request, services: Services, _tell: Tell) -> Reply:
    """Raises CommandError for an id that is not known."""
    stored = await _found(call, services)
    lines = tuple(map(Item, stored.transcript.splitlines())) or (Item("Nothing was said: no connection came about."),)
    return Reply(f"What was said on {stored.at:%Y-%m-%d} at {stored.at:%H:%M:%S} UTC", sections=(Section("", lines, "code"),))


async def _found(call: Call, services: Services) -> StoredResult:
    if len(call.words) != 1:
        raise CommandError(f"Name one result. Usage: {call.command.usage}")
    return await services.memory.find(call.words[0])


def _partner_text(stored: StoredResult) -> Reply:
    if stored.partner is None:
        return Reply(partner.NOTHING, audience="asker")
    lines = tuple(map(Item, stored.partner.split("\n")))
    return Reply(partner.HEADLINE, sections=(Section("", lines, "code"),), audience="asker")
