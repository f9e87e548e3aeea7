"""Fix → Reply: what would be changed and why not, what was changed, what is left to do. Pure."""

from collections.abc import Collection
from dataclasses import replace

from commands.command import APPROVE, FixRules
from commands.reply import Action, Ask, Field, Item, Reply, Section, Severity
from commands.request import Front
from diagnostics.connectors.source import Value
from diagnostics.fix.record import Fix, FixStep, State

_SEVERITY: dict[State, Severity] = {
    "planned": "info",
    "blocked": "mixed",
    "awaiting-approval": "info",
    "running": "unknown",
    "done": "good",
    "undone": "good",
    "half-done": "bad",
    "failed": "bad",
    "unknown": "unknown",
    "rejected": "info",
    "expired": "info",
}
_WORDS: dict[State, str] = {
    "planned": "can be done",
    "blocked": "cannot be done: nothing was changed",
    "awaiting-approval": "waits for approval",
    "running": "is under way",
    "done": "is done",
    "undone": "was taken back",
    "half-done": "is half done",
    "failed": "failed, nothing was changed",
    "unknown": "could not be told: was it done?",
    "rejected": "was rejected",
    "expired": "was not approved in time",
}
_SEEN: dict[bool | None, tuple[str, Severity]] = {
    True: ("is in effect: all is as set", "good"),
    False: ("is no longer as set", "bad"),
    None: ("could not be verified whole", "unknown"),
}
_STILL: dict[State, str] = {
    "done": "The fix is still in effect: nothing of it was taken back.",
    "half-done": "The fix is half done, as it was before.",
    **dict.fromkeys(("unknown", "running"), "Whether the fix is done is not known."),
}
"""By the ledger's state: what a try to undo or resume that came to nothing leaves."""

_ENDED: dict[State, str] = {"undone": "Taken back", "done": "Finished"}
_OPEN: tuple[State, ...] = ("planned", "awaiting-approval", "running")
_WAYS_ON: dict[State, tuple[str, ...]] = {"done": ("undo",), **dict.fromkeys(("half-done", "unknown"), ("resume", "undo"))}
_MARK = {"todo": "", "done": "✓ ", "failed": "✗ ", "unknown": "? ", "undone": "↺ "}
_GOOD: tuple[State, ...] = ("planned", "done", "undone")


def typed(front: Front, line: str) -> str:
    """A command line as it is typed there."""
    return f"{'mailflow' if front == 'terminal' else '/mailflow'} {line}"


def shown(value: Value | None) -> str:
    """The value of a step."""
    if isinstance(value, bool):
        return "on" if value else "off"
    return "not to be seen" if value is None else value


def nobody_may(what: str = APPROVE) -> str:
    return f"Nobody may {what}: the owner of mailflow lists who may in MAILFLOW_FIX_APPROVERS."


def plan(fix: Fix, *, as_json: bool, front: Front, asked: str = "") -> Reply:
    """What would be changed, what that means, and why it cannot be done if it cannot.

    `asked`: what stands for the connector where none was found. That is between mailflow and who asked.
    """
    sections = [*_plan(fix), *_cmdlets(fix)]
    if fix.state == "planned" and fix.connector and front == "terminal":
        domains = "".join(f" --domain {s.name}" for s in fix.steps if s.object == "accepted-domain")
        line = typed(front, f'fix {fix.connector.guid}{domains} --reason "…" --gone-for-good --yes')
        sections.append(Section("To do it, in a terminal of mailflow's machine", (Item(line),), "code"))
    if fix.connector is None:
        said = _reply(fix, f"Fix now of {asked}" if asked else "Fix now", sections, as_json=as_json)
        return replace(said, audience="asker")
    return _reply(fix, "Fix now", sections, as_json=as_json)


def to_be_reasoned(fix: Fix, again: str, rules: FixRules, *, clicked: bool) -> Reply:
    """The plan, and what a person has to say before it can be asked for. `again`: the id behind its button."""
    if not rules.approvers:
        return _reply(fix, "Fix now", [Section("", (Item(nobody_may()),)), *_plan(fix), *_cmdlets(fix)])
    fields = (
        *((Field("--domain", "Domains", several=True, choices=fix.choices),) if fix.choices else ()),
        Field("--reason", "Reason", "Why, for the audit: a change number, a decision."),
    )
    ask = Ask("fix-now", again, "Next", fields) if clicked else None
    return replace(_reply(fix, "Fix now", _plan(fix)), ask=ask, actions=() if clicked else (Action("fix-now", again),))


def to_be_asked(fix: Fix, rules: FixRules) -> Reply:
    """What was read in the form, in a few lines, and the one button that goes on with it."""
    yes = f"{_people(rules.approvals)} of those who may approve said yes" if rules.approvals else "they, an approver, say so here"
    asks = Section(
        "",
        (
            Item("Planned by", people=(fix.requester,)),
            Item(f"Reason: {fix.reason}"),
            Item(f"Nothing is changed before {yes}. That has to be before {_end(fix, rules)}."),
        ),
    )
    verb = "do-it" if rules.approvals == 0 else "ask"
    return replace(_reply(fix, "Fix now", [asks, _steps(fix), *_notes(fix)]), actions=(Action(verb, fix.id),))


def waiting(fix: Fix, rules: FixRules) -> Reply:
    """What the approvers see."""
    of_them = "" if rules.approvals == len(rules.approvers) == 1 else f" {_people(rules.approvals)} of"
    asks = (
        Item("Asked by", people=(fix.requester,)),
        Item(f"Reason: {fix.reason}"),
        Item(f"It waits until {_end(fix, rules)} for{of_them}", people=rules.approvers),
    )
    actions = (Action("approve", fix.id), Action("reject", fix.id))
    return replace(_reply(fix, "Fix now", [Section("", asks), *_plan(fix)]), actions=actions, spent="Asked for")


def more_needed(fix: Fix, rules: FixRules, gone: Collection[str] = ()) -> Reply:
    """Who has approved it, and how many have yet to. `gone`: who had, and does not count any more."""
    said = (
        *((Item("Approved by", people=fix.approvers),) if fix.approvers else ()),
        *((Item("No longer counted, as it is not certain any more that they may approve:", people=tuple(gone)),) if gone else ()),
        Item(f"{_people(rules.approvals - len(fix.approvers))} more needed."),
    )
    return _reply(fix, "Fix now", [Section("", said)])


def rejected(fix: Fix) -> Reply:
    return replace(_reply(fix, "Fix now", [Section("", (Item("Nothing was changed."),))]), spent="Rejected")


def expired(fix: Fix) -> Reply:
    said = "Nobody was in time, so nothing was changed. What was read may be old by now: ask for the fix again."
    return replace(_reply(fix, "Fix now", [Section("", (Item(said),))]), spent="Expired, as seen")


def verified(fix: Fix, seen: tuple[Item, ...], *, good: bool | None, last: bool) -> Reply:
    """What a later look showed. The last one closes the matter."""
    name = fix.connector.name if fix.connector else fix.id
    word, severity = _SEEN[good]
    closing = " This was the last look." if last else ""
    return Reply(
        f"Fix now of {name} {word}.{closing}",
        severity,
        (Section("", seen, "bullets"),),
        actions=(Action("undo", fix.id),),
    )


def outcome(fix: Fix, *, front: Front, as_json: bool = False, spent: str = "", what: str = "Fix now") -> Reply:
    """What came of doing it, or how it stands."""
    reply = _reply(fix, what, [*_said(fix), _steps(fix), *_notes(fix), *_after(fix, front)], as_json=as_json)
    return replace(reply, actions=tuple(Action(way, fix.id) for way in _ways_on(fix)), spent=spent)


def turned(fix: Fix, verb: str, *, front: Front, as_json: bool = False) -> Reply:
    """What came of taking it back or finishing it. A try that came to nothing leaves the fix and its buttons as they were."""
    what = verb.capitalize()
    if fix.state in ("failed", "blocked") and fix.kept in _STILL:
        told = fix.model_copy(update={"said": f"{fix.said} {_STILL[fix.kept]}".strip()})
        return outcome(told, front=front, as_json=as_json, what=what)
    if fix.state == "running":
        return outcome(fix, front=front, as_json=as_json)
    spent = _as_seen(fix) if fix.kept == fix.state else _ENDED.get(fix.state, f"{what} tried")
    return outcome(fix, front=front, as_json=as_json, spent=spent)


def settled(fix: Fix, verb: str, *, front: Front, as_json: bool = False) -> Reply:
    """There is nothing to do with it (any more). What stopped half way is everybody's matter, and can be gone on with."""
    said = {"ask": "be asked", "do": "be done"}.get(verb, verb)
    told = fix.model_copy(update={"said": f"There is nothing to {said}: it is {fix.state}."})
    shown = outcome(told, front=front, as_json=as_json)
    # what its buttons were for is over; beside a Resume that is of no use Undo may be
    over = fix.state not in _OPEN and not (verb in ("undo", "resume") and fix.state in _WAYS_ON)
    spent = _as_seen(fix) if over else ""
    if fix.state in ("half-done", "unknown"):
        return replace(shown, spent=spent)
    return replace(shown, audience="asker", actions=(), spent=spent)


def _as_seen(fix: Fix) -> str:
    """It was over already; the first who came by afterwards stands behind this."""
    return f"{_ENDED['undone'] if fix.state == 'undone' else fix.state.capitalize()}, as seen"


def preview(verb: str, fix: Fix, *, as_json: bool, front: Front) -> Reply:
    """What undo or resume would write."""
    sections = [*_said(fix), _steps(fix), *_notes(fix)]
    if fix.state != "planned":
        sections += _cmdlets(fix)
    elif front == "terminal":
        sections.append(Section("To do it", (Item(typed(front, f"{verb} {fix.id} --yes")),), "code"))
    actions = (Action(verb, fix.id),) if fix.state == "planned" and front != "terminal" else ()
    return replace(_reply(fix, verb.capitalize(), sections, as_json=as_json), actions=actions)


_BY_HAND = frozenset({"not-writable", "connector-already-off"})
"""With any other reason against it, nobody shall be invited to do it by hand."""


BASIS = "What shows that the servers are gone"


def _plan(fix: Fix) -> list[Section]:
    """What it means is told of what can be done, if only by hand: else a checklist would read like an invitation."""
    meaning = [
        Section("What it means", tuple(map(Item, fix.consequences)), "bullets"),
        Section("Make sure that all of this is true", tuple(map(Item, fix.checklist)), "bullets"),
    ]
    can_be = fix.steps and {note.id for note in fix.blocked} <= _BY_HAND | {"domain-not-chosen"}
    choices = Section("To choose from", tuple(Item(f"--domain {name}") for name in fix.choices), "code")
    return [_steps(fix), _basis(fix), *_notes(fix), *(meaning if can_be else ()), choices]


def _basis(fix: Fix) -> Section:
    """What shows that the servers are gone: Microsoft's own report, or this machine's look, which a firewall can deceive."""
    report = fix.report
    if fix.connector is None:
        return Section("", ())
    if fix.basis == "reported" and report is not None:
        who = Item(f"Microsoft 365 reported it. Explained here {report.at:%Y-%m-%d %H:%M} UTC by", people=(report.by,))
        return Section(BASIS, (who, Item(report.line, tag="as reported")), "bullets")
    if fix.basis == "seen-from-here":
        said = "Only this machine saw it: its connections are refused. No report of Microsoft's was explained here within a day."
    else:
        said = "Neither a report of Microsoft's nor a check from here shows that the servers refuse connections."
    return Section(BASIS, (Item(said),), "bullets")


def _people(count: int) -> str:
    return "one person" if count == 1 else f"{count} people"


def _end(fix: Fix, rules: FixRules) -> str:
    """When a plan has waited long enough."""
    return f"{fix.created + rules.plan_ttl:%Y-%m-%d %H:%M} UTC" if fix.created else "now"


def exit_code(fix: Fix) -> int:
    """Contract 6: 0 planned, done, undone; 1 anything else."""
    return 0 if fix.state in _GOOD else 1


def line(fix: Fix) -> str:
    """One fix in one line."""
    name = fix.connector.name if fix.connector else "(no connector)"
    return f"{fix.id}  {fix.state:<17}  {name}"


def _reply(fix: Fix, what: str, sections: list[Section], *, as_json: bool = False) -> Reply:
    name = f" of {fix.connector.name}" if fix.connector else ""
    return Reply(
        f"{what}{name} {_WORDS[fix.state]}",
        _SEVERITY[fix.state],
        tuple(s for s in sections if s.items),
        document=fix,
        as_json=as_json,
        exit_code=exit_code(fix),
    )


def _said(fix: Fix) -> list[Section]:
    return [Section("", (Item(fix.said),))] if fix.said else []


def _steps(fix: Fix) -> Section:
    return Section("What changes" if fix.state == "planned" else "Changes", tuple(map(_step, fix.steps)), "steps")


def _step(step: FixStep) -> Item:
    kind = "accepted domain" if step.object == "accepted-domain" else "connector"
    before, after = shown(step.before), shown(step.after)
    change = f"{after} → {before}, put back" if step.state == "undone" else f"{before} → {after}"
    return Item(f"{_MARK[step.state]}{kind} {step.name}: {step.property} {change}", notes=(step.said,) if step.said else ())


def _notes(fix: Fix) -> list[Section]:
    return [
        Section("In the way", tuple(Item(note.text, tag=note.id) for note in fix.blocked), "bullets"),
        Section("Take care", tuple(Item(note.text, tag=note.id) for note in fix.warnings), "bullets"),
    ]


def _cmdlets(fix: Fix) -> list[Section]:
    if not {note.id for note in fix.blocked} <= _BY_HAND:
        return []
    lines = tuple(Item(step.cmdlet) for step in fix.steps if step.cmdlet)
    return [Section("By hand, in Exchange Online PowerShell, in this order", lines, "code")]


def _looks(fix: Fix) -> list[Item]:
    """When its thread is told what has become of it. Without a thread it is told nowhere."""
    if not fix.place:
        return []
    times = " and ".join(dict.fromkeys(f"{at:%Y-%m-%d %H:%M} UTC" for at in fix.verify_at))
    return [Item(f"It is looked at again, and this thread is told: {times}.")] if times else []


def _ways_on(fix: Fix) -> tuple[str, ...]:
    """What can be done with it now. While somebody is at work on it, nothing; once the ledger has lost sight of that, all."""
    if fix.state == "running":
        return ()
    return _WAYS_ON["unknown"] if fix.kept == "running" else _WAYS_ON.get(fix.kept or fix.state, ())


def _after(fix: Fix, front: Front) -> list[Section]:
    """What a person does next."""
    lines = {
        "resume": f"To finish it: {typed(front, 'resume')} {fix.id}",
        "undo": f"To take it back: {typed(front, 'undo')} {fix.id}",
    }
    now = [Item(lines[way]) for way in _ways_on(fix)]
    if fix.state == "done":
        now = [
            Item("It takes effect in 30 to 60 minutes; mail that waits is looked at again within the hour."),
            *_looks(fix),
            *now,
        ]
    elif fix.state == "undone":
        now = [Item("That takes effect in 30 to 60 minutes too: check the connector again then.")]
    return [Section("Now", tuple(now), "bullets")]
