"""What `--json` prints, held against the schemas that are published in docs/schema/."""

import json
from pathlib import Path
from typing import Any

import jsonschema

FOLDER = Path(__file__).parents[1] / "docs/schema"


def is_valid(document: dict[str, Any]) -> bool:
    """True for a document as its own schema has it. Raises jsonschema.ValidationError for another."""
    name = document["schema"].removeprefix("mailflow/").replace("/", "-")
    schema = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(document)
    return True
