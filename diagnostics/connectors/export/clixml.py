"""Export-Clixml's XML ([MS-PSRP] section 2.2.5, serialization of objects) → rows.

Read with expat into a small tree of bounded depth. It starts with <Objs, so no document type, and with it no entity, is declared.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from diagnostics.connectors.export.csv_rows import TYPE
from diagnostics.connectors.export.fault import ExportFault

MAX_DEPTH = 60
"""Export-Clixml goes 2 objects deep by default; each takes three elements."""

_LISTS = frozenset({"LST", "IE", "STK", "QUE"})
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_OPENING = re.compile(r"(?:<\?xml[^>]{0,200}\?>\s*)?<Objs[\s>]")


@dataclass(slots=True)
class _Element:
    tag: str
    attributes: Mapping[str, str]
    children: list["_Element"] = field(default_factory=list)
    text: list[str] = field(default_factory=list)


def is_clixml(text: str) -> bool:
    """Whether the document's first element is Export-Clixml's."""
    return _OPENING.match(text) is not None


def rows(text: str) -> list[object]:
    """Each object, or those of a list. Raises ExportFault."""
    values = _Values()
    found: list[object] = []
    for element in _tree(text).children:
        value = values.of(element)
        found += value if isinstance(value, list) else [value]
    return found


def _tree(text: str) -> _Element:
    root = _Element("", {})
    path = [root]
    # the text is decoded already, whatever its declaration says
    parser = expat.ParserCreate(encoding="utf-8")
    parser.buffer_text = True

    def opened(tag: str, attributes: dict[str, str]) -> None:
        if len(path) > MAX_DEPTH:
            raise ExportFault("it is nested too deep to be an export")
        element = _Element(tag, attributes)
        path[-1].children.append(element)
        path.append(element)

    def closed(_tag: str) -> None:
        path.pop()

    def said(text: str) -> None:
        path[-1].text.append(text)

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = opened, closed, said
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
    except expat.ExpatError as error:
        raise ExportFault(f"line {error.lineno}, column {error.offset + 1}: {expat.ErrorString(error.code)}") from None
    return root.children[0]


class _Values:
    """Elements → None, texts, lists and dicts. An object is referred to by its RefId, its type's names by theirs."""

    def __init__(self) -> None:
        self._objects: dict[str, object] = {}
        self._types: dict[str, str] = {}

    def of(self, element: _Element) -> object:
        match element.tag:
            case "Nil":
                return None
            case "Ref":
                return self._objects.get(element.attributes.get("RefId", ""))
            case "Obj":
                value = self._object(element)
                self._objects[element.attributes.get("RefId", "")] = value
                return value
            case _:
                return _text(element)

    def _object(self, element: _Element) -> object:
        parts = {child.tag: child for child in element.children}
        kind = self._type(parts)
        if "System.Enum" in kind and "ToString" in parts:
            return _text(parts["ToString"])
        for child in element.children:
            if child.tag in _LISTS:
                return [self.of(entry) for entry in child.children]
            if child.tag == "DCT":
                return self._dictionary(child)
        members = [m for tag in ("Props", "MS") if tag in parts for m in parts[tag].children]
        plain = [c for c in element.children if c.tag not in ("TN", "TNRef", "ToString", "Props", "MS")]
        if plain:
            return self.of(plain[0])
        if members:
            return {**{_unescaped(m.attributes.get("N", "")): self.of(m) for m in members}, TYPE: kind}
        return _text(parts["ToString"]) if "ToString" in parts else None

    def _type(self, parts: Mapping[str, _Element]) -> str:
        if "TNRef" in parts:
            return self._types.get(parts["TNRef"].attributes.get("RefId", ""), "")
        if "TN" not in parts:
            return ""
        names = parts["TN"]
        self._types[names.attributes.get("RefId", "")] = known = " ".join(_text(name) for name in names.children)[:500]
        return known

    def _dictionary(self, element: _Element) -> dict[str, object]:
        pairs = ({part.attributes.get("N"): self.of(part) for part in entry.children} for entry in element.children)
        return {str(pair.get("Key")): pair.get("Value") for pair in pairs}


def _text(element: _Element) -> str:
    return _unescaped("".join(element.text))


def _unescaped(text: str) -> str:
    """[MS-PSRP] 2.2.5.3.2: characters that XML cannot hold are written as _xHHHH_."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
