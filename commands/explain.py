"""`explain`: read an error text and its files, check the destination from here where that is allowed, and say what it means."""

import contextlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

from commands import explain_wording
from commands.command import Call, CommandError, Services
from commands.reply import Action, Reply, Tell
from commands.request import Attached, Request
from diagnostics.catalogue import Catalogue, load
from diagnostics.connectors.connector import Inventory
from diagnostics.connectors.source import SourceError
from diagnostics.explain import Beside, Explanation, explain
from diagnostics.findings import NO_FACTS
from diagnostics.findings import Unread as Form
from diagnostics.net.bounded import of_file
from diagnostics.parse import ErrorReport, read_file
from diagnostics.parse.read import MAX_FILE, Packed, form, read_all

if TYPE_CHECKING:
    from concurrent.futures import ThreadPoolExecutor

    from diagnostics.explain.destinations import Spot
    from diagnostics.fair import FairQueue

log = logging.getLogger("mailflow")

Content = tuple[str, bytes]
"""A file's name and what is in it."""

Unread = dict[str, list[str]]
"""Names of files by why they are not read: a form of `FORMS`, or some words."""

FORMS = frozenset(Form)
"""What a front may say of a file that is not worth having."""

AT_ONCE = 4096
"""Characters that take a millisecond to read. More is read in a thread, where others wait for their answers."""

IN_A_THREAD = 64 * 1024
"""Characters and bytes that take a twentieth of a second. More, and any archive, is read in a process: 0.15 s to start."""

READERS = 2
"""Texts that are read at once, one a person: each takes up to ten times its size of memory, and as much CPU as there is."""

_KIND = re.compile(r"\.[A-Za-z]{2,4}\Z")


async def run(call: Call, request: Request, services: Services, tell: Tell) -> Reply:
    """The answer of contract 5. Raises CommandError where there is no text, a file cannot be read, or no host is named."""
    own = request.front == "terminal"  # a file on standard input, and nothing beside it
    files, unread = ([(file.name, file.content or b"") for file in request.files], {}) if own else _apart(request.files)
    report = await _report(call, request, files)
    inventory, trouble = await _inventory(services)
    # a terminal has not read Microsoft's list of addresses anew, and tools are made only where something is checked
    catalogue = load() if request.front == "terminal" else services.tools.catalogue
    beside: Mapping[int, Beside] = {}
    if where := _spots(report, inventory, call.value("--check")):
        # what checks takes longer to load than all the rest
        from commands import on_record
        from commands.run_check import look
        from diagnostics.explain import destinations, vantages

        await on_record.keep_reports(destinations.refused(report, where), request.actor.id, services)
        words = tuple(dict.fromkeys(spot.word for spot in where.values()))
        diagnosis = await look(words, inventory, request, services, tell)
        beside = vantages.beside(report, where, dict(zip(words, diagnosis.results, strict=True)), catalogue)
    explanation = explain(report, catalogue, datetime.now(UTC), beside)
    if report.alert:
        return await _on_alert(explanation, inventory, request, services, tell, as_json=call.has("--json"))
    on_files = _on_files(() if own or report.not_read else files, unread, catalogue)
    notes = (*explanation.notes, *on_files, *((trouble,) if trouble else ()))
    reply = explain_wording.reply(explanation.model_copy(update={"notes": notes}), as_json=call.has("--json"))
    if report.errors:
        return replace(reply, actions=(*reply.actions, *_which(explanation, inventory, request)))
    if report.not_read:
        said = catalogue.unread.say(report.not_read, NO_FACTS)
        return replace(reply, headline=said, severity="info", sections=explain_wording.noted(on_files), exit_code=2)
    return _not_read(reply, unread, on_files, catalogue) if unread and not files else reply


async def _on_alert(
    explanation: Explanation, inventory: Inventory, request: Request, services: Services, tell: Tell, *, as_json: bool
) -> Reply:
    """An alert of Microsoft's names neither error nor server: all connectors are checked where any are known."""
    if not any(connector.Enabled for connector in inventory.connectors):
        return explain_wording.alert(explanation, as_json=as_json)
    from commands import wording
    from commands.run_check import look

    checked = wording.check(await look((), inventory, request, services, tell), as_json=False)
    return explain_wording.alert(explanation, checked, as_json=as_json)


def _which(explanation: Explanation, inventory: Inventory, request: Request) -> tuple[Action, ...]:
    """For a bare code of a connector's: each enabled connector, of which one can be chosen and is checked."""
    error = explanation.errors[explanation.primary or 0]
    bare = not (error.text or error.message or error.server or error.ip or error.domain or error.connector or error.live)
    if request.front == "terminal" or not bare or error.sender != "exchange-online":
        return ()
    enabled = [connector for connector in inventory.connectors if connector.Enabled and connector.Guid]
    return tuple(Action("check-connector", connector.Guid, connector.Name) for connector in enabled)


def says_an_error(text: str) -> bool:
    """Whether there is anything in it to explain: so a front chooses among many messages."""
    report = read_all(text, ())
    return bool(report.errors or report.alert)


async def _report(call: Call, request: Request, files: Sequence[Content]) -> ErrorReport:
    text, front = " ".join(call.words), request.front
    name = call.value("--file")
    if name is not None:
        if text.strip():
            raise CommandError("--file reads the text from a file, so it takes no TEXT beside it.")
        return read_file(Path(name).name, _content(Path(name)))
    if not text.strip() and not request.files:
        if front == "click":
            raise CommandError("There is no text in it that could be explained.")
        ways = "as its words, on standard input (-), or in a file (--file)" if front == "terminal" else "behind the command"
        raise CommandError(f'There is no text to explain. Give it {ways}: explain "450 4.4.316 Connection refused"')
    if front == "terminal" or (len(text) <= AT_ONCE and not files):
        return read_all(text, files)
    return await _aside(text, files, request.actor.id)


async def _aside(text: str, files: Sequence[Content], person: str) -> ErrorReport:
    """Read where others do not wait for it. Raises CommandError."""
    import asyncio

    from diagnostics.fair import Party
    from diagnostics.parse.isolated import NotRead, read_apart

    loop = asyncio.get_running_loop()
    async with _readers().turn(Party(person)):
        if len(text) + sum(len(content) for _, content in files) <= IN_A_THREAD:
            with contextlib.suppress(Packed):
                return await loop.run_in_executor(_thread(), partial(read_all, text, files, unpack=False))
        try:
            return await read_apart(text, files)
        except NotRead as why:
            raise CommandError(f"That could not be read: {why}. Give a part of it.", exit_code=1) from None
        except OSError as error:  # no descriptor or process to be had: slowly is better than not at all
            log.warning("a text is read in a thread, since no process can be started: %s", error.strerror)
        return await loop.run_in_executor(_thread(), read_all, text, files)


@cache
def _readers() -> "FairQueue":
    from diagnostics.fair import FairQueue

    return FairQueue(READERS, each=1)


@cache
def _thread() -> "ThreadPoolExecutor":
    """One: two at once would be no faster."""
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1, "reading")


def _apart(files: Sequence[Attached]) -> tuple[list[Content], Unread]:
    """What can be read, and what cannot."""
    read: list[Content] = []
    unread: Unread = {}
    for file in files:
        why = file.trouble or file.form or (form(file.content) if file.content is not None else Form.UNKNOWN_FILE)
        if why or file.content is None:
            unread.setdefault(why or Form.UNKNOWN_FILE, []).append(file.name)
        else:
            read.append((file.name, file.content))
    return read, unread


def _on_files(files: Sequence[Content], unread: Unread, catalogue: Catalogue) -> list[str]:
    read = [f"Read from {_attached([name for name, _ in files])}."] if files else []
    return read + [_why(names, why, catalogue) for why, names in unread.items()]


def _why(names: Sequence[str], why: str, catalogue: Catalogue) -> str:
    if why in FORMS:
        return f"{_attached(names)}. {catalogue.unread.say(Form(why), NO_FACTS)}"
    return f"{_attached(names)} {'was' if len(names) == 1 else 'were'} not read: {why}."


def _attached(names: Sequence[str]) -> str:
    """Never by name: Outlook names a mail after its subject, and people name files after each other."""
    kinds = ", ".join(sorted({kind[0].lower() for name in names if (kind := _KIND.search(name))}))
    return f"{len(names)} attached file{'s' if len(names) > 1 else ''}" + (f" ({kinds})" if kinds else "")


def _not_read(reply: Reply, unread: Unread, on_files: Sequence[str], catalogue: Catalogue) -> Reply:
    """Where no file could be read, that is the answer: the code may stand in what was not."""
    if FORMS.issuperset(unread):
        said = " ".join(catalogue.unread.say(Form(why), NO_FACTS) for why in unread)
        return replace(reply, headline=said, severity="info", sections=(), exit_code=2)
    said = " ".join(("No error code was found.", *on_files, "Paste the text into a form."))
    return replace(reply, headline=said, severity="info", sections=())


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
