"""Templates for evidence and summaries: facts go in, a line for a person comes out. Nothing reads such a line back."""

import string
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from diagnostics.catalogue import files
from diagnostics.catalogue.files import CatalogueFault
from diagnostics.endpoints import SHIPPED
from diagnostics.findings import Facts

ANY = "*"
"""The table of templates that hold for every key, by their `how`."""

MISSING = "(?)"
"""Stands for a fact that a template wants and a finding lacks."""


class _Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return MISSING


class Phrases:
    """The templates of one file by key, and by the fact `how` where a key has several. `same`: keys that speak like others."""

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        self._name = name
        self._same: Mapping[str, str] = document.get("same", {})
        rows = {key: value for key, value in document.items() if key != "same"}
        self._templates = {key: value if isinstance(value, dict) else {"": value} for key, value in rows.items()}
        for key, ways in self._templates.items():
            for template in ways.values():
                _check(f"{name}: {key}", template)

    def check(self, keys: Iterable[str]) -> None:
        """Raises CatalogueFault unless every key has its templates and nothing else has."""
        has = (set(self._templates) | set(self._same)) - {ANY}
        if wrong := set(keys) ^ has:
            raise CatalogueFault(f"{self._name} and the code differ in {', '.join(sorted(wrong))}")
        if unknown := set(self._same.values()) - set(self._templates):
            raise CatalogueFault(f"{self._name}: [same] names {', '.join(sorted(unknown))}")

    def say(self, key: str, facts: Facts) -> str:
        """The line; never raises, since an answer must not be lost for the want of a word."""
        ways = self._templates.get(self._same.get(key, key), {})
        how = facts.get("how", "")
        template = ways.get(how) or self._templates.get(ANY, {}).get(how) or ways.get("") or ""
        return template.format_map(_Known(facts))


@cache
def shipped(name: str) -> Phrases:
    """The templates of a file without Microsoft's addresses, for rooms that speak before there is a catalogue."""
    return Phrases(name, files.words(name, SHIPPED))


def _check(place: str, template: object) -> None:
    if not isinstance(template, str):
        raise CatalogueFault(f"{place}: {template!r} is no template")
    try:
        fields = [field for _, field, _, _ in string.Formatter().parse(template) if field is not None]
    except ValueError as error:
        raise CatalogueFault(f"{place}: {error} in {template!r}") from None
    if odd := [field for field in fields if not field.isidentifier()]:
        raise CatalogueFault(f"{place}: {odd} is no name of a fact")
