"""`python -m commands.schemas docs/schema`: the JSON Schemas (draft 2020-12) of the documents that `--json` prints.

They are made from the models that print the documents, so that they cannot differ. Keys may be added to a document without a
new number, so no schema forbids the keys that it does not name.
"""

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from diagnostics.explain.document import Explanation
from diagnostics.fix.record import Audit, Fix
from diagnostics.model import Diagnosis

DOCUMENTS: tuple[type[BaseModel], ...] = (Diagnosis, Explanation, Fix, Audit)
"""The models whose `schema` names a document."""


def schemas() -> dict[str, dict[str, Any]]:
    """File name to schema: `check-1.json` is that of `mailflow/check/1`."""
    return dict(_schema(model) for model in DOCUMENTS)


def write(folder: Path) -> None:
    """Write one file a document. Raises OSError."""
    for name, schema in schemas().items():
        (folder / name).write_text(shown(schema), encoding="utf-8")


def shown(schema: dict[str, Any]) -> str:
    """The text of a file."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def _schema(model: type[BaseModel]) -> tuple[str, dict[str, Any]]:
    made = _open(model.model_json_schema(mode="serialization"))
    document: str = made["properties"]["schema"]["const"]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": document}
    return f"{document.removeprefix('mailflow/').replace('/', '-')}.json", head | {k: v for k, v in made.items() if k != "title"}


def _open(part: Any) -> Any:
    """Without what forbids further keys, and without titles and docstrings, which speak to readers of the code."""
    if isinstance(part, list):
        return [_open(each) for each in part]
    if not isinstance(part, dict):
        return part
    return {key: _open(value) for key, value in part.items() if not _is_dropped(key, value)}


def _is_dropped(key: str, value: object) -> bool:
    # a property may be called "title" or "description" too: its value is a schema, no string
    return (key == "additionalProperties" and value is False) or (key in ("title", "description") and isinstance(value, str))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
