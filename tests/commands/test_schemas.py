"""docs/schema/ and docs/json.md describe what `--json` prints; other tests hold printed documents against the schemas."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.__main__ import main
from commands.registry import COMMANDS
from commands.schemas import schemas, shown
from tests.documents import is_valid

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "json.md").read_text(encoding="utf-8")


def test_the_files_are_those_of_the_models() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "schema").iterdir()}
    assert written == {name: shown(schema) for name, schema in schemas().items()}, (
        "make them anew: python -m commands.schemas docs/schema"
    )


def test_every_document_that_help_names_has_one() -> None:
    named = {
        found for command in COMMANDS for option in command.options for found in re.findall(r"mailflow/\w+/\d+", option.summary)
    }
    assert named == {schema["title"] for schema in schemas().values()}


@pytest.mark.parametrize("schema", schemas().values(), ids=lambda schema: schema["title"])
class TestSchema:
    def test_it_is_one(self, schema: dict[str, Any]) -> None:
        jsonschema.Draft202012Validator.check_schema(schema)
        assert "additionalProperties" not in schema

    def test_every_key_is_described(self, schema: dict[str, Any]) -> None:
        """In a table of the page: what is not written there, nobody can rely on."""
        described = set(
            re.findall(r"`(\w+)`", "\n".join(line.split(" | ")[0] for line in PAGE.splitlines() if line.startswith("| `")))
        )
        keys = {key for part in (schema, *schema["$defs"].values()) for key in part.get("properties", ())}
        assert sorted(keys - described) == []


def test_an_explanation_is_valid(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "450 4.4.316 Connection refused -> 421 4.4.2 closed", "--json"])
    assert is_valid(json.loads(capsys.readouterr().out))


@pytest.mark.parametrize("change", [{"primary": "first"}, {"errors": None}, {"errors": [{"code": "450"}]}], ids=str)
def test_another_shape_is_not(change: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "450 4.4.316 Connection refused", "--json"])
    with pytest.raises(jsonschema.ValidationError):
        is_valid(json.loads(capsys.readouterr().out) | change)


def test_keys_may_be_added(capsys: pytest.CaptureFixture[str]) -> None:
    main(["explain", "450 4.4.316 Connection refused", "--json"])
    assert is_valid(json.loads(capsys.readouterr().out) | {"a_later_key": 1})
