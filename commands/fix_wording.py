"""Fix → Reply: what would be changed and why not, what was changed, what is left to do. Pure."""

from dataclasses import replace

from commands.command import FixRules
from commands.reply import Action, Ask, Field, Item, Reply, Section, Severity
from commands.request import Front
from diagnostics.fix.model import Fix, FixStep, State
from diagnostics.fix.writing import shown

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
_MARK = {"todo": "", "done": "✓ ", "failed": "✗ ", "unknown": "? ", "undone": "↺ "}
_GOOD: tuple[State, ...] = ("planned", "done", "undone")


def plan(fix: Fix, *, as_json: bool, front: Front) -> Reply:
    """What would be changed, what that means, and why it cannot be done if it cannot."""
    sections = [*_plan(fix), *_cmdlets(fix)]
    if fix.state == "planned" and fix.connector and front == "terminal":
        domains = "".join(f" --domain {s.name}" for s in fix.steps if s.object == "accepted-domain")
        line = f'mailflow fix {fix.connector.guid}{domains} --reason "…" --yes'
        sections.append(Section("To do it, in a terminal of mailflow's machine", (Item(line),), "code"))
    return _reply(fix, "Fix now", sections, as_json=as_json)


def to_be_reasoned(fix: Fix, again: str, rules: FixRules, *, clicked: bool) -> Reply:
    """The plan, and what a person has to say before it can be asked for. `again`: the id behind its button."""
    if not rules.approvers:
        return replace(plan(fix, as_json=False, front="slack"), audience="thread")
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
            Item(f"Nothing is changed before {yes}, within {_minutes(rules)} minutes of now."),
        ),
    )
    verb = "do-it" if rules.approvals == 0 else "ask"
    return replace(_reply(fix, "Fix now", [asks, _steps(fix), *_notes(fix)]), actions=(Action(verb, fix.id),))


def waiting(fix: Fix, rules: FixRules) -> Reply:
    """What the approvers see."""
    until = f" until {fix.created + rules.plan_ttl:%Y-%m-%d %H:%M} UTC" if fix.created else ""
    asks = (
        Item("Asked by", people=(fix.requester,)),
        Item(f"Reason: {fix.reason}"),
        Item(f"It waits{until} for {_people(rules.approvals)} of", people=rules.approvers),
    )
    actions = (Action("approve", fix.id), Action("reject", fix.id))
    return replace(_reply(fix, "Fix now", [Section("", asks), *_plan(fix)]), actions=actions, spent="Asked for")


def one_more(fix: Fix, rules: FixRules) -> Reply:
    left = rules.approvals - len(fix.approvers)
    said = Section("", (Item("Approved by", people=fix.approvers), Item(f"{_people(left)} more needed.")))
    return _reply(fix, "Fix now", [said])


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
        own_words=True,
    )


def outcome(fix: Fix, *, as_json: bool = False, spent: str = "") -> Reply:
    """What came of doing, taking back or finishing it."""
    actions = {"done": ("undo",), "half-done": ("resume", "undo"), "unknown": ("resume", "undo")}.get(fix.state, ())
    reply = _reply(fix, "Fix now", [*_said(fix), _steps(fix), *_notes(fix), *_after(fix)], as_json=as_json)
    return replace(reply, actions=tuple(Action(verb, fix.id) for verb in actions), spent=spent)


def settled(fix: Fix, verb: str, *, as_json: bool = False) -> Reply:
    """There is nothing to do with it (any more). What stopped half way is everybody's matter, and can be gone on with."""
    said = {"ask": "be asked", "do": "be done"}.get(verb, verb)
    shown = outcome(fix.model_copy(update={"said": f"There is nothing to {said}: it is {fix.state}."}), as_json=as_json)
    # what a plan waited for is over, so its buttons are; those of undo and resume may be of use still
    over = verb in ("ask", "approve", "do") and fix.state not in ("planned", "awaiting-approval", "running")
    spent = f"{fix.state.capitalize()}, as seen" if over else ""
    if fix.state in ("half-done", "unknown"):
        return replace(shown, spent=spent)
    return replace(shown, audience="asker", actions=(), spent=spent)


def preview(verb: str, fix: Fix, *, as_json: bool, front: Front) -> Reply:
    """What undo or resume would write."""
    sections = [*_said(fix), _steps(fix), *_notes(fix)]
    if fix.state != "planned":
        sections += _cmdlets(fix)
    elif front == "terminal":
        sections.append(Section("To do it", (Item(f"mailflow {verb} {fix.id} --yes"),), "code"))
    actions = (Action(verb, fix.id),) if fix.state == "planned" and front != "terminal" else ()
    return replace(_reply(fix, verb.capitalize(), sections, as_json=as_json), actions=actions)


def _plan(fix: Fix) -> list[Section]:
    meaning = [
        Section("What it means", tuple(map(Item, fix.consequences)), "bullets"),
        Section("Before you do it, somebody has to know", tuple(map(Item, fix.checklist)), "bullets"),
    ]
    choices = Section("To choose from", tuple(Item(f"--domain {name}") for name in fix.choices), "code")
    return [_steps(fix), *_notes(fix), *(meaning if fix.steps else ()), choices]


def _people(count: int) -> str:
    return "one person" if count == 1 else f"{count} people"


def _minutes(rules: FixRules) -> int:
    return round(rules.plan_ttl.total_seconds() / 60)


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
        own_words=True,
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


_BY_HAND = frozenset({"not-writable", "connector-already-off"})
"""With any other reason against it, nobody shall be invited to do it by hand."""


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


def _after(fix: Fix) -> list[Section]:
    """What a person does next."""
    if fix.state == "done":
        return [
            Section(
                "Now",
                (
                    Item("It takes effect in 30 to 60 minutes; mail that waits is looked at again within the hour."),
                    *_looks(fix),
                    Item(f"To take it back: undo {fix.id}"),
                ),
                "bullets",
            )
        ]
    if fix.state in ("half-done", "unknown"):
        return [Section("Now", (Item(f"To finish it: resume {fix.id}"), Item(f"To take it back: undo {fix.id}")), "bullets")]
    return []
