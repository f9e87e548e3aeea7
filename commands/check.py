"""`check`: run the diagnosis, and say it."""

from collections.abc import Sequence

from commands import partner, wording
from commands.command import Call, CommandError, Services
from commands.memory import Memory
from commands.reply import Item, Progress, Reply, Section, Tell
from commands.request import Request
from diagnostics.connectors.source import SourceError
from diagnostics.diagnose import diagnose
from diagnostics.model import Diagnosis, Evidence, Result
from diagnostics.route import TargetFault, route
from diagnostics.target import Target

NOTHING_KNOWN = (
    "No connector is known and no target is named. Give a target, or name the export with --connectors (MAILFLOW_CONNECTORS)."
)


async def run(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """The answer of contract 1 and 3. Raises CommandError for targets and exports that cannot be read."""
    words = _words(call, services.memory)
    try:
        inventory = await services.connectors.read()
        targets = len(route(words, inventory))
        if not words and not inventory.connectors:
            raise CommandError(NOTHING_KNOWN)
        if "owner" not in request.actor.roles:
            services.allowance.spend(request.actor.id, len(words) or 1)
        done = 0

        def on_evidence(_target: Target, evidence: Evidence) -> None:
            nonlocal done
            done += 1
            tell(Progress(done, 0, f"{evidence.host} {(evidence.listed and evidence.address) or ''}".strip()))

        tell(Progress(0, 0, f"{targets} target{'s' if targets != 1 else ''}"))
        diagnosis = await diagnose(words, inventory, services.tools, on_evidence, fresh=call.has("--again"))
    except (SourceError, TargetFault) as error:
        raise CommandError(str(error)) from None
    for result in diagnosis.results:
        services.memory.keep(result.id, _repeats(result, words, diagnosis.results))
    as_json = call.has("--json")
    if call.has("--partner-text") and not as_json:
        return _partner_texts(diagnosis)
    return wording.check(diagnosis, as_json=as_json)


def _words(call: Call, memory: Memory) -> tuple[str, ...]:
    """The TARGETs asked for. Raises CommandError."""
    again = call.value("--again")
    if again is None:
        return call.words
    if call.words:
        raise CommandError("--again repeats one result, so it takes no TARGET beside it.")
    word = memory.word(again)
    if word is None:
        raise CommandError(f"There is no result {again[:40]!r} here (any more): name the target instead.")
    return (word,)


def _repeats(result: Result, words: tuple[str, ...], results: Sequence[Result]) -> str:
    """The one word that asks for this result again: connectors by Guid where they have one, since names may stand twice."""
    same = sum(r.target == result.target for r in results)
    if result.connector is None or (result.target in words and same == words.count(result.target)):
        return result.target
    return f"connector:{result.connector.guid or result.connector.name}"


def _partner_texts(diagnosis: Diagnosis) -> Reply:
    """One text a failing target, as lines to be copied."""
    texts = [(r.target, partner.text(r, diagnosis.started)) for r in diagnosis.results]
    sections = [Section(name if len(texts) > 1 else "", tuple(map(Item, lines)), "code") for name, lines in texts if lines]
    code = wording.exit_code(diagnosis.results)
    if not sections:
        return Reply("There is nothing that a partner would have to mend.", document=diagnosis, exit_code=code, audience="asker")
    return Reply("The text for the partner", sections=tuple(sections), document=diagnosis, exit_code=code, audience="asker")
