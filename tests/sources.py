"""The project's Python files as syntax trees, for tests of rules that hold over all of them."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = ("bench", "methods", "datasets", "reports")


@functools.cache
def modules() -> dict[str, ast.Module]:
    """By the name they are imported with: bench.cli.app, bench.methods.crh, ..."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts if folder == "bench" else ("bench", *parts)).removesuffix(".__init__")
            found[name] = ast.parse(path.read_text(encoding="utf-8"), str(path))
    return found


def imports(name: str, tree: ast.AST) -> Iterator[str]:
    """Modules that a part of a module's code imports, as full names; of `from a import b` both a and a.b."""
    package = name if _is_package(name) else name.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def at_import(tree: ast.Module) -> ast.Module:
    """What runs when a module is imported: without the bodies of functions, and what is for type checkers alone."""
    return ast.Module([kept for node in tree.body for kept in _kept(node)], [])


def _kept(node: ast.stmt) -> list[ast.stmt]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    if isinstance(node, ast.ClassDef):
        return [kept for inner in node.body for kept in _kept(inner)]
    if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
        return []
    return [node]


def _is_package(name: str) -> bool:
    parts = name.split(".")
    inside = Path(*(parts[1:] if len(parts) > 1 and parts[1] in FOLDERS[1:] else parts))
    return (ROOT / inside).is_dir()
