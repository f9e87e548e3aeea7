"""`python -m diagnostics.catalogue.ids > docs/ids.md`: the ids of causes, fixes and warnings, which are contract too."""

from diagnostics.catalogue import Catalogue, load
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
        lines += [f"| `{fix.id}` | {fix.owner} | {fix.text} |" for fix in entry.fixes]
        if entry.partner:
            lines.append(f"| `contact-partner` | partner | {entry.partner} |")
    lines += ["", "## Warnings", "", "| id | |", "| --- | --- |"]
    lines += [f"| `{id}` | {text} |" for id, text in catalogue.warnings.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(load()), end="")
