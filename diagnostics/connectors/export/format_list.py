"""Format-List's text: `Name : value`, long values continued on indented lines, a list as `{a, b}`."""

import re

from diagnostics.connectors.export.fault import ExportFault
from diagnostics.connectors.export.noise import is_noise

_PAIR = re.compile(r"([A-Za-z@][\w.@]{0,79}) *:(?: (.*))?")
_NAMED = re.compile(r"^(?:Name|Identity|DomainName) *:(?: |\r?$)", re.MULTILINE)


def is_list(text: str) -> bool:
    """Whether there is a line that gives an object's name."""
    return _NAMED.search(text) is not None


def rows(text: str) -> list[object]:
    """A dict of texts an object; an empty value is None. Raises ExportFault."""
    found: list[dict[str, list[str]]] = []
    value: list[str] | None = None
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or is_noise(line):
            continue
        if line[0] in " \t" and value is not None:
            value.append(line.strip())
        elif pair := _PAIR.fullmatch(line.rstrip()):
            name, value = pair[1], [(pair[2] or "").strip()]
            if not found or name in found[-1]:
                found.append({})  # an object names each of its properties once
            found[-1][name] = value
        elif found:
            raise ExportFault(f"line {number}: neither 'Name : value' nor the rest of a value")
    return [{name: _joined(lines) for name, lines in row.items()} for row in found]


def _joined(lines: list[str]) -> str | None:
    """A list has no blank within an element, so what is wrapped there is put together; a sentence is wrapped at blanks."""
    return ("" if lines[0].startswith("{") else " ").join(lines).strip() or None
