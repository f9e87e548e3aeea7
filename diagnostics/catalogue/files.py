"""Files of the catalogue: rules and words stand apart, under the same names, and are joined here.

`catalogue/rules/` holds ids, codes, owners and what proves what; `catalogue/en/` holds every word for people, so that another
language is another folder.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

from diagnostics.endpoints import Ranges

LANGUAGE = "en"
_ROWS = ("cause", "fix")


class CatalogueFault(Exception):
    """The catalogue contradicts itself or the findings: a fault of ours, found at start."""


def codes(folder: str = "codes") -> Iterator[str]:
    """The names of the files in that folder, in order."""
    found = resources.files(__package__).joinpath("rules", folder)
    yield from sorted(f"{folder}/{file.name}" for file in found.iterdir() if file.name.endswith(".toml"))


def words(name: str, ranges: Ranges) -> dict[str, Any]:
    """A file that is words alone. `{ranges}` in a text becomes Microsoft's addresses, `{ranges-version}` their list's version."""
    return _toml(LANGUAGE, name, ranges)


def rules(name: str, ranges: Ranges) -> dict[str, Any]:
    """A file that is rules alone."""
    return _toml("rules", name, ranges)


def joined(name: str, ranges: Ranges) -> dict[str, Any]:
    """A file of rules with its words. Raises CatalogueFault where one lacks the other."""
    try:
        return _join(rules(name, ranges), words(name, ranges))
    except KeyError as error:
        raise CatalogueFault(f"{name}: rules and words differ in {error}") from None


@lru_cache(maxsize=256)
def _toml(folder: str, name: str, ranges: Ranges) -> dict[str, Any]:
    text = resources.files(__package__).joinpath(folder, *name.split("/")).read_text("utf-8")
    return tomllib.loads(text.replace("{ranges}", str(ranges)).replace("{ranges-version}", ranges.version))


def _join(ruled: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(ruled)
    for key, value in said.items():
        if key in _ROWS and isinstance(ruled.get(key), list):
            found[key] = _with_texts(ruled[key], value)
        elif isinstance(value, dict):
            found[key] = _join(ruled.get(key, {}), value)
        else:
            found[key] = value
    return found


def _with_texts(rows: list[dict[str, Any]], texts: Mapping[str, str]) -> list[dict[str, Any]]:
    if unused := set(texts) - {row["id"] for row in rows}:
        raise KeyError(*sorted(unused))
    return [row | {"text": texts[row["id"]]} for row in rows]
