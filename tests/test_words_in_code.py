"""Words for people stand in diagnostics/catalogue/en/, and below commands/ nowhere else: the syntax trees are searched for them.

A literal is taken for words where it has a blank between letters; the values of an f-string count as letters. What is exempt is
so by its place or by its kind, never by what it says: docstrings, log lines, the words of an exception, what is looked for in
foreign text, regular expressions, SQL, date formats, type annotations, names that a `Literal` lists, names written as one text,
and the private constants of diagnostics/parse/, which reads foreign text and says nothing.
"""

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

_BLANK = re.compile(r"[^\W\d_\0][.,:;)'\"]* +[(\"']*[^\W\d_]|[^\W\d_][.,:;)'\"]* +[(\"']*\0|\0[.,:;)'\"]* +[(\"']*[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]{2,}")
_SQL = re.compile(r"\s*(?:SELECT|SET|BEGIN|PRAGMA|CREATE (?:TRIGGER|FUNCTION)|READ COMMITTED)\b|\w+ -(?:eq|like) '")
"""And OPATH, in which Exchange's cmdlets take filters."""

_REGEX = frozenset({"compile", "match", "fullmatch", "search", "sub", "split", "findall", "finditer"})
_LOOKS_FOR = frozenset({"partition", "rpartition", "startswith", "endswith", "removeprefix", "removesuffix", "replace", "find"})
_LOGS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})


def sentences(trees: Sequence[ast.Module]) -> list[list[tuple[int, str]]]:
    """By module of one program: (line, literal) of all that reads like words for a person."""
    raised, names = _exceptions(trees), _listed(trees)
    return [list(_sentences(tree, raised, names)) for tree in trees]


def _sentences(tree: ast.Module, raised: set[str], names: set[str]) -> Iterator[tuple[int, str]]:
    nodes = list(ast.walk(tree))
    splitters = {node.name for node in nodes if isinstance(node, ast.FunctionDef) and _splits(node)}
    exempt = {id(part) for node in nodes for root in _exempt(node, raised, splitters) for part in ast.walk(root)}
    patterns = [part for node in nodes for root in _patterns(node) for part in ast.walk(root)]
    for constant in _constants(tree, {part.id for part in patterns if isinstance(part, ast.Name)}):
        exempt |= set(map(id, ast.walk(constant)))
    for node in nodes:
        if isinstance(node, ast.JoinedStr) and id(node) not in exempt:
            exempt |= {id(part) for part in node.values if isinstance(part, ast.Constant)}  # judged as a whole
    for node in nodes:
        if not isinstance(node, ast.JoinedStr | ast.Constant) or id(node) in exempt:
            continue
        text = _text(node)
        if text not in names and not _SQL.match(text) and _BLANK.search(text) and len(_WORD.findall(text)) > 1:
            yield node.lineno, text.replace("\0", "{}")


def _text(node: ast.JoinedStr | ast.Constant) -> str:
    """What a literal says, with a NUL for every value of an f-string; nothing for numbers."""
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) if isinstance(part, ast.Constant) else "\0" for part in node.values)
    return node.value if isinstance(node.value, str) else ""


def _exempt(node: ast.AST, raised: set[str], splitters: set[str]) -> Iterator[ast.AST]:
    """What may hold words at or below this node."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node  # docstrings, of attributes too
    elif isinstance(node, ast.Raise):
        yield node
    elif isinstance(node, ast.ClassDef) and node.name in raised:
        calls = (call for call in ast.walk(node) if isinstance(call, ast.Call))
        yield from (call for call in calls if ast.unparse(call.func) == "super().__init__")
    elif isinstance(node, ast.FormattedValue) and node.format_spec:
        yield node.format_spec
    elif isinstance(node, ast.AnnAssign | ast.arg) and node.annotation:
        yield node.annotation
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.returns:
        yield node.returns
    elif isinstance(node, ast.Compare) and any(isinstance(op, ast.In | ast.NotIn) for op in node.ops):
        yield node.left
    elif isinstance(node, ast.Call):
        yield from _exempt_of_call(node, raised, splitters)
    yield from _patterns(node)


def _exempt_of_call(call: ast.Call, raised: set[str], splitters: set[str]) -> Iterator[ast.AST]:
    name = _name(call.func)
    method, owner = (name, _name(call.func.value)) if isinstance(call.func, ast.Attribute) else ("", "")
    if name in raised or name in ("cast", "TypeVar") or (method in _LOGS and owner in ("log", "logging")):
        yield call
    elif method in _LOOKS_FOR:
        yield from call.args[:1]
    elif method == "split":
        yield call.func
    elif method == "strftime" or name in splitters:
        yield from call.args


def _patterns(node: ast.AST) -> Iterator[ast.AST]:
    """The regular expression of a call, a statement in SQL."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _name(node.func.value) == "re":
        yield from node.args[: node.func.attr in _REGEX]
    elif isinstance(node, ast.JoinedStr) and _SQL.match(_text(node)):
        yield node


def _splits(function: ast.FunctionDef) -> bool:
    """Whether it takes its argument for names with blanks between them."""
    calls = (ast.unparse(node) for node in ast.walk(function) if isinstance(node, ast.Call))
    return any(re.fullmatch(rf"{arg.arg}(?:\.lower\(\))?\.split\(\)", call) for call in calls for arg in function.args.args)


def _constants(tree: ast.Module, names: set[str]) -> Iterator[ast.AST]:
    """The module's constants of these names, and those that they are made of."""
    made = {ast.unparse(target): value for target, value in _assigned(tree)}
    todo = list(names & made.keys())
    seen = set(todo)
    while todo:
        value = made[todo.pop()]
        yield value
        more = {part.id for part in ast.walk(value) if isinstance(part, ast.Name)} & made.keys() - seen
        seen |= more
        todo += more


def _assigned(tree: ast.Module) -> Iterator[tuple[ast.expr, ast.AST]]:
    for statement in tree.body:
        if isinstance(statement, ast.Assign):
            yield statement.targets[0], statement.value
        elif isinstance(statement, ast.AnnAssign) and statement.value:
            yield statement.target, statement.value


def _exceptions(trees: Sequence[ast.Module]) -> set[str]:
    """Names of exceptions: those of Python, and every class that derives from one."""
    found = {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)}
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    size = 0
    while size != len(found):
        size = len(found)
        found |= {node.name for node in classes if any(_name(base) in found for base in node.bases)}
    return found


def _listed(trees: Sequence[ast.Module]) -> set[str]:
    """The values that some `Literal[…]` allows: names of the field, checked by types."""
    kinds = [n for t in trees for n in ast.walk(t) if isinstance(n, ast.Subscript) and _name(n.value) == "Literal"]
    return {_text(node) for node in chain.from_iterable(map(ast.walk, kinds)) if isinstance(node, ast.Constant)}


def _name(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def test_no_words_for_people_stand_in_code() -> None:
    paths = sorted((ROOT / "diagnostics").rglob("*.py"))
    trees = [ast.parse(path.read_text("utf-8")) for path in paths]
    for path, tree in zip(paths, trees, strict=True):
        if "parse" in path.parts:
            tree.body = [each for each in tree.body if not _is_private_constant(each)]
    found = sentences(trees)
    lines = [f"{path.relative_to(ROOT)}:{n}: {text!r}" for path, said in zip(paths, found, strict=True) for n, text in said]
    assert not lines, "\n".join(["These words belong into diagnostics/catalogue/en/:", *lines])


def _is_private_constant(statement: ast.stmt) -> bool:
    return any(ast.unparse(target).startswith("_") for target, _ in _assigned(ast.Module([statement], [])))


def found_in(code: str) -> list[str]:
    return [text for _, text in sentences([ast.parse(code)])[0]]


@pytest.mark.parametrize(
    "code",
    [
        'why = "The server is gone."',
        'why = f"{host} does not answer"',
        'why = f"No answer from {host}"',
        'return_ = Reply(text="Nothing was changed")',
        'WORDS = {"a": "is under way"}',
        'def why(error):\n    return f"cannot be read: {error}"',
        'why = error.replace("x", "it cannot be read")',
        'yield_ = note(Topic.PART, "x", text="no such host")',
        'if why == "the disk is full":\n    pass',
        'SELECTED = "Select one of these"',
        'print("all is well")',
        'why = " ".join(["Pas de réponse", host])',
    ],
)
def test_words_are_found(code: str) -> None:
    assert found_in(code)


@pytest.mark.parametrize(
    "code",
    [
        '"""A docstring of a module."""',
        'X = 1\n"""What it is."""',
        'def f() -> "A | None":\n    """What it does."""',
        'class Gone(Exception):\n    def __init__(self, host):\n        super().__init__(f"{host} is gone for good")',
        'class Gone(Exception):\n    pass\ndef f():\n    return Gone("it is gone for good")',
        'raise made("it is gone for good")',
        'log.warning("it is gone for good")',
        'X = re.compile("the server is (?:gone|back)")',
        'X = ("gone for", "back for")\nY = re.compile(f"(?:{chr(124).join(X)}) good")',
        'if "message expired" in text:\n    pass',
        'head = text.partition(" Trace ID ")[0]',
        'run("SELECT id FROM fixes")',
        'day = f"{at:%d %B at %H or so}"',
        'day = at.strftime("%d %B at %H")',
        'Role = Literal["Message Tracking"]\nROLE: Role = "Message Tracking"',
        'def names(text):\n    return text.lower().split()\nX = names("Name Guid Enabled")',
        'X = "Name Guid Enabled".split()',
        'line = f"HTTP {status}"',
        'line = "Content-Type"',
    ],
)
def test_what_is_no_word_for_a_person_is_not(code: str) -> None:
    assert not found_in(code)
