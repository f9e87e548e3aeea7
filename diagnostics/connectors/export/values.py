"""Values of one row as PowerShell wrote them → those of the model, and what was lost on the way.

What PowerShell cuts: lists and objects beyond -Depth become text (`System.Object[]`, `@{Address=…}`, elements joined by blanks),
Export-Csv writes a list's type instead of it, Format-List ends a list after $FormatEnumerationLimit elements with `...`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from diagnostics.connectors.connector import Loss
from diagnostics.connectors.export.fault import ExportFault
from diagnostics.net import names
from diagnostics.net.names import NameFault

_TYPE_NAME = re.compile(
    r"(?:Deserialized\.|Selected\.)*(?:System\.(?:Collections|String|Object|Array|Management|Int\d\d|Guid|Net\.IPAddress|Xml)\b"
    r"|Microsoft\.(?:Exchange|PowerShell)\.)|[^\s]*(?:\[\]|`\d)"
)
_TEXT_OBJECT = re.compile(r"@\{([^{}]*)\}[\s,;]*")
_BETWEEN = re.compile(r"[\s,;|]+")
_DOTS = ("...", "\u2026")
_INSIDE = ("address", "domain", "value")
"""Where an object that stands for a text keeps it: SmartHost, SmtpDomainWithSubdomains, wrapped values."""
OBJECT, LIST = "@{…}", "{…}"
"""An object and a list whose values cannot be shown, as PowerShell writes them."""

MAX_SHOWN = 80


def matched(row: Mapping[object, object], fields: Sequence[str]) -> dict[str, object]:
    """The row's values under the model's names, whatever case the file has them in; an exact name wins."""
    known = {field.lower(): field for field in fields}
    found: dict[str, object] = {}
    for key, value in row.items():
        field = known.get(str(key).strip().lower())
        if field is not None and (field not in found or key == field):
            found[field] = value
    if not found.get("Name") and "name" in known:
        # Identity of a connector is its name; Select-Object may keep the one without the other
        identity = next((v for k, v in row.items() if str(k).strip().lower() == "identity" and isinstance(v, str)), None)
        found |= {"Name": identity} if identity else {}
    return found


def flag(value: object) -> object:
    """`$true` as scripts write it; an empty cell is null."""
    if isinstance(value, str):
        return value.strip().lstrip("$") or None
    return value


def word(value: object) -> object:
    """A text or null, out of the object that wraps it too. Raises ExportFault for what PowerShell cut."""
    if isinstance(value, dict):
        inner = _inside(value)
        if inner is None:
            raise ExportFault(OBJECT)
        value = inner
    if isinstance(value, str):
        value = value.strip()
        if objects := _text_objects(value):
            if len(objects) > 1:
                raise ExportFault(value)
            value = objects[0]
        if _is_cut(value):
            raise ExportFault(value)
        return value or None
    if isinstance(value, list):
        raise ExportFault(LIST)
    return value


def entries(value: object, field: str) -> tuple[object, tuple[Loss, ...]]:
    """The elements of a list of hosts or domains, and what was lost of it. Other types are left to the model."""
    if value is not None and not isinstance(value, str | dict | list):
        return value, ()
    found: list[str] = []
    lost: list[Loss] = []
    for element in _elements(value):
        if element is None:
            continue
        text = _inside(element) if isinstance(element, dict) else element
        if text is None:
            lost.append(loss("cut", field, OBJECT))
        elif isinstance(text, str):
            _take(text.strip(), field, found, lost)
        else:
            return value, ()
    return tuple(found), tuple(lost)


def loss(kind: str, field: str, value: object) -> Loss:
    return Loss.model_validate({"kind": kind, "field": field, "value": str(value)[:MAX_SHOWN]})


def _elements(value: object) -> Sequence[object]:
    if isinstance(value, dict):
        inner = next((v for k, v in value.items() if str(k).lower() == "value" and isinstance(v, list)), None)
        return [value] if inner is None else inner
    return value if isinstance(value, list) else [value]


def _inside(wrapped: Mapping[object, object]) -> str | None:
    named = {str(key).strip().lower(): value for key, value in wrapped.items()}
    for key in _INSIDE:
        value = named.get(key)
        if isinstance(value, dict):
            value = next((v for k, v in value.items() if str(k).lower() in _INSIDE and isinstance(v, str)), None)
        if isinstance(value, str) and value.strip():
            return value
    return None


def _take(text: str, field: str, found: list[str], lost: list[Loss]) -> None:
    """Add the hosts or domains that a text holds."""
    if text.startswith("{") and text.endswith("}"):
        inner = text[1:-1].strip()
        if inner.endswith(_DOTS):
            # $FormatEnumerationLimit (about_Preference_Variables): the last element that is shown is whole, others are missing
            inner = inner.removesuffix(_DOTS[0]).removesuffix(_DOTS[1])
            lost.append(loss("more", field, text))
        parts = [part for part in _BETWEEN.split(inner) if part]
    elif objects := _text_objects(text):
        parts = objects
    elif _is_cut(text):
        lost.append(loss("cut", field, text))
        return
    elif _BETWEEN.search(text):
        parts = [part for part in _BETWEEN.split(text) if part]
        places = sum(map(_is_place, parts))
        if not places:
            found.append(text)  # no list: what somebody typed for a host, and DNS will say so
            return
        if places < len(parts):
            lost.append(loss("cut", field, text))
            return
        if re.search(r"\s", text) and not re.search(r"[,;|]", text):
            lost.append(loss("joined", field, text))
    else:
        parts = [text] if text else []
    for part in parts:
        if _is_cut(part):
            lost.append(loss("cut", field, part))
        else:
            found.append(part)


def _text_objects(text: str) -> list[str]:
    """The texts inside `@{Address=mail.contoso.com; Domain=…}`, one or several; [] for anything else."""
    if not text.startswith("@{") or _TEXT_OBJECT.sub("", text):
        return []
    values = [_inside(dict(_pairs(match[1]))) for match in _TEXT_OBJECT.finditer(text)]
    return [value for value in values if value is not None] if all(values) else []


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(";"):
        key, equals, value = part.partition("=")
        if equals:
            yield key.strip(), value.strip()


def _is_cut(text: object) -> bool:
    return isinstance(text, str) and (
        text.startswith("@{") or any(dots in text for dots in _DOTS) or _TYPE_NAME.match(text) is not None
    )


def _is_place(text: str) -> bool:
    """Whether this can only be a host, an address, a range or a domain: a label alone may be a word of a sentence."""
    try:
        if text == "*" or names.network(text) or names.address(text) is not None:
            return True
        return "." in names.host(text.removeprefix("*."))
    except NameFault:
        return False
