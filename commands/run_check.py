"""A check on somebody's behalf: what one person may ask for, progress, and results that their ids stand for from then on."""

from collections import Counter
from collections.abc import Mapping
from functools import partial

from commands import on_record, partner, wording
from commands.command import CommandError, Services
from commands.reply import Progress, Tell
from commands.request import Request
from commands.turns import asker_of
from diagnostics.connectors.connector import Inventory
from diagnostics.diagnose import diagnose
from diagnostics.mailboxes import without_mailboxes
from diagnostics.model import Diagnosis, Evidence, Result
from diagnostics.route import TargetFault, route
from diagnostics.store import StoredResult
from diagnostics.target import Target


async def look(
    words: tuple[str, ...], inventory: Inventory, request: Request, services: Services, tell: Tell, *, fresh: bool = False
) -> Diagnosis:
    """Check each TARGET of `words`, or every enabled connector without any. Raises CommandError."""
    words = tuple(map(without_mailboxes, words))  # also those of results that an older version has kept
    try:
        targets = route(words, inventory)
    except TargetFault as fault:
        raise CommandError(str(fault)) from None
    done = 0

    def on_evidence(_target: Target, evidence: Evidence) -> None:
        nonlocal done
        done += 1
        tell(Progress(done, 0, f"{evidence.host} {(evidence.listed and evidence.address) or ''}".strip()))

    id = request.actor.id
    asker = asker_of(request, partial(services.allowance.dial, id))
    if asker.charge:
        services.allowance.spend(id, sum(t.connector is None for t in targets))
    tell(Progress(0, 0, f"{len(targets)} target{'s' if len(targets) != 1 else ''}"))
    diagnosis = await diagnose(targets, inventory, services.tools, on_evidence, asker=asker, fresh=fresh)
    results = tuple([await on_record.add(result, services) for result in diagnosis.results])
    diagnosis = diagnosis.model_copy(update={"results": results})
    named = Counter(result.target for result in results)
    for result in results:
        await services.memory.keep(_stored(result, words, diagnosis, named))
    return diagnosis


def _stored(result: Result, words: tuple[str, ...], diagnosis: Diagnosis, named: Mapping[str, int]) -> StoredResult:
    lines = partner.text(result, diagnosis.started)
    return StoredResult(
        id=result.id,
        word=_repeats(result, words, named),
        verdict=result.verdict,
        document=result.model_dump_json(),
        partner="\n".join(lines) if lines else None,
        transcript="\n".join(wording.transcript(result)),
        at=diagnosis.started,
    )


def _repeats(result: Result, words: tuple[str, ...], named: Mapping[str, int]) -> str:
    """The one word that asks for this result again: connectors by Guid where they have one, since names may stand twice.

    `named`: how many results of the run are of each target.
    """
    if result.connector is None or (result.target in words and named[result.target] == words.count(result.target)):
        return result.target
    return f"connector:{result.connector.guid or result.connector.name}"
