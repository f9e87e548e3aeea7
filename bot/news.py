"""What a watch tells its place, and how it is kept until it has been told. Pure."""

import json
from datetime import datetime, timedelta

from commands.reply import Action, Item, Reply, Section
from commands.watch import LASTS
from diagnostics.store import Answer, Watch


def decide(watch: Watch, reply: Reply, now: datetime) -> Reply | None:
    """What the place is to be told now that a check has answered `reply`; None: nothing yet."""
    if reply.verdict == "healthy":
        seen = "; ".join(f"{found.subject} — {found.what}" for found in reply.results)
        return _short(f"Works again: {seen}", reply)
    if now < watch.until:
        return None
    seen = "Not working yet after" if reply.verdict in ("failing", "degraded") else "Not seen working within"
    return _short(f"{seen} {LASTS // timedelta(hours=1)} hours, so I no longer look. {reply.headline}", reply)


def next_look(watch: Watch, now: datetime) -> datetime:
    """The last one is at the end, so that the closing line tells how it is and not how it was."""
    return min(now + watch.every, watch.until)


def note(watch: Watch, reply: Reply, now: datetime) -> Answer:
    """The answer that stands in the store until `reply`, which `decide` made, has been told."""
    told = {
        "headline": reply.headline,
        "severity": reply.severity,
        "lines": [item.text for section in reply.sections for item in section.items],
        "actions": [[action.verb, action.id] for action in reply.actions],
        "exit_code": reply.exit_code,
    }
    request = {"words": ["check", "--", watch.word], "told": told}
    return Answer(f"{watch.id}-told", watch.place, json.dumps(request), watch.actor, now)


def owed(answer: Answer) -> Reply | None:
    """The reply that a watch still owes its place; None when the answer is of another kind: a question to be run again."""
    try:
        told = json.loads(answer.request)["told"]
        actions = tuple(Action(str(verb), str(id)) for verb, id in told["actions"])
        lines = [str(line) for line in told["lines"]]
        return Reply(str(told["headline"]), told["severity"], _section(lines), actions=actions, exit_code=int(told["exit_code"]))
    except (ValueError, KeyError, TypeError):
        return None


def _short(headline: str, reply: Reply) -> Reply:
    """A line with what it means: the whole is a click away."""
    lines = [item.text for section in reply.sections[:1] for item in section.items if not section.title]
    return Reply(headline, reply.severity, _section(lines), actions=reply.actions, exit_code=reply.exit_code)


def _section(lines: list[str]) -> tuple[Section, ...]:
    return (Section("", tuple(map(Item, lines))),) if lines else ()
