"""What undo or resume of a fix would write, as a plan of its own. Pure."""

from diagnostics.fix.cmdlet import Unprintable, write
from diagnostics.fix.model import Fix, FixNote, FixStep

NOT_WRITABLE = (
    "There are no credentials to write with (MAILFLOW_EXCHANGE_FIX_CLIENT_ID): somebody has to run the cmdlets by hand."
)


def undoing(fix: Fix, *, writable: bool) -> Fix | None:
    """The old values of all that was written, or may have been; the connector first. None: the fix's state has no undo."""
    if fix.state not in ("done", "half-done", "unknown"):
        return None
    touched = [s for s in reversed(fix.steps) if s.state in ("done", "unknown") or s.sent]
    return _plan(fix, [_turned(s) for s in touched], writable=writable)


def resuming(fix: Fix, *, writable: bool) -> Fix | None:
    """The steps that are not at their end, in the direction that was begun last. None: there is nothing to finish."""
    if fix.state not in ("half-done", "unknown"):
        return None
    if fix.direction == "undo":
        return undoing(fix, writable=writable)
    return _plan(fix, [_afresh(s, s.cmdlet) for s in fix.steps if s.state != "done"], writable=writable)


def _plan(fix: Fix, steps: list[FixStep], *, writable: bool) -> Fix:
    blocked = () if writable else (FixNote(id="not-writable", text=NOT_WRITABLE),)
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
