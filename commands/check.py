"""`check`: run the diagnosis, and say it."""

from collections.abc import Sequence

from commands import partner, wording
from commands.command import Call, CommandError, Services
from commands.reply import Item, Progress, Reply, Section, Tell
from commands.request import Request
from diagnostics.connectors.source import SourceError
from diagnostics.diagnose import diagnose
from diagnostics.model import Diagnosis, Evidence, Result
from diagnostics.route import TargetFault, route
from diagnostics.store import StoredResult
from diagnostics.target import Target

NOTHING_KNOWN = (
    "No connector is known and no target is named. Give a target, or name the export with --connectors (MAILFLOW_CONNECTORS)."
)


async def run(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """The answer of contract 1 and 3. Raises CommandError for targets and exports that cannot be read."""
    words = await _words(call, services)
    try:
        inventory = await services.connectors.read()
        targets = route(words, inventory)
        if not words and not inventory.connectors:
            raise CommandError(f"{inventory.source} lists no connector. Name a target." if inventory.source else NOTHING_KNOWN)
        if "owner" not in request.actor.roles:
            services.allowance.spend(request.actor.id, 1 + sum(t.connector is None for t in targets))
        done = 0

        def on_evidence(_target: Target, evidence: Evidence) -> None:
            nonlocal done
            done += 1
            tell(Progress(done, 0, f"{evidence.host} {(evidence.listed and evidence.address) or ''}".strip()))

        tell(Progress(0, 0, f"{len(targets)} target{'s' if len(targets) != 1 else ''}"))
        diagnosis = await diagnose(words, inventory, services.tools, on_evidence, fresh=call.has("--again"))
    except (SourceError, TargetFault) as error:
        raise CommandError(str(error)) from None
    for result in diagnosis.results:
        await services.memory.keep(_stored(result, words, diagnosis))
    as_json = call.has("--json")
    if call.has("--partner-text") and not as_json:
        return _partner_texts(diagnosis)
    return wording.check(diagnosis, as_json=as_json)


async def _words(call: Call, services: Services) -> tuple[str, ...]:
    """The TARGETs asked for. Raises CommandError."""
    again = call.value("--again")
    if again is None:
        return call.words
    if call.words:
        raise CommandError("--again repeats one result, so it takes no TARGET beside it.")
    return ((await services.memory.find(again)).word,)


def _stored(result: Result, words: tuple[str, ...], diagnosis: Diagnosis) -> StoredResult:
    lines = partner.text(result, diagnosis.started)
    return StoredResult(
        id=result.id,
        word=_repeats(result, words, diagnosis.results),
        verdict=result.verdict,
        document=result.model_dump_json(),
        partner="\n".join(lines) if lines else None,
        transcript="\n".join(wording.transcript(result)),
        at=diagnosis.started,
    )


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
        return Reply(partner.NOTHING, document=diagnosis, exit_code=code, audience="asker")
    return Reply(partner.HEADLINE, sections=tuple(sections), document=diagnosis, exit_code=code, audience="asker")
