"""Arrows between the folders run one way, and no module imports itself by a detour."""

from __future__ import annotations

import ast
import graphlib

import pytest

from tests.sources import at_import, imports, modules

PLUGINS = ("bench.methods", "bench.datasets", "bench.reports")


def inside(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


@pytest.mark.parametrize("package", PLUGINS)
def test_nothing_imports_a_plugin_by_name(package: str) -> None:
    """They are found by name; only their own folder knows its files."""
    found = {
        (name, imported)
        for name, tree in modules().items()
        if not inside(name, package)
        for imported in imports(name, tree)
        if inside(imported, package)
    }
    assert found == set()


def test_no_module_needs_itself_to_be_imported() -> None:
    known = modules()
    graph = {  # without packages around a module: they are there before it
        name: {i for i in imports(name, at_import(tree)) if i in known and not inside(name, i)}
        for name, tree in known.items()
    }
    list(graphlib.TopologicalSorter(graph).static_order())  # raises a CycleError that names it


def test_a_cycle_would_be_found() -> None:
    one, two = ast.parse("from bench import b"), ast.parse("import bench.a")
    graph = {"bench.a": set(imports("bench.a", one)), "bench.b": set(imports("bench.b", two))}
    with pytest.raises(graphlib.CycleError):
        list(graphlib.TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("heavy", ["torch", "pandas", "matplotlib", "sklearn", "scipy", "numba", "jinja2"])
def test_the_command_line_imports_nothing_heavy(heavy: str) -> None:
    """`bench --help` and shell completion answer at once."""
    known, seen, todo = modules(), set(), ["bench.cli.app"]
    while todo:
        name = todo.pop()
        if name in seen or name not in known:
            continue
        seen.add(name)
        found = set(imports(name, at_import(known[name])))
        assert not any(inside(i, heavy) for i in found), name
        todo += found
    assert len(seen) > 20
