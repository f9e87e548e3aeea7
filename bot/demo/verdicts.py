"""What the check said about each target of the lab, beside what the lab built. Pure."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from commands.reply import Reply

FIELDS = ("verdict", "code", "reason")


@dataclass(frozen=True, slots=True)
class Row:
    """One target and its verdict; absent fields are a dash, so that every line has as many columns."""

    target: str
    verdict: str
    code: str
    reason: str

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> "Row":
        return cls(str(table["target"]), *(str(table.get(field) or "-") for field in FIELDS))

    @property
    def judgement(self) -> str:
        return " ".join((self.verdict, self.code, self.reason))


def found(reply: Reply) -> list[Row]:
    """The rows of the JSON document that `check` prints. An answer without one, an error, has none."""
    if reply.document is None:
        return []
    return [Row.of(result) for result in json.loads(reply.document.model_dump_json())["results"]]


def table(rows: Iterable[Row]) -> list[str]:
    """A line each, in columns that are at least two blanks apart."""
    return [f"{row.target:<24}  {row.verdict:<8}  {row.code:<11}  {row.reason}" for row in rows]


def differences(expected: Iterable[Row], rows: Iterable[Row]) -> list[str]:
    """One sentence for each target that is not told as the lab built it."""
    built = {row.target: row for row in expected}
    told = {row.target: row for row in rows}
    wrong = [
        f"{name}: the lab built {built[name].judgement}, the check says {told[name].judgement if name in told else 'nothing'}."
        for name in built
        if told.get(name) != built[name]
    ]
    return wrong + [f"{name}: the lab did not build this target." for name in told if name not in built]
