"""Regular expressions mean the same on every Python that is claimed: early 3.11 misreads possessive and atomic groups."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("bot", "commands", "diagnostics", "attack", "bench", "tests")
SPECIAL = re.compile(r"(?<=[*+?}])\+|\(\?>")
UNESCAPED = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


def odd(pattern: str) -> bool:
    """Whether it has a possessive quantifier or an atomic group; escapes and classes are looked over."""
    return bool(SPECIAL.search(UNESCAPED.sub("c", pattern)))


def sources() -> list[Path]:
    found = [path for room in ROOMS for path in (ROOT / room).rglob("*.py") if "node_modules" not in path.parts]
    return [path for path in found if path != Path(__file__)]


def texts(tree: ast.AST) -> Iterator[str]:
    """Every string in a module; of an f-string its fixed parts with what fills them as one letter."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "c" for part in node.values)
        elif isinstance(node, ast.Constant) and id(node) not in inside:
            if isinstance(node.value, bytes):
                yield node.value.decode("latin-1")
            elif isinstance(node.value, str):
                yield node.value


def is_pattern(text: str) -> bool:
    try:
        return bool(_parser.parse(text))
    except (re.error, OverflowError, RecursionError):
        return False


@pytest.mark.parametrize("pattern", ["a++b", "[ab]{1,9}+c", r"(?:a|b){1,2}+", "a?+", "(?>a|b)c", r"\)++"])
def test_such_groups_are_found(pattern: str) -> None:
    assert odd(pattern)
    assert is_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"a\+\+", "[*+?]+", r"a{1,9}\+", "(?:a)+", r"\(\?>", "[++]", "[]++]"])
def test_others_are_not(pattern: str) -> None:
    assert not odd(pattern)


def test_no_regular_expression_has_a_possessive_or_atomic_group() -> None:
    paths = sources()
    assert len(paths) > 200
    found = [
        f"{path.relative_to(ROOT)}: {text!r}"
        for path in paths
        if "re" in (source := path.read_text(encoding="utf-8")) and "import re" in source
        for text in texts(ast.parse(source))
        if odd(text) and is_pattern(text)
    ]
    assert not found
