"""JSON as ConvertTo-Json and web interfaces write it: one document or several, with messages before and between them."""

import json
import re

from diagnostics.connectors.export.fault import ExportFault
from diagnostics.connectors.export.noise import is_noise

_WRAPPERS = ("value", "results")
_START = re.compile(r"^[\[{]", re.MULTILINE)
_BLANKS = re.compile(r"[\s,]*")
_MOST_STARTS = 100
"""Lines that start like JSON and are tried: a banner has a few."""


def is_json(text: str) -> bool:
    """Whether any line starts as an object or a list does."""
    return _START.search(text) is not None


def rows(text: str) -> list[object]:
    """The entries of all documents. Raises ExportFault."""
    try:
        return [row for document in _documents(text) for row in _entries(document, wrapped=2)]
    except json.JSONDecodeError as error:
        raise ExportFault(f"line {error.lineno}, column {error.colno}: {error.msg}") from None
    except RecursionError:
        raise ExportFault("it is nested too deep to be an export") from None
    except ExportFault:
        raise
    except ValueError:  # sys.set_int_max_str_digits
        raise ExportFault("it holds a number of more digits than any property has") from None


def _documents(text: str) -> list[object]:
    try:
        return [json.loads(text)]
    except json.JSONDecodeError as error:
        first_start = _START.search(text)
        if first_start is None:
            raise
        whole = error
    decoder = json.JSONDecoder()
    found: list[object] = []
    at, furthest, tries, in_message = first_start.start(), whole, 0, True
    while at < len(text):
        if text[at] in "[{" and not is_noise(text[at : at + 80]):
            try:
                document, end = decoder.raw_decode(text, at)
                found.append(document)
                at, in_message = _past_blanks(text, end), False
                continue
            except json.JSONDecodeError as error:
                furthest = max(furthest, error, key=lambda e: e.pos)
                tries += 1
                # the rest of a message or a banner is no JSON within its line
                if not in_message or tries > _MOST_STARTS or error.pos >= _end_of_line(text, at):
                    raise
        elif not in_message and not is_noise(text[at : at + 80]):
            raise json.JSONDecodeError("Extra data", text, at)
        in_message = True  # up to the next document
        following = _START.search(text, _end_of_line(text, at))
        at = following.start() if following else len(text)
    if not found:
        raise furthest
    return found


def _past_blanks(text: str, at: int) -> int:
    blanks = _BLANKS.match(text, at)
    return blanks.end() if blanks else at


def _end_of_line(text: str, at: int) -> int:
    end = text.find("\n", at)
    return len(text) if end < 0 else end


def _entries(document: object, wrapped: int) -> list[object]:
    """One object, a list, or {"value": […]} (Windows PowerShell, OData), {"Results": […]}."""
    if isinstance(document, dict):
        inner = next((v for k, v in document.items() if k.lower() in _WRAPPERS and isinstance(v, list | dict)), None)
        return _entries(inner, wrapped - 1) if wrapped and inner is not None else [document]
    if isinstance(document, list):
        # ConvertTo-Json -InputObject of several results is a list of lists
        return [row for entry in document for row in (entry if isinstance(entry, list) else [entry])]
    raise ExportFault(f"it holds {type(document).__name__}, not connectors")
