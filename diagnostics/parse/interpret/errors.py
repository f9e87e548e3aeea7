"""Statements → errors: whose the hosts are, what the words prove, what became of the mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from diagnostics.parse.forms import without_code
from diagnostics.parse.forms.error_string import unclaimed
from diagnostics.parse.forms.scan import statements
from diagnostics.parse.forms.statement import Fate, Form, Statement
from diagnostics.parse.interpret import fate, reason, sender
from diagnostics.parse.report import Reported, State
from diagnostics.parse.text.passages import Block
from diagnostics.parse.tokens import hosts
from diagnostics.parse.tokens.labels import MAX_LABELS, Label, labels


@dataclass(slots=True)
class Judged:
    """One error at one place. `closing`: it only says how long the mail waits; `explained`: the line after it says why.

    `proved`: the text itself says who was sending.
    """

    error: Reported
    form: Form
    time: datetime | None
    proved: bool
    closing: bool = False
    explained: bool = False


class _Around(NamedTuple):
    """What stands around the statements of a block."""

    labels: Sequence[Label]
    marks: sender.Marks
    fate: Fate | None


def judge(block: Block) -> list[Judged]:
    """The errors of one block, in order. An attempt shares the fate that the closing line before it tells."""
    text = unclaimed(block.text)
    told = statements(text) or list(without_code.statements(text))
    if not told:
        return []
    reporters = [Label(each.start, each.reporter, "", "wrote") for each in told if each.reporter][:MAX_LABELS]
    around = _Around([*labels(text), *reporters], sender.marks(text), fate.told(text))
    found: list[Judged] = []
    ended: State | None = None
    for statement in told:
        closing = statement.closes
        error, proved = _reported(statement, block, around)
        if closing and statement.form in ("attempt", "dsn"):
            ended = error.state
        elif ended == "expired" and error.state == "queued" and statement.form == "attempt":
            error = error.model_copy(update={"state": ended})
        if found and found[-1].closing and statement.form == "attempt" and not closing:
            found[-1].explained = True
        time = statement.time or block.time or statement.core.time
        found.append(Judged(error, statement.form, time, proved, closing))
    return _with_end(found, fate.retries_for(text))


def _with_end(found: list[Judged], retries_for: timedelta | None) -> list[Judged]:
    """What waits, with the time that a delay notice gives it: the notice is as old as its newest line."""
    written = max((each.time for each in found if each.time), default=None)
    for each in found:
        if retries_for and written and each.error.state == "queued" and not each.error.retry_until:
            each.error = each.error.model_copy(update={"retry_until": written + retries_for})
    return found


def _reported(statement: Statement, block: Block, around: _Around) -> tuple[Reported, bool]:
    core, code = statement.core, statement.code
    said = reason.message(statement)
    facts = reason.submessage(said)
    author = _author(statement, around.labels)
    server, ip = _named(statement, block, around.labels, author)
    direction = sender.direction(statement, author, server, ip, around.marks, tried=block.tried)
    where = hosts.destination(
        server,
        ip,
        cloud=direction.sender == "exchange-online",
        to_microsoft=direction.to_microsoft,
        unresolved=reason.unresolved(core, code, said),
    )
    error = Reported(
        code=str(code),
        code_inferred=statement.inferred,
        enhanced=code.enhanced,
        family=code.family,
        state=_state(statement, block, around.fate),
        sender=direction.sender,
        to_microsoft=direction.to_microsoft,
        reason=reason.reason(code, core, said, facts),
        text=core.words,
        message=said,
        submessage=facts,
        server=where.server,
        ip=where.ip,
        domain=reason.domain(core, code),
        chain=core.links,
        reported_by=_reporter(statement, where, author, around.labels),
        connector=block.connector,
        last_retry=statement.last_retry,
        arrival=statement.arrival,
        retry_until=statement.retry_until,
    )
    return error, direction.proved


def _state(statement: Statement, block: Block, around: Fate | None) -> State:
    if block.tried:
        return "unknown"
    if statement.derived:
        return "expired"
    notice: Fate | None = "returned" if around == "returned" and statement.form in ("attempt", "prose") else None
    return fate.state(statement.fate or notice, reason.state(statement))


def _gave_up(statement: Statement) -> bool:
    """Whether `Server at …` names the server that gave up: so it is in a closing line."""
    return statement.form == "attempt" and statement.by_prefix and statement.closes


def _named(statement: Statement, block: Block, around: Sequence[Label], author: str) -> tuple[str, str]:
    """Host and address as the text names them: in the error string, around it, by a field nearby, in the row's columns.

    The server that wrote the bounce got the mail: it is not where that was to go.
    """
    core = statement.core
    server, ip = ("", "") if _gave_up(statement) or statement.derived else (statement.server, statement.ip)
    answers = [label for label in around if label.role == "answered"]
    if not server and answers and statement.form in ("attempt", "prose"):
        nearest = min(answers, key=lambda label: abs(label.at - statement.start))
        server, ip = nearest.server, nearest.ip
    if author and server.lower() == author.lower():
        server, ip = "", ""
    best = next((name for name in (core.server, server, block.server) if hosts.host(name)), "")
    address = hosts.endpoint(core.ip) or hosts.endpoint(core.endpoint) or hosts.address(ip)
    return best, str(address or ("" if server else block.ip))


def _author(statement: Statement, around: Sequence[Label]) -> str:
    """The server that wrote the bounce: the field above, else the first below."""
    authors = [label for label in around if label.role == "wrote"]
    above = [label for label in authors if label.at < statement.start]
    return next((label.server for label in (*above[-1:], *authors)), "")


def _reporter(statement: Statement, where: hosts.Destination, author: str, around: Sequence[Label]) -> str | None:
    """The server that tells of the error: that tried, that wrote the bounce, that refused if it is Microsoft's, that sent."""
    rejected_by = next((label.server for label in around if label.role == "answered" and hosts.is_transport(label.server)), "")
    sent_by = next((label.server for label in around if label.role == "sent"), "")
    closing = statement.server if _gave_up(statement) else ""
    names = (statement.core.reporter, closing, where.reporter, statement.reporter, author, rejected_by, sent_by)
    return next((name for each in names if each and (name := hosts.host(each))), None)
