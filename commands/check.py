"""`check`: run the diagnosis, and say it."""

from commands import wording
from commands.command import Call, CommandError, Services
from commands.reply import Progress, Reply, Tell
from commands.request import Request
from diagnostics.connectors.source import SourceError
from diagnostics.diagnose import diagnose
from diagnostics.model import Evidence
from diagnostics.route import TargetFault, route
from diagnostics.target import Target

NOTHING_KNOWN = (
    "No connector is known and no target is named. Give a target, or name the export with --connectors (MAILFLOW_CONNECTORS)."
)


async def run(call: Call, _request: Request, services: Services, tell: Tell) -> Reply:
    """The answer of contract 1 and 3. Raises CommandError for targets and exports that cannot be read."""
    try:
        inventory = await services.connectors.read()
        if not call.words and not inventory.connectors:
            raise CommandError(NOTHING_KNOWN)
        targets = len(route(call.words, inventory))
        done = 0

        def on_evidence(_target: Target, evidence: Evidence) -> None:
            nonlocal done
            done += 1
            tell(Progress(done, 0, f"{evidence.host} {evidence.address or ''}".strip()))

        tell(Progress(0, 0, f"{targets} target{'s' if targets != 1 else ''}"))
        diagnosis = await diagnose(call.words, inventory, services.tools, on_evidence)
    except (SourceError, TargetFault) as error:
        raise CommandError(str(error)) from None
    return wording.check(diagnosis, as_json=call.has("--json"))
