"""`explain`: read an error text, check its destination from here where that is allowed, and say what it means."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from commands import explain_wording
from commands.command import Call, CommandError, Services
from commands.reply import Reply, Tell
from commands.request import Front, Request
from diagnostics.bounded import of_file
from diagnostics.catalogue import load
from diagnostics.connectors.model import Inventory
from diagnostics.connectors.source import SourceError
from diagnostics.explain import Beside, explain
from diagnostics.parse import ErrorReport, read, read_file
from diagnostics.parse.reading import MAX_FILE

if TYPE_CHECKING:
    from diagnostics.explain.destinations import Spot


async def run(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """The answer of contract 5. Raises CommandError where there is no text, a file cannot be read, or no host is named."""
    report = _report(call, request.front)
    inventory, trouble = await _inventory(services)
    # a terminal has not read Microsoft's list of addresses anew, and tools are made only where something is checked
    catalogue = load() if request.front == "terminal" else services.tools.catalogue
    beside: Mapping[int, Beside] = {}
    if where := _spots(report, inventory, call.value("--check")):
        # what checks takes longer to load than all the rest
        from commands.looking import look
        from diagnostics.explain import vantages

        words = tuple(dict.fromkeys(spot.word for spot in where.values()))
        diagnosis = await look(words, inventory, request, services, tell)
        beside = vantages.beside(report, where, dict(zip(words, diagnosis.results, strict=True)), catalogue)
    explanation = explain(report, catalogue, datetime.now(UTC), beside)
    if trouble:
        explanation = explanation.model_copy(update={"notes": (*explanation.notes, trouble)})
    return explain_wording.reply(explanation, as_json=call.has("--json"))


def _report(call: Call, front: Front) -> ErrorReport:
    text = " ".join(call.words)
    name = call.value("--file")
    if name is not None:
        if text.strip():
            raise CommandError("--file reads the text from a file, so it takes no TEXT beside it.")
        return read_file(Path(name).name, _content(Path(name)))
    if not text.strip():
        if front == "click":
            raise CommandError("There is no text in it that could be explained. Files are not opened here.")
        ways = "as its words, on standard input (-), or in a file (--file)" if front == "terminal" else "behind the command"
        raise CommandError(f'There is no text to explain. Give it {ways}: explain "450 4.4.316 Connection refused"')
    return read(text)


def _content(path: Path) -> bytes:
    """Raises CommandError."""
    try:
        content = of_file(path, MAX_FILE)
    except OSError as error:
        raise CommandError(f"--file: {path}: cannot be read ({error.strerror}).") from None
    if len(content) > MAX_FILE:
        raise CommandError(f"--file: {path}: more than 5 MiB. Give a part of it: one bounce, or fewer days of the report.")
    return content


async def _inventory(services: Services) -> tuple[Inventory, str]:
    """The connectors; and words where Exchange Online cannot tell them, since a text is explained without them too."""
    try:
        return await services.connectors.read(), ""
    except SourceError as error:
        if services.tenant is None:
            raise CommandError(str(error)) from None
        return Inventory(), f"The connectors could not be read, so nothing was checked from here: {error}"


def _spots(report: ErrorReport, inventory: Inventory, allowed: str | None) -> "Mapping[int, Spot]":
    """Which destinations are checked from here. Raises CommandError for an allowed host that is none."""
    if not report.errors or not (inventory.connectors or allowed is not None):
        return {}
    from diagnostics.explain.destinations import spots
    from diagnostics.route import TargetFault

    try:
        return spots(report, inventory, allowed)
    except TargetFault as fault:
        raise CommandError(f"--check: {fault}") from None
