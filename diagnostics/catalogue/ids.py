"""`python -m diagnostics.catalogue.ids > docs/ids.md`: the ids of causes, fixes and warnings, which are contract too."""

from diagnostics.catalogue import Addition, Catalogue, CodeEntry, Explained, FixEntry, load
from diagnostics.findings import Reason


def page(catalogue: Catalogue) -> str:
    """The page as Markdown: every reason with its code, causes and fixes, then the warnings."""
    lines = [
        "# Ids",
        "",
        "Generated from the catalogue by `python -m diagnostics.catalogue.ids > docs/ids.md`. Scripts may rely on these ids.",
    ]
    for reason in Reason:
        entry = catalogue[reason]
        lines += ["", f"## `{reason}`", "", f"{entry.code or 'no code'}: {entry.title}.", "", "| cause | |", "| --- | --- |"]
        lines += [f"| `{cause.id}` | {cause.text} |" for cause in entry.causes]
        lines += ["", "| fix | who | |", "| --- | --- | --- |"]
        lines += [_row(fix) for fix in entry.fixes]
        if entry.partner:
            lines.append(f"| `contact-partner` | partner | {entry.partner} |")
    for code in sorted({entry.code or "": entry for entry in catalogue.codes.values() if entry.causes}.items()):
        lines += _code(*code)
    lines += _code("any other code", catalogue.other)
    lines += ["", "Before these, by the subject of the code (RFC 3463):", "", "| fix | who | |", "| --- | --- | --- |"]
    lines += [_row(subject.fix) for subject in catalogue.status.subjects.values()]
    lines += _explained(catalogue.explained)
    lines += ["", "## Warnings", "", "| id | |", "| --- | --- |"]
    lines += [f"| `{id}` | {text} |" for id, text in catalogue.warnings.items()]
    return "\n".join(lines) + "\n"


def _code(name: str, entry: CodeEntry) -> list[str]:
    """A code that only a text can report."""
    lines = ["", f"## {name}", "", f"{entry.title}.", "", "| cause | |", "| --- | --- |"]
    lines += [f"| `{cause.id}` | {cause.text} |" for cause in entry.causes]
    lines += ["", "| fix | who | |", "| --- | --- | --- |"]
    return lines + [_row(fix) for fix in entry.fixes]


def _explained(explained: Explained) -> list[str]:
    """What `explain` adds."""
    lines = ["", "## Added by `explain`", "", "| when | cause or fix | who | |", "| --- | --- | --- | --- |"]
    for name, field in Explained.model_fields.items():
        addition: Addition = getattr(explained, name)
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
