"""What undo or resume of a fix would write, as a plan of its own. Pure."""

from diagnostics.catalogue.fixing import Objection
from diagnostics.fix.cmdlet import Unprintable, write
from diagnostics.fix.notes import Say, fix_note, note
from diagnostics.fix.record import Fix, FixStep


def undoing(fix: Fix, *, writable: bool, say: Say) -> Fix | None:
    """The old values of all that was written, or may have been; the connector first. None: the fix's state has no undo."""
    if fix.state not in ("done", "half-done", "unknown"):
        return None
    touched = [s for s in reversed(fix.steps) if s.state in ("done", "unknown") or s.sent]
    return _plan(fix, [_turned(s) for s in touched], writable=writable, say=say)


def resuming(fix: Fix, *, writable: bool, say: Say) -> Fix | None:
    """The steps that are not at their end, in the direction that was begun last. None: there is nothing to finish."""
    if fix.state not in ("half-done", "unknown"):
        return None
    if fix.direction == "undo":
        return undoing(fix, writable=writable, say=say)
    return _plan(fix, [_afresh(s, s.cmdlet) for s in fix.steps if s.state != "done"], writable=writable, say=say)


def _plan(fix: Fix, steps: list[FixStep], *, writable: bool, say: Say) -> Fix:
    blocked = () if writable else (fix_note(note(Objection.NOT_WRITABLE, "by-hand"), say),)
    return fix.model_copy(
        update={
            "state": "blocked" if blocked else "planned",
            "steps": tuple(steps),
            "blocked": blocked,
            "warnings": (),
            "consequences": (),
            "checklist": (),
            "verify_at": (),
        }
    )


def _turned(step: FixStep) -> FixStep:
    turned = step.model_copy(update={"before": step.after, "after": step.before})
    try:
        return _afresh(turned, write(turned.object, turned.identity, turned.after))
    except Unprintable:
        return _afresh(turned, None)


def _afresh(step: FixStep, cmdlet: str | None) -> FixStep:
    return step.model_copy(update={"state": "todo", "cmdlet": cmdlet, "sent": None, "sending": None, "said": ""})
