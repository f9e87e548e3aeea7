"""Every line about a fix has its template, every template is used by a rule, and none lacks a fact of its rule."""

import ast
import string
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from diagnostics.catalogue import CatalogueFault, files, fixing
from diagnostics.catalogue.fixing import Caution, Objection, Topic
from diagnostics.endpoints import SHIPPED
from diagnostics.fix.notes import listing, note, worded
from tests.fix.office import SAY

FOLDER = Path(__file__).parents[2] / "diagnostics" / "fix"
KEYS = {f"{kind.__name__}.{key.name}": key.value for kind in (Objection, Caution, Topic) for key in kind}
ALL = None
"""Facts by a mapping: which ones is seen when the line is said."""


def templates() -> dict[tuple[str, str], set[str]]:
    document = tomllib.loads((FOLDER.parent / "catalogue/en/fix.toml").read_text("utf-8"))
    ways = {key: value if isinstance(value, dict) else {"": value} for key, value in document.items()}
    return {(key, how): fields(text) for key, texts in ways.items() for how, text in texts.items()}


def fields(template: str) -> set[str]:
    return {field for _, field, _, _ in string.Formatter().parse(template) if field}


WRAPPED = {"_said": "outcome", "_tell": "progress", "_of": "part"}
"""Functions of fix/ that make a note of one key: their `how` is the first text that they are given."""


def said() -> Iterator[tuple[str, str, set[str] | None]]:
    """(key, how, names of its facts) of every note that the code makes."""
    for path in sorted(FOLDER.glob("*.py")):
        for scope, call in calls(ast.parse(path.read_text("utf-8"))):
            name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
            facts = ALL if any(k.arg is None for k in call.keywords) or name == "_of" else {k.arg or "" for k in call.keywords}
            if name == "note" and call.args:
                for how in ways(call.args[1], scope) if len(call.args) > 1 else [""]:
                    yield KEYS[ast.unparse(call.args[0])], how, facts
            elif name in WRAPPED:
                for how in (how for arg in call.args[:2] for how in ways(arg, scope)):
                    yield WRAPPED[name], how, facts


def calls(tree: ast.Module) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Every call with the function or the statement of a module that it stands in."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    others = [node for node in tree.body if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]
    yield from ((scope, node) for scope in (*functions, *others) for node in ast.walk(scope) if isinstance(node, ast.Call))


def ways(node: ast.expr, tree: ast.AST) -> list[str]:
    """The texts that an expression can be, one assigned to a variable or looped over included."""
    if isinstance(node, ast.IfExp):
        return [*ways(node.body, tree), *ways(node.orelse, tree)]
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.Name):
        values = [n.value for n in ast.walk(tree) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == node.id]
        loops = [n.iter for n in ast.walk(tree) if isinstance(n, ast.comprehension) and ast.unparse(n.target) == node.id]
        values += [value for loop in loops if isinstance(loop, ast.Tuple) for value in loop.elts]
        return [how for value in values for how in ways(value, tree)]
    return []


def test_what_the_rules_say_and_what_has_words_are_the_same() -> None:
    known, found = templates(), defaultdict(list)
    for key, how, facts in said():
        found[key, how].append(facts)
    assert set(found) == set(known)
    lacking = {place: known[place] - facts for place, given in found.items() for facts in given if facts is not ALL}
    assert not {place: missing for place, missing in lacking.items() if missing}


def test_an_id_without_words_is_found_when_the_catalogue_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    document: Mapping[str, object] = files.words("fix.toml", SHIPPED)
    for id in (*Objection, *Caution):
        short = {key: value for key, value in document.items() if key != id}
        monkeypatch.setattr(fixing, "words", lambda *_, short=short: short)
        with pytest.raises(CatalogueFault, match=id):
            fixing.phrases(SHIPPED)


def test_a_list_names_the_first_of_many_and_counts_the_others() -> None:
    many = note(Objection.DOMAIN_NOT_ACCEPTED, "served", connector="c", domains=listing([f"d{n}" for n in range(9)]))
    assert "d0, d1, d2, d3, d4 and 4 more." in worded(many, SAY)
    nested = note(Topic.PART, "name-and", name="a", what=listing(["b" * 200, "{where}"], most=1))
    assert worded(nested, SAY) == f"a ({'b' * 64} and 1 more)"
