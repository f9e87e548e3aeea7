"""Statements → errors: whose the hosts are, what the words prove, what became of the mail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from diagnostics.parse import meaning, origin
from diagnostics.parse.blocks import Block
from diagnostics.parse.core import unclaimed
from diagnostics.parse.labels import Label, labels
from diagnostics.parse.report import Reported, State
from diagnostics.parse.statement import Form, Statement
from diagnostics.parse.stating import statements


@dataclass(slots=True)
class Judged:
    """One error at one place. `closing`: it only says how long the mail waits; `explained`: the line after it says why."""

    error: Reported
    form: Form
    time: datetime | None
    closing: bool = False
    explained: bool = False


def judge(block: Block) -> list[Judged]:
    """The errors of one block, in order. An attempt shares the fate that the closing line before it tells."""
    text = unclaimed(block.text)
    around = labels(text)
    found: list[Judged] = []
    fate: State | None = None
    for statement in statements(text):
        closing = meaning.closes(statement)
        error = _reported(statement, block, around)
        if closing and statement.form in ("attempt", "dsn"):
            fate = error.state
        elif fate == "expired" and error.state == "queued" and statement.form == "attempt":
            error = error.model_copy(update={"state": fate})
        if found and found[-1].closing and statement.form == "attempt" and not closing:
            found[-1].explained = True
        found.append(Judged(error, statement.form, statement.time or block.time or statement.core.time, closing))
    return found


def _reported(statement: Statement, block: Block, around: Sequence[Label]) -> Reported:
    core, code = statement.core, statement.code
    said = meaning.message(statement)
    facts = meaning.submessage(said)
    author = _author(statement, around)
    where = origin.destination(
        *_named(statement, block, around),
        cloud=_from_cloud(statement, author),
        to_microsoft=meaning.incoming(core, code),
        unresolved=meaning.unresolved(core, code, said),
    )
    return Reported(
        code=str(code),
        enhanced=code.enhanced,
        family=code.family,
        state="unknown" if block.tried else "expired" if statement.derived else meaning.state(statement),
        reason=meaning.reason(code, core, said, facts),
        text=core.words,
        message=said,
        submessage=facts,
        server=where.server,
        ip=where.ip,
        domain=meaning.domain(core),
        chain=core.links,
        reported_by=_reporter(statement, where, author, around),
        connector=block.connector,
        last_retry=statement.last_retry,
        arrival=statement.arrival,
    )


def _gave_up(statement: Statement) -> bool:
    """Whether `Server at …` names the server that gave up: so it is in a closing line."""
    return statement.form == "attempt" and statement.by_prefix and meaning.closes(statement)


def _named(statement: Statement, block: Block, around: Sequence[Label]) -> tuple[str, str]:
    """Host and address as the text names them: in the error string, around it, by a field nearby, in the row's columns."""
    core = statement.core
    server, ip = ("", "") if _gave_up(statement) or statement.derived else (statement.server, statement.ip)
    answers = [label for label in around if label.role == "answered"]
    if not server and answers and statement.form in ("attempt", "prose"):
        nearest = min(answers, key=lambda label: abs(label.at - statement.start))
        server, ip = nearest.server, nearest.ip
    best = next((name for name in (core.server, server, block.server) if origin.host(name)), "")
    address = origin.endpoint(core.ip) or origin.endpoint(core.endpoint) or origin.address(ip)
    return best, str(address or ("" if server else block.ip))


def _author(statement: Statement, around: Sequence[Label]) -> str:
    """The server that wrote the bounce: the field above, else the first below."""
    authors = [label for label in around if label.role == "wrote"]
    above = [label for label in authors if label.at < statement.start]
    return next((label.server for label in (*above[-1:], *authors)), "")


def _reporter(statement: Statement, where: origin.Destination, author: str, around: Sequence[Label]) -> str | None:
    """The server that tells of the error: that tried, that wrote the bounce, that refused if it is Microsoft's, that sent."""
    rejected_by = next((label.server for label in around if label.role == "answered" and origin.is_transport(label.server)), "")
    sent_by = next((label.server for label in around if label.role == "sent"), "")
    closing = statement.server if _gave_up(statement) else ""
    names = (statement.core.reporter, closing, where.reporter, statement.reporter, author, rejected_by, sent_by)
    return next((name for each in names if each and (name := origin.host(each))), None)


def _from_cloud(statement: Statement, author: str) -> bool:
    """Whether Microsoft 365 itself tried to deliver: its own codes and fields, or its own server reports.

    4.4.397 is the one code of its range that servers on premises use too.
    """
    core, code = statement.core, statement.code
    fields = core.server or core.ip or core.reporter or core.secured or statement.proxied
    return bool(fields) or (code.synthesised and code.family != "4.4.397") or origin.is_transport(author)
