"""`python -m diagnostics.catalogue.ids > docs/ids.md`: the ids of causes, fixes and warnings, which are contract too."""

from collections.abc import Iterable

from diagnostics.catalogue import Addition, Catalogue, CauseEntry, CodeEntry, Explained, FixEntry, load
from diagnostics.catalogue.phrases import shipped
from diagnostics.findings import NO_FACTS, Reason


def page(catalogue: Catalogue) -> str:
    """The page as Markdown: every reason with its code, causes and fixes, then the warnings."""
    lines = [_say("head")]
    for reason in Reason:
        entry = catalogue[reason]
        title = f"{entry.code or _say('no-code')}: {entry.title}."
        lines += [*_causes(f"`{reason}`", title, entry.causes), *_fixes(entry.fixes)]
        if entry.partner:
            lines.append(f"| `contact-partner` | partner | {entry.partner} |")
    for code in sorted({entry.code or "": entry for entry in catalogue.codes.values() if entry.causes}.items()):
        lines += _code(*code)
    lines += _code(_say("other"), catalogue.other)
    lines += ["", _say("subjects"), *_fixes([subject.fix for subject in catalogue.status.subjects.values()])]
    lines += _explained(catalogue.explained)
    lines += ["", _say("warnings")]
    lines += [f"| `{id}` | {text} |" for id, text in catalogue.warnings.items()]
    return "\n".join(lines) + "\n"


def _say(key: str) -> str:
    return shipped("ids.toml").say(key, NO_FACTS)


def _code(name: str, entry: CodeEntry) -> list[str]:
    """A code that only a text can report."""
    return [*_causes(name, f"{entry.title}.", entry.causes), *_fixes(entry.fixes)]


def _causes(name: str, title: str, causes: Iterable[CauseEntry]) -> list[str]:
    return ["", f"## {name}", "", title, "", _say("causes"), *(f"| `{cause.id}` | {cause.text} |" for cause in causes)]


def _fixes(fixes: Iterable[FixEntry]) -> list[str]:
    return ["", _say("fixes"), *map(_row, fixes)]


def _explained(explained: Explained) -> list[str]:
    """What `explain` adds."""
    lines = ["", _say("explained")]
    for name, field in Explained.model_fields.items():
        addition = getattr(explained, name)
        if not isinstance(addition, Addition):
            continue
        when = f"`{field.alias or name}`"
        if addition.cause:
            lines.append(f"| {when} | `{addition.cause.id}` | | {addition.cause.text} |")
        lines.append(f"| {when} {_row(addition.fix)}")
    return lines


def _row(fix: FixEntry) -> str:
    text = fix.text.replace("|", "\\|")
    return f"| `{fix.id}` | {fix.owner} | {text} |"


if __name__ == "__main__":
    print(page(load()), end="")
