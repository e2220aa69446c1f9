"""What holds for all code of the repository: short functions and files, and plain signatures."""

import ast
import functools
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[1]
FOLDERS = ("audioxai_jax", "scripts", "experiments", "benchmarks", "tools", "examples")
FILES = [path for folder in FOLDERS for path in sorted((REPO / folder).rglob("*.py"))]
LIBRARY = [path for path in FILES if path.is_relative_to(REPO / "audioxai_jax")]
BLOCKS = (ast.For, ast.While, ast.If, ast.With, ast.Try)
MOST_LINES, MOST_LINES_OF_A_FILE, MOST_LEVELS = 50, 300, 5


@functools.cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def functions(path: Path):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef):
            yield f"{path.relative_to(REPO)}:{node.lineno}: {node.name}", node


def public_functions(path: Path):
    """Functions and methods that others may call: their names and those of their classes say so."""
    stack = [parsed(path)]
    while stack:
        for node in ast.iter_child_nodes(stack.pop()):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                if isinstance(node, ast.ClassDef):
                    stack.append(node)
                else:
                    yield f"{path.relative_to(REPO)}:{node.lineno}: {node.name}", node


def code_lines(function: ast.FunctionDef, text: str) -> int:
    """Lines of a function without its docstring, comments and empty ones."""
    first, *rest = function.body
    documented = rest and isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    left_out = range(first.lineno, (first.end_lineno or 0) + 1) if documented else ()
    lines = text.split("\n")
    whole = range(function.lineno, (function.end_lineno or 0) + 1)
    code = (lines[number - 1].strip() for number in whole if number not in left_out)
    return sum(bool(line) and not line.startswith("#") for line in code)


def levels(node: ast.AST) -> int:
    """Blocks inside each other; an elif is on the level of its if."""
    deepest = 0
    for name, value in ast.iter_fields(node):
        children = value if isinstance(value, list) else [value]
        same = name == "orelse" and len(children) == 1 and isinstance(node, ast.If)
        for child in children:
            if isinstance(child, ast.AST) and not isinstance(child, ast.FunctionDef):
                inside = isinstance(child, BLOCKS) and not (same and isinstance(child, ast.If))
                deepest = max(deepest, inside + levels(child))
    return deepest


def test_functions_are_short():
    long = [
        f"{name} has {count} lines"
        for path in FILES
        for name, node in functions(path)
        if (count := code_lines(node, text_of(path))) > MOST_LINES
    ]
    assert not long, "\n".join(long)


def test_functions_are_shallow():
    deep = [name for path in FILES for name, node in functions(path) if levels(node) >= MOST_LEVELS]
    assert not deep, "\n".join(deep)


def test_files_of_the_package_are_short():
    long = [
        f"{path.relative_to(REPO)} has {count} lines"
        for path in LIBRARY
        if (count := len(text_of(path).splitlines())) > MOST_LINES_OF_A_FILE
    ]
    assert not long, "\n".join(long)


def test_the_formatter_decides_everywhere():
    tests = sorted((REPO / "tests").rglob("*.py"))
    skipped = [path for path in (*FILES, *tests) if "fmt: " + "skip" in text_of(path)]
    assert not skipped


def test_public_functions_spell_their_options_out():
    hidden = [name for path in LIBRARY for name, node in public_functions(path) if node.args.kwarg]
    assert not hidden, "\n".join(hidden)


def test_randomness_has_no_default():
    """A key that nobody gave would make draws that look independent the same."""
    wrong = []
    for path in LIBRARY:
        for name, node in public_functions(path):
            places = [*node.args.posonlyargs, *node.args.args]
            given = places[len(places) - len(node.args.defaults) :]
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            given += [argument for argument, default in pairs if default is not None]
            wrong += [name for argument in given if argument.arg == "key"]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "code, lines, depth",
    [
        ('def f():\n    """One.\n\n    Two."""\n    # a note\n\n    return 1\n', 2, 0),
        ("def f(x):\n    if x:\n        pass\n    elif x > 1:\n        pass\n", 5, 1),
        ("def f(x):\n    for y in x:\n        with y:\n            return 1\n", 4, 2),
        (
            "def f(x):\n    if x:\n        pass\n    else:\n        for y in x:\n            y\n",
            6,
            2,
        ),
    ],
)
def test_what_is_counted(code, lines, depth):
    (function,) = ast.parse(code).body
    assert isinstance(function, ast.FunctionDef)
    assert code_lines(function, code) == lines and levels(function) == depth
