"""`check`: run the diagnosis, and say it."""

from commands import partner, wording
from commands.command import Call, CommandError, Services
from commands.reply import Item, Reply, Section, Tell
from commands.request import Request
from commands.run_check import look
from diagnostics.called import as_targets
from diagnostics.connectors.source import SourceError
from diagnostics.model import Diagnosis
from diagnostics.store import MAX_WORD

NOTHING_KNOWN = (
    "No connector is known and no target is named. Give a target, or name the export with --connectors (MAILFLOW_CONNECTORS)."
)


async def run(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """The answer of contract 1 and 3. Raises CommandError for targets and exports that cannot be read."""
    words = await _words(call, services)
    try:
        inventory = await services.connectors.read()
    except SourceError as error:
        raise CommandError(str(error)) from None
    if not call.has("--again"):
        words = as_targets(words, inventory)
    if not words and not inventory.connectors:
        raise CommandError(f"{inventory.source} lists no connector. Name a target." if inventory.source else NOTHING_KNOWN)
    diagnosis = await look(words, inventory, request, services, tell, fresh=call.has("--again"))
    as_json = call.has("--json")
    if call.has("--partner-text") and not as_json:
        return _partner_texts(diagnosis)
    return wording.check(diagnosis, as_json=as_json)


async def _words(call: Call, services: Services) -> tuple[str, ...]:
    """The TARGETs asked for. Raises CommandError."""
    again = call.value("--again")
    if again is None:
        for word in call.words:
            if len(word) > MAX_WORD:
                raise CommandError(f"{word[:40]!r}… has {len(word)} characters, and a target at most {MAX_WORD}: name another.")
        return call.words
    if call.words:
        raise CommandError("--again repeats one result, so it takes no TARGET beside it.")
    return ((await services.memory.find(again)).word,)


def _partner_texts(diagnosis: Diagnosis) -> Reply:
    """One text a failing target, as lines to be copied."""
    texts = [(r.target, partner.text(r, diagnosis.started)) for r in diagnosis.results]
    sections = [Section(name if len(texts) > 1 else "", tuple(map(Item, lines)), "code") for name, lines in texts if lines]
    code = wording.exit_code(diagnosis.results)
    if not sections:
        return Reply(partner.NOTHING, document=diagnosis, exit_code=code, audience="asker")
    return Reply(partner.HEADLINE, sections=tuple(sections), document=diagnosis, exit_code=code, audience="asker")
