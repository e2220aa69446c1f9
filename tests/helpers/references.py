"""Dotted names in docstrings, such as `masks.top_fraction`, looked up in the source."""

import ast
import functools
import re
from pathlib import Path

NAME = re.compile(r"`([A-Za-z_]\w*(?:\.\w+)+)[`(]")
FILES = ("json", "md", "npz", "py", "safetensors", "wav")
"""Last parts of the names of files."""
PACKAGE, BESIDE = "audioxai_jax", ("benchmarks", "experiments", "scripts", "tests", "tools")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def bound(body) -> dict[str, ast.AST]:
    """What statements define, import or assign, by name."""
    names = {}
    for node in body:
        if isinstance(node, DEFINITIONS):
            names[node.name] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0]: node for alias in node.names}
        elif isinstance(node, ast.If | ast.Try):
            names |= bound(node.body)
        else:
            stored = (n for n in ast.walk(node) if isinstance(n, ast.Name))
            names |= {n.id: node for n in stored if isinstance(n.ctx, ast.Store)}
    return names


def starred(names: dict[str, ast.AST]) -> list[tuple[str, ...]]:
    """The module of `from module import *`, if there is one."""
    node = names.get("*")
    return [tuple(str(node.module).split("."))] if isinstance(node, ast.ImportFrom) else []


def strings(tree: ast.Module) -> set[str]:
    """All texts of a module, such as the names that it imports when they are used."""
    return {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}


class Source:
    """The modules of a repository, by their dotted names as tuples."""

    def __init__(self, repo: Path):
        self.files = {}
        for folder in (PACKAGE, *BESIDE):
            for path in (repo / folder).rglob("*.py"):
                parts = path.relative_to(repo).with_suffix("").parts
                self.files[parts[:-1] if parts[-1] == "__init__" else parts] = path
        self.before = {}
        for module in self.files:
            for i in range(1, len(module) if module[0] == PACKAGE else 0):
                self.before.setdefault(module[i], set()).add(module[:i])
        self.tree = functools.cache(lambda module: ast.parse(self.files[module].read_text("utf-8")))

    def has(self, name: tuple[str, ...]) -> bool:
        """Whether a full name leads somewhere; beyond a class's own names that is not decided."""
        ends = [n for n in range(len(name), 0, -1) if name[:n] in self.files]
        if not ends:
            return False
        module, rest = name[: ends[0]], name[ends[0] :]
        if not rest:
            return True
        names = bound(self.tree(module).body)
        node = names.get(rest[0])
        if len(rest) > 1 and isinstance(node, ast.ClassDef) and not node.bases:
            return rest[1] in bound(node.body)
        if node is not None or any(self.has((*star, rest[0])) for star in starred(names)):
            return True
        return "__getattr__" in names and rest[0] in strings(self.tree(module))

    def is_dead(self, reference: str, own: set[str]) -> bool:
        """Whether a name that begins with a part or a module of the package leads nowhere.

        Args:
          reference: dotted name.
          own: arguments or fields that the docstring is about, which may have a module's name.
        """
        name = tuple(reference.split("."))
        if name[0] in own or name[-1] in FILES:
            return False
        if name[0] in (PACKAGE, *BESIDE):
            return not self.has(name)
        places = self.before.get(name[0], ())
        return bool(places) and not any(self.has((*place, *name)) for place in places)

    def dead(self) -> list[str]:
        """`module: name` of each dead reference in the package's docstrings."""
        return [
            f"{'.'.join(module)}: {reference}"
            for module in sorted(self.files)
            if module[0] == PACKAGE
            for text, own in texts(self.tree(module))
            for reference in NAME.findall(text)
            if self.is_dead(reference, own)
        ]


def texts(tree: ast.Module):
    """Docstrings, also those of constants, each with the names that it is about."""
    documented = {}
    for node in ast.walk(tree):
        if isinstance(node, DEFINITIONS):
            documented[node.body[0]] = {n.arg for n in ast.walk(node) if isinstance(n, ast.arg)}
            if isinstance(node, ast.ClassDef):
                documented[node.body[0]] |= set(bound(node.body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if isinstance(node.value.value, str):
                yield node.value.value, documented.get(node, set())
